"""Corruptions: what each leaves, takes and asks for, held against slow loops and against what must always be so."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from halfseen.contracts import Sample, Split
from halfseen.data.draw import KeyedDraw
from halfseen.data.tokenizers import TokenTable
from halfseen.data.tokens import Segment
from halfseen.split.corrupt import Noise, poisson_spans
from halfseen.split.fragment import Fragment
from halfseen.split.restore import Corruption, Restore, Texts, framed, lay_spans, pick
from halfseen.split.sentinels import HideSpans, random_spans

CLS, SEP, MASK, STOP = 2, 3, 4, 5
SENTINELS = tuple(range(900, 1000))
TABLE = TokenTable(
    size=1000,
    pad=0,
    unk=1,
    cls=CLS,
    sep=SEP,
    mask=MASK,
    special=frozenset({0, 1, 2, 3, 4, *SENTINELS}),
    sentence_ends=frozenset({STOP, 15}),
    sentinels=SENTINELS,
)
ALL: list[Corruption] = [
    *(Noise(TABLE, 0.3, (kind,)) for kind in ("mask", "delete", "permute", "rotate", "infill")),
    Noise(TABLE, 0.3, ("permute", "infill")),
    Fragment(TABLE, 0.5),
    *(HideSpans(TABLE, objective, 0.15, 3.0) for objective in ("replace", "drop", "deshuffle")),
]


def samples(lengths: list[int]) -> list[Sample]:
    """Texts of all different tokens, so that a token tells its place."""
    return [Sample(f"s:{i}", Segment(np.arange(10, 10 + n), np.ones(n, dtype=bool))) for i, n in enumerate(lengths)]


def split_by(corruption: Corruption, lengths: list[int], seed: int = 0) -> list[tuple[list[int], list[int], list[int], list[int]]]:
    """What is read, what is written, what must be written and the positions of what is written, text by text."""
    made = samples(lengths)
    split = Restore(TABLE, (CLS,), corruption)(made, KeyedDraw(seed, 0, made))
    return sides(split)


def sides(split: Split) -> list[tuple[list[int], list[int], list[int], list[int]]]:
    source, target = split.seen.source, split.seen.target
    assert torch.equal(split.scored, torch.arange(len(target.ids))), "every token that is written is scored"
    return [
        (
            source.ids[source.sample == i].tolist(),
            target.ids[target.sample == i].tolist(),
            split.target[target.sample == i].tolist(),
            target.position[target.sample == i].tolist(),
        )
        for i in range(len(source.lengths))
    ]


def hidden_count(n: int, rate: float) -> int:
    return max(1, round(rate * n))


@pytest.mark.parametrize("corruption", ALL)
def test_a_decoder_sees_what_it_should_have_written_one_step_before(corruption: Corruption) -> None:
    for read, written, wanted, _ in split_by(corruption, [1, 2, 3, 40, 125]):
        assert (read[0], read[-1]) == (CLS, SEP)
        assert written == [CLS, *wanted[:-1]]


@pytest.mark.parametrize("corruption", ALL)
def test_the_batch_around_a_text_changes_nothing(corruption: Corruption) -> None:
    lengths = [17, 1, 40, 8]
    together = split_by(corruption, lengths)
    made = samples(lengths)
    for i, sample in enumerate(made):
        (alone,) = sides(Restore(TABLE, (CLS,), corruption)([sample], KeyedDraw(0, 0, [sample])))
        assert alone == together[i]
    assert together != split_by(corruption, lengths, seed=1)


@pytest.mark.parametrize("kind", ["mask", "delete", "permute", "rotate", "infill"])
def test_bart_asks_for_the_whole_text(kind: str) -> None:
    for n, (_, _, wanted, position) in zip((1, 9, 60), split_by(Noise(TABLE, 0.3, (kind,)), [1, 9, 60]), strict=True):
        assert wanted == [*range(10, 10 + n), SEP]
        assert position == list(range(n + 1))


def test_masked_and_deleted_tokens_are_the_rates_share() -> None:
    for n, (masked, *_), (deleted, *_) in zip(
        (1, 9, 60), split_by(Noise(TABLE, 0.3, ("mask",)), [1, 9, 60]), split_by(Noise(TABLE, 0.3, ("delete",)), [1, 9, 60]), strict=True
    ):
        assert masked[1:-1].count(MASK) == hidden_count(n, 0.3)
        assert all(id_ in (MASK, 10 + i) for i, id_ in enumerate(masked[1:-1]))
        assert len(deleted) - 2 == n - hidden_count(n, 0.3)
        assert deleted[1:-1] == sorted(deleted[1:-1])


def test_a_rotated_text_begins_anywhere_and_goes_round() -> None:
    first = Counter()
    for seed in range(200):
        ((read, *_),) = split_by(Noise(TABLE, 0.3, ("rotate",)), [5], seed)
        ids = read[1:-1]
        first[ids[0]] += 1
        at = ids[0] - 10
        assert ids == [10 + (at + i) % 5 for i in range(5)]
    assert len(first) == 5
    assert min(first.values()) > 20


def test_sentences_are_permuted_whole() -> None:
    """Sentences end with a full stop before a word begins; one inside a word ends nothing."""
    ids = np.array([10, STOP, 11, 12, STOP, 13, STOP, 14])
    starts = np.array([True, False, True, True, False, False, False, True])
    sentences = [[10, STOP], [11, 12, STOP, 13, STOP], [14]]
    seen = set()
    for seed in range(60):
        made = [Sample("a", Segment(ids, starts))]
        ((read, *_),) = sides(Restore(TABLE, (CLS,), Noise(TABLE, 0.3, ("permute",)))(made, KeyedDraw(seed, 0, made)))
        rest, order = read[1:-1], []
        while rest:
            which = next(i for i, sentence in enumerate(sentences) if i not in order and rest[: len(sentence)] == sentence)
            order.append(which)
            rest = rest[len(sentences[which]) :]
        seen.add(tuple(order))
    assert len(seen) == 6, "all orders"


def gaps(read: list[int], n: int) -> list[list[int]]:
    """What stood at each mark of a text of the tokens 10 ... 9 + n."""
    found: list[list[int]] = []
    place = 10
    for i, id_ in enumerate(read):
        if id_ == MASK or id_ in SENTINELS:
            after = read[i + 1] if i + 1 < len(read) else 10 + n
            assert after != MASK, "spans are kept apart"
            found.append(list(range(place, after)))
            place = after
        else:
            assert id_ == place
            place += 1
    assert place == 10 + n
    return found


def test_infilled_spans_are_poisson_and_hold_the_rates_share() -> None:
    lengths: Counter[int] = Counter()
    for seed in range(60):
        for n, (read, *_) in zip((1, 50, 125), split_by(Noise(TABLE, 0.3, ("infill",)), [1, 50, 125], seed), strict=True):
            spans = gaps(read[1:-1], n)
            assert sum(map(len, spans)) == hidden_count(n, 0.3)
            if n == 125:
                lengths.update(map(len, spans))
    total = sum(lengths.values())
    for k in range(6):  # the last span of a text is cut, which makes short ones a little more frequent
        assert lengths[k] / total == pytest.approx(math.exp(-3) * 3**k / math.factorial(k), abs=0.03)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.floats(0.01, 0.99), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_spans_hold_what_is_wanted_and_keep_apart(lengths: list[int], rate: float, seed: int) -> None:
    sizes = np.array(lengths)
    wanted = np.maximum(1, np.rint(rate * sizes)).astype(np.int64)
    made = samples(lengths)
    for spans in (poisson_spans(sizes, wanted, KeyedDraw(seed, 0, made)), random_spans(sizes, wanted, 2.0, KeyedDraw(seed, 0, made))):
        texts = Texts(np.concatenate([s.x.ids for s in made]), np.ones(sizes.sum(), dtype=bool), sizes)
        inside = spans.within(texts)
        for i, n in enumerate(lengths):
            mine = spans.owner == i
            start, length = spans.start[mine], spans.length[mine]
            assert length.sum() == wanted[i] == inside[texts.owner == i].sum()
            assert (start >= 0).all()
            assert (start + length <= n).all()
            assert (start[1:] > (start + length)[:-1]).all(), "at least one token between two spans"
            covered = {int(p) for s, k in zip(start, length, strict=True) for p in range(s, s + k)}
            assert covered == set(np.flatnonzero(inside[texts.owner == i]).tolist())


def test_spans_lie_anywhere_alike() -> None:
    """One span of two tokens among five: before each of the three tokens that stay, or behind them."""
    found: Counter[int] = Counter()
    for seed in range(800):
        draw = KeyedDraw(seed, 0, samples([5]))
        found[int(lay_spans(np.array([5]), np.array([0]), np.array([2]), draw).start[0])] += 1
    assert sorted(found) == [0, 1, 2, 3]
    assert all(150 < count < 250 for count in found.values())


def test_every_choice_is_picked_alike() -> None:
    found: Counter[tuple[int, ...]] = Counter()
    for seed in range(1200):
        picked = pick(np.array([3, 4]), np.array([0, 2]), KeyedDraw(seed, 0, samples([3, 4])))
        assert not picked[:3].any()
        found[tuple(np.flatnonzero(picked[3:]).tolist())] += 1
    assert len(found) == 6
    assert all(150 < count < 250 for count in found.values())


def test_mass_hides_a_fragment_and_asks_for_it_at_its_place() -> None:
    fates: Counter[str] = Counter()
    firsts = set()
    for seed in range(100):
        for n, (read, _, wanted, position) in zip((1, 21), split_by(Fragment(TABLE, 0.5), [1, 21], seed), strict=True):
            size = hidden_count(n, 0.5)
            first = wanted[0] - 10
            assert wanted == list(range(10 + first, 10 + first + size)), "no end: the fragment's end is not the text's"
            assert position == list(range(first, first + size))
            for i, id_ in enumerate(read[1:-1]):
                if not first <= i < first + size:
                    assert id_ == 10 + i
                elif n > 1:
                    fates["mask" if id_ == MASK else "same" if id_ == 10 + i else "other"] += 1
            if n > 1:
                firsts.add(first)
    total = sum(fates.values())
    assert firsts == set(range(12))
    assert fates["mask"] / total == pytest.approx(0.8, abs=0.04)
    assert fates["other"] / total == pytest.approx(0.1, abs=0.03)


def test_t5_replaces_spans_by_sentinels_and_asks_for_both() -> None:
    counts: Counter[int] = Counter()
    for seed in range(40):
        for n, (read, _, wanted, _) in zip((1, 20, 100), split_by(HideSpans(TABLE, "replace", 0.15, 3.0), [1, 20, 100], seed), strict=True):
            spans = gaps(read[1:-1], n)
            assert [id_ for id_ in read if id_ in SENTINELS] == list(SENTINELS[: len(spans)])
            expected = [id_ for number, span in enumerate(spans) for id_ in (SENTINELS[number], *span)]
            assert wanted == [*expected, SENTINELS[len(spans)], SEP]
            assert all(spans)
            assert sum(map(len, spans)) == hidden_count(n, 0.15)
            counts[len(spans)] += n == 100
    assert counts[5] == 40, "15 tokens in spans of 3"


def test_t5_drops_and_deshuffles() -> None:
    for n, (read, _, wanted, _) in zip((1, 30), split_by(HideSpans(TABLE, "drop", 0.3, 3.0), [1, 30]), strict=True):
        assert sorted(read[1:-1] + wanted[:-1]) == list(range(10, 10 + n))
        assert wanted[:-1] == sorted(wanted[:-1])
        assert len(wanted) == hidden_count(n, 0.3) + 1
    ((read, _, wanted, _),) = split_by(HideSpans(TABLE, "deshuffle", 0.3, 3.0), [30])
    assert sorted(read[1:-1]) == wanted[:-1] == list(range(10, 40)) != read[1:-1]


def test_too_few_sentinels_are_refused() -> None:
    few = replace(TABLE, sentinels=SENTINELS[:5])
    made = samples([100])
    with pytest.raises(ValueError, match="5 spans need 6 sentinels, but the vocabulary has 5"):
        Restore(few, (CLS,), HideSpans(few, "replace", 0.15, 3.0))(made, KeyedDraw(0, 0, made))


def test_what_a_decoder_begins_with_after_its_first_token_is_asked_for() -> None:
    made = samples([3, 1])
    split = Restore(TABLE, (SEP, CLS), Noise(TABLE, 0.3, ("mask",)))(made, KeyedDraw(0, 0, made))
    assert [(written, wanted) for _, written, wanted, _ in sides(split)] == [
        ([SEP, CLS, 10, 11, 12], [CLS, 10, 11, 12, SEP]),
        ([SEP, CLS, 10], [CLS, 10, SEP]),
    ]


def test_an_empty_text_is_framed_in_order() -> None:
    ids, lengths = framed(np.array([7, 8]), np.array([0, 2, 0]), before=(CLS,), after=(SEP,))
    assert ids.tolist() == [CLS, SEP, CLS, 7, 8, SEP, CLS, SEP]
    assert lengths.tolist() == [2, 4, 2]
