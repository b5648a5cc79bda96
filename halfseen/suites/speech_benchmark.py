"""`halfseen score speech` without --label: the ten tasks of speech (SUPERB, arXiv:2105.01051), each with FBANK, random weights and models.

An arm's states are computed once for all tasks, and kept in a temporary folder while it is judged. With --out what is done is kept as it
comes, one line for each task, arm and seed, so that the same command goes on where it was killed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from halfseen.contracts import Array, InterruptedRunError, UserError
from halfseen.data.claim import PICTURES, claim
from halfseen.data.faults import did_you_mean
from halfseen.data.files import write_json
from halfseen.data.logmel import LogMel
from halfseen.hub.weights_hash import weights_hash
from halfseen.methods.speech import SpeechMethod
from halfseen.report.page import write_report
from halfseen.report.results import Fit
from halfseen.suites.arms import twin
from halfseen.suites.options import SpeechOptions
from halfseen.suites.speech_models import FBANK, NORMALISED, SCRATCH, opened_alike, random_name
from halfseen.suites.speech_results import Found, Plan, gathered, pictures, told
from halfseen.suites.speech_tasks import TASKS
from halfseen.suites.speech_tasks.arm import Arm, States, fbank, model_states, normalised_fbank
from halfseen.suites.speech_tasks.contract import Material, SpeechTask, Utterance
from halfseen.suites.speech_tasks.folder import DataFolder
from halfseen.tasks.done import FITS, Done, DoneFits
from halfseen.train.budget import ROUGHLY, choose_bfloat16
from halfseen.train.lanes import side_by_side
from halfseen.train.progress import ProgressBar
from halfseen.train.recipe_file import versions


def run(options: SpeechOptions) -> dict[str, Any]:
    """What `halfseen score speech --json` prints. Raises UserError for a fault in the models or data."""
    started = time.monotonic()
    opened, frames = opened_alike(options.model, alone="pretrained")
    plan = planned(options)
    bfloat16 = choose_bfloat16("measured", ROUGHLY)
    kept = DoneFits()
    if options.out is not None:
        claim(options.out, left_by=FITS)
        kept = DoneFits.open(options.out, facts(options, opened, plan, bfloat16=bfloat16))
    found = Found()
    with interrupted(options.out, found):
        judge(contenders(opened, plan, controls=options.controls, bfloat16=bfloat16), frames, plan, options.seeds or 1, kept, found)
    folders = dict(zip(opened, options.model, strict=True))
    results, means = gathered(folders, plan, found, time.monotonic() - started, bfloat16=bfloat16)
    if options.out is not None:
        results.save(options.out)
        write_json(options.out / PICTURES, pictures(results, means))
        write_report(options.out)
        kept.close()
    return told(results, means)


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


class Contender(NamedTuple):
    """states: of a seed. same: whether they are the same with every seed."""

    name: str
    states: Callable[[int], States]
    same: bool


def contenders(opened: Mapping[str, tuple[SpeechMethod, LogMel]], plan: Plan, *, controls: bool, bfloat16: bool) -> list[Contender]:
    """FBANK, also as the benchmark normalises it if that is a control or a reference; each model behind its twin with random weights."""

    def states(method: SpeechMethod, own: LogMel, random: bool, seed: int) -> States:
        return partial(model_states, twin(method, seed) if random else method, own, bfloat16=bfloat16)

    def frames_alone(name: str, made: Callable[[Array], Array]) -> Contender:
        return Contender(name, lambda seed: lambda raw: [made(frames_TB) for frames_TB in raw], True)

    found = [frames_alone(FBANK, fbank)]
    if controls or any(some[0].official for some in plan.material.values()):
        found.append(frames_alone(NORMALISED, normalised_fbank))
    for name, (method, own) in opened.items():
        if controls:
            found.append(Contender(SCRATCH if name == "pretrained" else random_name(name), partial(states, method, own, True), False))
        found.append(Contender(name, partial(states, method, own, False), True))
    return found


def judge(all_of: Sequence[Contender], frames: LogMel, plan: Plan, seeds: int, kept: DoneFits, found: Found) -> None:
    """Tasks of an arm are judged side by side, a core each."""
    total = len(all_of) * seeds * len(plan.material)
    with ProgressBar("scoring speech", total) as bar:

        def one(cell: Cell, arm: Arm) -> Done:
            done = judged(cell, arm, kept)
            found.done.append(done)
            bar.update(len(found.done), note=f"{arm.name} is judged")
            return done

        for contender in all_of:
            for some in [range(seeds)] if contender.same else [range(seed, seed + 1) for seed in range(seeds)]:
                cells = [Cell(plan.tasks[name], plan.material[name][seed], contender.name, seed) for seed in some for name in plan.material]
                with TemporaryDirectory(prefix="halfseen-states-") as folder:
                    arm = Arm(contender.name, frames, contender.states(some[0]), Path(folder))
                    bar.update(len(found.done), note=f"{arm.name} hears the recordings")
                    arm.layers([each for cell in cells if cell.before(kept) is None for each in cell.utterances])
                    at = len(found.done)
                    with closing(side_by_side(partial(one, arm=arm), cells)) as done:
                        found.done[at:] = list(done)  # in the order of the cells, not in that of their ends
        bar.update(total)


class Cell(NamedTuple):
    """A task, an arm and a seed: one figure of the table."""

    task: SpeechTask
    material: Material
    arm: str
    seed: int

    def before(self, kept: DoneFits) -> Done | None:
        """From what is kept, if it is there."""
        return kept.get(self.task.name, self.arm, self.task.labels(self.material), self.seed)

    @property
    def utterances(self) -> list[Utterance]:
        return [each for some in self.material.parts().values() for each in some]


def judged(cell: Cell, arm: Arm, kept: DoneFits) -> Done:
    if (before := cell.before(kept)) is not None:
        return before
    task, material, seed = cell.task, cell.material, cell.seed
    started = time.monotonic()
    outcome = task.score(arm, material, seed)
    chosen = {**outcome.chosen, "chance": outcome.chance}
    fit = Fit(
        task=task.name, arm=arm.name, labels=task.labels(material), seed=seed, value=outcome.scores[0].value, losses=(),
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


def facts(options: SpeechOptions, opened: Mapping[str, tuple[SpeechMethod, LogMel]], plan: Plan, *, bfloat16: bool) -> dict[str, Any]:
    """All that a score depends on."""
    counts = {name: [{part: len(some) for part, some in each.parts().items()} for each in seeds] for name, seeds in plan.material.items()}
    return {
        "models": {name: [weights_hash([method]), own.to_json()] for name, (method, own) in opened.items()},
        "data": str(Path(options.data).resolve()),
        "tasks": counts,
        "seeds": options.seeds or 1,
        "controls": options.controls,
        "bfloat16": bfloat16,
        "versions": versions(),
    }
