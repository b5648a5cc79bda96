"""Several processes of one run: what one of them finds out, all of them know."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list

from halfseen.contracts import UserError

T = TypeVar("T")


@cache
def processes() -> PartialState:
    """The processes of this run; their group is closed when the program ends, or gloo's threads abort it."""
    found = PartialState(cpu=not torch.accelerator.is_available())  # without it, torchrun's processes on CPUs would not know each other
    if found.num_processes > 1:
        atexit.register(found.destroy_process_group)
    return found


def from_main(find: Callable[[], T]) -> T:
    """What `find` gives on the main process, on every one; the others wait. A UserError is raised on all of them."""
    told: list[Any] = [None]
    if processes().is_main_process:
        try:
            told = [find()]
        except UserError as error:
            told = [error]
    broadcast_object_list(told)
    if isinstance(told[0], UserError):
        raise told[0]
    found: T = told[0]
    return found
