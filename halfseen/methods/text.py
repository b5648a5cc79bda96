"""What pre-training asks of every method that learns from text."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Literal

from torch import Tensor, nn

from halfseen.contracts import Method, Split, Splitter
from halfseen.data.tokenizers import TokenTable
from halfseen.nets.heads import NextHead, TokenHead
from halfseen.nets.transformer import Transformer

Face = Literal["hidden", "next", "restored"]
"""What a method can be asked: which token is hidden here, which one comes next, or how a corrupted text was."""


class TextMethod(Method):
    """net: what is kept of it, with `head`, the vocabulary layer that belongs to it, if one does."""

    net: Transformer
    head: TokenHead | NextHead | None
    tokens: TokenTable
    specials = 2
    """Special tokens that are put around a segment."""

    @property
    @abstractmethod
    def faces(self) -> Mapping[Face, Splitter]:
        """What held-out text is judged by: all that the method can be asked, and the splitter that asks it."""

    @property
    @abstractmethod
    def output_norm(self) -> nn.Module:
        """The norm before the vocabulary layer."""

    @abstractmethod
    def logits(self, split: Split) -> Tensor:
        """logits_MV at the scored positions of what one of the faces' splitters asks."""

    @abstractmethod
    def flops(self, tokens: int, scored: float, length: int) -> float:
        """Operations of a step's products, forward and backward, for so many useful tokens in segments of `length`."""
