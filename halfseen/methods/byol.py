"""BYOL: from one view a net predicts what its own slowly moving average says of the other (Grill et al. 2020, arXiv:2006.07733). No sample
is another's counter-example; without batch statistics (Richemond et al. 2020, arXiv:2010.10241).

Shapes: S samples of shape X; both views of one kind first, then the others.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from halfseen.contracts import Loss, Split
from halfseen.losses.contrast import view_regression
from halfseen.methods.array_recipes import ByolRecipe
from halfseen.methods.views import Viewing, head_of
from halfseen.nets.pair import encoder_of
from halfseen.nets.pair_shape import PairShape


class Byol(Viewing):
    def __init__(self, recipe: ByolRecipe, shape: PairShape) -> None:
        super().__init__(recipe, shape)
        self.kept = recipe.kept
        self.predictor = head_of(recipe.head, recipe.head)
        self.average = nn.ModuleList([encoder_of(shape), head_of(shape.code, recipe.head)]).requires_grad_(False)
        """Of encoder and head, over the steps."""

    def initialise(self, seed: int) -> None:
        super().initialise(seed)
        self.follow(0.0)

    def forward(self, split: Split) -> Loss:
        seen = split.seen
        said_VD = self.predictor(torch.cat(self.projected(seen)))
        with torch.no_grad():
            target_VD = self.average[1](self.average[0](torch.cat([seen.b, seen.a])))
        scored_V = split.scored.repeat(2)
        both = view_regression(said_VD, target_VD, scored_V)
        off_S, weight_S = both.per_item.reshape(2, -1).mean(0), both.weight.reshape(2, -1).mean(0)
        return Loss(off_S, weight_S, {"off": off_S.detach()})

    def after_step(self, gathered: Callable[[Tensor], Tensor]) -> None:
        self.follow(self.kept)

    @torch.no_grad()
    def follow(self, kept: float) -> None:
        """The average keeps a share of what it was."""
        average: list[Tensor] = list(self.average.parameters())
        now: list[Tensor] = [*self.encoder.parameters(), *self.head.parameters()]
        torch._foreach_lerp_(average, now, 1 - kept)
