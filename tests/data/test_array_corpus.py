"""Rows on disk: what is held out, what is drawn, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfseen.contracts import Sample, UserError
from halfseen.data.array_corpus import TALLY, TRAIN, ArrayBatches, ArrayData, content_hashes, open_arrays, stacked, write_arrays
from halfseen.data.draw import KeyedDraw, keys_of


def rows(count: int, columns: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, columns)).astype(np.float32)


def test_a_tenth_is_held_out_and_nothing_is_lost(tmp_path: Path) -> None:
    x = rows(2000)
    kept = write_arrays(tmp_path, [x[:700], x[700:]], expected=2000)
    assert 150 < len(kept.heldout) < 250
    both = np.concatenate([kept.train.x, kept.heldout.x])
    assert sorted(map(tuple, both.tolist())) == sorted(map(tuple, x.tolist()))
    assert kept.tally.duplicates == 0


def test_equal_rows_are_on_one_side_whatever_stands_around_them(tmp_path: Path) -> None:
    x = rows(300)
    once, twice = (
        write_arrays(tmp_path / "a", [x], expected=300),
        write_arrays(tmp_path / "b", [np.repeat(x[::-1], 2, axis=0)], expected=300),
    )
    assert twice.tally.duplicates == 300
    assert set(map(tuple, once.heldout.x.tolist())) <= set(map(tuple, twice.heldout.x.tolist()))
    assert not set(map(tuple, twice.heldout.x.tolist())) & set(map(tuple, twice.train.x.tolist()))


def test_of_two_rows_one_is_held_out(tmp_path: Path) -> None:
    kept = write_arrays(tmp_path, [rows(2)], expected=2)
    assert (len(kept.train), len(kept.heldout)) == (1, 1)


def test_one_row_however_often_is_too_few(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="only 1 different rows; too few to learn from and to hold some out; give more rows"):
        write_arrays(tmp_path, [np.ones((5, 3), np.float32)], expected=5)


def test_a_damaged_folder_is_told(tmp_path: Path) -> None:
    write_arrays(tmp_path, [rows(50)], expected=50)
    (tmp_path / TRAIN).write_bytes(b"short")
    with pytest.raises(UserError, match=r"missing or damaged .*start the run anew"):
        open_arrays(tmp_path)
    (tmp_path / TALLY).write_text("{}")
    with pytest.raises(UserError, match=r"missing or damaged .*start the run anew"):
        open_arrays(tmp_path)


def test_a_bit_changes_the_hash_and_the_shape_too() -> None:
    x = np.zeros((3, 5), np.uint8)
    x[1, 4] = 1
    a, b, c = content_hashes(x)
    assert a == c != b
    assert content_hashes(np.zeros((1, 9), np.uint8))[0] != a


def test_hashes_are_spread_evenly() -> None:
    hash_R = content_hashes(rows(4000, 2))
    assert 0 <= hash_R.min() < 0.01
    assert 0.99 < hash_R.max() < 1
    assert abs(float((hash_R < 0.25).mean()) - 0.25) < 0.03


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 60), batch=st.integers(1, 25), seed=st.integers(0, 5))
def test_every_row_stands_in_one_batch_of_an_epoch(count: int, batch: int, seed: int) -> None:
    data = ArrayData("train", np.arange(count)[:, None])
    batches = ArrayBatches(data, batch=batch, seed=seed)
    for epoch in range(2):
        seen = []
        for step in range(batches.per_epoch):
            told, chosen = batches(epoch * batches.per_epoch + step)
            assert told == epoch
            seen += chosen.x[:, 0].tolist()
        assert sorted(seen) == list(range(count))


def test_rows_draw_what_their_samples_draw() -> None:
    some = ArrayData("train", rows(40)).take(np.array([7, 3, 31]))
    apart = [some[i] for i in range(3)]
    assert keys_of(some).tolist() == [sample.key for sample in apart] == [Sample(f"train:{i}", None).key for i in (7, 3, 31)]
    np.testing.assert_array_equal(KeyedDraw(1, 2, some)(4), KeyedDraw(1, 2, apart)(4))
    np.testing.assert_array_equal(stacked(some), stacked(apart))
    np.testing.assert_array_equal(some[1:].x, some.x[1:])


def test_levels_of_images_become_shares() -> None:
    assert stacked([Sample("a", np.array([0, 51, 255], np.uint8))]).tolist() == [pytest.approx([0.0, 0.2, 1.0])]
