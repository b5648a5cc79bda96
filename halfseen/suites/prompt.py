"""`halfseen prompt`: decoders answer from the prompt alone, at several numbers of examples, beside chance and the majority answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from halfseen.contracts import UserError
from halfseen.data.faults import all_faults, did_you_mean
from halfseen.report.intervals import CHANCE, MAJORITY, above_all, at_chance, interval
from halfseen.report.results import Example, Fit, ScoreRow
from halfseen.report.sizes import means
from halfseen.report.words import listed
from halfseen.suites.answers import Answering
from halfseen.suites.options import PromptOptions
from halfseen.suites.prompt_files import Item, Prompted, available, is_file_of_own, read_own, read_task
from halfseen.suites.prompt_scores import Figure, can_translate, chance, judge_choices, judge_written, majority
from halfseen.suites.prompt_tasks import TASKS
from halfseen.suites.prompts import Examples, Prompt, Wording, chosen
from halfseen.tasks.compare import load_models
from halfseen.tasks.record import Record
from halfseen.train.progress import ProgressBar

SHOWN = 12
"""Answers of each task and model that are kept to be shown."""
ROOM_TO_WRITE = 4
"""At most so small a part of what the net takes is left for a written answer."""


def prompt(*tasks: str | Path, model: Any, **options: Any) -> dict[str, Any]:
    """What `halfseen prompt --json` prints: {"scores", "mean", "prompts", "missing", "notes", "weights_unchanged",
    "counted", "verdict", "seconds"}.

    tasks: names or files of one's own. model: one or several. options: the fields of `PromptOptions`. In `scores`, `labels` counts the
    examples in the prompt; `low` and `high` are the ends of the 95 % interval, over questions and seeds, `at_chance` says whether it
    holds what chance reaches. `prompts` has for each task, arm and number of shots the mean of the examples that had room (`kept`), and
    how many questions had none themselves (`cut`). Raises UserError for a fault in the data or options.
    """
    models = (str(model),) if isinstance(model, str | Path) else tuple(map(str, model))
    for name in ("data", "out"):
        if options.get(name) is not None:
            options[name] = Path(options[name])
    return run(PromptOptions(tasks=tuple(map(str, tasks)), model=models, **options))


def run(options: PromptOptions) -> dict[str, Any]:
    """`prompt` with its options in one piece."""
    if faults := options.faults():
        raise UserError("; ".join(faults), way_out="see `halfseen prompt --help`")
    prompted, missing, notes = gather(options)
    models = load_models(options.model)
    answering = {arm: Answering(loaded) for arm, loaded in models.items()}
    before = {arm: one.fingerprint() for arm, one in answering.items()}
    record = Record(options.out, missing=tuple(missing), models=models, notes=notes, counted="shots", unit="measurements")
    record.sizes = {arm: one.parameters for arm, one in answering.items()}
    told: list[Told] = []
    with ProgressBar("prompting", len(prompted)) as bar, record.kept_if_interrupted():
        for i, task in enumerate(prompted):
            bar.update(i, note=task.task.name)
            told += measure(task, answering, options, record)
        bar.update(len(prompted))
    unchanged = all(one.fingerprint() == before[arm] for arm, one in answering.items())
    notes += [one.note for one in told if one.note]
    notes.append("No weight changed: their hash is the same before and after." if unchanged else "The weights changed: no score counts.")
    record.verdict = verdict(record.compared.scores)
    results = record.keep()
    return {
        "scores": [printed | extra(row, results.scores) for printed, row in zip(results.printed(), results.scores, strict=True)],
        "mean": means(results),
        "prompts": [one.printed for one in told],
        "missing": list(missing),
        "notes": list(results.notes),
        "weights_unchanged": unchanged,
        "counted": results.counted,
        "verdict": results.verdict,
        "seconds": results.seconds,
    }


def gather(options: PromptOptions) -> tuple[list[Prompted], list[str], list[str]]:
    """The tasks with the questions to ask; the names of those without data, if all were wanted; and notes. Raises UserError."""
    own = [name for name in options.tasks if is_file_of_own(name)]
    named = [name for name in options.tasks if name not in own]
    if unknown := [name for name in named if name not in TASKS]:
        hints = [hint for name in unknown if (hint := did_you_mean(name.lower(), TASKS))]
        way_out = " ".join(hints) or f"take one of {', '.join(TASKS)}, or a file of your own in .jsonl"
        raise UserError(f"no task {' and no task '.join(map(repr, unknown))}", way_out=way_out)
    present, missing = available(options.data)
    if absent := [name for name in named if name in missing]:
        where = "--data" if options.data is None else str(options.data)
        raise UserError(f"no data for {', '.join(absent)}", where=where, way_out=f"it holds {', '.join(present) or 'none of the tasks'}")
    notes = []
    translations = [name for name in named or present if TASKS[name].judged == "translation"]
    if translations and not can_translate():
        if named:
            raise UserError(f"sacrebleu judges {', '.join(translations)}, but is not installed", way_out="pip install sacrebleu")
        notes.append(f"Left out, as sacrebleu is not installed: {', '.join(translations)}.")
        present = [name for name in present if name not in translations]
    wanted = named or ([] if own else present)
    found = [read_task(options.data, name) for name in wanted if options.data is not None]
    found += [read_own(Path(name), options.description) for name in own]
    names = [one.task.name for one in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"two tasks are called {', '.join(twice)}", way_out="name each once, or give your file another name")
    if not found:
        raise UserError("no data for any task", where=str(options.data), way_out="see docs/prompting.md for the files' names")
    found = [replace(one, queries=tuple(chosen(one.queries, options.limit))) for one in found]
    most, faults = options.shot_counts()[-1], []
    for one in found:
        examples = Examples(one)
        if (least := min(examples.beside(item) for item in one.queries)) < most:
            faults.append(f"{one.task.name} has {least} examples beside a question, but --shots asks for {most}")
    if faults:
        raise all_faults(faults, where="--shots", way_out="ask for fewer, or leave these tasks out")
    return found, missing if not options.tasks else [], notes


@dataclass(frozen=True)
class Told:
    """How much of the prompts of one measurement had room."""

    task: str
    arm: str
    shots: int
    kept: float
    cut: int
    longest: int

    @classmethod
    def of(cls, task: str, arm: str, shots: int, prompts: Sequence[Prompt], longest: int) -> Told:
        return cls(task, arm, shots, fmean(p.kept for p in prompts), sum(p.cut for p in prompts), longest)

    @property
    def printed(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("task", "arm", "shots", "kept", "cut")}

    @property
    def note(self) -> str:
        """A sentence, if not all had room."""
        words = []
        if self.kept < self.shots:
            words.append(f"{self.kept:.1f} of {self.shots} examples had room on average, the oldest ones were dropped")
        if self.cut:
            words.append(f"{self.cut} prompts were longer than the net takes even without examples: their end was read")
        return f"{self.task}, {self.arm}, {self.shots} shots: {'; '.join(words)} ({self.longest} tokens in all)." if words else ""


def measure(prompted: Prompted, answering: dict[str, Answering], options: PromptOptions, record: Record) -> list[Told]:
    """One task, every model at every number of shots with every seed, added to `record`."""
    task, queries, examples = prompted.task, prompted.queries, Examples(prompted)
    counts = options.shot_counts()
    told: list[Told] = []
    facts = {"path": prompted.path, "questions": len(queries), "examples": len(prompted.pool), "description": task.description}
    for arm, model in answering.items():
        answers = sorted({choice for item in queries for choice in item.choices or (item.answer,)})
        ids = dict(zip(answers, (model.tokenizer.encode(f" {answer}").ids.tolist() for answer in answers), strict=True))
        most = max(map(len, ids.values()))
        room = most if task.judged == "choice" else min(most + 1, model.longest // ROOM_TO_WRITE)
        if model.longest - room < 2:
            raise UserError(
                f"{task.name} has answers of {most} tokens, but {arm} takes {model.longest} in all, the prompt's included",
                where=prompted.path,
                way_out="shorten the answers, or take another model",
            )
        wording = Wording(model.tokenizer, model.writer.begin, task.description, model.longest - room)
        for shots in counts:
            started = time.perf_counter()
            # without examples nothing is drawn
            drawn = range(options.seeds if shots else 1)
            prompts = [[wording.prompt(item, examples.draw(item, shots, seed)) for item in queries] for seed in drawn]
            figures, said = ask(prompted, model, prompts, ids, room)
            add(record, task.name, arm, shots, figures, len(queries), (time.perf_counter() - started) / len(prompts))
            told.append(Told.of(task.name, arm, shots, [p for seed in prompts for p in seed], model.longest))
        facts.setdefault("a prompt", wording.text(prompts[0][0]))
        record.compared.examples += [shown(task.name, arm, item, answer) for item, answer in zip(queries[:SHOWN], said[0], strict=False)]
    record.data[task.name] = facts
    for arm, figures in ((CHANCE, chance(prompted, examples, options.seeds)), (MAJORITY, majority(prompted))):
        measured = {row.name for row in record.compared.scores if row.task == task.name}
        for shots in counts:
            add(record, task.name, arm, shots, [figure for figure in figures if figure.name in measured], len(queries), 0.0)
    return told


def ask(
    prompted: Prompted, model: Answering, prompts: Sequence[Sequence[Prompt]], ids: dict[str, list[int]], room: int
) -> tuple[list[Figure], list[list[str]]]:
    """What the answers to all prompts are worth, and the answers, seed by seed."""
    queries, task = prompted.queries, prompted.task
    read = [p.ids for seed in prompts for p in seed]

    def by_seed(values: list[Any]) -> list[list[Any]]:
        return [values[i : i + len(queries)] for i in range(0, len(values), len(queries))]

    if task.judged == "choice":
        choices = [[ids[choice] for choice in item.choices] for item in queries] * len(prompts)
        return judge_choices(queries, by_seed(model.choose(read, choices)))
    return judge_written(task, queries, by_seed(model.write(read, room)))


def add(record: Record, task: str, arm: str, shots: int, figures: Sequence[Figure], n: int, seconds: float) -> None:
    """The figures of one arm at one number of shots; the first is the main one."""
    for i, one in enumerate(figures):
        row = ScoreRow(
            task=task, arm=arm, name=one.name, value=one.value, n=n, stderr=one.stderr, seeds=len(one.by_seed), labels=shots,
            unit=one.unit, higher_is_better=True, main=i == 0,
        )  # fmt: skip
        record.compared.scores.append(row)
    for seed, value in enumerate(figures[0].by_seed):
        record.compared.fits.append(Fit(task=task, arm=arm, labels=shots, seed=seed, value=value, losses=(), seconds=seconds))


def shown(task: str, arm: str, item: Item, answer: str) -> Example:
    return Example(task=task, arm=arm, text=item.context, truth=item.answer, prediction=answer, right=answer == item.answer)


def beside(row: ScoreRow, rows: Sequence[ScoreRow]) -> dict[str, ScoreRow]:
    """The same figure of every arm."""
    return {other.arm: other for other in rows if (other.task, other.name, other.labels) == (row.task, row.name, row.labels)}


def extra(row: ScoreRow, rows: Sequence[ScoreRow]) -> dict[str, Any]:
    low, high = interval(row)
    return {"low": low, "high": high, "at_chance": at_chance(row, beside(row, rows))}


def verdict(rows: Sequence[ScoreRow]) -> str:
    """On which tasks the prompt is answered better than by those who do not read it, by the last model at the most shots."""
    arms = [arm for arm in dict.fromkeys(row.arm for row in rows) if arm not in (CHANCE, MAJORITY)]
    most = max(row.labels for row in rows)
    mine = [row for row in rows if row.arm == arms[-1] and row.labels == most and row.main]
    better = [row.task for row in mine if above_all(row, beside(row, rows))]
    who = "the model" if len(arms) == 1 else arms[-1]
    names = f": {listed(better)}" if better else ""
    return (
        f"With {most} example{'s' * (most != 1)} in the prompt, {who} answers better than chance and the majority answer"
        f" on {len(better)} of {len(mine)} task{'s' * (len(mine) != 1)}{names}."
    )
