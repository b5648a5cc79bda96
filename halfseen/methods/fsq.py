"""Finite scalar quantisation (Mentzer et al. 2023, arXiv:2309.15505): each number of the code takes one of few levels, so that a sample is
a short word of a fixed alphabet; there is no codebook to learn or to collapse.

Shapes: S samples of shape X; code_SE.
"""

from __future__ import annotations

import torch
from torch import Tensor

from halfseen.methods.array import Rebuilding, Words
from halfseen.methods.array_recipes import FsqRecipe
from halfseen.nets.pair_shape import PairShape
from halfseen.nets.quantize import finite_levels


class Fsq(Rebuilding):
    """The code lies between -1 and 1, on the recipe's number of levels."""

    def __init__(self, recipe: FsqRecipe, shape: PairShape) -> None:
        super().__init__(shape)
        self.levels = recipe.levels

    def code(self, x: Tensor) -> Tensor:
        return finite_levels(self.encoder(x).float(), self.levels)

    def words(self, code_SE: Tensor) -> Words:
        return Words(torch.round((code_SE + 1) * (self.levels - 1) / 2).long(), self.levels)
