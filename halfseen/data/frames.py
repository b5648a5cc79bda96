"""Tables that say what their columns are: parquet files, pandas DataFrames, arrays of Python objects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from halfseen.contracts import Array, UserError
from halfseen.data.faults import all_faults, brief
from halfseen.data.tabular import Column, Table, check_names, check_size, checked

INDEX = "__index_level_"
"""How pandas names its row numbers in a parquet file."""

PACKED_BYTES = 1 << 32
"""Of a parquet file's columns, unpacked: 4 GiB."""

WAY_OUT = "turn them into numbers or text (a date: into days since another), or leave the columns out"


def read_parquet(path: Path) -> Table:
    """Rows from 1. Raises UserError if the file is damaged, too large, or has columns that are neither numbers nor text."""
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
            fields = [field for field in file.schema_arrow if not field.name.startswith(INDEX)]
            check_names([field.name for field in fields], str(path))
            check_size(file.metadata.num_rows, len(fields), str(path))
            if (size := sum(group.total_byte_size for group in groups)) > PACKED_BYTES:
                what = f"its columns are {size:,} bytes, more than the {PACKED_BYTES:,} that are read"
                raise UserError(what, where=str(path), way_out="take fewer rows or columns")
            faults = [f"{field.name!r} is of {field.type}" for field in fields if not _is_read(field.type)]
            if faults:
                raise all_faults(faults, where=str(path), way_out=WAY_OUT)
            columns = [Column(field.name, _values(file.read(columns=[field.name]).column(field.name))) for field in fields]
            index = [field.name for field in file.schema_arrow if field.name.startswith(INDEX)]
    except (pyarrow.ArrowException, UnicodeDecodeError, OSError) as error:
        raise UserError(f"damaged, cut short, or not a parquet file ({error})", where=str(path), way_out="get the file again") from error
    notes = [f"{name!r} was passed over: pandas' row numbers" for name in index]
    return checked(str(path), columns, np.arange(1, len(columns[0].values) + 1), notes)


def from_frame(frame: Any) -> Table:
    """A pandas DataFrame, rows counted from 0 whatever its index. Raises UserError as `read_parquet`."""
    where = "the DataFrame"
    names = [str(name) for name in frame.columns]
    check_size(len(frame), len(names), where)
    check_names(names, where)
    rows = np.arange(len(frame))
    faults = [f"{name!r} is of {kind}" for name, kind in zip(names, frame.dtypes, strict=True) if kind.kind not in "biufO"]
    if faults:
        raise all_faults(faults, where=where, way_out=WAY_OUT)
    columns: list[Array] = []
    for i, kind in enumerate(frame.dtypes):
        series = frame.iloc[:, i]
        if str(kind) == "category":
            columns.append(
                np.array([None if missing else str(value) for value, missing in zip(series, series.isna(), strict=True)], object)
            )
        elif kind.kind == "O":
            columns.append(series.to_numpy(dtype=object))
        else:
            columns.append(np.array(series.to_numpy(dtype=np.float64, na_value=np.nan)))
    return checked(where, typed(columns, names, rows, where), rows)


def typed(columns: Sequence[Array], names: Sequence[str], rows: Array, where: str) -> list[Column]:
    """Columns as they are if of float64, else of Python objects, each of numbers or of str throughout, None and NaN where missing.

    Raises UserError for all cells that are something else, or numbers among words.
    """
    faults: list[str] = []
    found = []
    for name, values in zip(names, columns, strict=True):
        if not values.dtype.hasobject:
            found.append(Column(name, values))
            continue
        cells = [None if _is_missing(value) else value for value in values]
        first = next((value for value in cells if value is not None), None)
        fitting: tuple[type, ...] = (str,) if isinstance(first, str) else (Real, Decimal, np.bool_)
        for row, value in zip(rows, cells, strict=True):
            if value is not None and not isinstance(value, fitting):
                known = isinstance(value, (str, Real, Decimal, np.bool_))
                above = f" below {'words' if isinstance(first, str) else 'numbers'}" if known else ""
                faults.append(f"row {row} has the {type(value).__name__} {brief(str(value))} in {name!r}{above}")
        if not faults:
            if isinstance(first, str):
                shared: dict[str, str] = {}
                cells = [None if value is None else shared.setdefault(value, str(value)) for value in cells]
            found.append(
                Column(name, np.array(cells, dtype=object if isinstance(first, str) else np.float64))  # float64: None becomes NaN
            )
    if faults:
        raise all_faults(faults, where=where, way_out="let each column hold numbers or text throughout, and None where nothing is known")
    return found


def _is_missing(value: Any) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and math.isnan(value))


def _is_read(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    text = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    return (
        text or types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_null(kind)
    )


def _values(column: Any) -> Array:
    """An Arrow column as float64, or objects that share their texts."""
    import pyarrow

    if not (pyarrow.types.is_dictionary(column.type) or "string" in str(column.type)):
        return np.array(column.cast(pyarrow.float64(), safe=False).to_numpy())
    parts = column.dictionary_encode().chunks
    found = []
    for part in parts:
        texts = np.array([*(None if value is None else str(value) for value in part.dictionary.to_pylist()), None], dtype=object)
        found.append(texts[part.indices.fill_null(len(texts) - 1).to_numpy(zero_copy_only=False)])
    return np.concatenate(found)
