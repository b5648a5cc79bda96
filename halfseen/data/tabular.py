"""A table in memory: columns of numbers and of categories, and what is asked of any of them.

Shapes: R rows. `halfseen.data.tables` reads one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from halfseen.contracts import Array, UserError
from halfseen.data.faults import all_faults, brief

Kind = Literal["numbers", "categories"]

MISSING = frozenset({"", "na", "n/a", "nan", "null", "?"})
"""Cells that say nothing, lower-cased."""

MOST_CELLS = 500_000_000
"""Rows times columns: 4 GB as float64."""

LARGEST_NUMBER = 1e100
"""Far beyond it sums of squares are infinite; who writes such numbers means that nothing is known."""

LONGEST_CATEGORY = 1000
"""Characters; a cell that is longer is a text, which a table's methods know nothing of."""


@dataclass(frozen=True, eq=False)
class Column:
    """values_R: float64, NaN where missing; or objects, each a str, None where missing. Never written to."""

    name: str
    values: Array

    @property
    def kind(self) -> Kind:
        return "categories" if self.values.dtype.hasobject else "numbers"

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Which rows say nothing (R,)."""
        if self.kind == "numbers":
            return np.isnan(self.values)
        return np.fromiter((value is None for value in self.values), dtype=bool, count=len(self.values))


@dataclass(frozen=True, eq=False, kw_only=True)
class Table:
    """A table that has been read and checked: numbers are finite, names differ, there is a row and a column."""

    name: str
    """What was read, for messages."""
    columns: tuple[Column, ...]
    numbers: NDArray[np.int64]
    """Of the rows (R,), as an editor shows them, from 1 with the header counted; in arrays and DataFrames from 0."""
    label: Column | None = None
    """Split off; where it is missing, nobody has labelled the row."""
    notes: tuple[str, ...] = ()
    """What somebody who reads the table should know, a line each."""
    _at: Mapping[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_at", {column.name: i for i, column in enumerate(self.columns)})
        for column in (*self.columns, *([self.label] if self.label else [])):
            column.values.setflags(write=False)

    def __len__(self) -> int:
        """R."""
        return len(self.numbers)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._at)

    def __getitem__(self, name: str) -> Column:
        """Raises KeyError."""
        return self.columns[self._at[name]]

    def __contains__(self, name: object) -> bool:
        return name in self._at

    def take(self, rows: Array) -> Table:
        """Some of the rows: their places from 0, or a truth value for each."""

        def taken(column: Column) -> Column:
            return Column(column.name, column.values[rows])

        return replace(
            self, columns=tuple(map(taken, self.columns)), numbers=self.numbers[rows], label=taken(self.label) if self.label else None
        )


def checked(name: str, columns: Sequence[Column], numbers: Array, notes: Sequence[str] = ()) -> Table:
    """A table of these columns. Raises UserError if one holds a number that is infinite or too large, or a text."""
    faults = []
    for column in columns:
        if column.kind == "numbers":
            large = np.flatnonzero(np.abs(column.values) > LARGEST_NUMBER)
            faults += [f"row {numbers[i]} has {column.values[i]:g} in {column.name!r}" for i in large]
        elif any(len(value) > LONGEST_CATEGORY for value in set(column.values) - {None}):
            long = [i for i, value in enumerate(column.values) if value is not None and len(value) > LONGEST_CATEGORY]
            faults += [f"row {numbers[i]} has {len(column.values[i]):,} characters in {column.name!r}" for i in long]
    if faults:
        way_out = f"numbers are at most {LARGEST_NUMBER:g} and categories {LONGEST_CATEGORY:,} characters: leave such cells empty"
        raise all_faults(faults, where=name, way_out=f"{way_out}, or leave the columns out")
    return Table(name=name, columns=tuple(columns), numbers=np.asarray(numbers, dtype=np.int64), notes=tuple(notes))


def check_names(names: Sequence[str], where: str) -> None:
    """Raises UserError if columns have no name, or two the same."""
    faults = [f"column {i} has no name" for i, name in enumerate(names) if not name]
    first: dict[str, int] = {}
    for i, name in enumerate(names):
        if name and name in first:
            faults.append(f"columns {first[name]} and {i} are both named {brief(name)}")
        first.setdefault(name, i)
    if faults:
        way_out = "give each its own name, or leave it out (counted from 0; pandas writes row numbers without to_csv(index=False))"
        raise all_faults(faults, where=where, way_out=way_out)


def check_size(rows: int, columns: int, where: str) -> None:
    """Raises UserError if there is nothing, or more than MOST_CELLS."""
    if not rows or not columns:
        raise UserError(f"has {rows} rows and {columns} columns", where=where, way_out="give at least one of each")
    if rows * columns > MOST_CELLS:
        what = f"{rows:,} rows x {columns:,} columns = {rows * columns:,} cells, more than the {MOST_CELLS:,} that are read"
        raise UserError(what, where=where, way_out="take fewer rows or columns")
