"""Contenders take turns, in an order that turns round each time, so that a machine that grows warm or busy treats all alike."""

from __future__ import annotations

import multiprocessing
import statistics
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection

Contender = Callable[[], float]
"""One round: units per second."""


def apart(make: Callable[..., Contender], *given: object) -> Contender:
    """A contender in a process of its own, whose memory and threads nobody else has set up; it ends with this one."""
    mine, its = multiprocessing.Pipe()
    multiprocessing.get_context("spawn").Process(target=_serve, args=(its, make, given), daemon=True).start()
    its.close()
    mine.recv()  # it is ready

    def rate() -> float:
        mine.send(None)
        found: float = mine.recv()
        return found

    return rate


def _serve(line: Connection, make: Callable[..., Contender], given: tuple[object, ...]) -> None:
    contender = make(*given)
    line.send(None)
    with suppress(EOFError):  # the benchmark has ended
        while True:
            line.recv()
            line.send(contender())


@dataclass(frozen=True)
class Measured:
    """rates: units per second, one a round. ratios: to the reference of the same round."""

    name: str
    unit: str
    rates: tuple[float, ...]
    ratios: tuple[float, ...]

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    def facts(self) -> dict[str, object]:
        return {**asdict(self), "median_rate": self.rate, "median_ratio": self.ratio}


def interleave(contenders: Mapping[str, Contender], *, rounds: int, unit: str, reference: str) -> list[Measured]:
    """Every contender once a round."""
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for i in range(rounds):
        for name in list(contenders)[:: -1 if i % 2 else 1]:
            rates[name].append(contenders[name]())
            print(f"  round {i + 1}: {name}: {rates[name][-1]:,.1f} {unit}", flush=True)
    return [
        Measured(name, unit, tuple(found), tuple(a / b for a, b in zip(found, rates[reference], strict=True)))
        for name, found in rates.items()
    ]
