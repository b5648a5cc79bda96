"""One-hot code: each sample belongs to one of E classes that nobody named, and is rebuilt from that alone.

Shapes: S samples of shape X; code_SE, one 1 a row. In training a class is drawn, not the likeliest taken, by Gumbel's numbers from the
splitter (Jang et al. 2016, arXiv:1611.01144): otherwise the first classes that fit take everything.
"""

from __future__ import annotations

from torch import Tensor

from halfseen.contracts import Loss, Split
from halfseen.losses.reconstruction import squared_error
from halfseen.methods.array import Rebuilding, Words
from halfseen.methods.array_recipes import OneHotRecipe
from halfseen.nets.pair_shape import PairShape
from halfseen.nets.quantize import gumbel, one_hot
from halfseen.split.noise_beside import NoiseBeside


class OneHot(Rebuilding):
    def __init__(self, recipe: OneHotRecipe, shape: PairShape) -> None:
        super().__init__(shape)
        self.temperature = recipe.temperature
        self.split = NoiseBeside(shape.code, kind="uniform")

    def code(self, x: Tensor) -> Tensor:
        return one_hot(self.encoder(x).float())

    def words(self, code_SE: Tensor) -> Words:
        return Words(code_SE.argmax(1, keepdim=True), self.shape.code)

    def forward(self, split: Split) -> Loss:
        logit_SE = self.encoder(split.seen.x).float()
        if self.training:
            logit_SE = (logit_SE + gumbel(split.seen.noise)) / self.temperature
        return squared_error(self.rebuilt(one_hot(logit_SE)), split.target, split.scored)
