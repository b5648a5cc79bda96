"""Tables without labels (csv, tsv, jsonl, parquet) to documents: one column of text, row by row, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from halfseen.contracts import UserError
from halfseen.data.blocks import Found, pieces
from halfseen.data.faults import all_faults, brief, did_you_mean
from halfseen.data.files import open_text
from halfseen.data.records import csv_records, json_records, whole_lines

TEXT = "text"
"""The column that holds the text, unless another is named."""

ROWS_SEEN = 100
"""Rows of a csv or tsv from which it is decided which columns hold text."""

MOST_FAULTS = 1000
"""A table with more faulty rows is not read to its end."""


class Faults:
    """Faulty rows of one table, raised together where the `with` ends, or when there are too many."""

    def __init__(self, where: str) -> None:
        self.where, self.found = where, list[str]()

    def add(self, what: str) -> None:
        self.found.append(what)
        if len(self.found) == MOST_FAULTS:
            raise self.error()

    def error(self) -> UserError:
        return all_faults(self.found, where=self.where, way_out="mend or remove these rows")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None and self.found:
            raise self.error()


def choose_column(asked: str, names: Sequence[str], texts: Sequence[str], where: str) -> str:
    """The column asked for; if none was (it is still `text`) and just one column holds text, that one."""
    if asked in names:
        return asked
    if asked == TEXT and len(texts) == 1:
        return texts[0]
    shown = ", ".join(brief(name) for name in names[:20])
    hint = did_you_mean(asked, names)
    raise UserError(
        f"no column {asked!r}; its columns are {shown}", where=where, way_out="; ".join(filter(None, [hint, "choose one with --column"]))
    )


def row_documents(cells: Iterable[tuple[int, Any]], column: str, faults: Faults) -> Iterator[Found]:
    """Numbered cells of the text column to documents; an empty cell or null is passed over, another type is a fault."""
    for row, value in cells:
        if value is None:
            continue
        if not isinstance(value, str):
            faults.add(f"row {row} has a {type(value).__name__} as {column!r}, not a text")
        elif not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            faults.add(f"row {row} has half a character (a lone surrogate) in {column!r}")
        else:
            for piece, part in enumerate(pieces(value), 1):
                yield Found("", row, piece, part)


def read_csv(path: Path, column: str) -> Iterator[Found]:
    yield from _cells(csv_records(path), column, path)


def read_tsv(path: Path, column: str) -> Iterator[Found]:
    with open_text(path) as file:
        yield from _cells((line.rstrip("\n").split("\t") for line in whole_lines(file, path)), column, path)


def _cells(rows: Iterator[list[str]], column: str, path: Path) -> Iterator[Found]:
    """The text column of rows below a header, which is row 1."""
    names = next(rows, None)
    if names is None:
        return
    first = list(islice(rows, ROWS_SEEN))
    texts = [name for i, name in enumerate(names) if not all(_is_number(row[i]) for row in first if len(row) > i)]
    at = names.index(choose_column(column, names, texts, str(path)))

    def cells(faults: Faults) -> Iterator[tuple[int, str]]:
        for number, row in enumerate(chain(first, rows), 2):
            if len(row) == len(names):
                yield number, row[at]
            elif any(row):  # else a blank line
                faults.add(f"row {number} has {len(row)} column{'s' * (len(row) != 1)}, not {len(names)}")

    with Faults(str(path)) as faults:
        yield from row_documents(cells(faults), names[at], faults)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def read_jsonl(path: Path, column: str) -> Iterator[Found]:
    def cells(file: TextIO, faults: Faults) -> Iterator[tuple[int, Any]]:
        name = ""
        for number, row in json_records(whole_lines(file, path), faults.add):
            name = name or choose_column(column, list(row), [key for key, value in row.items() if isinstance(value, str)], str(path))
            if name in row:
                yield number, row[name]
            else:
                faults.add(f"row {number} has no {name!r}")

    with open_text(path) as file, Faults(str(path)) as faults:
        yield from row_documents(cells(file, faults), column, faults)


def read_parquet(path: Path, column: str) -> Iterator[Found]:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as file, Faults(str(path)) as faults:
            schema = file.schema_arrow
            texts = [field.name for field in schema if pyarrow.types.is_string(field.type) or pyarrow.types.is_large_string(field.type)]
            name = choose_column(column, schema.names, texts, str(path))
            batches = file.iter_batches(batch_size=64, columns=[name])  # few rows, as each may be long
            values = (value for batch in batches for value in batch.column(0).to_pylist())
            yield from row_documents(enumerate(values, 1), name, faults)
    except (pyarrow.ArrowException, UnicodeDecodeError, OSError) as error:
        raise UserError(f"damaged, cut short, or not a parquet file ({error})", where=str(path), way_out="get the file again") from error
