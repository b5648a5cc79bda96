"""Batches laid end to end, in rows, and rounded to few shapes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from halfseen.data.tokens import ROW_LENGTH, Tokens, lay_rows, order_for_rows, round_up

LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=80)


def of(lengths: list[int]) -> Tokens:
    ids_N = np.arange(1, sum(lengths) + 1)
    return Tokens.of(ids_N, np.array(lengths), types_N=ids_N % 2)


@given(LENGTHS)
def test_every_sample_stands_whole_in_one_row(lengths: list[int]) -> None:
    seen = of(lengths)
    place_N = np.arange(sum(lengths)) if seen.place is None else seen.place.numpy()
    assert len(set(place_N.tolist())) == sum(lengths)
    row_N = place_N // seen.owner.shape[1]
    sample_N = seen.sample.numpy()
    assert all(len(set(row_N[sample_N == s].tolist())) == 1 for s in range(len(lengths)))
    np.testing.assert_array_equal(seen.owner.flatten()[place_N], sample_N)
    assert int((seen.owner >= 0).sum()) == sum(lengths)


@given(LENGTHS)
@example([1, 1, 15, 108, 137, 274, 41, 123, 123])  # one row more than the order given needs
def test_an_order_for_rows_keeps_the_bound_of_decreasing_packing(lengths: list[int]) -> None:
    """At most 11/9 of the fewest rows possible, and 6/9 (Dósa 2007); any order given is no fewer than these."""
    order = order_for_rows(np.array(lengths))
    assert sorted(order.tolist()) == list(range(len(lengths)))
    rows, given_rows = (lay_rows(np.array(lengths)[o])[0][-1] + 1 for o in (order, np.arange(len(lengths))))
    assert 9 * rows <= 11 * given_rows + 6


def test_an_order_for_rows_fills_rows_that_chance_leaves_half_empty() -> None:
    lengths_S = np.random.default_rng(0).integers(1, ROW_LENGTH // 2 + 1, size=400)
    rows = lay_rows(lengths_S[order_for_rows(lengths_S)])[0][-1] + 1
    assert rows == -(-lengths_S.sum() // ROW_LENGTH), "no order needs fewer"
    assert rows < lay_rows(lengths_S)[0][-1] + 1


@given(LENGTHS)
def test_rounding_adds_padding_in_gaps_and_changes_nothing_else(lengths: list[int]) -> None:
    seen = of(lengths)
    found, count = seen.rounded(), sum(lengths)
    assert len(found.ids) == round_up(count, 64, 32)
    assert torch.equal(found.lengths, seen.lengths)
    assert torch.equal(found.ids[:count], seen.ids)
    assert found.types is not None
    assert len(found.types) == len(found.position) == len(found.ids)
    assert torch.equal(found.owner[: len(seen.owner)], seen.owner)
    if found.place is not None:
        assert len(found.place.unique()) == len(found.ids), "no two tokens share a place"
        assert (found.owner.flatten()[found.place[count:]] == -1).all(), "padding stands in gaps"


def test_batches_of_like_size_have_few_shapes() -> None:
    random = np.random.default_rng(0)
    shapes = set()
    for _ in range(50):
        lengths_S = random.integers(5, 129, size=200)
        lengths_S = lengths_S[lengths_S.cumsum() < 8192]
        found = Tokens.of(np.ones(lengths_S.sum()), lengths_S[order_for_rows(lengths_S)]).rounded()
        shapes.add((len(found.ids), *found.owner.shape))
    assert len(shapes) < 10
    assert round_up(8193, 64, 32) == 8320


def test_rows_are_as_long_as_they_must_be() -> None:
    assert lay_rows(np.array([3, 4]))[2] == 16
    assert lay_rows(np.array([100, 100]))[2] == ROW_LENGTH
    assert lay_rows(np.array([130, 100]))[2] == 144
    with pytest.raises(ValueError, match="at least one token"):
        lay_rows(np.array([3, 0]))
