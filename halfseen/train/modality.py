"""What one kind of data brings to a run. `pretrain` and `run` know no more of data than what stands here; `text` is one kind, `arrays`
(tables and images) another, `speech` a third.

A modality prepares a run (reads, measures, makes a net) and opens it again from its folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from halfseen.contracts import Method
from halfseen.train.loop import BatchOf

CHECKPOINTS, CORPUS = "checkpoints", "corpus"
PREPARING = "preparing"
"""A file that stands in a run's folder until its training can begin."""
DEFAULT_MINUTES = 20.0
CALIBRATION_SECONDS = 4.0


@dataclass(frozen=True)
class Prepared:
    """A run that could begin. fresh: makes a throw-away twin of the method, to time its steps. batch: how much of `unit` is in a batch.

    facts: what recipe.json says of it. decided: what was decided and by what, a line each; the budget's line comes after.
    """

    method: Method
    fresh: Callable[[], Method]
    batches: BatchOf
    batch: int
    bfloat16: bool
    facts: dict[str, Any]
    decided: list[str]


@dataclass(frozen=True)
class Opened:
    """A run as its folder has it. judge: held-out figures, each `heldout_...`. baseline: plain ones beside them.

    flops: so many of `unit`, and so many scored positions, to the operations of a step's products. net: what the summary says of it.
    keep: saves the model and what shows what it learnt, given the summary.
    """

    method: Method
    batches: BatchOf
    judge: Callable[[], dict[str, float]]
    baseline: Mapping[str, Any]
    flops: Callable[[int, float], float]
    net: Mapping[str, Any]
    keep: Callable[[dict[str, Any]], None]


class Modality(Protocol):
    """unit: what is counted on the way, in the plural; metrics bear its name."""

    unit: str

    def settle(self, options: Any, recipe: Any) -> tuple[Any, list[str]]:
        """The options with what they leave open, and everything that is wrong with them, in words."""
        ...

    def prepare(self, name: str, options: Any, recipe: Any, asked: Mapping[str, float], started: float) -> Prepared:
        """Reads the data, leaves them in the run's folder, and makes the net. Raises UserError for a fault in data or options.

        name: the method's. asked: the budget. started: when the run began, by time.monotonic.
        """
        ...

    def open(self, folder: Path, facts: Mapping[str, Any]) -> Opened:
        """facts: what recipe.json holds. Raises UserError if the folder is not what the run was started with."""
        ...


MODALITIES = {
    "text": "halfseen.train.text:Text",
    "array": "halfseen.train.arrays:ArrayModality",
    "speech": "halfseen.train.speech:SpeechModality",
}
"""A recipe's `modality` to where it is told what that brings."""


def modality(name: str) -> Modality:
    module, kind = MODALITIES[name].split(":")
    made: Modality = getattr(import_module(module), kind)()
    return made
