"""How a study is made, free of torch so that the command line can show it at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ShowOptions:
    """Train small nets on made-up prompts and show what they learn in context."""

    out: Path
    """Folder for the results and the report."""
    steps: int | None = None
    """Steps of each training; by default as many as the study needs."""
    seeds: int = 3
    """How often each training is repeated, from other weights and with other prompts."""

    def faults(self) -> list[str]:
        """Everything that is wrong with these options, in words."""
        return [
            f"--{name} is {value}, but must be at least 1"
            for name, value in (("steps", self.steps), ("seeds", self.seeds))
            if value is not None and value < 1
        ]
