"""The files of GLUE: TSV in the official layout to samples, the Hub's copy to samples, predictions to submissions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from halfseen.contracts import Sample, UserError
from halfseen.data.faults import all_faults, brief
from halfseen.data.files import COMPRESSED, read_lines
from halfseen.data.labels import Labelled
from halfseen.suites.glue_tasks import GlueTask

HIGHEST = 5.0
"""STS-B's scores run from 0 to this."""


def find_tsv(data: Path, name: str) -> Path | None:
    """`SST-2/train` to the file of that name, plain or compressed, if it is there."""
    paths = (data / f"{name}.tsv{suffix}" for suffix in ("", *COMPRESSED))
    return next((path for path in paths if path.is_file()), None)


def read_tsv(path: Path, task: GlueTask, *, labelled: bool) -> Labelled:
    """One file: split at tabs alone, no quoting. Unlabelled samples must be numbered from 0, as submissions are.

    Raises UserError for whatever cannot be read, all faulty rows at once.
    """
    lines = enumerate(read_lines(path), 1)
    columns = dict(task.numbered) if labelled and task.numbered else _header(path, next(lines, (0, ""))[1], task, labelled=labelled)
    width = 1 + max(columns.values())
    stem = f"{task.folder}/{path.name.split('.')[0]}"
    samples: list[Sample] = []
    faults: list[str] = []
    cut = 0
    for number, line in lines:
        cells = line.split("\t")
        if not line:
            continue
        if len(cells) < width:
            cut += 1
            if not task.cut_rows:
                faults.append(f"row {number} has {len(cells)} column{'s' * (len(cells) != 1)}, not {width} or more")
            continue
        row = {name: cells[i] for name, i in columns.items()}
        if labelled:
            meta = {"label": _label(row[task.label], task, number, faults)}
        else:
            meta = {}
            if (index := next(iter(row.values()))) != str(len(samples)):
                faults.append(f"row {number} has index {brief(index)}, not {len(samples)}")
        samples.append(_sample(f"{stem}#{number}", [row[name] for name in task.texts], meta))
    if faults:
        raise all_faults(faults, where=str(path), way_out="get the file again, in GLUE's official layout")
    if not samples:
        raise UserError("holds no samples", where=str(path), way_out="get the file again, in GLUE's official layout")
    return Labelled(task.kind, tuple(samples), task.labels if labelled else (), str(path), cut)


def _header(path: Path, line: str, task: GlueTask, *, labelled: bool) -> dict[str, int]:
    """The columns that are needed; an unlabelled file's first one is its index."""
    names = line.split("\t")
    needed = [*task.texts, *([task.label] if labelled else [])]
    if missing := [name for name in needed if name not in names]:
        shown = ", ".join(brief(name) for name in names[:20])
        raise UserError(
            f"no column {' and '.join(map(repr, missing))}; its first row is {shown}",
            where=str(path),
            way_out="get the file again, in GLUE's official layout",
        )
    return {**({} if labelled else {names[0]: 0}), **{name: names.index(name) for name in needed}}


def _label(text: str, task: GlueTask, number: int, faults: list[str]) -> str | float:
    if task.labels:
        if text not in task.labels:
            faults.append(f"row {number} has label {brief(text)}, not one of {', '.join(task.labels)}")
        return text
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= HIGHEST:
        faults.append(f"row {number} has score {brief(text)}, not a number from 0 to {HIGHEST:g}")
    return value


def _sample(id_: str, texts: Sequence[str], meta: Mapping[str, Any]) -> Sample:
    return Sample(id_, texts[0] if len(texts) == 1 else tuple(texts), meta)


def hub_rows(rows: Iterable[Mapping[str, Any]], task: GlueTask, split: str, where: str, *, labelled: bool) -> Labelled:
    """A split of the Hub's copy, whose labels are numbers: -1 where they are held back."""
    samples = []
    for number, row in enumerate(rows):
        label = row["label"]
        meta = {"label": task.hub_labels[label] if task.labels else float(label)} if labelled else {}
        samples.append(_sample(f"{task.folder}/{split}#{number}", [row[name] for name in task.hub_texts], meta))
    return Labelled(task.kind, tuple(samples), task.labels if labelled else (), where)


def write_submission(folder: Path, task: GlueTask, predictions: Sequence[Any], *, name: str | None = None) -> Path:
    """The file that gluebenchmark.com takes: index and prediction, by the order of the unlabelled samples.

    name: one of `task.tests`, by default the first. Labels go by name, STS-B's numbers are clipped to [0, 5].
    """
    name = name or next(iter(task.tests))
    if name not in task.tests:
        raise ValueError(f"{task.title} is submitted as {', '.join(task.tests)}, not as {name}")
    if unknown := sorted({p for p in predictions if task.labels and p not in task.labels}):
        raise ValueError(f"{task.title} has no labels {unknown}")
    said = predictions if task.labels else [f"{min(max(float(p), 0.0), HIGHEST):.3f}" for p in predictions]
    path = folder / f"{name}.tsv"
    lines = ["index\tprediction", *(f"{i}\t{p}" for i, p in enumerate(said))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return path
