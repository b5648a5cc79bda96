"""Fits that are done, kept line by line while a comparison goes on, so that the same command does not fit them again.

The first line tells which comparison it is; each other line is a fit, its scores on dev, and with the first seed what it said of the
first items.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from halfseen.contracts import Score, UserError
from halfseen.report.results import Fit

FITS = "fits.jsonl"


@dataclass(frozen=True)
class Done:
    """said: of the first dev items, of the first seed alone: what is shown."""

    fit: Fit
    scores: list[Score]
    said: list[Any] | None


@dataclass
class DoneFits:
    """What is done of one comparison; without a file it forgets at once."""

    path: Path | None = None
    head: Mapping[str, Any] = field(default_factory=dict)
    by_fit: dict[tuple[str, str, int, int], Done] = field(default_factory=dict)
    _one_at_a_time: Lock = field(default_factory=Lock, repr=False)

    @classmethod
    def open(cls, folder: Path, facts: Mapping[str, Any]) -> DoneFits:
        """facts: all that a fit depends on. Raises UserError if the folder holds fits of another comparison, or damaged ones."""
        path, head = folder / FITS, {"comparison": json.loads(json.dumps(facts, default=str))}
        if not path.exists():
            return cls(path, head)
        try:
            whole = path.read_bytes().rpartition(b"\n")[0]  # a line that a kill cut off was not done
            first, *rest = [json.loads(line) for line in whole.splitlines()] or [{}]
            if first != head:
                raise UserError("holds fits of another comparison", where=str(path), way_out="choose another --out, or take them away")
            found = [read(line) for line in rest]
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(f"damaged ({error})", where=str(path), way_out="take it away and fit again") from error
        path.write_bytes(whole + b"\n")
        return cls(path, head, {key(done.fit): done for done in found})

    def get(self, task: str, arm: str, labels: int, seed: int) -> Done | None:
        return self.by_fit.get((task, arm, labels, seed))

    def add(self, done: Done) -> None:
        """Several threads may add at once."""
        if self.path is None:
            return
        with self._one_at_a_time:
            if not self.path.exists():
                self.path.write_text(json.dumps(self.head) + "\n", encoding="utf-8")
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(done), ensure_ascii=False) + "\n")

    def close(self) -> None:
        """All is done and stands in the results."""
        if self.path is not None:
            self.path.unlink()


def key(fit: Fit) -> tuple[str, str, int, int]:
    return fit.task, fit.arm, fit.labels, fit.seed


def read(line: Mapping[str, Any]) -> Done:
    fit = Fit(**{**line["fit"], "losses": tuple(line["fit"]["losses"])})
    return Done(fit, [Score(**score) for score in line["scores"]], line["said"])
