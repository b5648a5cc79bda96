"""`halfseen score speech` without --label: the ten tasks of speech (SUPERB, arXiv:2105.01051), each with FBANK, random weights and models.

An arm's states are computed once for all tasks, and kept in a temporary folder while it is judged. With --out what is done is kept as it
comes, one line for each task, arm and seed, so that the same command goes on where it was killed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from halfseen.contracts import InterruptedRunError, Score, UserError
from halfseen.data.claim import claim
from halfseen.data.faults import did_you_mean
from halfseen.data.logmel import LogMel
from halfseen.hub.weights_hash import weights_hash
from halfseen.methods.speech import SpeechMethod
from halfseen.report.page import write_report
from halfseen.report.results import Fit, Results, ScoreRow
from halfseen.suites.arms import printed, twin
from halfseen.suites.options import SpeechOptions
from halfseen.suites.speech_models import FBANK, SCRATCH, opened_alike, random_name
from halfseen.suites.speech_tasks import TASKS
from halfseen.suites.speech_tasks.arm import Arm, States, fbank, model_states
from halfseen.suites.speech_tasks.contract import Material, SpeechTask
from halfseen.suites.speech_tasks.figures import Gain, gain, mean_gain
from halfseen.suites.speech_tasks.folder import DataFolder
from halfseen.tasks.done import FITS, Done, DoneFits
from halfseen.train.progress import ProgressBar
from halfseen.train.recipe_file import command_line, versions


@dataclass(frozen=True)
class Plan:
    """What is judged: the tasks by name, and of each the material of every seed."""

    material: Mapping[str, tuple[Material, ...]]
    missing: tuple[str, ...]

    @property
    def tasks(self) -> dict[str, SpeechTask]:
        return {name: TASKS[name] for name in self.material}


@dataclass
class Found:
    """What came out so far, in the order in which it was judged."""

    done: list[Done] = field(default_factory=list)
    seconds: float = 0.0

    def of(self, task: str, arm: str) -> list[Done]:
        return [each for each in self.done if (each.fit.task, each.fit.arm) == (task, arm)]


def run(options: SpeechOptions) -> dict[str, Any]:
    """What `halfseen score speech --json` prints. Raises UserError for a fault in the models or data."""
    started = time.monotonic()
    opened, frames = opened_alike(options.model, alone="pretrained")
    plan = planned(options)
    kept = DoneFits()
    if options.out is not None:
        claim(options.out, left_by=FITS)
        kept = DoneFits.open(options.out, facts(options, opened, plan))
    found = Found()
    with interrupted(options.out, found):
        judge(options, opened, frames, plan, kept, found)
    results = gathered(options, opened, plan, found, time.monotonic() - started)
    if options.out is not None:
        results.save(options.out)
        write_report(options.out)
        kept.close()
    return told(results, plan)


def planned(options: SpeechOptions) -> Plan:
    """Raises UserError for tasks that are not known or whose data are not there, and for faults of the data."""
    names = list(dict.fromkeys(name for name in options.tasks.split(",") if name))
    for name in names:
        if name not in TASKS:
            raise UserError(
                f"no task of speech is called {name!r}", way_out=did_you_mean(name, TASKS) or f"take some of {', '.join(TASKS)}"
            )
    data = DataFolder(options.data)
    material: dict[str, tuple[Material, ...]] = {}
    for name in names or TASKS:
        some = [TASKS[name].find(data, seed) for seed in range(options.seeds or 1)]
        if all(each is not None for each in some):
            material[name] = tuple(each for each in some if each is not None)
            for each in material[name]:
                if TASKS[name].speakers_apart:
                    each.must_keep_speakers_apart()
    missing = tuple(name for name in names or TASKS if name not in material)
    if missing and (names or not material):
        wanted = ", ".join(f"{name} ({TASKS[name].benchmark})" for name in missing)
        way_out = f"it holds data for {', '.join(material)}" if material else "name a folder that holds these, or the small sets"
        raise UserError(f"no data for {wanted}", where=options.data, way_out=way_out)
    return Plan(material, missing)


def arms(options: SpeechOptions, opened: Mapping[str, tuple[SpeechMethod, LogMel]], seed: int) -> Iterator[tuple[str, States, bool]]:
    """Name, states, and whether they are the same with every seed."""
    yield FBANK, lambda raw: [fbank(frames_TB) for frames_TB in raw], True
    for name, (method, own) in opened.items():
        if options.controls:
            alone = name == "pretrained"
            yield SCRATCH if alone else random_name(name), partial(model_states, twin(method, seed), own), False
        yield name, partial(model_states, method, own), True


def judge(
    options: SpeechOptions,
    opened: Mapping[str, tuple[SpeechMethod, LogMel]],
    frames: LogMel,
    plan: Plan,
    kept: DoneFits,
    found: Found,
) -> None:
    seeds = range(options.seeds or 1)
    all_arms = list(arms(options, opened, 0))
    total, at = len(all_arms) * len(seeds) * len(plan.material), 0
    with ProgressBar("scoring speech", total) as bar:
        for i, (name, _, same) in enumerate(all_arms):
            arm: Arm | None = None
            with TemporaryDirectory(prefix="halfseen-states-") as folder:
                for seed in seeds:
                    if arm is None or not same:
                        place = Path(folder) / str(seed)
                        place.mkdir()
                        arm = Arm(name, frames, list(arms(options, opened, seed))[i][1], place)
                    for task, material in plan.material.items():
                        bar.update(at, note=f"{task}, {name}")
                        found.done.append(cell(plan.tasks[task], material[seed], arm, seed, kept))
                        at += 1
                        bar.update(at)


def cell(task: SpeechTask, material: Material, arm: Arm, seed: int, kept: DoneFits) -> Done:
    """One task, arm and seed; from what is kept if it is there."""
    labels = task.labels(material)
    if (before := kept.get(task.name, arm.name, labels, seed)) is not None:
        return before
    started = time.monotonic()
    outcome = task.score(arm, material, seed)
    chosen = {**outcome.chosen, "chance": outcome.chance}
    fit = Fit(
        task=task.name, arm=arm.name, labels=labels, seed=seed, value=outcome.scores[0].value, losses=(),
        seconds=time.monotonic() - started, options=chosen,
    )  # fmt: skip
    done = Done(fit, list(outcome.scores), None)
    kept.add(done)
    return done


@contextmanager
def interrupted(out: Path | None, found: Found) -> Iterator[None]:
    """Ctrl-C says what is kept."""
    try:
        yield
    except KeyboardInterrupt:
        what = f"interrupted after {len(found.done)} scores; {'they are kept' if out else 'nothing is written'}"
        way_out = "give the same command again for the rest" if out else "give the command again, with --out to keep what is done"
        raise InterruptedRunError(what, where=str(out or ""), way_out=way_out) from None


def facts(options: SpeechOptions, opened: Mapping[str, tuple[SpeechMethod, LogMel]], plan: Plan) -> dict[str, Any]:
    """All that a score depends on."""
    counts = {name: [{part: len(some) for part, some in each.parts().items()} for each in seeds] for name, seeds in plan.material.items()}
    return {
        "models": {name: [weights_hash([method]), own.to_json()] for name, (method, own) in opened.items()},
        "data": str(Path(options.data).resolve()),
        "tasks": counts,
        "seeds": options.seeds or 1,
        "controls": options.controls,
        "versions": versions(),
    }


def gathered(
    options: SpeechOptions, opened: Mapping[str, tuple[SpeechMethod, LogMel]], plan: Plan, found: Found, seconds: float
) -> Results:
    names = list(dict.fromkeys(each.fit.arm for each in found.done))
    rows = [row for task in plan.material for arm in names for row in rows_of(TASKS[task], found.of(task, arm))]
    data = {name: described(TASKS[name], seeds) for name, seeds in plan.material.items()}
    gains = {arm: gains_of(plan, rows, arm) for arm in names if arm != FBANK}
    return Results(
        scores=tuple(rows),
        fits=tuple(each.fit for each in found.done),
        examples=(),
        seconds=seconds,
        command=command_line(),
        models={name: str(folder) for name, folder in zip(opened, options.model, strict=True)},
        data=data | {"gains": {arm: {task: [asdict(each) for each in some] for task, some in of.items()} for arm, of in gains.items()}},
        versions=versions(),
        missing=plan.missing,
        notes=tuple(notes(plan, gains)),
        counted="recordings",
        verdict=verdict(gains, opened),
    )


def rows_of(task: SpeechTask, done: list[Done]) -> list[ScoreRow]:
    """The means over seeds; the errors are over seeds, and of one seed over test items."""
    rows = []
    for k, metric in enumerate(task.metrics):
        some: list[Score] = [each.scores[k] for each in done]
        values = [each.value for each in some]
        error = some[0].stderr if len(values) == 1 else float(np.std(values, ddof=1) / np.sqrt(len(values)))
        rows.append(
            ScoreRow(
                task=task.name, arm=done[0].fit.arm, name=metric.name, value=fmean(values), n=some[0].n, stderr=error, seeds=len(values),
                labels=done[0].fit.labels, unit="", higher_is_better=metric.higher_is_better, main=k == 0,
            )
        )  # fmt: skip
    return rows


def gains_of(plan: Plan, rows: list[ScoreRow], arm: str) -> dict[str, list[Gain]]:
    """Of each task, one for each metric; none of a task whose FBANK leaves no room."""
    by_key = {(row.task, row.arm, row.name): (row.value, row.stderr) for row in rows}
    found = {}
    for name, task in plan.tasks.items():
        official = plan.material[name][0].official
        some = [gain(metric, official, by_key[name, arm, metric.name], by_key[name, FBANK, metric.name]) for metric in task.metrics]
        if known := [each for each in some if each is not None]:
            found[name] = known
    return found


def described(task: SpeechTask, seeds: tuple[Material, ...]) -> dict[str, Any]:
    first = seeds[0]
    return {
        "title": task.title,
        "aspect": task.aspect,
        "material": first.name,
        "stands_in_for": None if first.official else task.benchmark,
        **{part: len(some) for part, some in first.parts().items()},
        "speakers": {part: len({each.speaker for each in some} - {""}) for part, some in first.parts().items()},
    }


def notes(plan: Plan, gains: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What a reader of the table has to know."""
    for name, (first, *_) in plan.material.items():
        if not first.official:
            yield f"{name}: {first.name}, which stand in for {TASKS[name].benchmark}."
    none = Counter(name for of in gains.values() for name in plan.material if name not in of)
    for name in none:
        yield f"{name}: FBANK leaves nothing to gain; not in the mean."


