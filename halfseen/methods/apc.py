"""APC: from the frames up to now, the one some steps ahead (Chung et al. 2019, arXiv:1904.03240, equation 1), by a causal transformer
(Chung and Glass 2020, arXiv:1910.12607).

Shapes: N frames of F bands.
"""

from __future__ import annotations

from torch import Tensor

from halfseen.contracts import Split
from halfseen.methods.speech import FrameTelling
from halfseen.methods.speech_recipes import ApcRecipe
from halfseen.nets.shape import TransformerShape
from halfseen.split.ahead import FramesAhead


class Apc(FrameTelling):
    """Neighbouring frames are nearly alike, so that the next one alone could be told by copying."""

    def __init__(self, recipe: ApcRecipe, shape: TransformerShape, bands: int) -> None:
        super().__init__(recipe, shape, bands)
        self.split = FramesAhead(recipe.shift)

    def guess(self, split: Split) -> Tensor:
        """That the frame to come is the one that is there."""
        seen_NF: Tensor = split.seen.x
        return seen_NF
