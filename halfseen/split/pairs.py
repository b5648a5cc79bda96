"""Sentence-level pretexts beside the masked tokens, each from one segment cut in two.

Next sentence (BERT, arXiv:1810.04805, section 3.1, task 2): does the second part follow the first, or was it taken from
elsewhere? Sentence order (ALBERT, arXiv:1909.11942, section 3.1): do the two parts stand in their own order?
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from halfseen.contracts import Draw, Sample, Split
from halfseen.data.tokens import Segment
from halfseen.split.mask import HideTokens, frame


def cut(segment: Segment, where: float) -> tuple[Segment, Segment] | None:
    """Two parts of a segment, cut at a word in its middle half; None if it has no such word."""
    n = len(segment.ids)
    places = np.flatnonzero(segment.starts[: n - n // 4])
    places = places[places >= max(1, n // 4)]
    if len(places) == 0:
        return None
    at = int(places[int(where * len(places))])
    return Segment(segment.ids[:at], segment.starts[:at]), Segment(segment.ids[at:], segment.starts[at:])


@dataclass(frozen=True)
class SentenceOrder:
    """Half of the pairs are swapped; second.target_S is 1 where they stand in their own order."""

    hide: HideTokens

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        where_S, coin_S = draw(1), draw(1)
        parts = [cut(sample.x, where) for sample, where in zip(samples, where_S, strict=True)]
        in_order_S = coin_S < 0.5
        framed = [
            (sample.x,) if two is None else two if keep else two[::-1] for sample, two, keep in zip(samples, parts, in_order_S, strict=True)
        ]
        return with_second(self.hide, framed, draw, in_order_S)


@dataclass(frozen=True)
class NextSentence:
    """Half of the second parts come from another segment; second.target_S is 1 where they are the true ones.

    elsewhere: a number in [0, 1) to a segment of the corpus, so that the choice does not depend on the batch.
    """

    hide: HideTokens
    elsewhere: Callable[[float], Segment]

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        where_S, coin_S, other_S = draw(1), draw(1), draw(1)
        follows_S = coin_S < 0.5
        framed: list[tuple[Segment, ...]] = []
        for sample, where, follows, other in zip(samples, where_S, follows_S, other_S, strict=True):
            two = cut(sample.x, where)
            if two is None:
                framed.append((sample.x,))
                continue
            foreign = self.elsewhere(other)
            n = len(two[1].ids)  # as long as the true one at most, so that length tells nothing more than it must
            framed.append(two if follows else (two[0], Segment(foreign.ids[-n:], foreign.starts[-n:])))
        return with_second(self.hide, framed, draw, follows_S)


def with_second(hide: HideTokens, framed: Sequence[tuple[Segment, ...]], draw: Draw, truth_S: np.ndarray) -> Split:
    """Hides tokens in framed pairs and asks the yes-or-no question of every sample that is a pair."""
    split = hide.hide(frame(framed, hide.tokens), draw)
    pairs = np.array([i for i, parts in enumerate(framed) if len(parts) > 1], dtype=np.int64)
    second = Split(split.seen, torch.from_numpy(truth_S[pairs].astype(np.int64)), torch.from_numpy(pairs))
    return replace(split, second=second)
