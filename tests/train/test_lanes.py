"""Batches side by side: the results are those of one after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import torch

from halfseen.train.lanes import GivenUpError, must_go_on, side_by_side
from tests.cores import cores


@pytest.fixture(params=[1, 3], autouse=True)
def count(request: pytest.FixtureRequest) -> Iterator[int]:
    with cores(request.param):
        yield request.param


def test_results_come_in_the_order_of_the_items() -> None:
    def slow_when_even(n: int) -> int:
        time.sleep(0.01 * (n % 2 == 0))
        return n * n

    assert list(side_by_side(slow_when_even, range(20))) == [n * n for n in range(20)]


def test_every_lane_computes_alone_and_the_caller_as_before() -> None:
    before = torch.get_num_threads()

    def threads_of(_: int) -> tuple[str, int]:
        return threading.current_thread().name, torch.get_num_threads()

    assert {count for _, count in side_by_side(threads_of, range(8))} == {1}
    assert all(name.startswith("lane") for name, _ in side_by_side(threads_of, range(8)))
    assert torch.get_num_threads() == before
    later: list[int] = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert later == [before]


def test_what_goes_wrong_in_a_lane_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        list(side_by_side(lambda n: 1 // n, [1, 0]))


def test_a_lane_goes_through_its_own_one_after_the_other(count: int) -> None:
    met = threading.Barrier(count)

    def own(_: int) -> set[str]:
        met.wait(timeout=10)
        return {*side_by_side(lambda _: threading.current_thread().name, range(3))}

    names = list(side_by_side(own, range(count)))
    assert all(len(some) == 1 for some in names)
    assert len(set().union(*names)) == count


def test_what_has_begun_ends_when_the_caller_takes_no_more(count: int) -> None:
    ended: list[int] = []

    def endless(n: int) -> int:
        try:
            while n:
                must_go_on()
                time.sleep(0.001)
        except GivenUpError:
            ended.append(n)
            raise
        return n

    taken = side_by_side(endless, range(50))
    assert next(taken) == 0
    taken.close()
    assert len(ended) <= count, "what has not begun does not begin"
    before = len(ended)
    assert list(side_by_side(lambda n: n, range(5))) == [0, 1, 2, 3, 4]
    assert len(ended) == before, "nothing goes on behind the caller's back"
    must_go_on()


def test_a_lane_takes_numbers_too_small_to_matter_for_nothing() -> None:
    def of_least(_: int) -> float:
        return float(torch.tensor([1e-30]) * torch.tensor([1e-10]))

    assert set(side_by_side(of_least, range(8))) == {0.0}
    assert of_least(0) > 0, "the caller computes as before"
