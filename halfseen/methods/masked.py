"""What pre-training asks of every method that hides tokens of a text.

Shapes: M hidden tokens; V vocabulary.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from halfseen.contracts import Method, Splitter
from halfseen.data.tokenizers import TokenTable
from halfseen.nets.heads import TokenHead
from halfseen.nets.transformer import Transformer

if TYPE_CHECKING:
    from halfseen.methods.bert import Bert


class MaskedMethod(Method):
    """net: what is kept of it, with `head`, the vocabulary layer that belongs to it, if one does."""

    net: Transformer
    head: TokenHead | None
    tokens: TokenTable
    specials = 2
    """Special tokens that are put around a segment."""

    @property
    @abstractmethod
    def guesser(self) -> Bert:
        """What guesses hidden tokens: the method itself or a part of it."""

    @abstractmethod
    def splitter(self, progress: float) -> Splitter:
        """What hides tokens after a share `progress` of the training."""

    @abstractmethod
    def flops(self, tokens: int, scored: float, length: int) -> float:
        """Operations of a step's products, forward and backward, for so many useful tokens in segments of `length`."""
