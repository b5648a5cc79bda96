"""What every study has: small nets trained on made-up prompts, measured on prompts that they never saw, beside what is known of the task.

A prompt is drawn by the numbers of a `Draw` alone: training takes those of (seed, step), measuring those of a seed of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import numpy as np

from halfseen.contracts import Array, Method, Sample, Splitter
from halfseen.data.draw import KeyedDraw
from halfseen.data.tokens import Tokens
from halfseen.nets.transformer import initialise
from halfseen.report.results import ScoreRow
from halfseen.train.loop import Loop
from halfseen.train.options import OptimOptions

Points = dict[int, dict[str, float]]
"""What is counted (steps, or examples in the prompt) to figures by name, the main one first."""

SCRATCH = "scratch"
"""The arm whose nets are left as they begin."""
BEST = "best possible"
"""What no reader could better."""
MEASURED, MEASURING_SEED = 512, 2**32
"""Prompts that a net is measured on, and their seed, which no training has."""
SPREAD = 0.1
"""Standard deviation of initial weights: the 0.02 of wide nets leaves narrow ones where they are for long."""


class Study(ABC):
    """counted: what its curves go along, a key of `report.sections.COUNTED`. units: of its figures, '' for shares; `lower`: those
    where less is better. arms: the nets that are trained, `scratch` for one that is not."""

    name: ClassVar[str]
    counted: ClassVar[str]
    units: ClassVar[Mapping[str, str]]
    lower: ClassVar[frozenset[str]] = frozenset()
    arms: ClassVar[tuple[str, ...]]
    steps: ClassVar[int]
    batch: ClassVar[int] = 64
    optim: ClassVar[OptimOptions] = OptimOptions(kind="muon", learning_rate=3e-3)
    prompts: Splitter
    """Makes prompts and what is asked of them; of the samples, only their ids count."""

    @abstractmethod
    def method(self, arm: str) -> Method:
        """The net to train, its weights still to be made."""

    @abstractmethod
    def follow(self, method: Method, seed: int, steps: int, *, train: bool = True) -> Points:
        """Trains a net, or leaves it as it is, and what came out."""

    @abstractmethod
    def controls(self, steps: int) -> dict[str, Points]:
        """What is known without any training; steps: those of the nets beside which it stands."""

    @abstractmethod
    def verdict(self, rows: Sequence[ScoreRow]) -> str:
        """What came out, in a sentence."""

    @abstractmethod
    def notes(self) -> list[str]:
        """What a reader has to know of the prompts, a sentence each."""

    def pictures(self, methods: Mapping[str, Method]) -> list[dict[str, str]]:
        """More for the report, of each arm's first net: {"title", "svg", "caption"}."""
        return []

    def fresh(self, arm: str, seed: int) -> Method:
        method = self.method(arm)
        initialise(method, seed, spread=SPREAD)
        return method

    def trained(self, method: Method, *, seed: int, stops: Sequence[int]) -> Iterator[int]:
        """Trains, and stops after each of these steps, rising; the last is the end."""
        samples = [Sample(str(i), None) for i in range(self.batch)]
        loop = Loop(
            method,
            lambda step: (step, samples),
            lambda progress: self.prompts,
            steps=max(1, stops[-1]),
            optim=self.optim,
            seed=seed,
            bfloat16=False,
        )
        for stop in stops:
            while loop.step_number < stop:
                loop.step()
            method.eval()
            yield stop


def laid(ids_SN: Array) -> Tokens:
    """Prompts of one length, each in a row of its own: rows of several, as texts have them, take twice the time here."""
    count, length = ids_SN.shape
    rows = np.arange(count), np.zeros(count, dtype=np.int64), length
    return Tokens.of(ids_SN.ravel(), np.full(count, length), rows=rows)


def measuring(count: int = MEASURED) -> tuple[list[Sample], KeyedDraw]:
    """Prompts to measure on, always the same: their samples, and numbers that have not been drawn from yet."""
    samples = [Sample(f"measured {i}", None) for i in range(count)]
    return samples, KeyedDraw(MEASURING_SEED, 0, samples)


def row_of(rows: Sequence[ScoreRow], arm: str, counted: int | None = None, name: str | None = None) -> ScoreRow:
    """An arm's row, by default of the main figure and where most is counted."""
    found = [row for row in rows if row.arm == arm and (row.name == name if name else row.main)]
    return max(found, key=lambda row: row.labels) if counted is None else next(row for row in found if row.labels == counted)
