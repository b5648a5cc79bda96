"""Pairs of texts, one to be written from the other: a table of two columns, or two files whose lines belong together.

Tables are those of `columns`: without a header, the first of two columns is the source. Two files are named as SOURCE,TARGET.
"""

from __future__ import annotations

from pathlib import Path

from halfseen.contracts import UserError
from halfseen.data.columns import Columns, LabelledRow, read_rows
from halfseen.data.faults import all_faults
from halfseen.data.files import read_lines


def read_pairs(path: Path, *, text: str | None = None, label: str | None = None, labelled: bool = True) -> list[LabelledRow]:
    """text, label: the columns of source and target. labelled: False for sources alone.

    Raises UserError if a file cannot be read, two files have unequal numbers of lines, or a side of a pair is empty.
    """
    files = [Path(name) for name in str(path).split(",")] if "," in str(path) and not path.exists() else [path]
    if len(files) == 1:
        columns = Columns(texts=1, text=text, second=None, label=label, labelled=labelled, numbers=False, written=True)
        return read_rows(path, columns)
    if len(files) > 2 or not labelled:
        way_out = "give SOURCE,TARGET" if labelled else "give the sources alone"
        raise UserError(f"{len(files)} files", where=str(path), way_out=way_out)
    if text is not None or label is not None:
        raise UserError("lines have no columns", where=str(path), way_out="leave out --text and --label")
    source, target = ([line.strip() for line in read_lines(file)] for file in files)
    if len(source) != len(target):
        raise UserError(
            f"{len(source):,} lines, but {files[1]} has {len(target):,}",
            where=str(files[0]),
            way_out="give two files whose lines belong together",
        )
    if not source:
        raise UserError("both files are empty", where=str(path), way_out="give files with at least one line")
    faults = [
        f"line {n} of {file} is empty"
        for file, lines in zip(files, (source, target), strict=True)
        for n, line in enumerate(lines, 1)
        if not line
    ]
    if faults:
        raise all_faults(faults, where=str(path), way_out="mend or remove these pairs")
    return [LabelledRow(n, (one,), other) for n, (one, other) in enumerate(zip(source, target, strict=True), 1)]
