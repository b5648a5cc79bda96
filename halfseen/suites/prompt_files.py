"""The files of prompted tasks, one reader a layout, to questions with their answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halfseen.contracts import UserError
from halfseen.data.columns import JSONL
from halfseen.data.faults import all_faults, brief
from halfseen.data.files import COMPRESSED, inner_suffix, read_lines
from halfseen.data.records import json_records
from halfseen.suites.prompt_tasks import TASKS, Judged, Layout, PromptTask, task_named

Row = Mapping[str, str]
WAY_OUT = "mend or remove these rows"
SIDES = ("source", "target")


@dataclass(frozen=True)
class Item:
    """A question, what answers it, and the answers to choose from; none where the answer is written freely."""

    id: str
    context: str
    answer: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prompted:
    """A task's questions, and where its examples are drawn from: `queries` themselves where there is nothing else."""

    task: PromptTask
    queries: tuple[Item, ...]
    pool: tuple[Item, ...]
    path: str


def is_file_of_own(name: str) -> bool:
    return name not in TASKS and (inner_suffix(Path(name)) in JSONL or "/" in name)


def available(data: Path | None) -> tuple[list[str], list[str]]:
    """Names of the tasks whose files are all there, and of the others. Raises UserError if there is no such folder."""
    if data is not None and not data.is_dir():
        raise UserError("there is no such folder", where=str(data), way_out="name the folder that holds the tasks' files")
    present = [name for name, task in TASKS.items() if data is not None and find(data, task) is not None]
    return present, [name for name in TASKS if name not in present]


def find(data: Path, task: PromptTask) -> dict[str, Path] | None:
    """Each file's name to its path, all in one folder: --data, one in it, or one in that; None if they are not there.

    Raises UserError if two folders hold them.
    """
    inner = sorted(folder for folder in data.iterdir() if folder.is_dir())
    found = {base: paths for base in (data, *inner) if (paths := _all_in(base, (*task.files, *task.pool)))}
    if len(found) > 1:
        places = " and ".join(str(base) for base in found)
        raise UserError(f"the files of {task.name} are in {places}", where=str(data), way_out="name one of these folders")
    return next(iter(found.values()), None)


def _all_in(base: Path, names: Sequence[str]) -> dict[str, Path] | None:
    paths = {name: sorted(path for end in ("", *COMPRESSED) for path in base.glob(name + end) if path.is_file()) for name in names}
    return {name: some[0] for name, some in paths.items()} if all(paths.values()) else None


def read_task(data: Path, name: str) -> Prompted:
    """One of the table's tasks. Raises UserError for what is not there and for faulty rows, all at once."""
    task = task_named(name)
    paths = find(data, task)
    if paths is None:
        present, _ = available(data)
        raise UserError(f"no data for {name}", where=str(data), way_out=f"it holds {', '.join(present) or 'none of the tasks'}")
    queries = read_items(task, [paths[file] for file in task.files])
    pool = read_items(task, [paths[file] for file in task.pool]) if task.pool else queries
    return Prompted(task, queries, pool, str(paths[task.files[0]]))


def read_own(path: Path, description: str) -> Prompted:
    """A file of JSON lines with `context`, `completion` and, in all rows or in none, `choices`. Raises UserError for faulty rows."""
    faults: list[str] = []
    items = []
    kinds = set()
    for number, row in json_records(read_lines(path), faults.append):
        texts = {key: _text(row, key, number, faults) for key in ("context", "completion")}
        choices: tuple[str, ...] = ()
        if "choices" in row:
            given = row["choices"]
            if isinstance(given, list) and len(set(map(str, given))) > 1 and all(isinstance(c, str) and c.strip() for c in given):
                choices = tuple(choice.strip() for choice in given)
                if texts["completion"] and texts["completion"] not in choices:
                    faults.append(f"row {number}: completion {brief(texts['completion'])} is not among its choices {_listed(choices)}")
            else:
                faults.append(f"row {number} has choices that are not a list of two texts or more")
        kinds.add("choices" in row)
        items.append(Item(f"{path.name}#{number}", texts["context"], texts["completion"], choices))
    if len(kinds) > 1:
        faults.append("some rows have choices and others have none")
    checked(items, faults, path)
    judged: Judged = "choice" if True in kinds else "exact"
    task = PromptTask(name=path.name.split(".")[0], layout="jsonl", files=(), description=description, judged=judged)
    return Prompted(task, tuple(items), tuple(items), str(path))


def read_items(task: PromptTask, paths: Sequence[Path]) -> tuple[Item, ...]:
    """The rows of one file, or of two that go line by line, as questions. Raises UserError for faulty rows, all at once."""
    faults: list[str] = []
    items: list[Item] = []
    for number, row in READERS[task.layout](paths, faults.append):
        found: list[str] = []
        values: Row = {key: _text(row, key, number, found) for key in columns_of(task)}
        if not found:
            values = {**values, **_worded(task, values, number, found)}
        if not found:
            items.append(_item(task, values, f"{paths[0].name}#{number}", number, found))
        faults += found
    return checked(items, faults, paths[0])


