"""One training of one task on one set of labels, and the choice of its learning rate on a part of these labels."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from halfseen.contracts import Sample, Score, UserError
from halfseen.data.draw import permutation
from halfseen.data.labels import Kind, Labelled
from halfseen.data.tokenizers import Tokenizer
from halfseen.nets.heads import Pooling
from halfseen.nets.transformer import Transformer
from halfseen.tasks.classify import Classify
from halfseen.tasks.metrics import METRICS
from halfseen.tasks.regress import Regress
from halfseen.tasks.seq2seq import Seq2Seq
from halfseen.tasks.span import Span
from halfseen.tasks.tag import Tag
from halfseen.tasks.task import Task
from halfseen.train.budget import choose_bfloat16
from halfseen.train.loop import Loop
from halfseen.train.options import OptimOptions

TASKS: dict[Kind, type[Task]] = {
    "classify": Classify,
    "pair": Classify,
    "tag": Tag,
    "span": Span,
    "regress": Regress,
    "seq2seq": Seq2Seq,
}

CHOOSING_LABELS = 2000
"""So many labels are enough to choose by."""


class ShuffledBatches:
    """Batches of `size` samples, each epoch in a new order; any step can be had directly."""

    def __init__(self, samples: Sequence[Sample], size: int, seed: int) -> None:
        self.samples, self.size, self.seed = samples, size, seed
        self.per_epoch = math.ceil(len(samples) / size)

    def __call__(self, step: int) -> tuple[int, list[Sample]]:
        epoch, i = divmod(step, self.per_epoch)
        order = permutation(len(self.samples), self.seed, epoch)
        return epoch, [self.samples[j] for j in order[i * self.size : (i + 1) * self.size]]


@dataclass(frozen=True)
class Fitted:
    """A trained task, its mean training loss in each epoch, and the seconds it took."""

    method: Task
    losses: tuple[float, ...]
    seconds: float
    options: dict[str, Any]


Begin = Callable[[int], Transformer]
"""A seed to a fresh copy of an arm's net."""


def make(kind: Kind, net: Transformer, tokenizer: Tokenizer, train: Labelled, samples: Sequence[Sample], pooling: Pooling) -> Task:
    """A task's method around a net, its head starting from zero, for these of the training items.

    Where samples are no pairs, to pool by parts is to take the mean.
    """
    if kind == "seq2seq":
        return Seq2Seq(net, tokenizer)
    if pooling == "parts" and (kind in ("tag", "span") or isinstance(train.samples[0].x, str)):
        pooling = "mean"
    if kind == "regress":
        numbers = np.array([sample.meta["label"] for sample in samples])
        return Regress(net, tokenizer, pooling, centre=float(numbers.mean()), spread=float(numbers.std()))
    return TASKS[kind](net, tokenizer, train.labels, pooling)


def fit(method: Task, samples: Sequence[Sample], *, learning_rate: float, seed: int, epochs: int | None = None) -> Fitted:
    """Trains every weight of the method."""
    epochs = epochs or method.epochs_for(len(samples))
    started = time.perf_counter()
    prepared = method.prepare(samples, labelled=True)
    if not prepared:
        raise UserError("no training item is left after it was cut into windows")
    batches = ShuffledBatches(prepared, method.batch_for(len(samples)), seed)
    optim = OptimOptions(kind="adamw", learning_rate=learning_rate, warmup=0.1, decay=0.9)
    steps = epochs * batches.per_epoch
    loop = Loop(method, batches, lambda _: method.split, steps=steps, optim=optim, seed=seed, bfloat16=choose_bfloat16("measured"))
    losses = []
    for _ in range(epochs):
        stepped = [loop.step() for _ in range(batches.per_epoch)]
        losses.append(sum(s.loss * s.weight for s in stepped) / sum(s.weight for s in stepped))
    return Fitted(method, tuple(losses), time.perf_counter() - started, {"learning_rate": learning_rate, "epochs": epochs})


def choose_learning_rate(
    rates: Sequence[float],
    begin: Begin,
    kind: Kind,
    tokenizer: Tokenizer,
    train: Labelled,
    samples: Sequence[Sample],
    pooling: Pooling,
    metrics: Sequence[str],
) -> float:
    """The rate that scores best on a fifth of the training labels, by the first of the metrics, after learning from the rest.

    Dev is never looked at.

    The middle one stays unless another is better by more than a standard error: with few labels the best is often so by chance.
    """
    middle = len(rates) // 2
    order = permutation(len(samples), 0, 1)[:CHOOSING_LABELS]
    held = max(1, len(order) // 5)
    if len(rates) == 1 or len(order) < 5:
        return rates[middle]
    rest, judged = [samples[i] for i in order[held:]], [samples[i] for i in order[:held]]
    scored: list[Score] = []
    for rate in rates:
        method = make(kind, begin(0), tokenizer, train, rest, pooling)
        epochs = math.ceil(method.epochs_for(len(rest)) / 2)  # half the way tells the rates apart
        fit(method, rest, learning_rate=rate, seed=0, epochs=epochs)
        prediction = method.predict(judged, bfloat16=choose_bfloat16("measured"))
        scored.append(judge(method.truth(judged), prediction, metrics)[0])
    best = int(np.argmax([score.value for score in scored]))
    return rates[best if scored[best].value > scored[middle].value + scored[middle].stderr else middle]


def judge(truth: list[Any], prediction: list[Any], metrics: Sequence[str]) -> list[Score]:
    """The metrics of one task, the main one first."""
    return [found for name in metrics for found in METRICS[name](truth, prediction)]


def copy_of(net: Transformer) -> Begin:
    """Begins from these weights, whatever the seed."""
    return lambda seed: copy.deepcopy(net)
