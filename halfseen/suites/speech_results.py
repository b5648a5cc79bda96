"""What came out of the tasks of speech: a row a figure, what each arm gains over FBANK, and the mean of that by the benchmark's formula."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from statistics import fmean
from typing import Any

import numpy as np

from halfseen.report.gains import gain_bars
from halfseen.report.results import Results, ScoreRow
from halfseen.report.words import arm_name
from halfseen.suites.arms import printed
from halfseen.suites.speech_models import FBANK, NORMALISED
from halfseen.suites.speech_tasks import TASKS
from halfseen.suites.speech_tasks.contract import Material, SpeechTask
from halfseen.suites.speech_tasks.figures import Gain, gain, mean_gain
from halfseen.tasks.done import Done
from halfseen.train.recipe_file import command_line, versions

Gains = dict[str, dict[str, list[Gain]]]
"""By arm and task, one for each of the task's metrics."""


@dataclass(frozen=True)
class Plan:
    """What is judged: of each task, by name, the material of every seed."""

    material: Mapping[str, tuple[Material, ...]]
    missing: tuple[str, ...]

    @property
    def tasks(self) -> dict[str, SpeechTask]:
        return {name: TASKS[name] for name in self.material}


@dataclass
class Found:
    """What came out so far, in the order in which it was judged."""

    done: list[Done] = field(default_factory=list)

    def of(self, task: str, arm: str) -> list[Done]:
        return [each for each in self.done if (each.fit.task, each.fit.arm) == (task, arm)]


def gathered(models: Mapping[str, str], plan: Plan, found: Found, seconds: float, *, bfloat16: bool) -> tuple[Results, Gains]:
    """models: each one's folder. bfloat16: whether their products ran in that."""
    arms = list(dict.fromkeys(each.fit.arm for each in found.done))
    rows = [row for name, task in plan.tasks.items() for arm in arms for row in rows_of(task, found.of(name, arm))]
    gains = {arm: of for arm in arms if (of := gains_of(plan, rows, arm)) or arm in models}
    chance = {name: [each.fit.options["chance"] for each in found.of(name, FBANK)] for name in plan.material}
    data = {name: described(task, plan.material[name], chance[name]) for name, task in plan.tasks.items()}
    results = Results(
        scores=tuple(rows),
        fits=tuple(replace(each.fit, labels=labels_of(found.of(each.fit.task, each.fit.arm))) for each in found.done),
        examples=(),
        seconds=seconds,
        command=command_line(),
        models=dict(models),
        data=data,
        versions=versions(),
        missing=plan.missing,
        notes=tuple(notes(plan, gains, {name: each["chance"] for name, each in data.items()}, bfloat16=bfloat16)),
        counted="recordings",
        verdict=verdict(gains, models),
    )
    return results, gains


def labels_of(done: list[Done]) -> int:
    """The mean over seeds, which part speakers and so recordings otherwise."""
    return round(fmean(each.fit.labels for each in done))


def rows_of(task: SpeechTask, done: list[Done]) -> list[ScoreRow]:
    """The means over seeds; the errors are over seeds, and of one seed over test items."""
    rows = []
    for k, metric in enumerate(task.metrics):
        values = [each.scores[k].value for each in done]
        error = done[0].scores[k].stderr if len(values) == 1 else float(np.std(values, ddof=1) / np.sqrt(len(values)))
        rows.append(
            ScoreRow(
                task=task.name, arm=done[0].fit.arm, name=metric.name, value=fmean(values), n=done[0].scores[k].n, stderr=error,
                seeds=len(values), labels=labels_of(done), unit="", higher_is_better=metric.higher_is_better, main=k == 0,
            )
        )  # fmt: skip
    return rows


def reference(material: Material) -> str:
    """The FBANK over which arms gain: on the benchmark's own material its own, else ours, which is the harder one to beat."""
    return NORMALISED if material.official else FBANK


def gains_of(plan: Plan, rows: list[ScoreRow], arm: str) -> dict[str, list[Gain]]:
    """Nothing of a task whose FBANK leaves nothing to gain, or is the arm."""
    by_key = {(row.task, row.arm, row.name): (row.value, row.stderr) for row in rows}
    found = {}
    for name, task in plan.tasks.items():
        first = plan.material[name][0]
        if (over := reference(first)) == arm:
            continue
        some = [gain(metric, first.official, by_key[name, arm, metric.name], by_key[name, over, metric.name]) for metric in task.metrics]
        if known := [each for each in some if each is not None]:
            found[name] = known
    return found


