"""Ways to learn without labels, one paper a file."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from halfseen.methods.recipes import BartRecipe, BertRecipe, ElectraRecipe, GptBertRecipe, GptRecipe, MassRecipe, T5Recipe, TextRecipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from halfseen.data.tokenizers import TokenTable
    from halfseen.data.tokens import Segment
    from halfseen.methods.text import TextMethod
    from halfseen.nets.shape import TransformerShape

METHODS: dict[str, tuple[str, type[TextRecipe]]] = {
    "bert": ("halfseen.methods.bert:Bert", BertRecipe),
    "electra": ("halfseen.methods.electra:Electra", ElectraRecipe),
    "gpt": ("halfseen.methods.gpt:Gpt", GptRecipe),
    "gptbert": ("halfseen.methods.gptbert:GptBert", GptBertRecipe),
    "bart": ("halfseen.methods.bart:Bart", BartRecipe),
    "mass": ("halfseen.methods.mass:Mass", MassRecipe),
    "t5": ("halfseen.methods.t5:T5", T5Recipe),
}
"""A method's name to where its class stands and to its options; the class is imported when it is used."""


def make(
    name: str, recipe: TextRecipe, shape: TransformerShape, tokens: TokenTable, elsewhere: Callable[[float], Segment] | None = None
) -> TextMethod:
    """A method by its name. elsewhere: a number in [0, 1) to a segment of the corpus."""
    module, kind = METHODS[name][0].split(":")
    made: TextMethod = getattr(import_module(module), kind)(recipe, shape, tokens, elsewhere)
    return made
