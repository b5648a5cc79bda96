"""A table's columns to float32 numbers of one size, as training rows say, and back.

Shapes: R rows, F outputs.

Numbers have their mean taken off and are divided by their standard deviation. Over 30 tables of ADBench, with anomalies in
training and without, nearest neighbours and PCA found anomalies so with a mean AUC of 0.791, with median and interquartile range
of 0.779, with quantiles of a normal distribution of 0.756: quantiles pull in what stands far out, which is what an anomaly does,
and in a column that is mostly zeros the interquartile range is zero. What lies beyond FAR is held there, so that squares stay finite.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from halfseen.contracts import Array, UserError
from halfseen.data.cells import is_number
from halfseen.data.faults import all_faults, brief, did_you_mean
from halfseen.data.tabular import MOST_CELLS, Column, Kind, Table

MOST_CATEGORIES = 64
"""Of one column, the most frequent; rarer ones share the slot of those that training had not."""

FAR = 1e6
"""Standard deviations."""

ROUNDING = 1e-12
"""A column whose standard deviation is at most this share of its largest number is constant but for rounding."""

OTHER, ABSENT = "(other)", "(missing)"


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """A column of numbers. scale: 0 where training had one value alone. missing: training had rows that say nothing."""

    name: str
    centre: float
    scale: float
    missing: bool
    kind: Literal["numbers"] = "numbers"

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.name, *([f"{self.name}={ABSENT}"] if self.missing else []))

    def write(self, column: Column, out_RF: NDArray[np.float32]) -> None:
        """Into zeros. A missing number is the mean, which is 0."""
        if self.scale:
            with np.errstate(over="ignore"):
                scaled_R = np.clip((column.values - self.centre) / self.scale, -FAR, FAR)
            out_RF[:, 0] = np.where(column.missing, 0, scaled_R)
        if self.missing:
            out_RF[:, 1] = column.missing

    def read(self, out_RF: Array) -> Array:
        values_R = self.centre + self.scale * out_RF[:, 0].astype(np.float64)
        return np.where(out_RF[:, 1] > 0.5, np.nan, values_R) if self.missing else values_R


@dataclass(frozen=True, kw_only=True)
class Categories:
    """A column of categories. kept: those with a slot of their own, the most frequent first. pooled: how many training had beside them."""

    name: str
    kept: tuple[str, ...]
    pooled: int
    missing: bool
    kind: Literal["categories"] = "categories"

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(f"{self.name}={slot}" for slot in (*self.kept, OTHER, *([ABSENT] if self.missing else [])))

    def write(self, column: Column, out_RF: NDArray[np.float32]) -> None:
        """Into zeros. A missing category is none of them."""
        slots = {category: i for i, category in enumerate(self.kept)}
        rows = np.flatnonzero(~column.missing)
        slot_R = np.fromiter((slots.get(value, len(slots)) for value in column.values[rows]), dtype=np.int64, count=len(rows))
        out_RF[rows, slot_R] = 1
        if self.missing:
            out_RF[:, -1] = column.missing

    def read(self, out_RF: Array) -> Array:
        """The largest slot's, None where none is above 0 or it is known to be missing."""
        own_RF = out_RF[:, : len(self.kept) + 1]
        names = np.array([*self.kept, OTHER], dtype=object)
        gone_R = (own_RF.max(axis=1) <= 0) | ((out_RF[:, -1] > 0.5) if self.missing else False)
        return np.array(np.where(gone_R, None, names[own_RF.argmax(axis=1)]))


