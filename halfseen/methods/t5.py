"""T5: say what stood in the hidden spans (Raffel et al. 2019, arXiv:1910.10683, section 3.3).

What is published as T5 is the objective and a net; here the objective stands over BART's net, so that corruptions can be compared.
The sentinels are entries of the tokenizer: a new one keeps as many as the longest segment needs.
"""

from __future__ import annotations

from halfseen.methods.recipes import T5Recipe
from halfseen.methods.restore import Restoring
from halfseen.split.restore import Corruption
from halfseen.split.sentinels import HideSpans


class T5(Restoring):
    """Replaced or dropped spans, or a shuffled text."""

    recipe: T5Recipe

    @property
    def corruption(self) -> Corruption:
        return HideSpans(self.tokens, self.recipe.objective, self.recipe.rate, self.recipe.span)
