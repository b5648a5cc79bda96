"""The options of every method, free of torch so that the command line can show them at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from halfseen.nets.shape import TransformerShape


@dataclass(frozen=True, kw_only=True)
class NetSize:
    """The size of the encoder; what is not given is chosen to fit the budget."""

    layers: int | None = None
    """Number of layers."""
    width: int | None = None
    """Width of a hidden state."""
    heads: int | None = None
    """Number of attention heads; by default one for every 64 of the width."""
    max_length: int = 512
    """Longest text, in tokens, that the net will ever take."""

    def shape(self, *, layers: int, width: int) -> TransformerShape:
        """The whole shape, with these layers and this width where none are given."""
        chosen = self.width or width
        return TransformerShape(
            layers=self.layers or layers, width=chosen, heads=self.heads or max(1, chosen // 64), max_length=self.max_length
        )


@dataclass(frozen=True, kw_only=True)
class MaskedRecipe:
    """What every method has that hides tokens of a text."""

    rate: float = 0.15
    """Share of the tokens to hide, between 0 and 1."""
    units: Literal["token", "word", "span"] = "token"
    """What is hidden as one piece."""
    start: Literal["cooccurrence", "random"] = "cooccurrence"
    """Where the embedding table starts: from the words' neighbours, or from random numbers."""
    net: NetSize = field(default_factory=NetSize)
    """Size of the encoder."""

    def shares(self) -> dict[str, float | None]:
        """The options that must be above 0 and below 1."""
        return {"rate": self.rate}

    def faults(self) -> list[str]:
        """Everything that is wrong with this recipe, in words."""
        found = [
            f"{name} is {share}, but must be above 0 and below 1"
            for name, share in self.shares().items()
            if share is not None and not 0 < share < 1
        ]
        return found + self.net.shape(layers=1, width=64).faults()


@dataclass(frozen=True, kw_only=True)
class BertRecipe(MaskedRecipe):
    """BERT: predict the tokens that were hidden (arXiv:1810.04805)."""

    final_rate: float | None = None
    """Share of the tokens to hide at the end of the training, if the rate shall fall (or rise) on the way."""
    pairs: Literal["none", "next", "order"] = "none"
    """Sentence-level pretext beside it: next sentence (NSP), or sentence order (SOP, arXiv:1909.11942)."""

    def shares(self) -> dict[str, float | None]:
        return super().shares() | {"final-rate": self.final_rate}


@dataclass(frozen=True, kw_only=True)
class ElectraRecipe(MaskedRecipe):
    """ELECTRA: tell which tokens a smaller net has replaced (arXiv:2003.10555)."""

    weight: float = 50.0
    """How much telling replaced tokens counts beside the smaller net's guessing of the hidden ones."""

    def faults(self) -> list[str]:
        return super().faults() + ([] if 0 < self.weight < math.inf else [f"weight is {self.weight:g}, but must be above 0 and finite"])
