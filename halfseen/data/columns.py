"""Tables of labelled texts: TSV, CSV, JSONL and parquet files to rows of one or two texts and a label.

TSV knows no quoting and is split at tabs alone, as GLUE does it; CSV is quoted; JSONL holds one object a line.

Columns are found by name (case does not matter), or chosen by number, counted from 0. A TSV or CSV file has a header if
the columns looked for by name stand in its first row, or if the cells of the columns chosen by number are names that
would have been found there. Without a header, numbers are needed, except where nothing can be mistaken: two columns of
which just one looks like a label's (see `_label_column`), or, without labels, as many columns as texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from halfseen.contracts import UserError
from halfseen.data.faults import all_faults, brief, did_you_mean
from halfseen.data.files import UNREADABLE, decode_error, inner_suffix, read_lines
from halfseen.data.records import csv_records, json_records

SINGLE = ("text", "sentence", "review", "content", "sentence1", "premise", "question", "text_a", "title")
PAIRS = (
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("question", "passage"),
    ("text_a", "text_b"),
    ("sentence_a", "sentence_b"),
    ("text1", "text2"),
    ("#1 string", "#2 string"),
)
CLASSES = ("label", "gold_label", "class", "category", "quality", "is_duplicate", "entailment_judgment")
NUMBERS = ("score", "label", "gold", "value", "rating", "similarity", "relatedness_score")
"""Names that are looked for, in this order, when none is asked for."""
SOURCES = ("source", "src", "text", "sentence", "article", "document", "input", "question")
TARGETS = ("target", "tgt", "label", "translation", "summary", "output", "answer")
KNOWN = frozenset({*SOURCES, *TARGETS, *SINGLE, *CLASSES, *NUMBERS, *(name for pair in PAIRS for name in pair)})

LONGEST_LABEL = 40
"""Characters; a cell that is longer is no class's name."""


JSONL = (".jsonl", ".ndjson", ".json")


class LabelledRow(NamedTuple):
    """number: as an editor shows it, from 1, the header counted. label: None if labels were not asked for."""

    number: int
    texts: tuple[str, ...]
    label: str | None


