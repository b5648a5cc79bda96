"""What a fine-tuning or a suite leaves behind, as one JSON file: every score, every single fit, and real examples."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from halfseen.contracts import UserError
from halfseen.data.claim import RESULTS
from halfseen.data.files import write_atomically


@dataclass(frozen=True, kw_only=True)
class ScoreRow:
    """One figure of one arm: the mean over seeds, with its standard error."""

    task: str
    """The task's name: that of a suite's task, or the kind of fine-tuning."""
    arm: str
    """pretrained, scratch, baseline, most-frequent; with several models, each model's name."""
    name: str
    """The metric."""
    value: float
    n: int
    """Test items."""
    stderr: float
    """Standard error over seeds; with one seed, over test items."""
    seeds: int
    labels: int
    """How many labelled training items the arm saw."""
    unit: str
    higher_is_better: bool
    main: bool = True
    """Whether this is the metric that the task is judged by."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """One training of one arm with one set of labels."""

    task: str
    arm: str
    labels: int
    seed: int
    value: float
    """The main metric on dev."""
    losses: tuple[float, ...]
    """Mean training loss of each epoch; empty for baselines."""
    seconds: float
    options: Mapping[str, Any] = field(default_factory=dict)
    """What was chosen on a part of the training labels: learning rate, epochs, ..."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """One dev item and what one arm said of it."""

    task: str
    arm: str
    text: str
    truth: str
    prediction: str
    right: bool


@dataclass(frozen=True, kw_only=True)
class Results:
    """All of one call of `finetune` or `score`."""

    scores: tuple[ScoreRow, ...]
    fits: tuple[Fit, ...]
    examples: tuple[Example, ...]
    seconds: float
    command: str
    """The command line that repeats it."""
    models: Mapping[str, str]
    """Arm to the folder of its model."""
    data: Mapping[str, Any]
    """Training and dev files, their counts and fingerprints."""
    versions: Mapping[str, str]
    missing: tuple[str, ...] = ()
    """Tasks of a suite whose data were not there."""
    notes: tuple[str, ...] = ()
    """What a reader of the scores has to know of the data, a sentence each."""
    counted: str = "labels"
    """What `labels` of the scores counts: labels, or shots, steps, examples in the prompt."""
    verdict: str = ""
    """What came out, in a sentence, where it is no matter of labels."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Arm to the number of its weights, where models of several sizes are compared."""

    def printed(self) -> list[dict[str, Any]]:
        """The scores as `--json` prints them."""
        return [{name: value for name, value in asdict(row).items() if name != "main"} for row in self.scores]

    def save(self, folder: Path) -> None:
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1, allow_nan=False)
        write_atomically(folder / RESULTS, (text + "\n").encode())

    @classmethod
    def load(cls, folder: Path) -> Results:
        path = folder / RESULTS
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            raw["scores"] = tuple(ScoreRow(**row) for row in raw["scores"])
            raw["fits"] = tuple(Fit(**{**row, "losses": tuple(row["losses"])}) for row in raw["fits"])
            raw["examples"] = tuple(Example(**row) for row in raw["examples"])
            raw["missing"], raw["notes"] = tuple(raw["missing"]), tuple(raw["notes"])
            return cls(**raw)
        except FileNotFoundError:
            raise UserError(f"no {RESULTS}", where=str(folder), way_out="name a folder that `halfseen finetune` or `score` wrote") from None
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(f"damaged results ({error})", where=str(path), way_out="run the fine-tuning again") from error
