"""`AnomalyDetector` with PyOD's meaning, for PyOD's own utilities: higher is odder, 1 is odd, and the share of odd rows sets the threshold.

Shapes: R rows, F columns; T training rows.
"""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from halfseen.apps.detect_options import By
from halfseen.apps.detector import AnomalyDetector

Numbers = NDArray[np.float64]


class PyodDetector(BaseEstimator):  # type: ignore[misc]
    """Attributes after `fit`: decision_scores_ (T,), labels_ (T,) of 0 and 1, threshold_, detector_ (the AnomalyDetector)."""

    def __init__(
        self,
        *,
        contamination: float = 0.1,
        odd_share: float | Literal["unknown"] = "unknown",
        by: By | None = None,
        random_state: int | None = 0,
    ) -> None:
        """contamination: the share of the training rows to call odd, above 0 and at most 0.5. The others are those of `AnomalyDetector`."""
        self.contamination, self.odd_share, self.by, self.random_state = contamination, odd_share, by, random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """y: the usual rows' classes, looked at by `confidence` alone."""
        if not 0 < self.contamination <= 0.5:
            raise ValueError(f"contamination is {self.contamination}, but must be above 0 and at most 0.5")
        self.detector_ = AnomalyDetector(odd_share=self.odd_share, by=self.by, random_state=self.random_state).fit(X, y)
        self.decision_scores_: Numbers = self.detector_.usual_
        self.threshold_ = float(np.quantile(self.decision_scores_, 1 - self.contamination))
        self.labels_ = (self.decision_scores_ > self.threshold_).astype(np.int64)
        return self

    def decision_function(self, X: Any) -> Numbers:
        """Oddness (R,): higher is odder."""
        check_is_fitted(self, "detector_")
        return -self.detector_.score_samples(X)

    def predict(self, X: Any) -> NDArray[np.int64]:
        """1 for odd rows, 0 for usual ones."""
        return (self.decision_function(X) > self.threshold_).astype(np.int64)

    def fit_predict(self, X: Any, y: Any = None) -> NDArray[np.int64]:
        """labels_ of the training rows."""
        return self.fit(X).labels_

    def predict_proba(self, X: Any) -> Numbers:
        """(R, 2): how usual and how odd, where the training's lowest score is 0 and its highest 1 (PyOD's `linear`)."""
        low, high = float(self.decision_scores_.min()), float(self.decision_scores_.max())
        odd_R = np.clip((self.decision_function(X) - low) / max(high - low, 1e-12), 0, 1)
        return np.stack([1 - odd_R, odd_R], axis=1)
