"""GPT-BERT: one net that tells hidden tokens and next tokens (Charpentier and Samuel 2024, arXiv:2410.24159).

Some texts of a batch are seen up to each token, the others from both sides with tokens hidden; what is hidden is told one place
earlier, where a next token is told, too, so that nothing but what is seen makes the difference.
Shapes: N tokens of S samples laid end to end without padding; M of them scored; width D; vocabulary V.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from halfseen.contracts import Splitter
from halfseen.data.tokenizers import TokenTable
from halfseen.data.tokens import Segment
from halfseen.methods.gpt import Gpt
from halfseen.methods.recipes import GptBertRecipe
from halfseen.methods.text import Face
from halfseen.nets.shape import TransformerShape
from halfseen.split.both import BothWays, HideTokensBefore
from halfseen.split.mask import HideTokens
from halfseen.split.shift import NextTokens


class GptBert(Gpt):
    """A GPT whose net sees both ways where it is not told otherwise."""

    specials = 2
    recipe: GptBertRecipe

    def __init__(
        self, recipe: GptBertRecipe, shape: TransformerShape, tokens: TokenTable, elsewhere: Callable[[float], Segment] | None = None
    ) -> None:
        super().__init__(recipe, shape, tokens, elsewhere)

    @property
    def faces(self) -> Mapping[Face, Splitter]:
        return {"hidden": HideTokensBefore(HideTokens(self.tokens)), **super().faces}

    def splitter(self, progress: float) -> Splitter:
        hide = HideTokens(self.tokens, self.recipe.rate, self.recipe.units)
        return BothWays(HideTokensBefore(hide), NextTokens(self.tokens), self.recipe.causal)
