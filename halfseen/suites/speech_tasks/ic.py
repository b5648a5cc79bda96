"""Intent classification: what a command asks for, all of it, by accuracy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np

from halfseen.contracts import UserError
from halfseen.data.faults import all_faults
from halfseen.data.records import csv_records
from halfseen.suites.speech_tasks.arm import Arm
from halfseen.suites.speech_tasks.contract import Material, Metric, Outcome, SpeechTask, Utterance, stand_in
from halfseen.suites.speech_tasks.folder import DataFolder, Recording, from_file
from halfseen.suites.speech_tasks.joined import Drawn, commands
from halfseen.suites.speech_tasks.pooled import classified

WORDS = ("bed", "cat", "happy")
LISTS = {"train": "data/train_data.csv", "dev": "data/valid_data.csv", "test": "data/test_data.csv"}
SLOTS = ("action", "object", "location")
COLUMNS = ("path", "speakerId", *SLOTS)


class IntentClassification(SpeechTask):
    name, title, aspect, benchmark = "ic", "intent classification", "semantics", "Fluent Speech Commands"
    metrics: ClassVar = (Metric("accuracy", 0.9931, 1.0, higher_is_better=True),)

    def find(self, data: DataFolder, seed: int) -> Material | None:
        if (root := data.official("Fluent Speech Commands", *LISTS.values())) is not None:
            return fluent(root)
        made = commands(data, "commands of three", seed, three)
        return stand_in("commands of three", made) if made else None

    def score(self, arm: Arm, material: Material, seed: int) -> Outcome:
        return classified(self.metrics[0], arm, material, lambda utterance: utterance.target)


def fluent(root: Path) -> Material:
    """Fluent Speech Commands in its official layout (Lugosch et al. 2019, arXiv:1904.03670). Raises UserError for what its lists name and
    is not there."""
    faults: list[str] = []
    parts: dict[str, tuple[Utterance, ...]] = {}
    for part, name in LISTS.items():
        records = csv_records(root / name)
        header = next(records, [])
        if missing := [column for column in COLUMNS if column not in header]:
            raise UserError(f"no column {missing[0]!r}", where=str(root / name), way_out="get the list again")
        rows = [dict(zip(header, row, strict=False)) for row in records if row]
        faults += [f"{name} names {row['path']}, which is not there" for row in rows if not (root / row["path"]).is_file()]
        parts[part] = tuple(from_file(root / row["path"], root, tuple(row[slot] for slot in SLOTS), row["speakerId"]) for row in rows)
    if faults:
        raise all_faults(faults, where=str(root), way_out="get the recordings again")
    return Material("Fluent Speech Commands", True, parts["train"], parts["dev"], parts["test"])


def three(clip: Callable[[str], Recording], draw: np.random.Generator) -> Drawn:
    """A word that says what to do, a digit below five what with, and one from five where: 75 intents."""
    told = (WORDS[draw.integers(3)], str(draw.integers(5)), str(draw.integers(5, 10)))
    return [clip(label) for label in told], told
