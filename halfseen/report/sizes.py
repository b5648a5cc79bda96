"""Means over tasks at each number of shots, model by model: what GPT-3's figure 1.3 shows against the models' size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import hypot
from statistics import fmean
from typing import Any

from halfseen.report.intervals import CHANCE
from halfseen.report.results import Results, ScoreRow
from halfseen.report.words import CONTROLS, in_order


def judged(rows: Iterable[ScoreRow]) -> list[ScoreRow]:
    """The main figures that are shares, which alone have a mean."""
    return [row for row in rows if row.main and not row.unit]


def means(results: Results) -> list[dict[str, Any]]:
    """For each arm and number of shots: {"arm", "name", "value", "stderr", "shots", "tasks"}; tasks count alike and as independent."""
    rows = judged(results.scores)
    found = []
    for arm in in_order(row.arm for row in rows):
        for shots in sorted({row.labels for row in rows}):
            of = [row for row in rows if (row.arm, row.labels) == (arm, shots)]
            if not of:
                continue
            found.append({
                "arm": arm,
                "name": f"mean of {len(of)} task{'s' * (len(of) != 1)}, {shots} shot{'s' * (shots != 1)}",
                "value": fmean(row.value for row in of),
                "stderr": hypot(*(row.stderr for row in of)) / len(of),
                "shots": shots,
                "tasks": [row.task for row in of],
            })  # fmt: skip
    return found


def few(shots: Iterable[int]) -> dict[int, str]:
    """GPT-3's names of the numbers of shots that have a curve: none, one, and the most there are."""
    counts = sorted(set(shots))
    named = {n: name for n, name in ((0, "zero-shot"), (1, "one-shot")) if n in counts}
    return named | ({counts[-1]: f"few-shot ({counts[-1]})"} if counts and counts[-1] > 1 else {})


@dataclass(frozen=True)
class SizeCurves:
    """by_shots: the name of a number of shots to (weights, mean, standard error) of each model, smallest first."""

    by_shots: Mapping[str, list[tuple[int, float, float]]]
    chance: float | None
    tasks: list[str]


def size_curves(results: Results) -> SizeCurves:
    """GPT-3's figure 1.3, of models whose sizes are known."""
    found = [mean for mean in means(results) if mean["arm"] not in CONTROLS]
    by_shots = {
        name: sorted((results.sizes[mean["arm"]], mean["value"], mean["stderr"]) for mean in found if mean["shots"] == shots)
        for shots, name in few(mean["shots"] for mean in found).items()
    }
    chance = next((mean["value"] for mean in means(results) if mean["arm"] == CHANCE), None)
    return SizeCurves(by_shots, chance, max((mean["tasks"] for mean in found), key=len))
