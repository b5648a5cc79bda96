"""What BART, MASS and T5 share: an encoder sees a corrupted text, its decoder writes what is missing, token by token.

Shapes: N tokens that decoders write of S samples; K tokens to read; width D; vocabulary V.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from halfseen.contracts import Encoded, Loss, Split, Splitter
from halfseen.data.tokenizers import TokenTable
from halfseen.data.tokens import Segment, TwoTexts
from halfseen.losses.vocabulary import written_loss
from halfseen.methods.recipes import RestoringRecipe
from halfseen.methods.text import Face, TextMethod
from halfseen.nets.heads import pool, rounded
from halfseen.nets.seq2seq import EncoderDecoder, RestoringHead
from halfseen.nets.shape import TransformerShape
from halfseen.split.restore import Corruption, Restore


class Restoring(TextMethod):
    """Every token that the decoder writes is scored; encoder, decoder and vocabulary layer share one table."""

    net: EncoderDecoder
    head: RestoringHead

    def __init__(
        self, recipe: RestoringRecipe, shape: TransformerShape, tokens: TokenTable, elsewhere: Callable[[float], Segment] | None = None
    ) -> None:
        super().__init__()
        self.recipe, self.tokens = recipe, tokens
        self.net = EncoderDecoder(shape, vocabulary=len(tokens))
        self.head = RestoringHead(self.net)
        self.split: Splitter = self.splitter(progress=0.0)

    @property
    @abstractmethod
    def corruption(self) -> Corruption:
        """What is done to a text before the encoder sees it."""

    @property
    def faces(self) -> Mapping[Face, Splitter]:
        return {"restored": self.splitter(progress=0.0)}

    @property
    def output_norm(self) -> nn.Module:
        if self.net.shape.norm_position == "pre":
            return self.net.decoder.final_norm
        last = self.net.decoder.layers[-1].feed_forward_norm
        assert isinstance(last, nn.Module)
        return last

    def splitter(self, progress: float) -> Splitter:
        return Restore(self.tokens, self.net.shape.begin or (self.tokens.cls,), self.corruption)

    def forward(self, split: Split) -> Loss:
        return judged(self.head, self.net(split.seen).last, split, training=self.training)

    def logits(self, split: Split) -> Tensor:
        return rounded(self.head, self.net(split.seen).last)

    def flops(self, tokens: int, scored: float, length: int) -> float:
        shape = self.net.shape
        read = (tokens - scored) * shape.flops_per_token(length)
        return 3 * (read + scored * (shape.decoder_flops_per_token(length) + 2 * shape.width * self.net.vocabulary))

    def encode(self, seen: Any) -> Encoded:
        """Of texts alone, or of what the encoder saw of two."""
        source = seen.source if isinstance(seen, TwoTexts) else seen
        states_KD = self.net(source).last
        return Encoded(states_KD, pool(states_KD, source, "mean"), torch.ones(len(states_KD), dtype=torch.bool))


def judged(head: RestoringHead, states_ND: Tensor, split: Split, *, training: bool) -> Loss:
    """The cross-entropy of every token that a decoder should have written."""
    return written_loss(head, states_ND, split.target, split.seen.target.sample, len(split.seen.lengths), training=training)