def checked(items: Sequence[Item], faults: list[str], path: Path) -> tuple[Item, ...]:
    if faults:
        raise all_faults(faults, where=str(path), way_out=WAY_OUT)
    if not items:
        raise UserError("holds no questions", where=str(path), way_out="name a file with at least one row")
    return tuple(items)


def columns_of(task: PromptTask) -> list[str]:
    """The columns that a row must have."""
    from string import Formatter

    asked = [name for _, name, _, _ in Formatter().parse(task.context) if name is not None]
    return list(dict.fromkeys([*asked, task.answer, *task.choices]))


def _worded(task: PromptTask, values: Row, number: int, faults: list[str]) -> dict[str, str]:
    """The columns whose values stand for words, with these words."""
    worded = {}
    for column, words in task.words.items():
        if values[column] in words:
            worded[column] = words[values[column]]
        else:
            faults.append(f"row {number} has {column} {brief(values[column])}, not one of {_listed(tuple(words))}")
    return worded


def _item(task: PromptTask, values: Row, id_: str, number: int, faults: list[str]) -> Item:
    context, said = task.context.format_map(values).strip(), values[task.answer]
    known: Row = task.answers
    choices = tuple(values[column] for column in task.choices) or tuple(dict.fromkeys(known.values()))
    if task.choices:
        known = {str(i): choice for i, choice in enumerate(choices)}
    if known and said not in known:
        faults.append(f"row {number} has {task.answer} {brief(said)}, not one of {_listed(tuple(known))}")
    return Item(id_, context, known.get(said, said), choices)


def _text(row: Mapping[str, Any], key: str, number: int, faults: list[str]) -> str:
    """A cell as text, without white space around it."""
    value = row.get(key)
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str):
        faults.append(f"row {number} has no {key!r}" if value is None else f"row {number} has {key!r} that is a {type(value).__name__}")
        return ""
    if not value.strip():
        faults.append(f"row {number} has an empty {key!r}")
    return value.strip()


def _listed(words: Sequence[str]) -> str:
    return ", ".join(map(brief, words))


Rows = Iterator[tuple[int, Mapping[str, Any]]]
Fault = Callable[[str], None]


def _jsonl(paths: Sequence[Path], fault: Fault) -> Rows:
    yield from json_records(read_lines(paths[0]), fault)


def _last_word(paths: Sequence[Path], fault: Fault) -> Rows:
    """LAMBADA (Paperno et al. 2016, arXiv:1606.06031): the last word is the answer to what stands before it."""
    for number, row in json_records(read_lines(paths[0]), fault):
        text = row.get("text")
        before, _, last = text.strip().rpartition(" ") if isinstance(text, str) else ("", "", "")
        if before:
            yield number, {"context": before, "completion": last}
        else:
            fault(f"row {number} has no 'text' of two words or more")


def _tsv(paths: Sequence[Path], fault: Fault) -> Rows:
    """A header, then rows split at tabs alone, as GLUE has them."""
    lines = read_lines(paths[0])
    names = next(lines, "").split("\t")
    for number, line in enumerate(lines, 2):
        if line:
            yield number, dict(zip(names, line.split("\t"), strict=False))


def _label_first(paths: Sequence[Path], fault: Fault) -> Rows:
    for number, line in enumerate(read_lines(paths[0]), 1):
        label, _, text = line.partition(" ")
        if line:
            yield number, {"label": label, "text": text}


def _wic(paths: Sequence[Path], fault: Fault) -> Rows:
    """WiC (Pilehvar and Camacho-Collados 2019, arXiv:1808.09121): word, part of speech, places, two sentences; T or F beside them."""
    for number, (line, gold) in _side_by_side(paths, fault):
        cells = line.split("\t")
        yield number, dict(zip(("word", "kind", "places", "first", "second"), cells, strict=False)) | {"label": gold}


def _parallel(paths: Sequence[Path], fault: Fault) -> Rows:
    """Two files of sentences line by line, or one of two columns; the columns are called source and target."""
    if len(paths) == 1:
        for number, line in enumerate(read_lines(paths[0]), 1):
            yield number, dict(zip(SIDES, line.split("\t"), strict=False))
    else:
        for number, pair in _side_by_side(paths, fault):
            yield number, dict(zip(SIDES, pair, strict=True))


def _side_by_side(paths: Sequence[Path], fault: Fault) -> Iterable[tuple[int, tuple[str, str]]]:
    one, two = (list(read_lines(path)) for path in paths)
    if len(one) != len(two):
        fault(f"it has {len(one):,} lines, but {paths[1].name} has {len(two):,}")
        return ()
    return enumerate(zip(one, two, strict=True), 1)


READERS: dict[Layout, Callable[[Sequence[Path], Fault], Rows]] = {
    "jsonl": _jsonl,
    "last-word": _last_word,
    "tsv": _tsv,
    "label-first": _label_first,
    "wic": _wic,
    "parallel": _parallel,
}
