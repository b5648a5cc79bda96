"""What is odd among rows, as a scikit-learn estimator: lower scores are odder, `predict` says -1 for odd and 1 for usual.

Shapes: R rows, F columns of numbers after scaling; T training rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from halfseen.apps.detecting import Detecting
from halfseen.apps.table_estimator import TableEstimator
from halfseen.contracts import Array
from halfseen.data.scaling import TableScaler
from halfseen.data.tables import Table, read_table

Numbers = NDArray[np.float64]


class AnomalyDetector(Detecting, TableEstimator):
    """Learns from rows most of which are usual, and says of others how odd they are.

    Attributes after `fit`, beside those of every detector: n_features_in_, feature_names_in_ (of DataFrames), scaler_.
    """

    file, written_by = "detector", "`halfseen detect fit` made of a table"

    def fit(self, X: Any, y: Any = None) -> Self:
        """X: rows to learn from, numbers (missing ones as NaN), an array or a DataFrame, which may hold categories. y: the classes of usual
        rows, looked at by `confidence` alone."""
        self._check_parameters(y)
        table = read_table(self.checked(X, reset=True))
        if self.by != "confidence":
            return self.fit_table(table)
        check_consistent_length(X, y)
        return self.fit_table(table, column_or_1d(y))

    def fit_table(self, table: Table, classes_T: Any = None) -> Self:
        """`fit` for a table that has been read. Raises UserError if no column says anything."""
        self.n_features_in_ = len(table.names)
        self.scaler_ = TableScaler.fit(table)
        self._learn(self.scaler_.transform(table), {} if classes_T is None else {"confidence": {"classes": classes_T}})
        return self

    def _table(self, X: Any) -> Table:
        check_is_fitted(self, "panel_")
        return read_table(self.checked(X, reset=False))

    def oddness_of(self, table: Table) -> Numbers:
        """The mean over scores of -log of the share of training rows that are as odd, (R,): higher is odder."""
        return self.panel_(self.scaler_.transform(table))

    def oddness(self, X: Any) -> Numbers:
        return self.oddness_of(self._table(X))

    def explain(self, X: Any) -> Numbers:
        """Which columns are odd, (R, columns): the share of each in how far a row is from the mean of its neighbours, or from its
        reconstruction. Raises ValueError for a detector by another score alone, which does not look at columns apart.
        """
        return self.shares_of(self._table(X))

    def shares_of(self, table: Table) -> Numbers:
        """`explain` for a table that has been read."""
        error_RF = self._errors(self.scaler_.transform(table))
        sources = self.scaler_.source_of
        of_column = np.array([[source == column for column in dict.fromkeys(sources)] for source in sources], np.float64)
        error_RC = error_RF @ of_column
        whole_R1 = error_RC.sum(1, keepdims=True)
        return np.divide(error_RC, whole_R1, out=np.zeros_like(error_RC), where=whole_R1 > 0)

    def _facts_beside(self) -> dict[str, Any]:
        return {"scaler": self.scaler_.to_json()}

    def _take_beside(self, facts: Mapping[str, Any], arrays: Mapping[str, Array], where: str) -> None:
        self.scaler_ = TableScaler.from_json(facts["scaler"], where)