def described(task: SpeechTask, seeds: tuple[Material, ...], chance: list[float | None]) -> dict[str, Any]:
    """The counts are the first seed's."""
    first = seeds[0]
    known = [each for each in chance if each is not None]
    return {
        "title": task.title,
        "aspect": task.aspect,
        "material": first.name,
        "stands_in_for": None if first.official else task.benchmark,
        **{part: len(some) for part, some in first.parts().items()},
        "speakers": {part: len({who for each in some for who in each.speaker.split("+")} - {""}) for part, some in first.parts().items()},
        "trials": {part: len(some) for part, some in first.trials.items()},
        "chance": fmean(known) if known else None,
    }


def notes(plan: Plan, gains: Gains, chance: Mapping[str, float | None], *, bfloat16: bool) -> Iterator[str]:
    """What a reader of the table has to know."""
    standing: dict[tuple[str, str], list[str]] = {}
    for name, task in plan.tasks.items():
        first = plan.material[name][0]
        if not first.official:
            standing.setdefault((first.name, task.benchmark), []).append(name)
    if standing:
        each = "; ".join(f"{material} ({', '.join(names)}) for {benchmark}" for (material, benchmark), names in standing.items())
        yield f"Stand-ins: {each}."
    if told := [f"{name} {100 * share:.1f}" for name, share in chance.items() if share]:
        yield f"By chance, in %: {', '.join(told)}."
    if bfloat16:
        yield "Models' states were computed in bfloat16, which is faster here."
    for name in plan.material:
        if not any(name in of for of in gains.values()):
            yield f"{name}: FBANK leaves nothing to gain, so that it is not in the mean."


def verdict(gains: Gains, models: Mapping[str, str]) -> str:
    """A sentence a model."""
    said = []
    for name in models:
        if of := gains[name]:
            mean = mean_gain(of)
            who = "Pre-training" if name == "pretrained" else f"The pre-training of {name}"
            count = f"in the mean over {len(of)} task{'s' * (len(of) != 1)}"
            said.append(f"{who} wins {100 * mean.value:.0f} ± {100 * mean.stderr:.0f} % of what FBANK leaves to be won, {count}.")
    return " ".join(said)


def pictures(results: Results, gains: Gains) -> list[dict[str, str]]:
    """A bar for each task and arm."""
    names = [name for name in results.data if any(name in of for of in gains.values())]
    if not names:
        return []
    shown: dict[str, dict[str, tuple[float, float]]] = {}
    for arm, of in gains.items():
        bars = {name: {name: of[name]} if name in of else {} for name in names} | {"mean": of}
        means = {name: mean_gain(some) for name, some in bars.items() if some}
        shown[arm] = {name: (each.value, each.stderr) for name, each in means.items()}
    caption = (
        "How far each arm comes from FBANK's figure (0) to the best one (100): of a stand-in's error that is the share that goes. "
        "The lines are one standard error to either side."
    )
    titles = {name: results.data[name]["title"] for name in names} | {"mean": "mean"}
    return [{"title": "Gain over FBANK", "svg": gain_bars(shown, titles, width=680), "caption": caption, "kind": "large"}]


def told(results: Results, gains: Gains) -> dict[str, Any]:
    """What `--json` prints."""
    means = {arm: mean_gain(of) for arm, of in gains.items() if of}
    return {
        "scores": printed(results.scores),
        "tasks": dict(results.data),
        "gains": {arm: {task: [asdict(each) for each in some] for task, some in of.items()} for arm, of in gains.items()},
        "mean": [
            {"arm": arm_name(arm), "name": "gain over FBANK", **asdict(each), "tasks": list(gains[arm])} for arm, each in means.items()
        ],
        "fits": [asdict(fit) for fit in results.fits],
        "counted": results.counted,
        "missing": list(results.missing),
        "notes": list(results.notes),
        "verdict": results.verdict,
        "seconds": results.seconds,
    }
