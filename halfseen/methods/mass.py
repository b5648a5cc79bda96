"""MASS: restore a fragment that the encoder does not see (Song et al. 2019, arXiv:1905.02450).

The decoder sees of the fragment what it has written, and of the rest nothing but through the encoder. The net is BART's.
"""

from __future__ import annotations

from halfseen.methods.recipes import MassRecipe
from halfseen.methods.restore import Restoring
from halfseen.split.fragment import Fragment
from halfseen.split.restore import Corruption


class Mass(Restoring):
    """Half of each text is the fragment, unless the recipe says otherwise."""

    recipe: MassRecipe

    @property
    def corruption(self) -> Corruption:
        return Fragment(self.tokens, self.recipe.rate)
