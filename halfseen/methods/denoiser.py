"""Denoiser: predict an image from one with noise, of any size, by predicting the noise (DnCNN, Zhang et al. 2017, arXiv:1608.03981).

Shapes: S images (S, C, H, W); code_SE.
"""

from __future__ import annotations

from torch import Tensor

from halfseen.contracts import Loss, Split, Splitter
from halfseen.losses.reconstruction import squared_error
from halfseen.methods.array import ArrayMethod
from halfseen.methods.array_recipes import DenoiserRecipe
from halfseen.nets.pair_shape import PairShape
from halfseen.nets.residual import Residual
from halfseen.split.varied_noise import VariedNoise


class Cleaning(ArrayMethod):
    """What is predicted is the image less what the net says is noise; an image's code is the mean over places of the last hidden layer."""

    def __init__(self, shape: PairShape, split: Splitter) -> None:
        super().__init__()
        self.shape, self.net, self.split = shape, Residual(shape), split

    @property
    def reach(self) -> int:
        """How far a cleaned pixel sees, in rows or columns."""
        return self.net.reach

    def forward(self, split: Split) -> Loss:
        return squared_error(self.predict(split.seen), split.target, split.scored)

    def code(self, x: Tensor) -> Tensor:
        return self.net.hidden(x).mean((2, 3))

    def predict(self, x: Tensor) -> Tensor:
        return x - self.net(x)

    def cleaned(self, x: Tensor) -> Tensor:
        """x_SCHW of any height and width, without its noise."""
        return self.predict(x)


class Denoiser(Cleaning):
    """Learns from clean images, to which noise is added."""

    def __init__(self, recipe: DenoiserRecipe, shape: PairShape) -> None:
        super().__init__(shape, VariedNoise(recipe.noise, recipe.amount))
