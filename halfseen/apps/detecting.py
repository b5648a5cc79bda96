"""What detectors of rows and of images share: scikit-learn's meaning of a score. Lower is odder, `predict` says -1 for odd and 1 for usual.

Shapes: R rows or images; T of them in training; F numbers of each.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import OutlierMixin

from halfseen.apps.conformal import discoveries, p_values
from halfseen.apps.detect_options import By
from halfseen.apps.kept_estimator import KeptEstimator
from halfseen.apps.panel import MEMBERS, Panel
from halfseen.apps.table_estimator import seed_of
from halfseen.contracts import Array

Numbers = NDArray[np.float64]


class Detecting(OutlierMixin, KeptEstimator):  # type: ignore[misc]
    """Attributes after `fit`: offset_ (a score below it is odd), panel_ (what scores), usual_ (higher is odder: each training row's own
    score, as if it had not been there)."""

    usually: ClassVar[tuple[str, ...]] = ("neighbours",)
    """What scores if nobody asks for one score alone."""

    def __init__(
        self,
        *,
        odd_share: float | Literal["unknown"] = 0.0,
        alarm: float = 0.05,
        by: By | None = None,
        random_state: int | None = 0,
    ) -> None:
        """odd_share: the share of training rows that may be odd, below 0.5. 0 means that all are usual, and all are neighbours. Otherwise
        that share, those farthest from all others, is left out of the neighbours, and distance from random rows counts as well;
        "unknown" takes 0.35.

        alarm: the share of usual rows that `predict` may call odd. by: one score alone: `neighbours`, `far`, `forest` (Liu et al. 2008),
        `reconstruction` (an auto-encoder's squared error), `mixture` (of normal distributions), `confidence` (a classifier's; needs y).
        """
        self.odd_share, self.alarm, self.by, self.random_state = odd_share, alarm, by, random_state

    def _check_parameters(self, y: Any) -> None:
        """Raises ValueError."""
        if self.odd_share != "unknown" and not 0 <= self.odd_share < 0.5:
            raise ValueError(f"odd_share is {self.odd_share}, but must be 0 or more and below 0.5, or 'unknown'")
        if not 0 < self.alarm < 1:
            raise ValueError(f"alarm is {self.alarm}, but must be above 0 and below 1")
        if self.by is not None and self.by not in MEMBERS:
            raise ValueError(f"by is {self.by!r}, but must be one of {', '.join(MEMBERS)}, or None")
        if self.by == "confidence" and y is None:
            raise ValueError("by='confidence' requires y to be passed, but the target y is None: it holds the usual rows' classes")

    def _learn(self, x_TF: Array, more: Mapping[str, Mapping[str, Any]]) -> None:
        """more: what a score's `fit` wants besides, by the score's name."""
        by = (self.by,) if self.by else (*self.usually, *(("far",) if self.odd_share else ()))
        self.panel_ = Panel.fit(x_TF, by, self.odd_share, seed_of(self.random_state), more)
        self.offset_ = -float(np.quantile(self.usual_, 1 - self.alarm))

    @property
    def usual_(self) -> Numbers:
        return self.panel_.usual

    @abstractmethod
    def oddness(self, X: Any) -> Numbers:
        """The mean over scores of -log of the share of training rows that are as odd, (R,): higher is odder."""

    def score_samples(self, X: Any) -> Numbers:
        """Minus the oddness (R,): lower is odder."""
        return -self.oddness(X)

    def decision_function(self, X: Any) -> Numbers:
        """score_samples less offset_: below 0 is odd."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> NDArray[np.int64]:
        """-1 for odd rows, 1 for usual ones."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def p_values(self, X: Any) -> Numbers:
        """Conformal p-values (R,): of a usual row at most p with a chance of about p at most; by forest, reconstruction or mixture, which
        have seen the training rows that they are compared with, they are too small."""
        return p_values(self.oddness(X), self.usual_)

    def discoveries(self, X: Any, rate: float = 0.1) -> NDArray[np.bool_]:
        """Rows to call odd so that in the mean at most a share `rate` of them is usual."""
        return discoveries(self.p_values(X), rate)

    @property
    def explains(self) -> bool:
        """Whether a score looks at numbers apart."""
        return self.panel_.telling is not None

    def _errors(self, x_RF: Array) -> Numbers:
        """Squared error of each number, (R, F). Raises ValueError for a detector by a score that does not look at numbers apart."""
        if self.panel_.telling is None:
            raise ValueError(f"by={self.by!r} cannot tell what is odd about a row; take by='neighbours' or by='reconstruction'")
        return self.panel_.telling.errors(x_RF)

    def _write_learnt(self, folder: Path) -> dict[str, Any]:
        self._write_arrays(folder, self.panel_.state() | self._arrays_beside())
        return {"offset": self.offset_, "weights": dict(self.panel_.weights)} | self._facts_beside()

    def _read_learnt(self, folder: Path, facts: Mapping[str, Any]) -> None:
        arrays = self._read_arrays(folder)
        self._take_beside(facts, arrays, str(folder))
        self.offset_ = float(facts["offset"])
        self.panel_ = Panel.of(arrays, facts["weights"])

    @abstractmethod
    def _facts_beside(self) -> dict[str, Any]:
        """What feeds the scores, as JSON has it."""

    def _arrays_beside(self) -> dict[str, Array]:
        """Its arrays."""
        return {}

    @abstractmethod
    def _take_beside(self, facts: Mapping[str, Any], arrays: Mapping[str, Array], where: str) -> None:
        """Takes both back."""
