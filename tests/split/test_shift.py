"""Next tokens: what is seen, and what is asked."""

from __future__ import annotations

import numpy as np

from halfseen.contracts import Sample
from halfseen.data.draw import KeyedDraw
from halfseen.data.tokenizers import TokenTable
from halfseen.data.tokens import Segment
from halfseen.split.shift import NextTokens

TABLE = TokenTable(size=60, pad=0, unk=1, cls=2, sep=3, mask=4, special=frozenset(range(5)))


def sample(name: str, ids: list[int], *, ends: bool) -> Sample:
    return Sample(name, Segment(np.array(ids), np.ones(len(ids), dtype=bool)), {"ends": ends})


def test_every_token_is_asked_for_and_an_end_only_where_there_is_one() -> None:
    samples = [sample("a", [7, 8, 9], ends=True), sample("b", [5, 6], ends=False)]
    split = NextTokens(TABLE)(samples, KeyedDraw(0, 0, samples))
    assert split.seen.ids.tolist() == [2, 7, 8, 9, 2, 5]
    assert split.target.tolist() == [7, 8, 9, 3, 5, 6]
    assert split.seen.lengths.tolist() == [4, 2]
    assert split.scored.tolist() == list(range(6))
    assert split.seen.causal is not None
    assert split.seen.causal.tolist() == [True, True]
    without = NextTokens(TABLE, ends=False)(samples, KeyedDraw(0, 0, samples))
    assert without.seen.ids.tolist() == [2, 7, 8, 2, 5]
    assert without.target.tolist() == [7, 8, 9, 5, 6]
