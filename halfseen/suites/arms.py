"""What suites of frozen models share: models by name, their twins with random weights, and a row of the table of shares."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from halfseen.contracts import Array, UserError
from halfseen.report.results import ScoreRow


class Fresh(Protocol):
    def initialise(self, seed: int) -> None: ...


Net = TypeVar("Net", bound=Fresh)


def by_name(folders: tuple[str, ...]) -> dict[str, Path]:
    """Each model's folder by its name; `model` if it is the only one. Raises UserError if one is named twice."""
    names = ["model"] if len(folders) == 1 else [Path(folder).name for folder in folders]
    if len(set(names)) < len(names):
        names = list(folders)
    if len(set(names)) < len(names):
        raise UserError("--model names a folder twice", way_out="name each model once")
    return {name: Path(folder) for name, folder in zip(names, folders, strict=True)}


def twin(method: Net, seed: int) -> Net:
    """The same net with random weights."""
    made = deepcopy(method)
    made.initialise(seed)
    return made


def share_row(task: str, arm: str, name: str, values: Sequence[float], part: tuple[Array, Array], *, main: bool) -> ScoreRow:
    """The mean; its error over seeds, and for one seed that of a share of so many items. part: places learnt from and tested on."""
    train, test = part
    mean = float(np.mean(values))
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.sqrt(max(0.0, mean * (1 - mean)) / len(test))
    return ScoreRow(
        task=task, arm=arm, name=name, value=mean, n=len(test), stderr=float(error), seeds=len(values),
        labels=len(train), unit="", higher_is_better=True, main=main,
    )  # fmt: skip


def printed(rows: Sequence[ScoreRow]) -> list[dict[str, Any]]:
    """What a suite's `--json` says of them."""
    return [{key: getattr(row, key) for key in row.__dataclass_fields__ if key != "main"} for row in rows]
