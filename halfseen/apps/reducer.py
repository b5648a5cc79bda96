"""Few numbers in place of many, as a scikit-learn estimator: an auto-encoder that keeps neighbours together, places new rows and rebuilds.

Shapes: R rows of C columns, F numbers after scaling; z_RE.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from halfseen.apps.array_model import open_array_model
from halfseen.apps.reduce_options import LEARNT
from halfseen.apps.reductions import learn, placed, ready, rebuilt, recipe_of
from halfseen.apps.table_estimator import TableEstimator, seed_of
from halfseen.contracts import Array
from halfseen.data.intake import TableIntake
from halfseen.data.scaling import TableScaler
from halfseen.data.tables import Table, read_table
from halfseen.hub.arrays import save_model
from halfseen.methods.array import Rebuilding
from halfseen.train.loop import weights_of

Numbers = NDArray[np.float64]


class Reducer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, TableEstimator):  # type: ignore[misc]
    """Learns from rows how to say each with few numbers, near for rows that are near.

    Attributes after `fit`: n_features_in_, feature_names_in_ (of DataFrames), scaler_, method_ (the auto-encoder).
    """

    file, written_by = "reducer", "`Reducer.save` wrote"

    def __init__(
        self,
        *,
        to: int = 2,
        by: Literal["autoencoder", "plain"] = "autoencoder",
        steps: int | None = None,
        random_state: int | None = 0,
    ) -> None:
        """to: numbers of a row. by: `autoencoder` keeps neighbours together, `plain` only rebuilds. steps: of training; by default as many
        as the rows need, 2,000 at most.
        """
        self.to, self.by, self.steps, self.random_state = to, by, steps, random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """X: rows to learn from, numbers (missing ones as NaN), an array or a DataFrame, which may hold categories. y is not looked at."""
        if self.by not in LEARNT:
            raise ValueError(f"by is {self.by!r}, but must be one of {', '.join(LEARNT)}")
        for name, value in (("to", self.to), ("steps", self.steps)):
            if value is not None and not (isinstance(value, int | np.integer) and value >= 1):
                raise ValueError(f"{name} is {value!r}, but must be a whole number, at least 1")
        table = read_table(self.checked(X, reset=True))
        self.n_features_in_ = len(table.names)
        if self.to > self.n_features_in_:
            raise ValueError(f"to is {self.to}, but there are no more than that to choose from: n_features={self.n_features_in_}")
        self.scaler_ = TableScaler.fit(table)
        x_RF = self.scaler_.transform(table)
        self.method_ = learn(x_RF, to=int(self.to), by=self.by, steps=self.steps, seed=seed_of(self.random_state))
        return self

    def _table(self, X: Any) -> Table:
        check_is_fitted(self, "method_")
        return read_table(self.checked(X, reset=False))

    def transform(self, X: Any) -> Numbers:
        """z_RE of rows, new ones too."""
        return placed(self.method_, self.scaler_.transform(self._table(X)))

    def inverse_transform(self, Z: Any) -> Array:
        """z_RE to rows (R, C): numbers, or, if some columns are categories, objects."""
        check_is_fitted(self, "method_")
        z_RE = check_array(Z, dtype=np.float64)
        if z_RE.shape[1] != self._n_features_out:
            raise ValueError(f"{z_RE.shape[1]} numbers a row, but this reducer makes {self._n_features_out}")
        columns = self.scaler_.inverse(rebuilt(self.method_, z_RE))
        names = getattr(self, "feature_names_in_", np.arange(self.n_features_in_).astype(str))
        unknown_R = np.full(len(z_RE), np.nan)  # of columns in which training said nothing
        return np.stack([columns.get(str(name), unknown_R) for name in names], axis=1)

    @property
    def _n_features_out(self) -> int:
        return self.method_.shape.code

    def _write_learnt(self, folder: Path) -> dict[str, Any]:
        """A folder that `halfseen reduce --model` takes as well."""
        keep(self.method_, TableIntake(self.scaler_), self.by, folder)
        return {}

    def _read_learnt(self, folder: Path, facts: Mapping[str, Any]) -> None:
        if self.by not in LEARNT:
            raise ValueError(f"by is {self.by!r}")
        method, intake = open_array_model(folder)
        if not isinstance(method, Rebuilding) or not isinstance(intake, TableIntake):
            raise ValueError("the model is no auto-encoder of tables")
        self.method_, self.scaler_ = ready(method), intake.scaler


def keep(method: Rebuilding, intake: Any, by: str, folder: Path) -> None:
    """The auto-encoder in float32, as it was trained, and what feeds it."""
    tensors = {name: value.float() for name, value in weights_of(method).items()}
    shape = method.shape
    save_model(folder, method=LEARNT[by], recipe=recipe_of(by, shape.code), shape=shape, intake=intake, tensors=tensors)