def verdict(gains: Mapping[str, Mapping[str, list[Gain]]], opened: Mapping[str, Any]) -> str:
    """A sentence a model."""
    said = []
    for name in opened:
        if of := gains[name]:
            mean = mean_gain(of)
            who = "Pre-training" if name == "pretrained" else f"The pre-training of {name}"
            count = f"in the mean over {len(of)} task{'s' * (len(of) != 1)}"
            said.append(f"{who} takes {100 * mean.value:.0f} ± {100 * mean.stderr:.0f} % of what FBANK leaves, {count}.")
    return " ".join(said)


def told(results: Results, plan: Plan) -> dict[str, Any]:
    gains = results.data["gains"]
    means = {arm: mean_gain({task: [Gain(**each) for each in some] for task, some in of.items()}) for arm, of in gains.items() if of}
    return {
        "scores": printed(results.scores),
        "tasks": {name: results.data[name] for name in plan.material},
        "gains": gains,
        "mean": [{"arm": arm, "name": "gain over FBANK", **asdict(each), "tasks": list(gains[arm])} for arm, each in means.items()],
        "fits": [asdict(fit) for fit in results.fits],
        "counted": results.counted,
        "missing": list(results.missing),
        "notes": list(results.notes),
        "verdict": results.verdict,
        "seconds": results.seconds,
    }
