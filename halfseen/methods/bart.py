"""BART: restore a text that was corrupted (Lewis et al. 2019, arXiv:1910.13461).

The decoder writes the whole text, whatever was done to it: tokens masked or deleted, sentences permuted, the text rotated, spans
infilled; one of these, or several one after the other.
"""

from __future__ import annotations

from halfseen.methods.recipes import BartRecipe
from halfseen.methods.restore import Restoring
from halfseen.split.corrupt import Noise
from halfseen.split.restore import Corruption


class Bart(Restoring):
    """The paper's net, in small."""

    recipe: BartRecipe

    @property
    def corruption(self) -> Corruption:
        return Noise(self.tokens, self.recipe.rate, self.recipe.corruptions)
