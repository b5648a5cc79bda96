"""Both ways of asking in one batch: each text is asked as one of the two splitters asks it."""

from __future__ import annotations

import numpy as np
import torch

from halfseen.contracts import Sample, Split
from halfseen.data.draw import KeyedDraw
from halfseen.data.tokenizers import TokenTable
from halfseen.data.tokens import Segment
from halfseen.split.both import BothWays, HideTokensBefore
from halfseen.split.mask import HideTokens
from halfseen.split.shift import NextTokens

TABLE = TokenTable(size=60, pad=0, unk=1, cls=2, sep=3, mask=4, special=frozenset(range(5)))
HIDE = HideTokensBefore(HideTokens(TABLE, rate=0.3, mask_share=1.0))


def samples(count: int) -> list[Sample]:
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 20, count)
    return [Sample(f"s:{i}", Segment(rng.integers(5, 60, n), rng.random(n) < 0.6), {"ends": i % 2 == 0}) for i, n in enumerate(lengths)]


def of_sample(split: Split, s: int) -> tuple[list[int], list[int], list[int]]:
    """What one sample sees, the places that are scored in it, and its targets."""
    first, length = int(split.seen.first[s]), int(split.seen.lengths[s])
    mine = (split.scored >= first) & (split.scored < first + length)
    return split.seen.ids[first : first + length].tolist(), (split.scored[mine] - first).tolist(), split.target[mine].tolist()


def test_a_hidden_token_is_asked_for_one_place_earlier() -> None:
    batch = samples(4)
    split = HIDE(batch, KeyedDraw(0, 0, batch))
    assert (split.seen.ids[split.scored + 1] == TABLE.mask).all()
    for s, sample in enumerate(batch):
        _, places, targets = of_sample(split, s)
        assert [int(sample.x.ids[place]) for place in places] == targets, "place p of what is seen is before token p of the text"


def test_each_text_is_asked_in_one_of_the_two_ways() -> None:
    batch = samples(400)
    split = BothWays(HIDE, NextTokens(TABLE), causal=0.25)(batch, KeyedDraw(0, 0, batch))
    following = NextTokens(TABLE)(batch, KeyedDraw(0, 0, batch))
    assert split.seen.causal is not None
    assert 0.18 < float(split.seen.causal.float().mean()) < 0.32
    for s, sample in enumerate(batch):
        seen, places, targets = of_sample(split, s)
        if split.seen.causal[s]:
            assert (seen, places, targets) == of_sample(following, s)
        else:
            text = [TABLE.cls, *sample.x.ids.tolist(), TABLE.sep]
            shown = dict(zip((place + 1 for place in places), targets, strict=True))
            assert [shown.get(i, id_) for i, id_ in enumerate(seen)] == text
            assert [i for i, id_ in enumerate(seen) if id_ == TABLE.mask] == sorted(shown)


def test_the_batch_around_a_text_does_not_choose_its_way() -> None:
    batch = samples(20)
    both = BothWays(HIDE, NextTokens(TABLE), causal=0.5)
    whole = both(batch, KeyedDraw(3, 1, batch))
    for s in (0, 7, 19):
        alone = both([batch[s]], KeyedDraw(3, 1, [batch[s]]))
        assert of_sample(alone, 0) == of_sample(whole, s)
        assert alone.seen.causal is not None
        assert whole.seen.causal is not None
        assert torch.equal(alone.seen.causal[0], whole.seen.causal[s])
