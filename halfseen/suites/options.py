"""How a suite is scored, free of torch so that the command line can show it at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
