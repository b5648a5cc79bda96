"""The corpus: what is kept, held out and cut, and in which order it is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from halfseen.contracts import UserError
from halfseen.data.corpus import Batches, Corpus, in_order, write_corpus
from halfseen.data.sources import first_occurrences
from tests.tiny import tokenizer

TEXTS = [f"the warm film number {i} moves us all ." for i in range(300)] * 2 + ["word " * 200]
LENGTH = 20


def corpus(folder: Path, texts: list[str] = TEXTS) -> Corpus:
    return write_corpus(folder, lambda: iter(texts), first_occurrences(texts), tokenizer(), length=LENGTH, tokens_expected=3000)


def contents(segments) -> list[tuple[int, ...]]:  # type: ignore[no-untyped-def]
    return [tuple(segments[i].ids.tolist()) for i in range(len(segments))]


def test_duplicates_are_dropped_and_nothing_is_lost(tmp_path: Path) -> None:
    made = corpus(tmp_path)
    assert (made.tally.documents, made.tally.duplicates) == (601, 300)
    found = [*contents(made.train), *contents(made.heldout)]
    assert sum(map(len, found)) == made.tally.tokens + made.tally.heldout_tokens
    assert max(map(len, found)) <= LENGTH
    encoded = [piece.ids.tolist() for piece in tokenizer().encode_batch(list(dict.fromkeys(TEXTS)))]
    assert sorted(found) == sorted(tuple(ids[a : a + LENGTH]) for ids in encoded for a in range(0, len(ids), LENGTH))


def test_a_text_is_held_out_for_ever(tmp_path: Path) -> None:
    one, other = corpus(tmp_path / "a"), corpus(tmp_path / "b", TEXTS[::-1])
    assert set(contents(one.heldout)) == set(contents(other.heldout))
    assert not set(contents(one.heldout)) & set(contents(one.train)) - {(1,) * LENGTH}
    assert 0 < one.tally.heldout_tokens < 0.15 * one.tally.tokens


@pytest.mark.parametrize("book", range(8))
def test_few_long_documents_are_enough(tmp_path: Path, book: int) -> None:
    """Whole books are not held out, but blocks of them; eight shelves, for one may be lucky."""
    words = ["the", "warm", "film", "moves", "us", "all", "a", "dull", "and", "lifeless", "mess", "bore", "who", "wrote", "book", "in"]
    rng = np.random.default_rng(book)
    for count in (1, 15):
        texts = [" ".join(rng.choice(words, 4000)) for _ in range(count)]
        one, again = corpus(tmp_path / f"{count}", texts), corpus(tmp_path / f"{count}-again", texts[::-1])
        share = one.tally.heldout_tokens / (one.tally.tokens + one.tally.heldout_tokens)
        assert 0.005 < share < 0.15
        assert sorted(contents(one.heldout)) == sorted(contents(again.heldout)), "whatever the order of the documents"


def test_batches_hold_every_segment_once_an_epoch(tmp_path: Path) -> None:
    train = corpus(tmp_path).train
    batches = Batches(train, tokens=256, seed=3)
    epoch = [batches(step) for step in range(batches.per_epoch)]
    assert {number for number, _ in epoch} == {0}
    ids = [sample.id for _, samples in epoch for sample in samples]
    assert sorted(ids) == sorted(f"train:{i}" for i in range(len(train)))
    again = Batches(train, tokens=256, seed=3)
    assert [s.id for s in again(5)[1]] == [s.id for s in epoch[5][1]], "any step can be had directly"
    assert batches(batches.per_epoch)[0] == 1
    assert [s.id for s in batches(batches.per_epoch)[1]] != [s.id for s in epoch[0][1]]
    sizes = [sum(len(s.x.ids) + 2 for s in samples) for _, samples in epoch]
    assert np.ptp(sizes) < 100


def test_the_heldout_part_is_read_in_one_order(tmp_path: Path) -> None:
    heldout = corpus(tmp_path).heldout
    batches = list(in_order(heldout, tokens=64))
    assert [s.id for batch in batches for s in batch] == [s.id for batch in in_order(heldout, tokens=10_000) for s in batch]
    assert sum(map(len, batches)) == len(heldout)


def test_too_little_text(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"only 1 different documents .*too few to learn from and to hold some out; give more text"):
        corpus(tmp_path, ["one text"])
