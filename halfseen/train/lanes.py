"""Lanes: independent batches side by side, a core each.

Cores that work on one small product wait for each other at its end, and all but one wait while Python prepares the next batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Barrier
from typing import TypeVar

import torch

Given = TypeVar("Given")
Made = TypeVar("Made")


def compute_alone() -> None:
    torch.get_num_threads()  # a thread's first look takes over what was last set anywhere
    torch.set_num_threads(1)


@cache
def lanes() -> ThreadPoolExecutor:
    """As many threads as PyTorch computes with, each of which computes alone."""
    threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(threads, "lane", initializer=compute_alone)
    begun = Barrier(threads)  # each waits for the others, so that all of them begin now
    list(pool.map(lambda _: begun.wait(), range(threads)))
    torch.set_num_threads(threads)  # what a lane sets for itself is also what threads begin with that come later
    return pool


def side_by_side(work: Callable[[Given], Made], items: Iterable[Given]) -> Iterator[Made]:
    """`map(work, items)`, the results in the order of the items."""
    return lanes().map(work, items)
