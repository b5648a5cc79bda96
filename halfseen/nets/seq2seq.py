"""An encoder whose states a decoder reads while it writes: BART's net (Lewis et al. 2019, arXiv:1910.13461, section 2.1; Vaswani et al.
2017, arXiv:1706.03762, section 3.2.3).

Shapes: K tokens of S texts to read, N tokens written of them; width D; H heads (G of keys and values) of E; vocabulary V;
attention sees R rows, of Q places that ask and K places that are asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from halfseen.contracts import Out
from halfseen.data.tokens import Tokens, TwoTexts
from halfseen.nets.heads import NextHead, TokenHead
from halfseen.nets.norms import norm
from halfseen.nets.rows import Grid, attend_in_rows
from halfseen.nets.shape import TransformerShape
from halfseen.nets.transformer import Attends, Attention, Layer, Layout, Stack, Transformer, hide

KeysAndValues = Callable[[Tensor], tuple[Tensor, Tensor]]


class Reads(Attends, Protocol):
    """Self-attention, and how queries meet what was read: the source's states, or keys and values that are remembered."""

    def read(self, q_NHE: Tensor, keys_and_values: KeysAndValues) -> Tensor:
        """Every query's mix of its source's values, N x (H E). keys_and_values: what makes them of the source's states."""
        ...


class Reading:
    """The decoder's layout of a batch: every token sees those before it in its text, and the whole of its source."""

    def __init__(self, seen: TwoTexts, source_KD: Tensor, shape: TransformerShape) -> None:
        self.own, self.source_KD = Layout(seen.target, shape), source_KD
        self.source_grid = Grid(seen.source)
        asking_RQ1, asked_R1K = seen.target.owner[:, :, None], seen.source.owner[:, None, :]
        # A place without a token sees everything, or it might see nothing at all, and its softmax would be no number.
        self.hidden_PQK = hide((asking_RQ1 == asked_R1K) | (asking_RQ1 < 0), shape)

    @property
    def turns(self) -> tuple[Tensor, Tensor] | None:
        return self.own.turns

    def attend(self, q_NHE: Tensor, k_NGE: Tensor, v_NGE: Tensor) -> Tensor:
        return self.own.attend(q_NHE, k_NGE, v_NGE)

    def read(self, q_NHE: Tensor, keys_and_values: KeysAndValues) -> Tensor:
        k_KGE, v_KGE = keys_and_values(self.source_KD)
        return attend_in_rows(q_NHE, k_KGE, v_KGE, asking=self.own.grid, asked=self.source_grid, hidden_PQK=self.hidden_PQK)


class CrossAttention(Attention):
    """Queries of what is written meet keys and values of what was read; no positions are turned."""

    def forward(self, x_ND: Tensor, layout: Reads) -> Tensor:  # type: ignore[override]
        return self.out(layout.read(self.queries(x_ND), self.keys_and_values))


class DecoderLayer(Layer):
    """A layer that also reads, between its self-attention and its feed-forward part."""

    def __init__(self, shape: TransformerShape, *, attention_norm: bool = True) -> None:
        super().__init__(shape, attention_norm=attention_norm)
        self.reading_norm = norm(shape)
        self.reading = CrossAttention(shape)

    def forward(self, x_ND: Tensor, layout: Reads) -> Tensor:  # type: ignore[override]
        if self.pre:
            x_ND = x_ND + self.attention(self.attention_norm(x_ND), layout)
            x_ND = x_ND + self.reading(self.reading_norm(x_ND), layout)
            return x_ND + self.feed_forward(self.feed_forward_norm(x_ND))
        x_ND = self.attention_norm(x_ND + self.attention(x_ND, layout))
        x_ND = self.reading_norm(x_ND + self.reading(x_ND, layout))
        return self.feed_forward_norm(x_ND + self.feed_forward(x_ND))


class EncoderDecoder(Transformer):
    """An encoder, which it is by itself, with a decoder over the same embedding table.

    `logits_bias` (1 x V) is added to every logit; nothing here learns it, folders of others may bring one.
    """

    def __init__(self, shape: TransformerShape, vocabulary: int) -> None:
        super().__init__(shape, vocabulary)
        if shape.local_window is not None:
            raise ValueError("a decoder with layers that see only a window cannot be built")
        self.decoder = Stack(replace(shape, layers=shape.decoder_layers, causal=True), layer=DecoderLayer)
        self.logits_bias: Tensor
        self.register_buffer("logits_bias", torch.zeros(1, vocabulary))

    def forward(self, seen: Tokens | TwoTexts, *, every_layer: bool = False) -> Out:
        """Of texts alone the encoder's states, of two texts the decoder's: Out(last_ND) of what was written.

        Raises ValueError if a text is longer than the shape allows.
        """
        if isinstance(seen, Tokens):
            return super().forward(seen, every_layer=every_layer)
        self.must_fit(seen.source)
        self.must_fit(seen.target)
        tokens = len(seen.target.ids)
        seen = seen.rounded() if seen.target.ids.device.type == "cpu" else seen
        reading = Reading(seen, self.run(seen.source).last, self.decoder.shape)
        found = self.decode(seen.target, reading, every_layer=every_layer)
        return Out(last=found.last[:tokens], layers=tuple(layer[:tokens] for layer in found.layers))

    def decode(self, target: Tokens, *reads: Reads, every_layer: bool = False) -> Out:
        """The decoder's states. reads: each layer's own, or one for all."""
        layouts = reads if len(reads) > 1 else reads * self.shape.decoder_layers
        return self.decoder.above(self.embedding(target.ids), target, layouts, every_layer=every_layer)


class RestoringHead(NextHead):
    """The vocabulary layer of an encoder-decoder: its embedding table and its bias."""

    def __init__(self, net: EncoderDecoder) -> None:
        super().__init__(net.shape, net.embedding)
        self._net = [net]  # in a list, so that its parameters are not counted twice

    @property
    def bias(self) -> Tensor:
        return self._net[0].logits_bias[0]


def build(shape: TransformerShape, vocabulary: int, *, causal: bool) -> tuple[Transformer, TokenHead | NextHead]:
    """A net of this shape and its vocabulary layer. causal: whether that tells next tokens, not hidden ones."""
    if shape.decoder_layers:
        both = EncoderDecoder(shape, vocabulary)
        return both, RestoringHead(both)
    net = Transformer(shape, vocabulary)
    return net, NextHead(shape, net.embedding) if causal else TokenHead(shape, net.embedding)
