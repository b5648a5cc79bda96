"""Rows of CSV files and of JSON lines, read strictly and in bounded memory, for tables with labels and without."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO, cast

from halfseen.contracts import UserError
from halfseen.data.files import open_text

LONGEST_ROW = 100_000_000
"""Characters of one row of a table."""


def whole_lines(file: TextIO, path: Path) -> Iterator[str]:
    """The lines, none of which may fill the memory."""
    number = 1
    while line := file.readline(LONGEST_ROW):
        if len(line) == LONGEST_ROW:
            raise UserError(f"row {number} has more than {LONGEST_ROW:,} characters", where=str(path), way_out="break it into several rows")
        yield line
        number += 1


def csv_records(path: Path) -> Iterator[list[str]]:
    """The cells of each row, the header too. Reading may raise one of `files.UNREADABLE`; raises UserError for what is no CSV."""
    csv.field_size_limit(max(LONGEST_ROW, csv.field_size_limit()))
    with open_text(path) as file:
        cast(io.TextIOWrapper, file).reconfigure(newline="")  # the csv module itself knows line ends inside quotes
        rows = csv.reader(whole_lines(file, path), strict=True)
        try:
            yield from rows
        except csv.Error as error:
            raise UserError(
                f"not well-formed CSV at line {rows.line_num} ({error})",
                where=str(path),
                way_out="close every quote, and double those inside a cell",
            ) from error


def json_records(lines: Iterable[str], fault: Callable[[str], None]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects with their lines' numbers from 1; blank lines are passed over, and `fault` is told of every other one."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            fault(f"row {number} is not JSON ({error})")
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            fault(f"row {number} is a JSON {type(row).__name__}, not an object")
