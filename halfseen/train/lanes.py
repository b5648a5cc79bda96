"""Lanes: independent pieces of work side by side, a core each.

Cores that work on one small product wait for each other at its end, and all but one wait while Python prepares the next batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from threading import Barrier, Event, local
from typing import TypeVar

import torch

Given = TypeVar("Given")
Made = TypeVar("Made")

HERE = local()
"""Of a lane: `given_up` tells whether the caller no longer waits for what it does."""


class GivenUpError(Exception):
    """Nobody waits for this work any more; of no interest to anyone."""


def compute_alone() -> None:
    torch.get_num_threads()  # a thread's first look takes over what was last set anywhere
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # gradients of what is told for sure fall below 1e-38, where a product takes many times as long


@cache
def lanes() -> ThreadPoolExecutor:
    """As many threads as PyTorch computes with, each of which computes alone."""
    threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(threads, "lane", initializer=compute_alone)
    begun = Barrier(threads)  # each waits for the others, so that all of them begin now
    list(pool.map(lambda _: begun.wait(), range(threads)))
    torch.set_num_threads(threads)  # what a lane sets for itself is also what threads begin with that come later
    return pool


def side_by_side(work: Callable[[Given], Made], items: Iterable[Given]) -> Generator[Made]:
    """`map(work, items)`, the results in the order of the items; in a lane, one after the other there.

    Where the caller takes no more of them, for an error or Ctrl-C, what has begun ends at its next `must_go_on`, and is waited for.
    """
    if hasattr(HERE, "given_up"):
        yield from map(work, items)
        return
    given_up = Event()

    def in_lane(item: Given) -> Made:
        HERE.given_up = given_up
        must_go_on()
        return work(item)

    begun = deque(lanes().submit(in_lane, item) for item in items)
    try:
        while begun:
            made = begun[0].result()
            begun.popleft()
            yield made
    finally:
        given_up.set()
        wait(begun)


def must_go_on() -> None:
    """Raises GivenUpError in a lane whose caller no longer waits. Long work asks now and then, so that Ctrl-C ends it."""
    if hasattr(HERE, "given_up") and HERE.given_up.is_set():
        raise GivenUpError
