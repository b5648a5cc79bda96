"""Files of text to documents, one format after the other, in bounded memory; `halfseen.data.sources` finds the files.

What a document is: in txt and md, the lines between two blank lines; where blank lines are missing or rare, every line.
In jsonl, csv, tsv and parquet, one row's text column; csv and tsv have a header, csv is quoted, tsv never is. White space
at both ends is dropped, and with it what is empty. A document of more than LONGEST characters is cut into several.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from halfseen.data.archives import read_tar
from halfseen.data.blocks import Found, blocks
from halfseen.data.files import COMPRESSED, UNREADABLE, decode_error, inner_suffix, open_text
from halfseen.data.rows import TEXT, read_csv, read_jsonl, read_parquet, read_tsv


def kind(path: Path) -> str | None:
    """The suffix that tells how to read the file, or None if nothing here reads it."""
    suffix = inner_suffix(path)
    packed_parquet = suffix == ".parquet" and path.suffix.lower() in COMPRESSED
    return None if suffix not in READERS or packed_parquet else suffix


def read(path: Path, column: str = TEXT) -> Iterator[Found]:
    """The documents of one file whose `kind` is known, lazily, in their order.

    Raises UserError for what cannot be read: when it is met, or for faulty rows of a table at the table's end.
    """
    try:
        yield from READERS[inner_suffix(path)](path, column)
    except UNREADABLE as error:
        raise decode_error(path, error) from error


def read_text(path: Path) -> Iterator[Found]:
    with open_text(path) as file:
        yield from blocks(file)


READERS: dict[str, Callable[[Path, str], Iterator[Found]]] = {
    ".txt": lambda path, column: read_text(path),
    ".md": lambda path, column: read_text(path),
    ".jsonl": read_jsonl,
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".parquet": read_parquet,
    ".tar": lambda path, column: read_tar(path),
}

TABLES = (".jsonl", ".csv", ".tsv", ".parquet")
"""Kinds with columns, which can be found wanting before all is read."""
