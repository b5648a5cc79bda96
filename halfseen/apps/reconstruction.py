"""How badly an auto-encoder that was trained on usual rows rebuilds others: the lecture's score, and which number is to blame.

Shapes: R rows of F numbers, scaled, or images laid out as rows; T training rows.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from halfseen.apps.small_net import predicted, state_of, trained, with_state
from halfseen.contracts import Array
from halfseen.methods.array_recipes import AutoencoderRecipe, PairSize
from halfseen.methods.autoencoder import Autoencoder

Numbers = NDArray[np.float64]
STEPS, BATCH = 300, {1: 256, 3: 64}
"""BATCH: of rows and of images, by the dimensions of one."""
ROWS, IMAGES = AutoencoderRecipe(net=PairSize(layers=1, width=64)), AutoencoderRecipe(net=PairSize(width=16, code=32))

LEAST_SIDE = 5


class Reconstruction:
    """Squared error a number, a mean over the F numbers of a row. shape: of what the net rebuilds, (F,) or (C, H, W)."""

    def __init__(self, method: Autoencoder) -> None:
        self.method, self.shape = method, method.shape.of

    @classmethod
    def fit(cls, train_TF: Array, *, seed: int = 0, shape: tuple[int, ...] | None = None) -> tuple[Reconstruction, Numbers]:
        """Also the training rows' own scores, which are lower than those of other usual rows: the net has seen them. shape: of images."""
        shape = shape or train_TF.shape[1:]
        train_TX = train_TF.reshape(len(train_TF), *shape)
        method = trained(recipe_for(shape), train_TX, steps=STEPS, seed=seed, batch=BATCH[len(shape)])
        found = cls(method)
        return found, found.score(train_TF)

    def rebuilt(self, x_RF: Array) -> Array:
        """The rows as the net rebuilds them."""
        return predicted(self.method, x_RF.reshape(len(x_RF), *self.shape)).reshape(x_RF.shape)

    def errors(self, x_RF: Array) -> Numbers:
        """Squared error of each number, (R, F)."""
        return np.square(self.rebuilt(x_RF) - x_RF).astype(np.float64)

    def score(self, x_RF: Array) -> Numbers:
        return np.asarray(self.errors(x_RF).mean(1))

    def state(self) -> dict[str, Array]:
        return state_of(self.method) | {"shape": np.array(self.shape)}

    @classmethod
    def of(cls, state: Mapping[str, Array]) -> Reconstruction:
        weights = dict(state)
        shape = tuple(int(n) for n in weights.pop("shape"))
        if len(shape) not in BATCH or min(shape) < 1:
            raise ValueError(f"a net for rows of shape {shape}")
        return cls(with_state(recipe_for(shape), shape, weights))


def recipe_for(shape: tuple[int, ...]) -> AutoencoderRecipe:
    """Images of fewer than LEAST_SIDE rows or columns leave nothing to convolve."""
    return ROWS if len(shape) == 1 or min(shape[1:]) < LEAST_SIDE else IMAGES
