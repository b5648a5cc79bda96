"""Batches side by side: the results are those of one after the other."""

from __future__ import annotations

import threading
import time

import pytest
import torch

from halfseen.train.lanes import side_by_side


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
