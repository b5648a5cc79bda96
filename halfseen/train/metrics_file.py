"""metrics.jsonl: what a run noted on its way, a line a step, written as it goes and read again by a resumed run and the report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from halfseen.contracts import UserError
from halfseen.data.files import append, write_atomically

FILE = "metrics.jsonl"


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines in order of their steps; a last one that a kill cut short is left out. Raises UserError for a damaged one."""
    path = folder / FILE
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    found: dict[int, dict[str, Any]] = {}
    for number, line in enumerate(text[: text.rfind("\n") + 1].splitlines(), start=1):
        try:
            values = json.loads(line)
            found[values["step"]] = values
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"line {number} is damaged ({error})", where=str(path), way_out="take that line away") from error
    return [found[step] for step in sorted(found)]


def write_metrics(folder: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    write_atomically(folder / FILE, "".join(json.dumps(line) + "\n" for line in lines).encode())


def append_metrics(folder: Path, line: Mapping[str, Any]) -> None:
    append(folder / FILE, (json.dumps(line) + "\n").encode())
