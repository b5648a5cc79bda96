"""GLUE: reading its nine tasks, and their mean (Wang et al. 2018, arXiv:1804.07461).

A task whose files are not there is said to be missing. A mean is called GLUE's only if all nine tasks stand behind it, whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import hypot
from pathlib import Path
from statistics import fmean
from typing import Any

from halfseen.contracts import Sample, UserError
from halfseen.data.hub_sets import PREFIX, parse, reached
from halfseen.data.labels import Labelled
from halfseen.report.results import ScoreRow
from halfseen.suites.glue_files import find_tsv, hub_rows, read_tsv, write_submission
from halfseen.suites.glue_tasks import TASKS, GlueTask, task_named

__all__ = ["TASKS", "GlueData", "GlueTask", "available", "glue_mean", "read_task", "task_named", "write_submission"]

WHOLE = 0.99
"""A task is whole if its dev items are all there and it was learnt from this share of the official training items at least."""


@dataclass(frozen=True)
class GlueData:
    """One task's samples; test is None where there is no file of them."""

    task: GlueTask
    train: Labelled
    dev: Labelled
    """For MNLI, the matched one."""
    test: tuple[Sample, ...] | None
    mismatched: Labelled | None = None
    """MNLI's second dev set."""
    further_tests: Mapping[str, tuple[Sample, ...]] = field(default_factory=dict)
    """What else is answered with this task's model, by the name of the submission: MNLI-mm and AX."""


def available(data: str | Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the tasks whose train and dev parts are all there, and of those that are missing.

    data: a folder in the official layout, or hub:NAME. Raises UserError if it is not there or cannot be reached.
    """
    if str(data).startswith(PREFIX):
        name, _, _ = parse(str(data))

        def configurations() -> list[str]:
            from datasets import get_dataset_config_names

            return [str(config) for config in get_dataset_config_names(name)]

        held = reached(str(data), configurations)
        present = [task for task in TASKS if task in held]
    else:
        folder = _folder(data)
        present = [
            name
            for name, task in TASKS.items()
            if all(find_tsv(folder, f"{task.folder}/{part}") is not None for part in ("train", *task.dev))
        ]
    return tuple(present), tuple(name for name in TASKS if name not in present)


def read_task(data: str | Path, name: str) -> GlueData:
    """One task from a folder in the official layout, or from hub:NAME (such as hub:nyu-mll/glue).

    Raises UserError for an unknown task, for what is not there or cannot be reached, and for faulty rows.
    """
    task = task_named(name)
    return _read_hub(str(data), task) if str(data).startswith(PREFIX) else _read_folder(_folder(data), task)


def _folder(data: str | Path) -> Path:
    if not Path(data).is_dir():
        raise UserError(
            "there is no such folder", where=str(data), way_out="name the folder that holds CoLA, SST-2, ..., or hub:nyu-mll/glue"
        )
    return Path(data)


def _read_folder(folder: Path, task: GlueTask) -> GlueData:
    parts = {part: find_tsv(folder, f"{task.folder}/{part}") for part in ("train", *task.dev)}
    if missing := [f"{part}.tsv" for part, path in parts.items() if path is None]:
        raise UserError(
            f"no {' and '.join(missing)}, neither plain nor compressed",
            where=str(folder / task.folder),
            way_out=f"leave out {task.name}, or put {task.title}'s files there",
        )
    train, *devs = (read_tsv(path, task, labelled=True) for path in parts.values() if path is not None)
    paths = {name: find_tsv(folder, file) for name, file in task.tests.items()}
    tests = {name: read_tsv(path, task, labelled=False).samples for name, path in paths.items() if path is not None}
    return _together(task, train, devs, tests)


def _read_hub(data: str, task: GlueTask) -> GlueData:
    dataset, _, _ = parse(data)

    def split(name: str, *, labelled: bool, config: str = task.name) -> Labelled:
        def opened() -> Iterable[Mapping[str, Any]]:
            from datasets import load_dataset

            rows: Iterable[Mapping[str, Any]] = load_dataset(dataset, config, split=name)
            return rows

        where = f"{PREFIX}{dataset}/{config}@{name}"
        return hub_rows(reached(where, opened), task, name, where, labelled=labelled)

    train = split("train", labelled=True)
    devs = [split(part.replace("dev", "validation"), labelled=True) for part in task.dev]
    tests = {
        name: split("test", config="ax", labelled=False).samples if name == "AX" else split(Path(file).name, labelled=False).samples
        for name, file in task.tests.items()
    }
    return _together(task, train, devs, tests)


def _together(task: GlueTask, train: Labelled, devs: Sequence[Labelled], tests: dict[str, tuple[Sample, ...]]) -> GlueData:
    first = next(iter(task.tests))
    further = {name: samples for name, samples in tests.items() if name != first}
    return GlueData(task, train, devs[0], tests.get(first), devs[1] if len(devs) > 1 else None, further)


def glue_mean(rows: Iterable[ScoreRow]) -> list[dict[str, Any]]:
    """For each arm: {"arm", "name", "value", "stderr", "tasks", "reduced"}, in the arms' order.

    A task counts with the mean of its figures (MNLI: both dev sets) at its largest label count; the mean over tasks is not
    weighted. stderr takes the figures of one task as fully correlated, tasks as independent. The name is "GLUE mean (dev)" for
    nine whole tasks, and says otherwise how many there are and which are reduced in their training or dev items.
    """
    by_arm: dict[str, dict[str, list[ScoreRow]]] = {}
    for row in rows:
        by_arm.setdefault(row.arm, {}).setdefault(task_named(row.task).name, []).append(row)
    return [_mean_of_arm(arm, tasks) for arm, tasks in by_arm.items()]


def _mean_of_arm(arm: str, tasks: Mapping[str, Sequence[ScoreRow]]) -> dict[str, Any]:
    last = {name: [row for row in rows if row.labels == max(other.labels for other in rows)] for name, rows in tasks.items()}
    reduced = [name for name, rows in last.items() if not _whole(TASKS[name], rows)]
    count = f"mean of {len(last)} of {len(TASKS)} tasks"
    name = "GLUE mean (dev)" if len(last) == len(TASKS) and not reduced else count + (f", reduced: {', '.join(reduced)}" if reduced else "")
    return {
        "arm": arm,
        "name": name,
        "value": fmean(fmean(row.value for row in rows) for rows in last.values()),
        "stderr": hypot(*(fmean(row.stderr for row in rows) for rows in last.values())) / len(last),
        "tasks": list(last),
        "reduced": reduced,
    }


def _whole(task: GlueTask, rows: Sequence[ScoreRow]) -> bool:
    """Whether all official figures are there, on all dev items, learnt from all training items."""
    expected = sorted(items for items in task.dev_items for _ in task.metrics)
    return sorted(row.n for row in rows) == expected and rows[0].labels >= WHOLE * task.train_items
