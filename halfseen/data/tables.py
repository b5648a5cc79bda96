"""Tables to columns of numbers and of categories: CSV, TSV, parquet, NPZ, NPY, NumPy arrays and pandas DataFrames.

Shapes: R rows, F columns. In CSV and TSV (also .gz, .xz, .zst) and in arrays of text, a column is of numbers if every cell
that is not missing is a number, else of categories, and a cell is missing if it is one of MISSING in any case, white space
at its ends dropped. Parquet, DataFrames and other arrays say of each column what it is, and missing is null, NaN or NaT alone.

CSV is quoted, TSV never is. The first row is a header, unless all its cells are numbers other than 0, 1, 2, ... in order;
without one, as in arrays, columns are named "0", "1", ... . A table from NPZ is its array `X`, with `y` as label, as in ADBench.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from halfseen.contracts import Array, UserError
from halfseen.data.arrays import Npz, read_npy
from halfseen.data.cells import parsed, read_cells
from halfseen.data.faults import brief, did_you_mean
from halfseen.data.files import COMPRESSED, inner_suffix
from halfseen.data.frames import from_frame, read_parquet, typed
from halfseen.data.tabular import MISSING, MOST_CELLS, Column, Kind, Table, check_size, checked

__all__ = ["MISSING", "MOST_CELLS", "Column", "Kind", "Table", "from_array", "read_table"]

KINDS = ".csv, .tsv (each also .gz, .xz, .zst), .parquet, .npz, .npy"


def read_table(source: Any, *, label: str | None = None, kinds: Mapping[str, Kind] | None = None) -> Table:
    """A path (str or Path), a NumPy array (R, F) or a pandas DataFrame to a table.

    label: the column to split off; of NPZ also the name of an array (R,), by default `y` if it is there. kinds: what columns are, by
    name, where that is known already (a trained model's `TableScaler.kinds`): cells of CSV, TSV and arrays of text are read as that.
    Raises UserError: what cannot be read; rows that are not whole; infinite numbers; names that are empty or not unique; more than
    MOST_CELLS. All faults of a sort are named at once, with row and column.
    """
    kinds = kinds or {}
    if isinstance(source, (str, os.PathLike)):
        table = _read_file(Path(source), label, kinds)
    elif isinstance(source, np.ndarray):
        table = from_array(source, "the array", kinds)
    elif hasattr(source, "toarray"):
        way_out = "make it dense with .toarray() if it is small, or reduce it first (sklearn.decomposition.TruncatedSVD)"
        raise UserError(f"a sparse matrix of shape {source.shape}; tables are dense here", where="the table", way_out=way_out)
    elif hasattr(source, "columns") and hasattr(source, "dtypes") and hasattr(source, "iloc"):
        table = from_frame(source)
    else:
        what = f"a {type(source).__module__}.{type(source).__qualname__} is no table"
        raise UserError(what, where="the table", way_out="give a path, a NumPy array or a pandas DataFrame")
    return table if label is None or table.label is not None else _split_off(table, label)


def from_array(array: Array, name: str, kinds: Mapping[str, Kind]) -> Table:
    """A table of an array (R, F), rows from 0, columns "0", "1", ... . Raises UserError as `read_table`."""
    if array.ndim != 2:
        raise UserError(f"shape {array.shape}; a table has two axes", where=name, way_out="give (rows, columns)")
    check_size(array.shape[0], array.shape[1], name)
    names = [str(i) for i in range(array.shape[1])]
    rows = np.arange(len(array))
    notes: list[str] = []
    if array.dtype.kind in "biuf":
        array = np.array(array, dtype=np.float64, order="F")
        columns = [Column(column, array[:, i]) for i, column in enumerate(names)]
    elif array.dtype.kind in "US":
        text = _decoded(array, name) if array.dtype.kind == "S" else array
        columns, notes = parsed([text[:, i].tolist() for i in range(len(names))], names, rows, kinds, name)
    elif array.dtype.kind == "O":
        columns = typed([array[:, i] for i in range(len(names))], names, rows, name)
    else:
        raise UserError(f"an array of {array.dtype}", where=name, way_out="turn it into numbers or text first")
    return checked(name, columns, rows, notes)


def _decoded(array: Array, name: str) -> Array:
    try:
        return np.char.decode(array, "utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"not UTF-8 text ({error})", where=name, way_out="make it an array of str, or of numbers") from error


def _read_file(path: Path, label: str | None, kinds: Mapping[str, Kind]) -> Table:
    suffix = inner_suffix(path)
    if suffix in (".csv", ".tsv"):
        return read_cells(path, kinds)
    packed = path.suffix.lower() in COMPRESSED
    if suffix == ".parquet" and not packed:
        return read_parquet(path)
    if suffix == ".npy" and not packed:
        return from_array(read_npy(path), str(path), kinds)
    if suffix == ".npz" and not packed:
        return _read_npz(path, label, kinds)
    what = "a folder" if path.is_dir() else f"a file of kind {suffix + path.suffix if packed else suffix or '(no suffix)'}"
    raise UserError(f"{what}, which is not read as a table", where=str(path), way_out=f"these kinds are: {KINDS}")


def _read_npz(path: Path, label: str | None, kinds: Mapping[str, Kind]) -> Table:
    file = Npz(path)
    table = from_array(file.read("X"), str(path), kinds)
    name = label if label is not None else "y"
    if name not in file.names or name in table or name == "X":
        return table
    values = file.read(name)
    if values.size != len(table) or values.ndim not in (1, 2):
        what = f"labels {name!r} of shape {values.shape} for {len(table):,} rows"
        raise UserError(what, where=str(path), way_out=f"give one label a row: shape ({len(table)},)")
    (column,) = from_array(values.reshape(-1, 1), f"{path}, array {name}", {}).columns
    return replace(table, label=Column(name, column.values))


def _split_off(table: Table, label: str) -> Table:
    if label not in table:
        there = ", ".join(brief(name) for name in table.names[:20]) + (
            f" and {len(table.names) - 20} more" if len(table.names) > 20 else ""
        )
        hint = did_you_mean(label, table.names)
        way_out = "; ".join(filter(None, [hint, "name one of its columns as label"]))
        raise UserError(f"no column {label!r}; its columns are {there}", where=table.name, way_out=way_out)
    if len(table.columns) == 1:
        raise UserError(f"its only column is the label {label!r}", where=table.name, way_out="give columns to learn from")
    return replace(table, columns=tuple(column for column in table.columns if column.name != label), label=table[label])
