"""A sample beside one of its nearest neighbours: the right ones, never itself, the same whatever is asked first."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from halfseen.contracts import Sample
from halfseen.data.array_corpus import ArrayData
from halfseen.data.draw import KeyedDraw
from halfseen.split import neighbour
from halfseen.split.neighbour import BesideNeighbour, Neighbourhood

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype(np.float32)


def nearest_by_hand(x: np.ndarray, i: int, k: int) -> set[int]:
    off = np.square(x - x[i]).sum(1)
    off[i] = np.inf
    return set(np.argsort(off)[:k].tolist())


def test_neighbours_are_the_nearest_others() -> None:
    data = ArrayData("r", X)
    near = Neighbourhood(data, 4)
    some = data.take(np.array([7, 3, 30]))
    for _ in range(2):  # found, and remembered
        assert [set(found.tolist()) for found in near.of(some)] == [nearest_by_hand(X, i, 4) for i in (7, 3, 30)]
    np.testing.assert_array_equal(near.of(data.take(np.arange(40)))[[7, 3, 30]], Neighbourhood(data, 4).of(some))


def test_a_row_that_training_had_not_may_have_any_neighbour() -> None:
    near = Neighbourhood(ArrayData("r", X), 1)
    near.of(ArrayData("r", X).take(np.arange(40)))
    assert near.of([Sample(f"new:{i}", x + 1e-3) for i, x in enumerate(X)])[:, 0].tolist() == list(range(40))
    assert near.of([Sample("new", X[5] + 1e-3)])[0, 0] == 5
    assert near.of([Sample("r:5", X[5])])[0, 0] != 5
    assert near.of([Sample("new", X[5] + 1e-3), Sample("r:5", X[5])])[0, 0] == 5


def test_of_many_rows_some_are_drawn_and_nobody_is_his_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbour, "MOST_ROWS", 10)
    near = Neighbourhood(ArrayData("r", X), 20)
    assert len(near.among) == 10
    assert near.k == 9
    which = near.of(ArrayData("r", X).take(np.arange(40)))
    beside = near.among.x[which]
    assert not (beside == X[:, None]).all(2).any(), "not even those that were drawn"


def test_every_neighbour_comes_in_its_turn_and_twice_the_same() -> None:
    data = ArrayData("r", X)
    split = BesideNeighbour(3)
    split.meet(data)
    rows = data.take(np.arange(40))
    seen: dict[int, set[bytes]] = {i: set() for i in range(40)}
    for epoch in range(30):
        one, again = (split(rows, KeyedDraw(0, epoch, rows)) for _ in range(2))
        assert torch.equal(one.seen.near, again.seen.near)
        assert torch.equal(one.target, torch.from_numpy(X))
        for i in range(40):
            seen[i].add(one.seen.near[i].numpy().tobytes())
    assert seen == {i: {X[j].tobytes() for j in nearest_by_hand(X, i, 3)} for i in range(40)}


def test_who_is_alone_is_his_own_neighbour() -> None:
    data = ArrayData("r", X[:1])
    assert Neighbourhood(data, 5).of(data.take(np.array([0]))).tolist() == [[0]]


def test_images_in_whole_numbers() -> None:
    images = RNG.integers(0, 256, (12, 1, 4, 4)).astype(np.uint8)
    data = ArrayData("i", images)
    split = BesideNeighbour(2)
    split.meet(data)
    rows = data.take(np.arange(12))
    found = split(rows, KeyedDraw(0, 0, rows)).seen
    assert found.near.shape == found.x.shape == (12, 1, 4, 4)
    assert 0 <= float(found.near.min()) <= float(found.near.max()) <= 1
