"""Masked tokens: some of a text's tokens are hidden and must be predicted (BERT, arXiv:1810.04805, section 3.1).

What is hidden as one piece is a token, a whole word (the tokenizer says where words begin), or a span of words
(SpanBERT, arXiv:1907.10529). Shapes: N tokens of S samples laid end to end; M of them hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
import torch

from halfseen.contracts import Array, Draw, Sample, Split, segment_ids
from halfseen.data.tokenizers import TokenTable
from halfseen.data.tokens import Segment, Tokens

Units = Literal["token", "word", "span"]

MEAN_SPAN = 3.0
"""Words in a span, on average: spans end after each word with probability 1 / MEAN_SPAN."""


class Framed(NamedTuple):
    """A batch with its special tokens: plain_N is false at these; types_N is 1 in second sentences."""

    ids: Array
    starts: Array
    plain: Array
    types: Array
    lengths: Array


def frame(segments: Sequence[tuple[Segment, ...]], tokens: TokenTable) -> Framed:
    """[CLS] a [SEP], or [CLS] a [SEP] b [SEP], for every sample of one or two segments."""
    ids, starts, lengths, types = [], [], [], []
    cls, sep, one = np.array([tokens.cls]), np.array([tokens.sep]), np.array([True])
    for parts in segments:
        ids.append(cls)
        starts.append(one)
        for part in parts:
            ids += (part.ids, sep)
            starts += (part.starts, one)
        second = len(parts[1].ids) + 1 if len(parts) > 1 else 0
        types += [len(parts[0].ids) + 2, second]
        lengths.append(len(parts[0].ids) + 2 + second)
    ids_N = np.concatenate(ids).astype(np.int64)
    plain_N = ~np.isin(ids_N, np.fromiter(tokens.special, dtype=np.int64))
    types_N = np.repeat(np.arange(len(types)) % 2, types)
    return Framed(ids_N, np.concatenate(starts), plain_N, types_N, np.array(lengths, dtype=np.int64))


@dataclass(frozen=True)
class HideTokens:
    """Hides `rate` of a sample's tokens, at least one: 80 % become [MASK], 10 % another token, 10 % stay as they are."""

    tokens: TokenTable
    rate: float = 0.15
    units: Units = "token"
    mask_share: float = 0.8
    random_share: float = 0.1

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        return self.hide(frame([(sample.x,) for sample in samples], self.tokens), draw)

    def hide(self, framed: Framed, draw: Draw) -> Split:
        """seen: Tokens. target_M: the hidden ids. scored_M: their places among the N tokens."""
        scored_M = self.choose(framed, draw)
        target_M = framed.ids[scored_M]
        seen_N = framed.ids.copy()
        fate_M, other_M = draw(framed.lengths)[scored_M], draw(framed.lengths)[scored_M]
        plain_V = self.tokens.plain
        changed_M = fate_M < self.mask_share + self.random_share
        seen_N[scored_M[changed_M]] = plain_V[(other_M[changed_M] * len(plain_V)).astype(np.int64)]
        seen_N[scored_M[fate_M < self.mask_share]] = self.tokens.mask
        seen = Tokens.of(seen_N, framed.lengths, framed.types)
        return Split(seen, torch.from_numpy(target_M), torch.from_numpy(scored_M))

    def choose(self, framed: Framed, draw: Draw) -> Array:
        """The places of the tokens to hide: in every sample, pieces in random order until the rate is reached."""
        starts_N = np.ones_like(framed.plain) if self.units == "token" else framed.starts | ~framed.plain
        if self.units == "span":
            starts_N &= (draw(framed.lengths) < 1 / MEAN_SPAN) | ~framed.plain | np.roll(~framed.plain, 1)
        piece_N = np.cumsum(starts_N) - 1
        order_N = draw(framed.lengths)[starts_N][piece_N]  # one number for all tokens of a piece
        sample_N = segment_ids(framed.lengths)
        plain_P = np.flatnonzero(framed.plain)
        sample_P = sample_N[plain_P]
        sorted_P = np.lexsort((plain_P, order_N[plain_P], sample_P))
        count_S = np.bincount(sample_P, minlength=len(framed.lengths))
        rank_P = np.arange(len(plain_P)) - np.repeat(np.cumsum(count_S) - count_S, count_S)
        piece_P = piece_N[plain_P][sorted_P]
        first_P = np.concatenate([[True], piece_P[1:] != piece_P[:-1]])[: len(piece_P)]
        rank_P = rank_P[np.maximum.accumulate(np.where(first_P, np.arange(len(rank_P)), 0))]  # of the piece's first token
        wanted_S = np.maximum(1, np.rint(self.rate * count_S))
        return np.sort(plain_P[sorted_P[rank_P < wanted_S[sample_P]]])

    def at_rate(self, rate: float) -> HideTokens:
        return replace(self, rate=rate)