@dataclass(frozen=True)
class Table:
    """Numbered rows of cells. names: None where only the first row can tell."""

    path: Path
    rows: list[tuple[int, Sequence[Any]]]
    names: Sequence[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Columns:
    """What to look for. texts: 1 or 2 a row, None for two if they are there and else one. Names are None where the usual ones will do."""

    texts: int | None
    text: str | None
    second: str | None
    label: str | None
    labelled: bool
    numbers: bool
    """Whether labels are numbers."""
    written: bool = False
    """Whether labels are texts of their own."""

    @property
    def given(self) -> list[str]:
        return [name for name in (self.text, self.second, self.label if self.labelled else None) if name is not None]

    @property
    def text_choices(self) -> list[tuple[str, ...]]:
        singles = [(self.text,)] if self.text else [(name,) for name in (SOURCES if self.written else SINGLE)]
        if self.texts == 1 or (self.texts is None and self.text and not self.second):
            return list(singles)
        pairs = [(self.text or a, self.second or b) for a, b in PAIRS]
        return [*pairs, *(singles if self.texts is None and not self.second else [])]

    @property
    def label_choices(self) -> Sequence[str]:
        if not self.labelled:
            return ()
        return (self.label,) if self.label else NUMBERS if self.numbers else TARGETS if self.written else CLASSES


def read_rows(path: Path, columns: Columns, *, label_first: bool = False) -> list[LabelledRow]:
    """The texts and the label of each row; empty lines are passed over. With `label_first`, lines are `LABEL text`.

    Raises UserError if the file cannot be read, a column is not there, or rows are not whole (all of them named).
    """
    if label_first and (columns.given or not is_lines(path)):
        way_out = "leave out --text and --label" if columns.given else "leave out --scheme"
        raise UserError("--scheme label-first is for lines of a label, a space and a text", where=str(path), way_out=way_out)
    table = _read_table(path, label_first=label_first)
    if not table.rows:
        raise UserError("is empty", where=str(path), way_out="name a file with at least one row")
    texts, label, rows = ((1,), 0 if columns.labelled else None, table.rows) if label_first else _choose(table, columns)
    if not rows:
        raise UserError("has a header, but is empty below it", where=str(path), way_out="name a file with at least one row")
    faults: list[str] = []
    found = [
        LabelledRow(
            number,
            tuple(_cell(cells[i], number, "text", faults) for i in texts),
            None if label is None else _cell(cells[label], number, "label", faults).strip(),
        )
        for number, cells in rows
    ]
    names = ("source", "target") if columns.written else ("text", "label")
    faults += [f"row {row.number} has an empty {names[1]}" for row in found if row.label == ""]
    if columns.written:
        faults += [f"row {row.number} has an empty {names[0]}" for row in found if not row.texts[0].strip()]
    if faults:
        raise all_faults(faults, where=str(path), way_out="mend or remove these rows")
    return found


def is_lines(path: Path) -> bool:
    """Whether the file's format leaves open what stands on a line: neither parquet nor JSON nor CSV."""
    return inner_suffix(path) not in (".parquet", *JSONL, ".csv")


def first_words(path: Path) -> list[str]:
    """What stands before the first space of each line that is not empty."""
    return [line.split(" ", 1)[0] for line in read_lines(path) if line]


def _cell(value: Any, number: int, what: str, faults: list[str]) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        return str(value)
    faults.append(f"row {number} has no {what}" if value is None else f"row {number} has a {what} that is a {type(value).__name__}")
    return "?"


def _read_table(path: Path, *, label_first: bool) -> Table:
    suffix = inner_suffix(path)
    if suffix == ".parquet":
        return _read_parquet(path)
    if suffix in JSONL:
        return _read_jsonl(path)
    if suffix == ".csv":
        return _even(path, _read_csv(path))
    separator, most = (" ", 1) if label_first else ("\t", -1)
    return _even(path, [(n, line.split(separator, most)) for n, line in enumerate(read_lines(path), 1) if line])


def _even(path: Path, rows: list[tuple[int, Sequence[Any]]] | list[tuple[int, list[str]]]) -> Table:
    """Checks that every row has as many columns as the first."""
    width = len(rows[0][1]) if rows else 0
    faults = [f"row {n} has {_columns(len(cells))}, not {width}" for n, cells in rows if len(cells) != width]
    if faults:
        raise all_faults(faults, where=str(path), way_out="give every row as many columns as the first")
    return Table(path, list(rows))


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"


def _read_csv(path: Path) -> list[tuple[int, list[str]]]:
    try:
        return [(n, cells) for n, cells in enumerate(csv_records(path), 1) if cells]
    except UNREADABLE as error:
        raise decode_error(path, error) from error


def _read_jsonl(path: Path) -> Table:
    faults: list[str] = []
    rows = list(json_records(read_lines(path), faults.append))
    if faults:
        raise all_faults(faults, where=str(path), way_out="write one JSON object a line")
    names = list(dict.fromkeys(name for _, row in rows for name in row))
    return Table(path, [(number, [row.get(name) for name in names]) for number, row in rows], names)


def _read_parquet(path: Path) -> Table:
    import pyarrow
    from pyarrow import parquet

    try:
        columns = parquet.read_table(path).to_pydict()
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(f"not a parquet file ({error})", where=str(path), way_out="write it again") from error
    return Table(path, list(enumerate(zip(*columns.values(), strict=True), 1)), list(columns))


def _choose(table: Table, columns: Columns) -> tuple[tuple[int, ...], int | None, list[tuple[int, Sequence[Any]]]]:
    """Numbers of the texts' columns and of the label's, and the rows below the header."""
    first = [str(name).strip() for name in (table.rows[0][1] if table.names is None else table.names)]
    names = [name.lower() for name in first]
    texts = next((found for choice in columns.text_choices if len(found := _find(names, choice)) == len(choice)), ())
    rest = ["" if i in texts else name for i, name in enumerate(names)]
    label = next((found[0] for name in columns.label_choices if (found := _find(rest, (name,)))), None)
    if texts and (label is not None or not columns.labelled):
        chosen = texts if label is None else (*texts, label)
        by_number = len(columns.given) == len(chosen) and all(name.isdigit() for name in columns.given)
        header = table.names is None and (not by_number or all(names[i] in KNOWN for i in chosen))
        return texts, label, table.rows[1:] if header else table.rows
    if table.names is None and not columns.given and not texts and label is None:
        plain = _headless(table, columns)
        if plain is not None:
            return *plain, table.rows
    raise _no_column(table, columns, first, names)


def _find(names: Sequence[str], choice: Sequence[str]) -> tuple[int, ...]:
    """The numbers of those columns of the choice that are there."""
    found = []
    for name in choice:
        if name.isdigit():
            found += [int(name)] if int(name) < len(names) else []
        elif name.lower() in names:
            found.append(names.index(name.lower()))
    return tuple(dict.fromkeys(found))


def _headless(table: Table, columns: Columns) -> tuple[tuple[int, ...], int | None] | None:
    """Columns of a file without a header, where nothing can be mistaken."""
    width = len(table.rows[0][1])
    if columns.written and (width == 2 or (width == 1 and not columns.labelled)):
        return (0,), 1 if columns.labelled else None
    if not columns.labelled:
        return (tuple(range(width)), None) if width == (columns.texts or width) and width <= 2 else None
    if columns.texts != 1 or columns.numbers or width != 2:
        return None
    label = _label_column(table)
    return None if label is None else ((1 - label,), label)


def _label_column(table: Table) -> int | None:
    """Of two columns, the one of labels: short cells without white space, each twice in the file on average and the first
    row's, which might have been an unknown header, at least twice. None unless just one column is like that."""
    like_labels = []
    for column in (0, 1):
        cells = [str(cells[column]).strip() for _, cells in table.rows]
        counts = Counter(cells)
        short = all(cell and len(cell) <= LONGEST_LABEL and len(cell.split()) == 1 for cell in counts)
        if short and 2 * len(counts) <= len(cells) and counts[cells[0]] > 1:
            like_labels.append(column)
    return like_labels[0] if len(like_labels) == 1 else None


def _no_column(table: Table, columns: Columns, first: Sequence[str], names: Sequence[str]) -> UserError:
    shown = f"its first row has {_columns(len(first))}: " + ", ".join(f"{i} {brief(name)}" for i, name in enumerate(first[:20]))
    missing = [name for name in columns.given if not _find(names, (name,))]
    hints = [hint for name in missing if (hint := did_you_mean(name.lower(), names))]
    what = " and ".join(f"no column {name!r}" for name in missing) or "its columns are not known by name"
    options = ["--text", *(["--second"] if columns.texts == 2 else []), *(["--label"] if columns.labelled else [])]
    way_out = f"choose with {', '.join(options)}: a name of its header or a number from 0"
    if len(first) == 1 and columns.texts == 1 and columns.labelled and is_lines(table.path):
        way_out += "; lines of a label, a space and a text need --scheme label-first"
    return UserError(f"{what}; {shown}", where=str(table.path), way_out="; ".join([*hints, way_out]))
