"""How answers to prompts are judged, and what chance and the majority answer reach on the same questions.

A choice is the answer of the highest log-probability, summed over its tokens (`accuracy`, as lm-evaluation-harness' acc); where
choices differ in length, also with the sum divided by the answer's bytes (`accuracy, by bytes`, acc_norm there). What is written freely
is right if it equals the answer (`exact_match`). Translations are judged by sacrebleu (Post 2018, arXiv:1804.08771).

Shapes: S seeds; Q questions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from halfseen.contracts import Array
from halfseen.report.intervals import crossed_error
from halfseen.suites.prompt_files import Item, Prompted
from halfseen.suites.prompt_tasks import PromptTask
from halfseen.suites.prompts import Examples
from halfseen.tasks.translation_metrics import bleu, chrf

BY_BYTES = "accuracy, by bytes"


@dataclass(frozen=True)
class Figure:
    """One metric of one arm: by_seed_S, and the standard error over seeds and questions. The first of a list is the main one."""

    name: str
    by_seed: tuple[float, ...]
    stderr: float
    unit: str = ""

    @property
    def value(self) -> float:
        return float(np.mean(self.by_seed))


def share(name: str, right_SQ: Array) -> Figure:
    return Figure(name, tuple(right_SQ.mean(1).tolist()), crossed_error(right_SQ))


def judge_choices(queries: Sequence[Item], values: Sequence[Sequence[Sequence[float]]]) -> tuple[list[Figure], list[list[str]]]:
    """values: log p of every choice of every question, of each seed. Also the answers, by the sum."""
    lengths = [np.array([len(choice.encode()) for choice in item.choices]) for item in queries]
    best = [[item.choices[int(np.argmax(v))] for item, v in zip(queries, seed, strict=True)] for seed in values]
    figures = [share("accuracy", _equal(queries, best))]
    if any(len(set(n.tolist())) > 1 for n in lengths):
        per_byte = [[item.choices[int(np.argmax(v / n))] for item, v, n in zip(queries, seed, lengths, strict=True)] for seed in values]
        figures.append(share(BY_BYTES, _equal(queries, per_byte)))
    return figures, best


def judge_written(task: PromptTask, queries: Sequence[Item], written: Sequence[Sequence[str]]) -> tuple[list[Figure], list[list[str]]]:
    """written: what stands before the new line, of every question and each seed. Also the answers as they were judged."""
    said = [[first_word(text) if task.judged == "first-word" else text.strip() for text in seed] for seed in written]
    if task.judged == "translation":
        return translated([item.answer for item in queries], said), said
    return [share("exact_match", _equal(queries, said))], said


def _equal(queries: Sequence[Item], said: Sequence[Sequence[str]]) -> Array:
    return np.array([[float(answer == item.answer) for item, answer in zip(queries, seed, strict=True)] for seed in said])


def first_word(text: str) -> str:
    """LAMBADA asks for one word; what a text that goes on has behind it, or around it, is no fault."""
    words = text.split()
    return words[0].strip(".,;:!?\"'()“”‘’") if words else ""


def can_translate() -> bool:
    """Whether sacrebleu is there."""
    return find_spec("sacrebleu") is not None


def translated(truth: Sequence[str], said: Sequence[Sequence[str]]) -> list[Figure]:
    """BLEU and chrF of the whole, from 0 to 100; more seeds do not lessen the error over questions, which are the same for each."""
    found = []
    for judge in (bleu, chrf):
        scores = [judge(truth, seed)[0] for seed in said]
        by_seed = tuple(score.value for score in scores)
        over_questions = np.mean([score.stderr**2 for score in scores])
        over_seeds = np.var(by_seed, ddof=1) / len(by_seed) if len(by_seed) > 1 else 0.0
        found.append(Figure(scores[0].name, by_seed, float(np.sqrt(over_questions + over_seeds)), scores[0].unit))
    return found


def chance(prompted: Prompted, examples: Examples, seeds: int) -> list[Figure]:
    """One of the choices; where answers are written, that of another question, which is what can be guessed without reading."""
    queries = prompted.queries
    if prompted.task.judged == "translation":
        said = [[examples.draw(item, 1, seed)[0].answer for item in queries] for seed in range(seeds)]
        return translated([item.answer for item in queries], said)
    if prompted.task.judged == "choice":
        expected = float(np.mean([1 / len(item.choices) for item in queries]))
        return [Figure(name, (expected,), 0.0) for name in ("accuracy", BY_BYTES)]
    common = Counter(item.answer for item in prompted.pool)
    return [Figure("exact_match", (float(np.mean([common[item.answer] / len(prompted.pool) for item in queries])),), 0.0)]


def majority(prompted: Prompted) -> list[Figure]:
    """The answer that is most frequent among the examples; of choices that each row has for itself, the most frequent place."""
    queries, task = prompted.queries, prompted.task
    own = len({item.choices for item in prompted.pool}) > 1
    code: Callable[[Item], Any] = (lambda item: item.choices.index(item.answer)) if own else (lambda item: item.answer)
    counts = Counter(code(item) for item in prompted.pool)
    best = min(counts, key=lambda answer: (-counts[answer], answer))
    if task.judged == "translation":
        return translated([item.answer for item in queries], [[best] * len(queries)])
    right_SQ = np.array([[float(code(item) == best) for item in queries]])
    names = ("accuracy", BY_BYTES) if task.judged == "choice" else ("exact_match",)
    return [share(name, right_SQ) for name in names]