@dataclass(frozen=True, kw_only=True)
class TableScaler:
    """What training rows say of each column, in training's order."""

    columns: tuple[Numbers | Categories, ...]
    dropped: tuple[str, ...]
    """Columns in which training rows said nothing; they may be there or not."""
    rows: int
    """Of training."""

    @classmethod
    def fit(cls, table: Table) -> TableScaler:
        """From the columns of training rows; the label plays no part. Raises UserError if no column says anything."""
        said = [column for column in table.columns if not column.missing.all()]
        if not said:
            raise UserError("every cell is missing", where=table.name, way_out="give rows that say something")
        columns = tuple(_numbers(column) if column.kind == "numbers" else _categories(column) for column in said)
        dropped = tuple(column.name for column in table.columns if column.missing.all())
        return cls(columns=columns, dropped=dropped, rows=len(table))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the F outputs: `age`, `age=(missing)`, `colour=red`, `colour=(other)`."""
        return tuple(name for column in self.columns for name in column.outputs)

    @property
    def source_of(self) -> tuple[str, ...]:
        """The input column that each of the F outputs comes from."""
        return tuple(column.name for column in self.columns for _ in column.outputs)

    @property
    def kinds(self) -> dict[str, Kind]:
        """What `read_table` should take the columns of other files for."""
        return {column.name: column.kind for column in self.columns}

    @property
    def notes(self) -> tuple[str, ...]:
        """What training rows lack, a line each."""
        found = [f"{name!r} is left out: all of its cells are missing" for name in self.dropped]
        for column in self.columns:
            if isinstance(column, Numbers) and not column.scale:
                found.append(f"{column.name!r} tells nothing: it is {column.centre:g} throughout")
            if isinstance(column, Categories) and column.pooled:
                what = f"{column.pooled:,} of its {len(column.kept) + column.pooled:,} categories share one slot"
                found.append(f"{column.name!r} has more than {MOST_CATEGORIES} categories: the rarest {what}")
        return tuple(found)

    def transform(self, table: Table) -> NDArray[np.float32]:
        """The rows as numbers (R, F), whatever the order of the table's columns; categories that training had not are `(other)`.

        Raises UserError, for all of them at once: columns that training had not or had besides, and words where it had numbers.
        """
        self._check(table)
        if len(table) * len(self.names) > MOST_CELLS:
            what = f"{len(table):,} rows x {len(self.names):,} outputs are more than {MOST_CELLS:,} numbers"
            raise UserError(what, where=table.name, way_out="transform them in parts: table.take(slice(0, 100_000))")
        out_RF = np.zeros((len(table), len(self.names)), dtype=np.float32)
        for column, outputs in self._places():
            column.write(_given(table, column), out_RF[:, outputs])
        return out_RF

    def strange(self, table: Table) -> tuple[str, ...]:
        """What the rows have that no training row had and `transform` cannot show, a line for each column. Raises as `transform`."""
        self._check(table)
        found = []
        for column in self.columns:
            given = _given(table, column)
            if isinstance(column, Categories):
                known = {*column.kept, None}
                rows = np.flatnonzero([value not in known for value in given.values])
                what = "a category without a slot" if column.pooled else "a category that training had not"
            else:
                rows = np.flatnonzero(~given.missing & (given.values != column.centre)) if not column.scale else np.array([], dtype=int)
                what = f"another number than training's {column.centre:g}, and count as the same"
            if len(rows):
                first = given.values[rows[0]]
                shown = brief(first) if isinstance(first, str) else f"{first:g}"
                found.append(f"{column.name!r}: {len(rows):,} of {len(table):,} rows have {what}; row {table.numbers[rows[0]]} has {shown}")
            if not column.missing and (rows := np.flatnonzero(given.missing)).size:
                as_what = "the mean" if isinstance(column, Numbers) else "none of its categories"
                what = f"{len(rows):,} of {len(table):,} rows miss it, as in training none did, and count as {as_what}"
                found.append(f"{column.name!r}: {what}; the first is row {table.numbers[rows[0]]}")
        return tuple(found)

    def inverse(self, out_RF: Array) -> dict[str, Array]:
        """Outputs, or a net's guesses of them, as each column's values (R,): float64 in its own unit, or str and None."""
        if out_RF.ndim != 2 or out_RF.shape[1] != len(self.names):
            raise ValueError(f"shape {out_RF.shape}, not (rows, {len(self.names)})")
        return {column.name: column.read(out_RF[:, outputs]) for column, outputs in self._places()}

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, texts and lists."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: Any, where: str = "the scaler") -> TableScaler:
        """Of what `to_json` gave, read back. Raises UserError if it is something else."""
        try:
            columns = tuple(_column(column) for column in found["columns"])
            names = [*(column.name for column in columns), *found["dropped"]]
            if not columns or len(set(names)) < len(names) or not all(isinstance(name, str) for name in names):
                raise ValueError("its columns do not differ")
            return cls(columns=columns, dropped=tuple(found["dropped"]), rows=int(found["rows"]))
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"not a table scaler's JSON ({error!r})", where=where, way_out="take the file that training wrote") from error

    def _places(self) -> Iterator[tuple[Numbers | Categories, slice]]:
        start = 0
        for column in self.columns:
            yield column, slice(start, start + len(column.outputs))
            start += len(column.outputs)

    def _check(self, table: Table) -> None:
        known = {*self.kinds, *self.dropped}
        strangers = [name for name in table.names if name not in known]
        lacking = [name for name in self.kinds if name not in table]
        faults = [f"no column {name!r}" for name in lacking]
        faults += [f"a column {name!r} that training had not" for name in strangers]
        for column in self.columns:
            if column.name in table and (given := table[column.name]).kind != column.kind and not given.missing.all():
                faults += _mismatches(given, table)
        if faults:
            hints = [hint for name in strangers if (hint := did_you_mean(name, lacking))]
            way_out = "give training's columns (the label apart, with label=), and read files with kinds=scaler.kinds"
            raise all_faults(faults, where=table.name, way_out="; ".join([*hints, way_out]))


def _numbers(column: Column) -> Numbers:
    missing_R = column.missing
    said = column.values[~missing_R]
    scale = float(said.std())
    constant = scale <= ROUNDING * float(np.abs(said).max())
    centre = said[0] if constant else said.mean()
    return Numbers(name=column.name, centre=float(centre), scale=0.0 if constant else scale, missing=bool(missing_R.any()))


def _categories(column: Column) -> Categories:
    counts = Counter(column.values)
    missing = counts.pop(None, 0) > 0
    ranked = sorted(counts, key=lambda category: (-counts[category], category))
    kept = tuple(ranked[:MOST_CATEGORIES])
    return Categories(name=column.name, kept=kept, pooled=len(ranked) - len(kept), missing=missing)


def _given(table: Table, column: Numbers | Categories) -> Column:
    """The table's column; where all of it is missing, its kind was anybody's guess, and is training's."""
    given = table[column.name]
    if given.kind == column.kind:
        return given
    return Column(column.name, np.full(len(table), np.nan) if column.kind == "numbers" else np.full(len(table), None, dtype=object))


def _mismatches(given: Column, table: Table) -> list[str]:
    if given.kind == "numbers":
        return [f"{given.name!r} holds numbers, where training had categories"]
    words = [
        f"row {row} has {brief(value)} in {given.name!r}, where training had numbers"
        for row, value in zip(table.numbers, given.values, strict=True)
        if value is not None and not is_number(value)
    ]
    return words or [f"{given.name!r} holds numbers written as text, where training had numbers"]


def _column(found: Mapping[str, Any]) -> Numbers | Categories:
    """Raises KeyError, TypeError or ValueError."""
    if found["kind"] == "numbers":
        column = Numbers(name=found["name"], centre=float(found["centre"]), scale=float(found["scale"]), missing=bool(found["missing"]))
        if not (math.isfinite(column.centre) and math.isfinite(column.scale) and column.scale >= 0):
            raise ValueError(f"{column}")
        return column
    kept = found["kept"]
    if found["kind"] != "categories" or not kept or not all(isinstance(category, str) for category in kept):
        raise ValueError(f"{dict(found)}")
    return Categories(name=found["name"], kept=tuple(kept), pooled=int(found["pooled"]), missing=bool(found["missing"]))
