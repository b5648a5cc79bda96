"""A denoising auto-encoder for rows, as a scikit-learn transformer: learn from clean rows, clean others.

Shapes: R rows of F numbers; T training rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from halfseen.apps.kept_estimator import KeptEstimator
from halfseen.apps.small_net import predicted, state_of, trained, with_state
from halfseen.apps.table_estimator import seed_of
from halfseen.methods.array_recipes import AutoencoderRecipe, PairSize
from halfseen.split.noise_kinds import NOISES, Noise

Numbers = NDArray[np.float64]


class Denoiser(OneToOneFeatureMixin, TransformerMixin, KeptEstimator):  # type: ignore[misc]
    """Learns to rebuild clean rows from ones to which noise was added (Vincent et al. 2008); `transform` takes noise from others.

    Attributes after `fit`: n_features_in_, feature_names_in_ (of DataFrames), mean_ and scale_ (F,) of the columns, method_ (the net, in
    float64, so that no row depends on those around it), n_iter_.
    """

    file, written_by = "denoiser", "`Denoiser.save` wrote"

    def __init__(
        self,
        *,
        noise: Noise = "gaussian",
        amount: float = 0.3,
        per_column: bool = True,
        width: int = 256,
        max_iter: int = 1000,
        random_state: int | None = 0,
    ) -> None:
        """noise: what is done to the rows: normal numbers added, some numbers put to their column's mean, or three deviations from it.
        amount: the noise's standard deviation, in those of the columns, or the share of the numbers, below 1.
        per_column: each column has its own deviation, as measurements have; False: all have one, as pixels have.
        width: of the hidden layers and of the code, which may be wider than a row. max_iter: steps of the training, 256 rows each.
        """
        self.noise, self.amount, self.per_column = noise, amount, per_column
        self.width, self.max_iter, self.random_state = width, max_iter, random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """X: clean rows, numbers (R, F), an array or a DataFrame. y is not looked at. Raises ValueError for what is not so."""
        recipe = self._recipe()
        x_TF = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        self.mean_ = x_TF.mean(0)
        spread_F = x_TF.std(0) if self.per_column else np.full(x_TF.shape[1], np.sqrt(x_TF.var(0).mean()))
        self.scale_ = np.where(spread_F > 1e-12 * np.abs(self.mean_), spread_F, 1.0)
        self.method_ = trained(recipe, (x_TF - self.mean_) / self.scale_, steps=self.max_iter, seed=seed_of(self.random_state)).double()
        self.n_iter_ = self.max_iter
        return self

    def transform(self, X: Any) -> Numbers:
        """The rows without their noise, (R, F)."""
        check_is_fitted(self, "method_")
        x_RF = validate_data(self, X, reset=False, dtype=np.float64)
        return np.asarray(self.mean_ + self.scale_ * predicted(self.method_, (x_RF - self.mean_) / self.scale_), np.float64)

    def _write_learnt(self, folder: Path) -> dict[str, Any]:
        self._write_arrays(folder, {"mean": self.mean_, "scale": self.scale_} | state_of(self.method_))
        return {}

    def _read_learnt(self, folder: Path, facts: Mapping[str, Any]) -> None:
        arrays = self._read_arrays(folder)
        self.mean_, self.scale_ = arrays.pop("mean"), arrays.pop("scale")
        self.method_ = with_state(self._recipe(), (self.n_features_in_,), arrays).double()
        self.n_iter_ = self.max_iter

    def _recipe(self) -> AutoencoderRecipe:
        if self.noise not in NOISES:
            raise ValueError(f"noise is {self.noise!r}, but must be one of {', '.join(NOISES)}")
        if not self.amount > 0 or (self.noise != "gaussian" and not self.amount < 1):
            raise ValueError(f"amount is {self.amount}, but must be above 0, and below 1 as a share")
        for name in ("width", "max_iter"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be at least 1")
        return AutoencoderRecipe(net=PairSize(layers=1, width=self.width, code=self.width), noise=self.noise, amount=self.amount)
