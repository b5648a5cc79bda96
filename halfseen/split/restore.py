"""Texts to restore: what an encoder sees of a text, and what its decoder must write (BART, MASS, T5), and the tools that all
corruptions share.

Shapes: N tokens of S texts laid end to end, without special tokens; P spans of all texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from halfseen.contracts import Array, Draw, Sample, Split, segment_ids
from halfseen.data.tokenizers import TokenTable
from halfseen.data.tokens import TwoTexts


class Texts(NamedTuple):
    """ids_N and lengths_S; starts_N is true where a word begins."""

    ids: Array
    starts: Array
    lengths: Array

    @property
    def owner(self) -> Array:
        """owner_N: which text each token belongs to."""
        return segment_ids(self.lengths)

    @property
    def place(self) -> Array:
        """place_N: of each token in its text, from 0."""
        return np.arange(len(self.ids)) - np.repeat(np.cumsum(self.lengths) - self.lengths, self.lengths)

    def ordered(self, *keys: Array) -> Texts:
        """The same tokens of each text in another order: by the last key, then by the one before it."""
        order_N = np.lexsort((*keys, self.owner))
        return Texts(self.ids[order_N], self.starts[order_N], self.lengths)


class Corrupted(NamedTuple):
    """What the encoder sees, without [CLS] and [SEP], and what the decoder must write: ids and lengths.

    ends: whether the decoder must say where it ends. offset_S: the position of what it begins with, 0 if None.
    """

    source: Texts
    target: Array
    target_lengths: Array
    ends: bool = True
    offset: Array | None = None


Corruption = Callable[[Texts, Draw], Corrupted]


@dataclass(frozen=True)
class Restore:
    """seen: TwoTexts, [CLS] the corrupted text [SEP], and what the decoder has written: its beginning, then all it must write but the
    last. target_N, scored_N: what it must write, in its place."""

    tokens: TokenTable
    begin: tuple[int, ...]
    corrupt: Corruption

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        segments = [sample.x for sample in samples]
        lengths_S = np.array([len(segment.ids) for segment in segments], dtype=np.int64)
        texts = Texts(
            np.concatenate([segment.ids for segment in segments]).astype(np.int64),
            np.concatenate([segment.starts for segment in segments]),
            lengths_S,
        )
        found = self.corrupt(texts, draw)
        return two_texts(
            (found.source.ids, found.source.lengths),
            (found.target, found.target_lengths),
            self.tokens,
            self.begin,
            found.ends,
            found.offset,
        )


def two_texts(
    source: tuple[Array, Array],
    target: tuple[Array, Array],
    tokens: TokenTable,
    begin: tuple[int, ...],
    ends: bool = True,
    offset_S: Array | None = None,
) -> Split:
    """source, target: ids and lengths, without special tokens. What a decoder begins with after its first token is asked for, too."""
    source_K, lengths_K = framed(*source, before=(tokens.cls,), after=(tokens.sep,))
    wanted_N, lengths_N = framed(*target, before=begin[1:], after=(tokens.sep,) if ends else ())
    last_S = np.cumsum(lengths_N) - 1
    written_N = np.roll(wanted_N, 1)
    written_N[np.append(0, last_S[:-1] + 1)] = begin[0]
    seen = TwoTexts.of(source_K, lengths_K, written_N, lengths_N, offset_S=offset_S)
    return Split(seen, torch.from_numpy(wanted_N), torch.arange(len(wanted_N)))


def framed(ids_N: Array, lengths_S: Array, *, before: tuple[int, ...], after: tuple[int, ...]) -> tuple[Array, Array]:
    """Every text with the same ids before and after it."""
    texts = np.arange(len(lengths_S))
    parts = [(np.repeat(texts, len(before)), np.tile(np.array(before, dtype=np.int64), len(texts)))]
    parts += [(segment_ids(lengths_S), ids_N), (np.repeat(texts, len(after)), np.tile(np.array(after, dtype=np.int64), len(texts)))]
    order = np.argsort(np.concatenate([owner for owner, _ in parts]), kind="stable")
    return np.concatenate([ids for _, ids in parts])[order].astype(np.int64), lengths_S + len(before) + len(after)


def pick(count_S: Array, wanted_S: Array, draw: Draw) -> Array:
    """picked_N: of each text's `count` places `wanted` ones, all choices alike."""
    owner_N = segment_ids(count_S)
    order_N = np.lexsort((draw(count_S), owner_N))
    rank_N = np.arange(len(owner_N)) - np.repeat(np.cumsum(count_S) - count_S, count_S)
    picked_N = np.zeros(len(owner_N), dtype=bool)
    picked_N[order_N] = rank_N < wanted_S[owner_N]
    return picked_N


class Spans(NamedTuple):
    """P spans in the order of their texts: the text, the place of their first token, how many tokens they hold (perhaps none)."""

    owner: Array
    start: Array
    length: Array

    def within(self, texts: Texts) -> Array:
        """inside_N: whether a token is in a span."""
        first_P = (np.cumsum(texts.lengths) - texts.lengths)[self.owner] + self.start
        edge_N = np.zeros(len(texts.ids) + 1, dtype=np.int64)
        np.add.at(edge_N, first_P, 1)
        np.add.at(edge_N, first_P + self.length, -1)
        return np.cumsum(edge_N)[:-1] > 0


def lay_spans(lengths_S: Array, owner_P: Array, length_P: Array, draw: Draw) -> Spans:
    """Spans of these lengths, in their order, with at least one token between two of them; all ways to lay them are alike."""
    spans_S = np.bincount(owner_P, minlength=len(lengths_S))
    kept_S = lengths_S - np.bincount(owner_P, length_P, len(lengths_S)).astype(np.int64)
    gap_N = pick(kept_S + 1, spans_S, draw)  # a span goes before one of the tokens that stay, or behind all of them
    first_S = np.cumsum(kept_S + 1) - (kept_S + 1)
    before_P = np.cumsum(length_P) - length_P
    before_P = before_P - np.append(before_P, 0)[np.minimum(np.cumsum(spans_S) - spans_S, len(before_P))][owner_P]
    return Spans(owner_P, np.flatnonzero(gap_N) - first_S[owner_P] + before_P, length_P)


def woven(texts: Texts, kept_N: Array, spans: Spans, mark_P: Array) -> Texts:
    """The tokens that are kept, with one mark before the place where each span begins."""
    owner = np.concatenate([texts.owner[kept_N], spans.owner])
    place = np.concatenate([2 * texts.place[kept_N] + 1, 2 * spans.start])
    order = np.lexsort((place, owner))
    ids = np.concatenate([texts.ids[kept_N], mark_P])[order]
    starts = np.concatenate([texts.starts[kept_N], np.ones(len(mark_P), dtype=bool)])[order]
    return Texts(ids, starts, np.bincount(owner, minlength=len(texts.lengths)))


def tokens_to_hide(lengths_S: Array, rate: float) -> Array:
    """The nearest whole number to the rate's share, and at least one."""
    return np.maximum(1, np.rint(rate * lengths_S)).astype(np.int64)
