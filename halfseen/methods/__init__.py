"""Ways to learn without labels, one paper a file."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from halfseen.methods.recipes import BertRecipe, ElectraRecipe, MaskedRecipe

if TYPE_CHECKING:
    from halfseen.methods.masked import MaskedMethod

METHODS: dict[str, tuple[str, type[MaskedRecipe]]] = {
    "bert": ("halfseen.methods.bert:Bert", BertRecipe),
    "electra": ("halfseen.methods.electra:Electra", ElectraRecipe),
}
"""A method's name to where its class stands and to its options; the class is imported when it is used."""


def make(name: str, *arguments: Any) -> MaskedMethod:
    """A method by its name: recipe, shape of the net, table of tokens, and what draws segments from elsewhere in the corpus."""
    module, kind = METHODS[name][0].split(":")
    made: MaskedMethod = getattr(import_module(module), kind)(*arguments)
    return made
