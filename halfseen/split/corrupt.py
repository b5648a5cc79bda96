"""BART's corruptions (arXiv:1910.13461, section 2.2); the decoder restores the whole text.

mask: random tokens become [MASK]. delete: they are gone. permute: the sentences stand in random order. rotate: the text begins at a
random token. infill: spans of Poisson length (mean 3) become one [MASK] each, spans of length 0 insert one.
Shapes: N tokens of S texts laid end to end; P spans.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from halfseen.contracts import Array, Draw, segment_ids
from halfseen.data.tokenizers import TokenTable
from halfseen.split.restore import Corrupted, Spans, Texts, lay_spans, pick, tokens_to_hide, woven

MEAN_SPAN = 3.0
"""Tokens in an infilled span, on average."""
POISSON = np.cumsum([math.exp(-MEAN_SPAN) * MEAN_SPAN**k / math.factorial(k) for k in range(25)])
"""P(length <= k)."""


@dataclass(frozen=True)
class Noise:
    """Corruptions one after the other. rate: the share of the tokens that mask, delete and infill hide."""

    tokens: TokenTable
    rate: float
    kinds: tuple[str, ...]

    def __call__(self, texts: Texts, draw: Draw) -> Corrupted:
        source = texts
        for kind in self.kinds:
            source = CORRUPTIONS[kind](source, draw, self.tokens, self.rate)
        return Corrupted(source, texts.ids, texts.lengths)


def mask(texts: Texts, draw: Draw, tokens: TokenTable, rate: float) -> Texts:
    hidden_N = pick(texts.lengths, tokens_to_hide(texts.lengths, rate), draw)
    return texts._replace(ids=np.where(hidden_N, tokens.mask, texts.ids))


def delete(texts: Texts, draw: Draw, tokens: TokenTable, rate: float) -> Texts:
    kept_N = ~pick(texts.lengths, tokens_to_hide(texts.lengths, rate), draw)
    return Texts(texts.ids[kept_N], texts.starts[kept_N], np.bincount(texts.owner[kept_N], minlength=len(texts.lengths)))


def permute(texts: Texts, draw: Draw, tokens: TokenTable, rate: float) -> Texts:
    ends_N = np.isin(texts.ids, np.fromiter(tokens.sentence_ends, dtype=np.int64))
    begins_N = np.append(True, ends_N[:-1]) & texts.starts | (texts.place == 0)
    sentence_N = np.cumsum(begins_N) - 1
    return texts.ordered(texts.place, draw(texts.lengths)[begins_N][sentence_N])


def rotate(texts: Texts, draw: Draw, tokens: TokenTable, rate: float) -> Texts:
    first_S = (draw(1) * texts.lengths).astype(np.int64)
    return texts.ordered((texts.place - first_S[texts.owner]) % texts.lengths[texts.owner])


def infill(texts: Texts, draw: Draw, tokens: TokenTable, rate: float) -> Texts:
    spans = poisson_spans(texts.lengths, tokens_to_hide(texts.lengths, rate), draw)
    return woven(texts, ~spans.within(texts), spans, np.full(len(spans.owner), tokens.mask))


def poisson_spans(lengths_S: Array, wanted_S: Array, draw: Draw) -> Spans:
    """Spans that hold `wanted` tokens of each text: Poisson lengths are drawn until these suffice, and the last one is cut to fit.

    There are at most as many spans as wanted tokens, so that a text with marks for spans is not longer than it was.
    """
    drawn_N = np.searchsorted(POISSON, draw(wanted_S), side="right")
    owner_N, first_S = segment_ids(wanted_S), np.cumsum(wanted_S) - wanted_S
    before_N = np.cumsum(drawn_N) - drawn_N
    before_N -= before_N[first_S][owner_N]
    last_N = np.arange(len(owner_N)) == (first_S + wanted_S - 1)[owner_N]
    used_N = before_N < wanted_S[owner_N]
    left_N = wanted_S[owner_N] - before_N
    length_N = np.where(last_N, left_N, np.minimum(drawn_N, left_N))
    # behind spans there must be tokens to keep them apart; where there are too few, the spans that come last become one
    room_S = lengths_S - wanted_S + 1
    rank_N = np.arange(len(owner_N)) - first_S[owner_N]
    length_N = np.where(rank_N == room_S[owner_N] - 1, left_N, length_N)
    used_N &= rank_N < room_S[owner_N]
    return lay_spans(lengths_S, owner_N[used_N], length_N[used_N], draw)


CORRUPTIONS: dict[str, Callable[[Texts, Draw, TokenTable, float], Texts]] = {
    "mask": mask,
    "delete": delete,
    "permute": permute,
    "rotate": rotate,
    "infill": infill,
}
