"""Auto-encoder that keeps neighbours together: the code of a sample tells which of a batch is its neighbour, and rebuilds it as well.

An encoder in place of t-SNE's free points (van der Maaten 2009, "Learning a parametric embedding by preserving local structure"), pairs of
nearest neighbours and a batch to tell them from (Damrich et al. 2023, arXiv:2206.01816), a decoder beside it (Sainburg et al. 2021,
arXiv:2009.12981). The loss couples the items of a batch.

Shapes: S samples of shape X; code_SE.
"""

from __future__ import annotations

import torch
from torch import Tensor

from halfseen.contracts import Loss, Split
from halfseen.data.array_corpus import ArrayData
from halfseen.losses.neighbours import neighbour_nats
from halfseen.losses.reconstruction import squared_error
from halfseen.methods.array import Rebuilding
from halfseen.methods.array_recipes import NeighboursRecipe
from halfseen.nets.pair_shape import PairShape
from halfseen.split.neighbour import BesideNeighbour

SPREAD = 10.0
"""About how far apart codes must be to be told from each other; the nets give and take numbers about 1."""
FARTHEST = 30.0
"""So far from 0 at most, before they are spread. What is unlike all others is pushed away by all and pulled by almost nothing: of MNIST's
10,000 digits one stood a hundred times as far out as the rest, which were a dot in its picture."""


class NeighbourKeeping(Rebuilding):
    """A batch's loss is the mean over its scored numbers of (rebuilt - target)^2, times `rebuild`, and the nats of a neighbour."""

    split: BesideNeighbour

    def __init__(self, recipe: NeighboursRecipe, shape: PairShape) -> None:
        super().__init__(shape)
        self.rebuild = recipe.rebuild
        self.split = BesideNeighbour(recipe.neighbours)

    def meet(self, data: ArrayData) -> None:
        self.split.meet(data)

    def code(self, x: Tensor) -> Tensor:
        said_SE = self.encoder(x)
        return SPREAD * said_SE * torch.rsqrt(1 + (said_SE / FARTHEST).square())

    def rebuilt(self, code_SE: Tensor) -> Tensor:
        return super().rebuilt(code_SE / SPREAD)

    def forward(self, split: Split) -> Loss:
        code_SE, near_SE = self.code(torch.cat([split.seen.x, split.seen.near])).float().chunk(2)
        off = squared_error(self.rebuilt(code_SE), split.target, split.scored)
        nats_S = off.weight * neighbour_nats(code_SE, near_SE)
        parts = {**off.parts, "neighbour": nats_S.detach()}
        return Loss(self.rebuild * off.per_item + nats_S, off.weight, parts)
