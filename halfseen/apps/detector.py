"""What is odd among rows, as a scikit-learn estimator: lower scores are odder, `predict` says -1 for odd and 1 for usual.

Shapes: R rows, F columns of numbers after scaling; T training rows.
"""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data

from halfseen.apps.conformal import discoveries, p_values
from halfseen.apps.detect_options import By
from halfseen.apps.outliers import Far, Forest, Neighbours, Odds
from halfseen.apps.reconstruction import Reconstruction
from halfseen.data.scaling import TableScaler
from halfseen.data.tables import Table, read_table

Numbers = NDArray[np.float64]
UNKNOWN_SHARE = 0.35
"""Left out of the neighbours where nobody knows how many training rows are odd (docs/results.md)."""
FAR_WEIGHT = 2.0
"""How much distance from random rows counts beside that from neighbours where training rows may be odd."""

MEMBERS: dict[str, Any] = {"neighbours": Neighbours, "far": Far, "forest": Forest, "reconstruction": Reconstruction}
"""What scores by itself, each made by its `fit`."""


class AnomalyDetector(OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """Learns from rows most of which are usual, and says of others how odd they are.

    Attributes after `fit`: n_features_in_, feature_names_in_ (of DataFrames), scaler_, offset_ (a score below it is odd), members_ (a
    score's model by its name), odds_ and weights_ (what each score means, and how much it counts), usual_ (higher is odder: each training
    row's own score, as if it had not been there).
    """

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
        `reconstruction` (an auto-encoder's squared error).
        """
        self.odd_share, self.alarm, self.by, self.random_state = odd_share, alarm, by, random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """X: rows to learn from, numbers (missing ones as NaN), an array or a DataFrame, which may hold categories. y is not looked at."""
        share = UNKNOWN_SHARE if self.odd_share == "unknown" else float(self.odd_share)
        if not 0 <= share < 0.5:
            raise ValueError(f"odd_share is {self.odd_share}, but must be 0 or more and below 0.5, or 'unknown'")
        if not 0 < self.alarm < 1:
            raise ValueError(f"alarm is {self.alarm}, but must be above 0 and below 1")
        if self.by is not None and self.by not in MEMBERS:
            raise ValueError(f"by is {self.by!r}, but must be one of {', '.join(MEMBERS)}, or None")
        return self.fit_table(read_table(self._checked(X, reset=True)))

    def fit_table(self, table: Table) -> Self:
        """`fit` for a table that has been read. Raises UserError if no column says anything."""
        share = UNKNOWN_SHARE if self.odd_share == "unknown" else float(self.odd_share)
        self.n_features_in_ = len(table.names)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1)) if self.random_state is not None else 0
        self.scaler_ = TableScaler.fit(table)
        x_TF = self.scaler_.transform(table)
        weights: dict[str, float] = {self.by: 1.0} if self.by else {"neighbours": 1.0, "far": FAR_WEIGHT} if share else {"neighbours": 1.0}
        self.members_: dict[str, Any] = {}
        self.odds_: dict[str, Odds] = {}
        own: dict[str, Numbers] = {}
        for name in sorted(weights):  # `far` before `neighbours`
            if name == "neighbours" and share:
                far_T = own["far"] if "far" in own else Far.fit(x_TF, seed=seed)[1]
                kept_T = far_T <= np.quantile(far_T, 1 - share)
                self.members_[name], own[name] = Neighbours.fit(x_TF, seed=seed, among=kept_T)
            else:
                self.members_[name], own[name] = MEMBERS[name].fit(x_TF, seed=seed)
            self.odds_[name] = Odds.fit(own[name])
        self.weights_ = weights
        self.usual_ = self._together(own)
        self.offset_ = -float(np.quantile(self.usual_, 1 - self.alarm))
        return self

    def _checked(self, X: Any, *, reset: bool) -> Any:
        """An array of numbers, or a DataFrame with categories as it is. Raises ValueError or TypeError as scikit-learn does."""
        if hasattr(X, "columns") and hasattr(X, "dtypes") and any(kind.kind not in "biuf" for kind in map(np.dtype, map(_kind, X.dtypes))):
            from sklearn.utils.validation import _check_feature_names, _check_n_features

            _check_feature_names(self, X, reset=reset)
            _check_n_features(self, X, reset=reset)
            return X
        fewest = 2 if reset else 1
        x_RF = validate_data(self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=fewest)
        return np.asarray(x_RF)

    def _together(self, scores: dict[str, Numbers]) -> Numbers:
        whole = sum(self.weights_.values())
        parts = [self.weights_[name] / whole * self.odds_[name](score_R) for name, score_R in scores.items()]
        return np.asarray(sum(parts), np.float64)

    def _table(self, X: Any) -> Table:
        check_is_fitted(self, "members_")
        return read_table(self._checked(X, reset=False))

    def oddness_of(self, table: Table) -> Numbers:
        """The mean over scores of -log of the share of training rows that are as odd, (R,): higher is odder."""
        x_RF = self.scaler_.transform(table)
        return self._together({name: member.score(x_RF) for name, member in self.members_.items()})

    def score_samples(self, X: Any) -> Numbers:
        """Minus the oddness (R,): lower is odder."""
        return -self.oddness_of(self._table(X))

    def decision_function(self, X: Any) -> Numbers:
        """score_samples less offset_: below 0 is odd."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> NDArray[np.int64]:
        """-1 for odd rows, 1 for usual ones."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def p_values(self, X: Any) -> Numbers:
        """Conformal p-values (R,): of a usual row at most p with a chance of about p at most; by forest or reconstruction, which have seen
        the training rows that they are compared with, they are too small."""
        return p_values(self.oddness_of(self._table(X)), self.usual_)

    def discoveries(self, X: Any, rate: float = 0.1) -> NDArray[np.bool_]:
        """Rows to call odd so that in the mean at most a share `rate` of them is usual."""
        return discoveries(self.p_values(X), rate)

    @property
    def explains(self) -> bool:
        """Whether a score looks at columns apart."""
        return any(isinstance(member, Neighbours | Reconstruction) for member in self.members_.values())

    def explain(self, X: Any) -> Numbers:
        """Which columns are odd, (R, columns): the share of each in how far a row is from the mean of its neighbours, or from its
        reconstruction. Raises ValueError for a detector by `far` or `forest` alone, which do not look at columns apart.
        """
        return self.shares_of(self._table(X))

    def shares_of(self, table: Table) -> Numbers:
        """`explain` for a table that has been read."""
        if not self.explains:
            raise ValueError(f"by={self.by!r} cannot tell which column is odd; take by='neighbours' or by='reconstruction'")
        told = next(member for member in self.members_.values() if isinstance(member, Neighbours | Reconstruction))
        error_RF = told.errors(self.scaler_.transform(table))
        sources = self.scaler_.source_of
        of_column = np.array([[source == column for column in dict.fromkeys(sources)] for source in sources], np.float64)
        error_RC = error_RF @ of_column
        whole_R1 = error_RC.sum(1, keepdims=True)
        return np.divide(error_RC, whole_R1, out=np.zeros_like(error_RC), where=whole_R1 > 0)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _kind(dtype: Any) -> Any:
    return dtype if isinstance(dtype, np.dtype) else getattr(dtype, "numpy_dtype", np.dtype(object))
