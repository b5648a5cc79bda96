"""T5's unsupervised objectives (arXiv:1910.10683, section 3.3 and figure 2).

replace: each hidden span becomes a sentinel of its own; the decoder writes each sentinel and what stood there, and one more sentinel
at the end. drop: the spans are gone, and the decoder writes their tokens. deshuffle: the tokens stand in random order, and the
decoder writes the text. Shapes: N tokens of S texts laid end to end; P spans.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from halfseen.contracts import Array, Draw
from halfseen.data.tokenizers import TokenTable
from halfseen.split.restore import Corrupted, Spans, Texts, lay_spans, pick, tokens_to_hide, woven

Objective = Literal["replace", "drop", "deshuffle"]


def span_counts(lengths_S: Array, wanted_S: Array, span: float) -> Array:
    """Spans of `span` tokens on average, at least one, and no more than the tokens that stay can keep apart."""
    return np.clip(np.rint(wanted_S / span), 1, np.minimum(wanted_S, lengths_S - wanted_S + 1)).astype(np.int64)


@dataclass(frozen=True)
class HideSpans:
    """rate: the share of the tokens that are hidden. span: the mean length of a span, in tokens."""

    tokens: TokenTable
    objective: Objective
    rate: float
    span: float

    def __call__(self, texts: Texts, draw: Draw) -> Corrupted:
        """Raises ValueError if there are fewer sentinels than spans and one more."""
        if self.objective == "deshuffle":
            return Corrupted(texts.ordered(draw(texts.lengths)), texts.ids, texts.lengths)
        spans = random_spans(texts.lengths, tokens_to_hide(texts.lengths, self.rate), self.span, draw)
        inside_N = spans.within(texts)
        if self.objective == "drop":
            kept_N = ~inside_N
            source = Texts(texts.ids[kept_N], texts.starts[kept_N], np.bincount(texts.owner[kept_N], minlength=len(texts.lengths)))
            return Corrupted(source, texts.ids[inside_N], np.bincount(texts.owner[inside_N], minlength=len(texts.lengths)))
        count_S = np.bincount(spans.owner, minlength=len(texts.lengths))
        number_P = np.arange(len(spans.owner)) - np.repeat(np.cumsum(count_S) - count_S, count_S)
        sentinel = np.array(self.tokens.sentinels, dtype=np.int64)
        if len(sentinel) <= count_S.max():
            raise ValueError(f"{count_S.max()} spans need {count_S.max() + 1} sentinels, but the vocabulary has {len(sentinel)}")
        source = woven(texts, ~inside_N, spans, sentinel[number_P])
        everyone = np.arange(len(texts.lengths))
        with_end = Spans(np.append(spans.owner, everyone), np.append(spans.start, texts.lengths), np.empty(0))
        target = woven(texts, inside_N, with_end, np.append(sentinel[number_P], sentinel[count_S]))
        return Corrupted(source, target.ids, target.lengths)


def random_spans(lengths_S: Array, wanted_S: Array, span: float, draw: Draw) -> Spans:
    """Spans that hold `wanted` tokens of each text: cut at random into as many as their mean length asks for, then laid at random."""
    count_S = span_counts(lengths_S, wanted_S, span)
    cut_N = pick(wanted_S - 1, count_S - 1, draw)  # between two hidden tokens
    first_S = np.cumsum(wanted_S) - wanted_S
    begins_N = np.ones(wanted_S.sum(), dtype=bool)
    begins_N[np.setdiff1d(np.arange(len(begins_N)), first_S)] = cut_N
    begin_P = np.flatnonzero(begins_N)
    return lay_spans(lengths_S, np.repeat(np.arange(len(lengths_S)), count_S), np.diff(np.append(begin_P, len(begins_N))), draw)
