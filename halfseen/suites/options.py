"""How a suite is scored, free of torch so that the command line can show it at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from halfseen.tasks.options import CompareOptions


@dataclass(frozen=True, kw_only=True)
class ScoreOptions(CompareOptions):
    """Score models on the tasks of a suite."""

    data: str
    """The suite's folder in its official layout, or hub:NAME when online."""
    tasks: str = ""
    """Some of the tasks, e.g. sst2,rte; by default all that the folder holds."""
    out: Path | None = None
    """Folder for the results, the report and the submission files; by default nothing is written."""


@dataclass(frozen=True, kw_only=True)
class PromptOptions:
    """Let decoders answer from the prompt alone: a description, some examples, a question; no weight changes."""

    tasks: tyro.conf.Positional[tuple[str, ...]] = ()
    """Names of tasks, or files of your own in .jsonl (context, completion, perhaps choices); by default all that --data holds."""
    model: tuple[str, ...]
    """Decoders to compare: folders that `halfseen pretrain gpt` wrote, in the Hugging Face layout (GPT-2, Llama), or hf:NAME."""
    data: Path | None = None
    """The folder that holds the tasks' files."""
    shots: str = "0,1,4,16"
    """How many examples stand in the prompt, each number a point of the curve."""
    seeds: int = 5
    """How often the examples are drawn anew."""
    limit: int = 200
    """Questions of a task at most, always the same ones."""
    description: str = ""
    """What the questions of your own files ask, in words; stands before the examples."""
    out: Path | None = None
    """Folder for the results and the report; by default nothing is written."""

    def faults(self) -> list[str]:
        """Everything that is wrong with these options, in words."""
        found = [f"--{name} is {getattr(self, name)}, but must be at least 1" for name in ("seeds", "limit") if getattr(self, name) < 1]
        words = self.shots.split(",")
        found += [f"--shots: '{word}' is not a number from 0" for word in words if not (word.isascii() and word.isdigit())]
        if not self.tasks and self.data is None:
            found.append("neither a TASK nor --data is given")
        return found if self.model else [*found, "no --model is given"]

    def shot_counts(self) -> list[int]:
        """In rising order."""
        return sorted({int(word) for word in self.shots.split(",")})
