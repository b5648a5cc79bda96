"""Arms side by side: the same labels, the same seeds, each arm's training chosen on a part of its training labels.

An arm is a model to start from, the same network from random weights (scratch), or a plain baseline. Dev is scored and
never chosen by.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from halfseen.contracts import Sample, Score, UserError
from halfseen.data.draw import permutation
from halfseen.data.labels import Kind, Labelled
from halfseen.data.tokenizers import Tokenizer
from halfseen.hub.find import find
from halfseen.hub.folder import Loaded, load
from halfseen.nets.heads import Pooling
from halfseen.nets.transformer import initialise
from halfseen.report.results import Example, Fit, ScoreRow
from halfseen.report.words import CONTROLS
from halfseen.tasks.baselines import fit_baseline
from halfseen.tasks.done import Done, DoneFits
from halfseen.tasks.fit import Begin, choose_learning_rate, copy_of, fit, judge, make
from halfseen.tasks.options import CompareOptions
from halfseen.tasks.task import Task
from halfseen.train.budget import choose_bfloat16

EXAMPLES = 40


@dataclass(frozen=True)
class Arm:
    """A name, and a net to start from; without a net, a plain baseline."""

    name: str
    begin: Begin | None = None
    tokenizer: Tokenizer | None = None


@dataclass
class Compared:
    """What came out so far; kept as it grows, so that an interruption loses nothing."""

    scores: list[ScoreRow] = field(default_factory=list)
    fits: list[Fit] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    best: Task | None = None
    """The first model's arm, trained on the most labels with seed 0."""


def load_models(names: Sequence[str]) -> dict[str, Loaded]:
    """Arm to model: `pretrained` for one, the names that were given for several, without their folders where that is enough.

    Raises UserError if a model is given twice, or is called as a control is.
    """
    titles = ["pretrained"] if len(names) == 1 else [Path(name).name or name for name in names]
    if len(set(titles)) < len(titles) or any(title in CONTROLS for title in titles):
        titles = [str(name) for name in names]
    if twice := sorted({title for title in titles if titles.count(title) > 1}):
        raise UserError(f"--model names {', '.join(twice)} more than once", way_out="name each model once")
    if taken := [title for title in titles if title in CONTROLS]:
        raise UserError(f"a model called {taken[0]} cannot stand beside the control of that name", way_out=f"write ./{taken[0]}")
    return {title: load(find(name)) for title, name in zip(titles, names, strict=True)}


def whose_random_weights(models: Mapping[str, Loaded]) -> str:
    """A sentence for the reader where `scratch` is another network than some model's, or ''."""
    (first, of_first), *others = models.items()
    strange = [name for name, model in others if model.net.shape != of_first.net.shape]
    return f"Random weights are those of {first}'s network; {', '.join(strange)} has another one." if strange else ""


def make_arms(models: dict[str, Loaded], kind: Kind, *, controls: bool) -> list[Arm]:
    """The models, and if controls are asked for, the first one's network from random weights and the baselines."""
    arms = [Arm(name, copy_of(model.net), model.tokenizer) for name, model in models.items()]
    if controls:
        first = next(iter(models.values()))

        def scratch(seed: int) -> Any:
            net = copy.deepcopy(first.net)
            initialise(net, seed)
            return net

        arms.append(Arm("scratch", scratch, first.tokenizer))
        arms.append(Arm("baseline"))
        if kind == "tag":
            arms.append(Arm("most-frequent"))
    return arms


def compare(
    task: str,
    train: Labelled,
    dev: Labelled,
    arms: Sequence[Arm],
    options: CompareOptions,
    compared: Compared,
    *,
    metrics: Sequence[str] | None = None,
    further: Mapping[str, Labelled] | None = None,
    on_fit: Callable[[int, str], None] = lambda done, note: None,
    done: DoneFits | None = None,
) -> None:
    """Every arm at every label count with every seed, added to `compared` as it comes.

    metrics: names in METRICS, the main one first. further: more dev sets. on_fit: told the number of trainings so far, and a note. done:
    what is not fitted again; it grows after on_fit has returned.
    """
    done = done or DoneFits()
    names = tuple(metrics or default_metrics(train))
    counts = options.label_counts(len(train.samples))
    for count in counts:
        said: dict[str, list[Any]] = {}
        for arm in arms:
            found: list[list[Score]] = []
            rate: float | None = None
            try:
                for seed in range(options.seeds):
                    if before := done.get(task, arm.name, count, seed):
                        rate = before.fit.options["learning_rate"] if arm.begin else None
                        found.append(before.scores)
                        said.setdefault(arm.name, before.said or [])
                        compared.fits.append(before.fit)
                        on_fit(len(compared.fits), f"{task}, {arm.name}, {count} labels: done before")
                        continue
                    chosen = subset(train, count, seed)
                    started = time.perf_counter()
                    if rate is None and arm.begin is not None and arm.tokenizer is not None:
                        rate = choose_learning_rate(
                            options.learning_rates, arm.begin, train.kind, arm.tokenizer, train, chosen, options.pooling, names
                        )
                    trained = train_arm(arm, train, chosen, rate, seed, options.pooling)
                    prediction = trained.predict(dev.samples)
                    scores = judge(truth_of(train.kind, dev.samples), prediction, names)
                    for title, other in (further or {}).items():
                        answers = judge(truth_of(other.kind, other.samples), trained.predict(other.samples), names)
                        scores += [replace(score, name=f"{score.name}, {title}") for score in answers]
                    if arm is arms[0] and seed == 0:
                        compared.best = trained.method
                    found.append(scores)
                    said.setdefault(arm.name, prediction)
                    fitted = Fit(
                        task=task,
                        arm=arm.name,
                        labels=count,
                        seed=seed,
                        value=scores[0].value,
                        losses=trained.losses,
                        seconds=time.perf_counter() - started,
                        options=trained.options,
                    )
                    compared.fits.append(fitted)
                    on_fit(len(compared.fits), f"{task}, {arm.name}, {count} labels: {scores[0].name} {scores[0].value:.3f}")
                    done.add(Done(fitted, scores, None if seed else prediction[:EXAMPLES]))
            finally:  # an interrupted arm counts with the seeds that it has
                compared.scores += rows(task, arm.name, count, found)
        if count == counts[-1]:
            compared.examples += examples(task, train.kind, dev.samples, truth_of(train.kind, dev.samples), said)


