"""SimCLR: a view of a sample is to be found by another, among the views of all others (Chen et al. 2020, arXiv:2002.05709); of rows, views
in which numbers were replaced (SCARF, arXiv:2106.15147).

The loss is in nats a sample, and depends on the batch around it, as the other samples are its counter-examples.
"""

from __future__ import annotations

from halfseen.contracts import Loss, Split
from halfseen.losses.contrast import info_nce
from halfseen.methods.array_recipes import SimclrRecipe
from halfseen.methods.views import Viewing
from halfseen.nets.pair_shape import PairShape


class Simclr(Viewing):
    def __init__(self, recipe: SimclrRecipe, shape: PairShape) -> None:
        super().__init__(recipe, shape)
        self.temperature = recipe.temperature

    def forward(self, split: Split) -> Loss:
        return info_nce(*self.projected(split.seen), split.scored, self.temperature)
