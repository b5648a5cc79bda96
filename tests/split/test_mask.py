"""What is hidden: how much, in which pieces, and the same whatever else is in the batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfseen.contracts import Sample
from halfseen.data.draw import KeyedDraw
from halfseen.data.tokenizers import TokenTable
from halfseen.data.tokens import Segment, lay_rows, order_for_rows
from halfseen.split.mask import HideTokens
from halfseen.split.pairs import NextSentence, SentenceOrder

TABLE = TokenTable(size=1000, pad=0, unk=1, cls=2, sep=3, mask=4, special=frozenset(range(5)))


def batch(lengths: list[int], seed: int = 0) -> list[Sample]:
    rng = np.random.default_rng(seed)
    return [Sample(f"{seed}:{i}", Segment(rng.integers(5, 1000, n), rng.random(n) < 0.5)) for i, n in enumerate(lengths)]


def scored_of(hide: HideTokens, samples: list[Sample]) -> list[np.ndarray]:
    """For each sample, the hidden places, counted from its [CLS]."""
    split = hide(samples, KeyedDraw(0, 0, samples))
    lengths = split.seen.lengths.numpy()
    starts = np.cumsum(lengths) - lengths
    scored = split.scored.numpy()
    return [scored[(scored >= a) & (scored < a + n)] - a for a, n in zip(starts, lengths, strict=True)]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 90), min_size=1, max_size=12), st.sampled_from([0.05, 0.15, 0.4]))
def test_the_share_of_tokens_is_exact_and_specials_stay(lengths: list[int], rate: float) -> None:
    for places, n in zip(scored_of(HideTokens(TABLE, rate), batch(lengths)), lengths, strict=True):
        assert len(places) == max(1, round(rate * n))
        assert places.min() >= 1
        assert places.max() <= n


def test_words_are_hidden_whole() -> None:
    samples = batch([60] * 20)
    for sample, places in zip(samples, scored_of(HideTokens(TABLE, 0.2, "word"), samples), strict=True):
        starts = sample.x.starts.copy()
        starts[0] = True
        word = np.cumsum(starts)
        hidden = word[places - 1]
        assert sorted(places - 1) == sorted(np.flatnonzero(np.isin(word, hidden)))
        assert len(places) >= round(0.2 * 60)


def test_spans_are_longer_than_words() -> None:
    samples = batch([120] * 20)

    def runs(units: str) -> float:
        places = scored_of(HideTokens(TABLE, 0.2, units), samples)  # type: ignore[arg-type]
        return float(np.mean([len(p) / (1 + (np.diff(p) > 1).sum()) for p in places]))

    assert runs("span") > 1.5 * runs("word") > 1.5 * runs("token")


def test_eighty_ten_ten() -> None:
    samples = batch([120] * 200)
    split = HideTokens(TABLE)(samples, KeyedDraw(0, 0, samples))
    seen, target = split.seen.ids[split.scored].numpy(), split.target.numpy()
    assert (seen == TABLE.mask).mean() == pytest.approx(0.8, abs=0.03)
    assert (seen == target).mean() == pytest.approx(0.1, abs=0.02)
    assert seen.min() >= TABLE.mask


def test_a_samples_masks_do_not_depend_on_the_batch() -> None:
    samples = batch([30, 50, 70])
    together = scored_of(HideTokens(TABLE), samples)
    for sample, places in zip(samples, together, strict=True):
        assert np.array_equal(scored_of(HideTokens(TABLE), [sample])[0], places)


def test_sentence_order_says_what_it_shows() -> None:
    samples = batch([40] * 30)
    hide = HideTokens(TABLE, mask_share=0.0, random_share=0.0)  # all tokens stay as they are
    split = SentenceOrder(hide)(samples, KeyedDraw(0, 0, samples))
    ids, at = split.seen.ids.numpy(), 0
    told = dict(zip(split.second.scored.tolist(), split.second.target.tolist(), strict=True))
    assert 5 < sum(told.values()) < 25
    for i, n in enumerate(split.seen.lengths.tolist()):
        words = [t for t in ids[at : at + n].tolist() if t >= 5]
        assert (words == samples[i].x.ids.tolist()) == bool(told[i])
        at += n


def test_next_sentences_are_true_or_from_elsewhere() -> None:
    samples = batch([40] * 30)
    foreign = Segment(np.full(50, 999), np.ones(50, dtype=bool))
    hide = HideTokens(TABLE, mask_share=0.0, random_share=0.0)
    split = NextSentence(hide, lambda where: foreign)(samples, KeyedDraw(0, 0, samples))
    told = dict(zip(split.second.scored.tolist(), split.second.target.tolist(), strict=True))
    at = 0
    for i, n in enumerate(split.seen.lengths.tolist()):
        assert bool((split.seen.ids[at : at + n] == 999).sum() < 3) == bool(told[i])
        at += n


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=60))
def test_rows_hold_every_sample_once(lengths: list[int]) -> None:
    lengths_S = np.array(lengths)
    order = order_for_rows(lengths_S)
    assert sorted(order.tolist()) == list(range(len(lengths)))
    row, column, length = lay_rows(lengths_S[order])
    taken = np.zeros((row.max() + 1, length), dtype=int)
    for r, c, n in zip(row, column, lengths_S[order], strict=True):
        taken[r, c : c + n] += 1
    assert taken.max() == 1
    assert taken.sum() == sum(lengths)


def test_draws_are_uniform_and_independent() -> None:
    samples = batch([1] * 200)
    draw = KeyedDraw(3, 1, samples)
    a, b = draw(100), draw(100)
    for numbers in (a, b):
        assert numbers.mean() == pytest.approx(0.5, abs=0.01)
        assert numbers.var() == pytest.approx(1 / 12, abs=0.005)
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.03
    assert np.array_equal(KeyedDraw(3, 1, samples[7:8])(100), a[700:800])
    assert not np.array_equal(KeyedDraw(4, 1, samples)(100), a)