@dataclass(frozen=True)
class Trained:
    """One training of one arm."""

    predict: Callable[[Sequence[Sample]], list[Any]]
    losses: tuple[float, ...]
    options: dict[str, Any]
    method: Task | None = None


def train_arm(arm: Arm, train: Labelled, chosen: Sequence[Sample], rate: float | None, seed: int, pooling: Pooling) -> Trained:
    """The arm after these labels; rate: the learning rate of its net, if it has one."""
    if arm.begin is None or arm.tokenizer is None or rate is None:
        baseline = fit_baseline(train.kind, chosen, train.labels, arm.name)
        return Trained(baseline.predict, (), baseline.options)
    method = make(train.kind, arm.begin(seed), arm.tokenizer, train, chosen, pooling)
    fitted = fit(method, chosen, learning_rate=rate, seed=seed)
    return Trained(partial(method.predict, bfloat16=choose_bfloat16("measured")), fitted.losses, fitted.options, method)


def default_metrics(train: Labelled) -> tuple[str, ...]:
    """The metrics that a kind of task is usually judged by; entities, where tags say so."""
    if train.kind == "tag" and all(label == "O" or label[:2] in {"B-", "I-"} for label in train.labels):
        return ("entity_f1", "tag_accuracy")
    return {
        "classify": ("accuracy",),
        "pair": ("accuracy",),
        "tag": ("tag_accuracy",),
        "span": ("span_f1", "exact_match"),
        "regress": ("pearson", "spearman"),
        "seq2seq": ("bleu", "chrf"),
    }[train.kind]


def truth_of(kind: Kind, samples: Sequence[Sample]) -> list[Any]:
    """The labels in the form that the metrics take."""
    if kind == "tag":
        return [sample.meta["tags"] for sample in samples]
    if kind == "span":
        return [tuple(answer.text for answer in sample.meta["answers"]) for sample in samples]
    return [sample.meta["label"] for sample in samples]


def subset(train: Labelled, count: int, seed: int) -> list[Sample]:
    """`count` of the training items, others for every seed; of classes, each in its share, none left out if it can be."""
    order = permutation(len(train.samples), seed, 0)
    if count >= len(order):
        return [train.samples[i] for i in order]
    if train.kind not in ("classify", "pair"):
        return [train.samples[i] for i in order[:count]]
    by_class: dict[str, list[int]] = {label: [] for label in train.labels}
    for i in order:
        by_class[train.samples[i].meta["label"]].append(int(i))
    share = {label: len(items) * count / len(order) for label, items in by_class.items()}
    take = {label: max(1, int(share[label])) if count >= len(by_class) else int(share[label]) for label in by_class}
    while sum(take.values()) > count:  # rare classes took more than their share
        take[max(take, key=lambda label: take[label])] -= 1
    for label in sorted(by_class, key=lambda name: int(share[name]) - share[name]):
        if sum(take.values()) < count and take[label] < len(by_class[label]):
            take[label] += 1
    return [train.samples[i] for label, items in by_class.items() for i in items[: take[label]]]


def rows(task: str, arm: str, labels: int, found: Sequence[Sequence[Score]]) -> list[ScoreRow]:
    """The mean over seeds of each metric; its standard error over seeds, or over items if there is one seed."""
    made = []
    for i, scores in enumerate(zip(*found, strict=True)):
        values = np.array([score.value for score in scores])
        stderr = scores[0].stderr if len(values) == 1 else float(values.std(ddof=1) / len(values) ** 0.5)
        first = scores[0]
        made.append(
            ScoreRow(
                task=task,
                arm=arm,
                name=first.name,
                value=float(values.mean()),
                n=first.n,
                stderr=stderr,
                seeds=len(values),
                labels=labels,
                unit=first.unit,
                higher_is_better=first.higher_is_better,
                main=i == 0,
            )
        )
    return made


def examples(task: str, kind: Kind, samples: Sequence[Sample], truth: Sequence[Any], said: dict[str, list[Any]]) -> list[Example]:
    """The first dev items, and what each arm said of them."""
    between = " " if kind == "tag" else " | "
    return [
        Example(
            task=task,
            arm=arm,
            text=spell(samples[i].x, between),
            truth=spell_truth(truth[i], samples[i], between),
            prediction=spell(answers[i], between),
            right=agrees(truth[i], answers[i]),
        )
        for i in range(min(EXAMPLES, len(samples)))
        for arm, answers in said.items()
    ]


def spell_truth(truth: Any, sample: Sample, between: str) -> str:
    """Of several true answers, all different ones."""
    return between.join(dict.fromkeys(truth)) if "answers" in sample.meta else spell(truth, between)


def spell(thing: Any, between: str) -> str:
    """A text, a number, or texts or words with `between` between them, as one line."""
    if isinstance(thing, float):
        return f"{thing:.2f}"
    return thing if isinstance(thing, str) else between.join(map(str, thing))


def agrees(truth: Any, answer: Any) -> bool:
    if isinstance(truth, float):
        return abs(truth - answer) < 0.5
    return bool(answer in truth) if isinstance(truth, tuple) and isinstance(answer, str) else bool(truth == answer)
