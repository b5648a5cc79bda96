"""BYOL: from one view a net predicts what its own slowly moving average says of the other (Grill et al. 2020, arXiv:2006.07733). No sample
is another's counter-example. In place of batch statistics, which keep codes from falling together in the paper, the targets' own moving
mean is taken from them, as DINO does (Caron et al. 2021, arXiv:2104.14294, section 3.1): what all samples have in common cannot be learnt.

Shapes: S samples of shape X; both views of one kind first, then the others: V = 2 S, D numbers each.
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

KEPT_CENTRE = 0.9
"""Of the targets' mean, at each step."""


class Byol(Viewing):
    centre: Tensor

    def __init__(self, recipe: ByolRecipe, shape: PairShape) -> None:
        super().__init__(recipe, shape)
        self.kept = recipe.kept
        self.predictor = head_of(recipe.head, recipe.head)
        self.average = nn.ModuleList([encoder_of(shape), head_of(shape.code, recipe.head)]).requires_grad_(False)
        """Of encoder and head, over the steps."""
        self.register_buffer("centre", torch.zeros(recipe.head))
        self._targets: list[Tensor] = []
        """Of this step, so far."""

    def initialise(self, seed: int) -> None:
        super().initialise(seed)
        self.follow(0.0)
        self.centre.zero_()

    def forward(self, split: Split) -> Loss:
        seen = split.seen
        said_VD = self.predictor(torch.cat(self.projected(seen)))
        with torch.no_grad():
            target_VD = self.average[1](self.average[0](torch.cat([seen.b, seen.a]))).float()
            if self.training:
                self._targets.append(target_VD)
            target_VD = target_VD - self.centre
        scored_V = split.scored.repeat(2)
        both = view_regression(said_VD, target_VD, scored_V)
        off_S, weight_S = both.per_item.reshape(2, -1).mean(0), both.weight.reshape(2, -1).mean(0)
        return Loss(off_S, weight_S, {"off": off_S.detach()})

    def after_step(self, gathered: Callable[[Tensor], Tensor]) -> None:
        self.follow(self.kept)
        target_VD, self._targets = torch.cat(self._targets), []
        sums_D = gathered(torch.cat([target_VD.sum(0), target_VD.new_tensor([len(target_VD)])])[None]).sum(0)
        self.centre.lerp_(sums_D[:-1] / sums_D[-1], 1 - KEPT_CENTRE)

    @torch.no_grad()
    def follow(self, kept: float) -> None:
        """The average keeps a share of what it was."""
        average: list[Tensor] = list(self.average.parameters())
        now: list[Tensor] = [*self.encoder.parameters(), *self.head.parameters()]
        torch._foreach_lerp_(average, now, 1 - kept)
