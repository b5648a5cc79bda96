"""The options of every method, free of torch so that the command line can show them at once."""

from __future__ import annotations

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
class BertRecipe:
    """BERT: predict the tokens that were hidden (arXiv:1810.04805)."""

    rate: float = 0.15
    """Share of the tokens to hide, between 0 and 1."""
    final_rate: float | None = None
    """Share of the tokens to hide at the end of the training, if the rate shall fall (or rise) on the way."""
    units: Literal["token", "word", "span"] = "token"
    """What is hidden as one piece."""
    pairs: Literal["none", "next", "order"] = "none"
    """Sentence-level pretext beside it: next sentence (NSP), or sentence order (SOP, arXiv:1909.11942)."""
    start: Literal["cooccurrence", "random"] = "cooccurrence"
    """Where the embedding table starts: from the words' neighbours, or from random numbers."""
    net: NetSize = field(default_factory=NetSize)
    """Size of the encoder."""

    def faults(self) -> list[str]:
        """Everything that is wrong with this recipe, in words."""
        rates = {"rate": self.rate, "final-rate": self.final_rate}
        found = [
            f"{name} is {rate}, but must be above 0 and below 1" for name, rate in rates.items() if rate is not None and not 0 < rate < 1
        ]
        return found + self.net.shape(layers=1, width=64).faults()
