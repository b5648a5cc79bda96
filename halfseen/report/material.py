"""All that a folder holds for the report: results, pre-training runs, filled blanks, a demo's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from halfseen.contracts import UserError
from halfseen.data.claim import CONTINUATIONS, FILLS, PICTURES, RESTORATIONS, RESULTS, RUN, SOUNDS
from halfseen.report.efficiency import Verdict, arms_of, overall, tasks_of, verdict
from halfseen.report.results import Results
from halfseen.report.training import Run, read_json, read_run
from halfseen.report.words import CONTROLS, arm_name, size

DEMO = "demo.json"


@dataclass(frozen=True)
class Part:
    """One results.json, and the models' runs by arm where their folders are known."""

    name: str
    results: Results
    runs: Mapping[str, Run]

    def title(self, task: str) -> str:
        """The task's name; the folder's, where that says more than the kind of fine-tuning."""
        return task if len(tasks_of(self.results)) > 1 or not self.name else self.name

    def subject(self, arm: str) -> str:
        """Who the verdict's sentence is about."""
        models = {fit.arm for fit in self.results.fits} - set(CONTROLS)
        run = self.runs.get(arm)
        alone = len(models) == 1 or (run is not None and len(self.runs) == 1)
        begin = "Pre-training" if alone else f"The pre-training of {arm_name(arm)}"
        return f"{begin} on {size(run.bytes)} of unlabelled text" if run and run.bytes else begin

    @cached_property
    def verdicts(self) -> list[tuple[str, Verdict]]:
        """Title and verdict: of the suite if it is one, then of each task and model; none where nothing was learnt from labels."""
        if self.results.counted != "labels":
            return []
        models = list(dict.fromkeys(fit.arm for fit in self.results.fits if fit.arm not in CONTROLS))
        found = []
        for arm in models:
            suite = overall(self.results, arm=arm, subject=self.subject(arm))
            found += [(self.name, suite)] if suite else []
        for task in tasks_of(self.results):
            of_task = [arm for arm in models if arm in arms_of(self.results, task)]
            found += [(self.title(task), verdict(self.results, task, arm=arm, subject=self.subject(arm))) for arm in of_task]
        return found


@dataclass(frozen=True)
class Material:
    """All that a folder holds, the headline's part first."""

    folder: Path
    parts: tuple[Part, ...]
    runs: tuple[Run, ...]
    fills: Sequence[Mapping[str, Any]]
    continuations: Sequence[Mapping[str, Any]]
    restorations: Sequence[Mapping[str, str]]
    pictures: Sequence[Mapping[str, str]]
    sounds: Sequence[Mapping[str, Any]]
    demo: Mapping[str, Any]


def gather(folder: Path) -> Material:
    """Reads a folder and its subfolders, and the runs that their results name.

    Raises UserError if there is neither a pre-training run nor results, or if a file is damaged.
    """
    if not folder.is_dir():
        raise UserError("no such folder", where=str(folder), way_out="name one that `halfseen pretrain`, `finetune` or `demo` wrote")
    runs: dict[Path, Run] = {}

    def run_at(place: Path) -> Run | None:
        run = runs.get(place.resolve()) or read_run(place)
        if run:
            runs[place.resolve()] = run
        return run

    parts = []
    for place in [folder, *sorted(p for p in folder.iterdir() if p.is_dir())]:
        run_at(place)
        if (place / RESULTS).is_file():
            results = Results.load(place)
            by_arm: dict[str, Run] = {}
            for arm, model in results.models.items():
                found = [run for at in (Path(model), place / model, place.parent / model) if (run := run_at(at))]
                by_arm |= {arm: found[0]} if found else {}
            parts.append(Part("" if place == folder else place.name, results, by_arm))
    if not parts and not runs:
        raise UserError(
            f"nothing to report: neither {RESULTS} (from `halfseen finetune` or `score`) nor {RUN} (from `halfseen pretrain`)",
            where=str(folder),
            way_out="name a folder that one of them wrote, or a folder of such folders",
        )
    demo = read_json(folder / DEMO) if (folder / DEMO).is_file() else {}

    def first_of(name: str) -> list[dict[str, Any]]:
        """The folder's own, or the first run's that has any."""
        return next((read_json(place / name) for place in (folder, *(run.folder for run in runs.values())) if (place / name).is_file()), [])

    first, names = demo.get("headline"), [part.name for part in parts]
    if first is not None and first not in names:
        raise UserError(f"headline '{first}' is not one of {', '.join(names)}", where=str(folder / DEMO), way_out="name one of them")
    return Material(
        folder,
        tuple(sorted(parts, key=lambda part: part.name != first)),
        tuple(runs.values()),
        first_of(FILLS),
        first_of(CONTINUATIONS),
        first_of(RESTORATIONS),
        first_of(PICTURES),
        first_of(SOUNDS),
        demo,
    )
