"""What is odd among rows, as a scikit-learn estimator: lower scores are odder, `predict` says -1 for odd and 1 for usual.

Shapes: R rows, F columns of numbers after scaling; T training rows.
"""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted, check_random_state, column_or_1d, validate_data

from halfseen.apps.conformal import discoveries, p_values
from halfseen.apps.detect_options import By
from halfseen.apps.panel import MEMBERS, Panel
from halfseen.data.scaling import TableScaler
from halfseen.data.tables import Table, read_table

Numbers = NDArray[np.float64]


class AnomalyDetector(OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """Learns from rows most of which are usual, and says of others how odd they are.

    Attributes after `fit`: n_features_in_, feature_names_in_ (of DataFrames), scaler_, offset_ (a score below it is odd), panel_ (what
    scores), usual_ (higher is odder: each training row's own score, as if it had not been there).
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
        `reconstruction` (an auto-encoder's squared error), `mixture` (of normal distributions), `confidence` (a classifier's; needs y).
        """
        self.odd_share, self.alarm, self.by, self.random_state = odd_share, alarm, by, random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """X: rows to learn from, numbers (missing ones as NaN), an array or a DataFrame, which may hold categories. y: the classes of usual
        rows, looked at by `confidence` alone."""
        if self.odd_share != "unknown" and not 0 <= self.odd_share < 0.5:
            raise ValueError(f"odd_share is {self.odd_share}, but must be 0 or more and below 0.5, or 'unknown'")
        if not 0 < self.alarm < 1:
            raise ValueError(f"alarm is {self.alarm}, but must be above 0 and below 1")
        if self.by is not None and self.by not in MEMBERS:
            raise ValueError(f"by is {self.by!r}, but must be one of {', '.join(MEMBERS)}, or None")
        table = read_table(self._checked(X, reset=True))
        if self.by != "confidence":
            return self.fit_table(table)
        if y is None:
            raise ValueError("by='confidence' requires y to be passed, but the target y is None: it holds the usual rows' classes")
        classes_T = column_or_1d(y)
        check_consistent_length(X, classes_T)
        return self.fit_table(table, classes_T)

    def fit_table(self, table: Table, classes_T: Any = None) -> Self:
        """`fit` for a table that has been read. Raises UserError if no column says anything."""
        self.n_features_in_ = len(table.names)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1)) if self.random_state is not None else 0
        self.scaler_ = TableScaler.fit(table)
        x_TF = self.scaler_.transform(table)
        more = {} if classes_T is None else {"classes": classes_T}
        self.panel_ = Panel.fit(x_TF, self.by, self.odd_share, seed, **more)
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

    @property
    def usual_(self) -> Numbers:
        return self.panel_.usual

    def _table(self, X: Any) -> Table:
        check_is_fitted(self, "panel_")
        return read_table(self._checked(X, reset=False))

    def oddness_of(self, table: Table) -> Numbers:
        """The mean over scores of -log of the share of training rows that are as odd, (R,): higher is odder."""
        return self.panel_(self.scaler_.transform(table))

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
        return self.panel_.telling is not None

    def explain(self, X: Any) -> Numbers:
        """Which columns are odd, (R, columns): the share of each in how far a row is from the mean of its neighbours, or from its
        reconstruction. Raises ValueError for a detector by another score alone, which does not look at columns apart.
        """
        return self.shares_of(self._table(X))

    def shares_of(self, table: Table) -> Numbers:
        """`explain` for a table that has been read."""
        telling = self.panel_.telling
        if telling is None:
            raise ValueError(f"by={self.by!r} cannot tell which column is odd; take by='neighbours' or by='reconstruction'")
        error_RF = telling.errors(self.scaler_.transform(table))
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
