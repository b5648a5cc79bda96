"""Cells of text (CSV, TSV, arrays of str) to columns: which are of numbers, and what those are.

A file is read in blocks of rows, of which only numbers and shared category names are kept. A column of numbers in which a later
block holds a word was of categories all along, so then the file is read once more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from halfseen.contracts import Array, UserError
from halfseen.data.faults import brief
from halfseen.data.files import UNREADABLE, decode_error, inner_suffix, open_text
from halfseen.data.records import csv_records, whole_lines
from halfseen.data.rows import Faults
from halfseen.data.tabular import MISSING, Column, Kind, Table, check_names, check_size, checked

BLOCK = 10_000
"""Rows that are looked at together."""

NEARLY = 0.05
"""A column is nearly of numbers if at most this share of what it says is not: worth a note."""


class Cells:
    """One column while it is read, block by block.

    kind: None until something but missing cells was seen. again: it was of numbers, and then a word came.
    """

    def __init__(self, name: str, kind: Kind | None) -> None:
        self.name, self.kind, self.asked, self.again, self.note = name, kind, kind, False, ""
        self._parts: list[Array] = []
        self._shared: dict[str, str] = {}

    def add(self, cells: Sequence[str], rows: Sequence[int], faults: Faults) -> None:
        """rows: the cells' rows, for `faults`, which is told of words where numbers were asked for."""
        if self.again:
            return
        if self.kind == "categories":
            self._parts.append(self._categories(cells))
            return
        value_B, words = _numbers(cells)
        if not words or self.asked:
            for i in words:
                faults.add(f"row {rows[i]} has {brief(cells[i].strip())} in {self.name!r}, which are numbers")
            self._parts.append(value_B)
            return
        self._nearly(cells, value_B, words, rows)
        self.again = any(not np.isnan(part).all() for part in self._parts)
        self.kind = "categories"
        self._parts = [*(np.full(len(part), None, dtype=object) for part in self._parts), self._categories(cells)]

    def column(self) -> Column:
        return Column(self.name, np.concatenate(self._parts))

    def _categories(self, cells: Sequence[str]) -> Array:
        stripped = [cell.strip() for cell in cells]
        found = np.empty(len(cells), dtype=object)
        found[:] = [None if cell.lower() in MISSING else self._shared.setdefault(cell, cell) for cell in stripped]
        return found

    def _nearly(self, cells: Sequence[str], value_B: Array, words: Sequence[int], rows: Sequence[int]) -> None:
        numbers = int(np.isfinite(value_B).sum()) + sum(int(np.isfinite(part).sum()) for part in self._parts)
        if len(words) <= NEARLY * (numbers + len(words)):
            first = f"row {rows[words[0]]} has {brief(cells[words[0]].strip())}"
            beside = f"{len(words):,} of the {numbers + len(words):,} cells up to row {rows[-1]} are no numbers: {first}"
            self.note = f"{self.name!r} is read as categories, as {beside}"


def parsed(
    columns: Sequence[Sequence[str]], names: Sequence[str], rows: Array, kinds: Mapping[str, Kind], where: str
) -> tuple[list[Column], list[str]]:
    """Columns of text in memory, and what is to be noted. Raises UserError for words where `kinds` says numbers, all at once."""
    found = [Cells(name, kinds.get(name)) for name in names]
    with Faults(where) as faults:
        for column, cells in zip(found, columns, strict=True):
            column.add(cells, rows.tolist(), faults)
    return [column.column() for column in found], [column.note for column in found if column.note]


def read_cells(path: Path, kinds: Mapping[str, Kind]) -> Table:
    """A CSV or TSV file. Raises UserError for what `read_table` says, all rows that are not whole at once."""
    try:
        found, numbers = _read(path, kinds)
        notes = [column.note for column in found if column.note]
        if any(column.again for column in found):
            words: dict[str, Kind] = {column.name: "categories" for column in found if column.again}
            found, numbers = _read(path, {**kinds, **words})
    except UNREADABLE as error:
        raise decode_error(path, error) from error
    return checked(str(path), [column.column() for column in found], numbers, notes)


def _read(path: Path, kinds: Mapping[str, Kind]) -> tuple[list[Cells], Array]:
    rows = enumerate(_rows(path), 1)
    first = next(((number, row) for number, row in rows if not _blank(row)), None)
    if first is None:
        raise UserError("is empty", where=str(path), way_out="name a file with at least one row")
    names, header = _names([cell.strip() for cell in first[1]], path)
    check_names(names, str(path))
    found = [Cells(name, kinds.get(name)) for name in names]
    numbers: list[int] = []
    block: list[list[str]] = []
    with Faults(str(path)) as faults:

        def flush() -> None:
            for column, cells in zip(found, zip(*block, strict=True), strict=True):
                column.add(cells, numbers[-len(block) :], faults)
            block.clear()

        for number, row in rows if header else chain([first], rows):
            if len(row) == len(names):
                numbers.append(number)
                block.append(row)
            elif not _blank(row):
                faults.add(f"row {number} has {len(row)} column{'s' * (len(row) != 1)}, not {len(names)}")
            if len(block) == BLOCK:
                check_size(len(numbers), len(names), str(path))
                flush()
        if block:
            flush()
    check_size(len(numbers), len(names), str(path))
    return found, np.array(numbers)


def _rows(path: Path) -> Iterator[list[str]]:
    if inner_suffix(path) == ".csv":
        yield from csv_records(path)
    else:
        with open_text(path) as file:
            yield from (line.rstrip("\n").split("\t") for line in whole_lines(file, path))


def _blank(row: Sequence[str]) -> bool:
    return len(row) <= 1 and not any(row)


def _names(first: Sequence[str], path: Path) -> tuple[list[str], bool]:
    """The columns' names, and whether the first row holds them."""
    numbers = [cell for cell in first if is_number(cell)]
    counted = [str(i) for i in range(len(first))]
    if len(first) == 1 and ";" in first[0]:
        raise UserError(f"its only column is {brief(first[0])}", where=str(path), way_out="part cells by commas, or by tabs in a .tsv")
    if not numbers or list(first) == counted:
        return list(first), True
    words = [cell for cell in first if not is_number(cell) and cell.lower() not in MISSING]
    if not words:
        return counted, False
    what = f"its first row may be a header or not: {brief(words[0])} is a word, {brief(numbers[0])} a number"
    raise UserError(what, where=str(path), way_out="let the first row name each column, none with a number alone")


def is_number(cell: str) -> bool:
    """Whether a cell says a number; a missing one does not."""
    try:
        return not math.isnan(_number(cell))
    except ValueError:
        return False


def _number(cell: str) -> float:
    """NaN if it is missing. Raises ValueError for a word."""
    if cell.strip().lower() in MISSING:
        return math.nan
    if "_" in cell:  # Python reads 1_000 as a number, nobody else does
        raise ValueError(cell)
    return float(cell)


def _numbers(cells: Sequence[str]) -> tuple[Array, list[int]]:
    """The cells as float64 (B,), NaN where they are missing or a word, and where words are."""
    try:
        if "_" not in "".join(cells):
            return np.array(list(map(float, cells))), []
    except ValueError:
        pass  # some cell is missing or a word: one by one
    found, words = np.full(len(cells), math.nan), []
    for i, cell in enumerate(cells):
        try:
            found[i] = _number(cell)
        except ValueError:
            words.append(i)
    return found, words
