"""What all methods share that learn from two views of each sample.

Shapes: S samples of shape X; code_SE, the features; V = 2 S views.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from halfseen.methods.array import ArrayMethod
from halfseen.methods.array_recipes import ViewsRecipe
from halfseen.nets.pair import encoder_of
from halfseen.nets.pair_shape import PairShape
from halfseen.split.views import TwoViews, ViewsOfImages, ViewsOfRows


class Viewing(ArrayMethod):
    """An encoder, and a head that is thrown away: it may forget what views do not share. The code is what the head is given."""

    def __init__(self, recipe: ViewsRecipe, shape: PairShape) -> None:
        super().__init__()
        self.shape = shape
        self.split = ViewsOfImages(recipe.views) if len(shape.of) == 3 else ViewsOfRows(recipe.replaced)
        self.encoder = encoder_of(shape)
        self.head = head_of(shape.code, recipe.head)

    def code(self, x: Tensor) -> Tensor:
        return self.encoder(x)

    def predict(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(torch.cat([x, x])))

    def projected(self, seen: TwoViews) -> tuple[Tensor, Tensor]:
        """Both views as the head says them."""
        a_SD, b_SD = self.head(self.encoder(torch.cat([seen.a, seen.b]))).chunk(2)
        return a_SD, b_SD


def head_of(size: int, out: int) -> nn.Sequential:
    """Two layers; no normalisation over the batch, so that ranks and micro-batches see what one sees."""
    return nn.Sequential(nn.LayerNorm(size), nn.SiLU(), nn.Linear(size, size), nn.SiLU(), nn.Linear(size, out))
