"""What a detector says of rows or images, as a verb tells it: scores, p-values, what is called odd, and how right that was.

Shapes: R rows or images. Everywhere higher is odder.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from halfseen.apps.conformal import discoveries, p_values
from halfseen.apps.detecting import Detecting
from halfseen.data.faults import all_faults

Numbers = NDArray[np.float64]
ODD, USUAL = ("1", "1.0", "true", "odd", "yes", "anomaly", "outlier"), ("0", "0.0", "false", "usual", "no", "normal", "inlier")
"""How labels say so, in any case."""


@dataclass(frozen=True)
class Verdict:
    """thing: what is judged, in the singular. names: of each, its number or its name. threshold: an oddness above it is an alarm."""

    thing: str
    names: Sequence[int | str]
    oddness: Numbers
    p: Numbers
    called: NDArray[np.bool_]
    threshold: float
    rate: float

    def oddest(self, top: int) -> NDArray[np.int64]:
        """Which they are, the oddest first."""
        return np.argsort(-self.oddness, kind="stable")[:top]

    def told(self, order: NDArray[np.int64], because: Sequence[dict[str, str]]) -> dict[str, Any]:
        """What a verb prints. because: of each of the oddest, what makes it so."""
        oddest = [
            {self.thing: self.names[i], "oddness": round(float(self.oddness[i]), 4), "p_value": float(self.p[i]), "because": why}
            for i, why in zip(order, because, strict=True)
        ]
        alarms = int((self.oddness > self.threshold).sum())
        return {f"{self.thing}s": len(self.names), "alarms": alarms, "odd": int(self.called.sum()), "rate": self.rate, "oddest": oddest}

    def as_csv(self) -> bytes:
        held = io.StringIO()
        rows = csv.writer(held, lineterminator="\n")
        rows.writerow([self.thing, "oddness", "p_value", "odd"])
        for name, oddness, p, called in zip(self.names, self.oddness, self.p, self.called, strict=True):
            rows.writerow([name, f"{oddness:.6g}", f"{p:.6g}", int(called)])
        return held.getvalue().encode()


def verdict(detector: Detecting, thing: str, names: Sequence[int | str], oddness_R: Numbers, rate: float) -> Verdict:
    p_R = p_values(oddness_R, detector.usual_)
    return Verdict(thing, names, oddness_R, p_R, discoveries(p_R, rate), -detector.offset_, rate)


def truth(labels: Sequence[Any], thing: str, names: Sequence[int | str], where: str) -> NDArray[np.bool_]:
    """Which are odd. Raises UserError for labels that say neither."""
    said = [str(value).strip().lower() for value in labels]
    if faults := [f"{thing} {name} has {value!r}" for name, value in zip(names, said, strict=True) if value not in (*ODD, *USUAL)]:
        raise all_faults(faults, where=where, way_out=f"let labels be 1 for odd {thing}s and 0 for usual ones")
    return np.array([value in ODD for value in said], bool)


def judged(oddness_R: Numbers, odd_R: NDArray[np.bool_]) -> dict[str, float]:
    """ROC-AUC, PR-AUC beside its chance, and the share of usual ones above the score that 95 % of the odd ones reach."""
    from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

    if odd_R.all() or not odd_R.any():
        return {"odd_share": float(odd_R.mean())}
    false_share, true_share, _ = roc_curve(odd_R, oddness_R)
    return {
        "odd_share": float(odd_R.mean()),
        "roc_auc": float(roc_auc_score(odd_R, oddness_R)),
        "pr_auc": float(average_precision_score(odd_R, oddness_R)),
        "false_alarms_at_95": float(false_share[np.searchsorted(true_share, 0.95)]),
    }
