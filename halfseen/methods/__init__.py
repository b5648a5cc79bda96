"""Ways to learn without labels, one paper a file."""

from __future__ import annotations

from halfseen.methods.recipes import BertRecipe

METHODS = {"bert": ("halfseen.methods.bert:Bert", BertRecipe)}
"""A method's name to where its class stands and to its options; the class is imported when it is used."""
