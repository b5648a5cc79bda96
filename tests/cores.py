"""A machine of so many cores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from halfseen.train.lanes import lanes


@contextmanager
def cores(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    lanes.cache_clear()
    try:
        yield
    finally:
        torch.set_num_threads(before)
        lanes.cache_clear()
