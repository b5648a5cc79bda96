"""`halfseen detect`: learn what is usual from a table, and say which rows of another are odd and why."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from halfseen.apps.conformal import discoveries, p_values
from halfseen.apps.detect_options import DetectFitOptions, DetectScoreOptions
from halfseen.apps.detector import AnomalyDetector
from halfseen.apps.detector_files import load_detector, save_detector
from halfseen.contracts import Array, UserError
from halfseen.data.claim import claim
from halfseen.data.faults import all_faults
from halfseen.data.files import write_atomically
from halfseen.data.tables import Column, Table, read_table
from halfseen.train.progress import note

ODD, USUAL = ("1", "1.0", "true", "odd", "yes", "anomaly", "outlier"), ("0", "0.0", "false", "usual", "no", "normal", "inlier")
"""How labels say so, in any case."""


def detect_fit(path: str | Path, *, out: str | Path, **options: Any) -> dict[str, Any]:
    """What `halfseen detect fit --json` prints. options: the fields of `DetectFitOptions`."""
    return fit(DetectFitOptions(path=Path(path), out=Path(out), **options))


def detect_score(detector: str | Path, path: str | Path, *, out: str | Path | None = None, **options: Any) -> dict[str, Any]:
    """What `halfseen detect score --json` prints. options: the fields of `DetectScoreOptions`."""
    return score(DetectScoreOptions(detector=Path(detector), path=Path(path), out=Path(out) if out else None, **options))


def run(what: str, options: Any) -> dict[str, Any]:
    return fit(options) if what == "fit" else score(options)


def fit(options: DetectFitOptions) -> dict[str, Any]:
    """Raises UserError for a fault in the data or options."""
    if faults := options.faults():
        raise UserError("; ".join(faults), way_out="see `halfseen detect fit --help`")
    table = read_table(options.path, label=options.label)
    if len(table) < 2:
        raise UserError(f"{len(table)} rows; too few to say what is usual", where=str(options.path), way_out="give more rows")
    claim(options.out)
    detector = AnomalyDetector(odd_share=options.odd_share, alarm=options.alarm, by=options.by, random_state=options.seed)
    detector.fit_table(table, classes_of(table, options))
    for line in (*table.notes, *detector.scaler_.notes):
        note(line)
    save_detector(detector, options.out)
    return {"detector": str(options.out), "rows": len(table), "columns": len(table.names), "scores": [*detector.panel_.members]}


def score(options: DetectScoreOptions) -> dict[str, Any]:
    """Raises UserError for a fault in the data or options."""
    if faults := options.faults():
        raise UserError("; ".join(faults), way_out="see `halfseen detect score --help`")
    if options.out and options.out.exists():
        raise UserError("is there already", where=str(options.out), way_out="choose another --out")
    detector = load_detector(options.detector)
    table = read_table(options.path, label=options.label, kinds=detector.scaler_.kinds)
    odd_R = None if table.label is None else truth(table.label, table)
    for line in detector.scaler_.strange(table):
        note(line)
    oddness_R = detector.oddness_of(table)
    p_R = p_values(oddness_R, detector.usual_)
    called_R = discoveries(p_R, options.rate)
    if options.out:
        write_atomically(options.out, as_csv(table, oddness_R, p_R, called_R).encode())
    order = np.argsort(-oddness_R, kind="stable")[: options.top]
    shares = detector.shares_of(table.take(order)) if len(order) and detector.explains else None
    names = list(dict.fromkeys(detector.scaler_.source_of))
    oddest = [
        {
            "row": int(table.numbers[row]),
            "oddness": round(float(oddness_R[row]), 4),
            "p_value": float(p_R[row]),
            "because": {} if shares is None else because(shares[i], names, table, int(row)),
        }
        for i, row in enumerate(order)
    ]
    found: dict[str, Any] = {
        "rows": len(table),
        "alarms": int((oddness_R > -detector.offset_).sum()),
        "odd": int(called_R.sum()),
        "rate": options.rate,
        "oddest": oddest,
    }
    if odd_R is not None:
        found["judged"] = judged(oddness_R, odd_R)
    return found | ({"out": str(options.out)} if options.out else {})


def classes_of(table: Table, options: DetectFitOptions) -> Array | None:
    """What `confidence` learns from. Raises UserError if it is one class alone, or is missing in a row."""
    if options.by != "confidence" or table.label is None:
        return None
    if table.label.missing.any():
        row = int(table.numbers[table.label.missing.argmax()])
        raise UserError(f"row {row} has none", where=f"{table.name}, label {table.label.name!r}", way_out="give each usual row a class")
    classes_T = table.label.values.astype(str)
    if len(np.unique(classes_T)) < 2:
        raise UserError("one class alone", where=f"{table.name}, label {table.label.name!r}", way_out="leave --by confidence away")
    return np.asarray(classes_T)


def truth(label: Column, table: Table) -> NDArray[np.bool_]:
    """Which rows are odd. Raises UserError for labels that say neither."""
    said = [str(value).strip().lower() for value in label.values]
    if faults := [f"row {row} has {value!r}" for row, value in zip(table.numbers, said, strict=True) if value not in (*ODD, *USUAL)]:
        raise all_faults(faults, where=f"{table.name}, label {label.name!r}", way_out="let labels be 1 for odd rows and 0 for usual ones")
    return np.array([value in ODD for value in said], bool)


def because(share_C: NDArray[np.float64], names: list[str], table: Table, row: int) -> dict[str, str]:
    """The columns that make most of a row's oddness, each with its value and its share."""
    found = {}
    for i in np.argsort(-share_C, kind="stable")[:3]:
        value = table[names[i]].values[row]
        shown = value if isinstance(value, str) or value is None else f"{value:g}"
        found[names[i]] = f"{shown} ({100 * share_C[i]:.0f} %)"
    return found


def judged(oddness_R: NDArray[np.float64], odd_R: NDArray[np.bool_]) -> dict[str, float]:
    """ROC-AUC, PR-AUC beside its chance, and the share of usual rows above the score that 95 % of the odd ones reach."""
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


def as_csv(table: Table, oddness_R: NDArray[np.float64], p_R: NDArray[np.float64], called_R: NDArray[np.bool_]) -> str:
    held = io.StringIO()
    rows = csv.writer(held, lineterminator="\n")
    rows.writerow(["row", "oddness", "p_value", "odd"])
    for number, oddness, p, called in zip(table.numbers, oddness_R, p_R, called_R, strict=True):
        rows.writerow([int(number), f"{oddness:.6g}", f"{p:.6g}", int(called)])
    return held.getvalue()
