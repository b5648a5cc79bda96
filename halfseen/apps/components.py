"""Images or long rows in few numbers: principal components, and how far a row lies from all that they can say.

Shapes: R rows of F numbers; T training rows; E components.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from halfseen.contracts import Array

MOST, MOST_ROWS = 64, 10_000
NOTHING = 1e-9
"""Share of the first component's variance, by rounding alone."""


class Components:
    """x_RF to (R, E + 1): the components, and the distance to what they rebuild, all in standard deviations of the first component."""

    def __init__(self, mean_F: Array, axes_EF: Array, unit: float) -> None:
        self.mean_F, self.axes_EF, self.unit = mean_F, axes_EF, unit

    @classmethod
    def fit(cls, train_TF: Array) -> Components:
        """Of at most MOST_ROWS rows, evenly chosen."""
        from sklearn.decomposition import PCA

        some_TF = train_TF[np.unique(np.linspace(0, len(train_TF) - 1, MOST_ROWS).astype(np.int64))]
        found = PCA(min(MOST, len(some_TF) - 1, some_TF.shape[1]), random_state=0).fit(some_TF)
        variance_E = found.explained_variance_
        told_E = variance_E > NOTHING * variance_E.max()  # the others point anywhere
        largest = float(np.sqrt(variance_E.max()))
        return cls(found.mean_.astype(np.float32), found.components_[told_E].astype(np.float32), largest if largest > 0 else 1.0)

    def __call__(self, x_RF: Array) -> Array:
        off_RF = x_RF - self.mean_F
        code_RE = off_RF @ self.axes_EF.T
        left_R1 = np.linalg.norm(off_RF - code_RE @ self.axes_EF, axis=1, keepdims=True)
        return np.concatenate([code_RE, left_R1], axis=1) / np.float32(self.unit)

    def state(self) -> dict[str, Array]:
        return {"mean": self.mean_F, "axes": self.axes_EF, "unit": np.array(self.unit)}

    @classmethod
    def of(cls, state: Mapping[str, Array]) -> Components:
        return cls(state["mean"], state["axes"], float(state["unit"]))
