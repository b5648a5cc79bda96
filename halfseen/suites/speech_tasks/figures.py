"""Figures with their errors over test items, and the mean over tasks by the benchmark's formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import hypot

import numpy as np

from halfseen.contracts import Array, Score
from halfseen.suites.speech_tasks.contract import Metric
from halfseen.tasks.resamples import resamples


def ratio(metric: Metric, top_R: Sequence[float] | Array, bottom_R: Sequence[float] | Array | None = None) -> Score:
    """sum(top) / sum(bottom) over R test items, each of which counts once without `bottom`; its error by the bootstrap over items."""
    top = np.asarray(top_R, np.float64)
    bottom = np.ones_like(top) if bottom_R is None else np.asarray(bottom_R, np.float64)
    return bootstrapped(metric, lambda weight_R: float((weight_R * top).sum() / (weight_R * bottom).sum()), len(top))


def bootstrapped(metric: Metric, figure: Callable[[Array], float], items: int) -> Score:
    """figure: what comes out when each item counts weight_R times; its error is the spread over draws of as many items with return."""
    drawn = [figure(weight_R) for weight_R in resamples(items)]
    spread = float(np.nanstd(drawn, ddof=1))
    return Score(metric.name, figure(np.ones(items)), items, spread, higher_is_better=metric.higher_is_better)


@dataclass(frozen=True)
class Gain:
    """How far an arm comes from FBANK's figure, 0, to the best one, 1, and the standard error of that."""

    value: float
    stderr: float


def gain(metric: Metric, official: bool, found: tuple[float, float], fbank: tuple[float, float]) -> Gain | None:
    """(s - s_FBANK) / (s_best - s_FBANK), as SUPERB's overall score has it (arXiv:2210.08634, section 3): s_best is the published one for
    the benchmark's own material, else a perfect one, so that the gain is the cut of FBANK's error. None where FBANK is as good as that.

    found, fbank: a figure and its error. The error takes both as independent, which items in common make it too large for.
    """
    best = metric.published if official else metric.perfect
    room = best - fbank[0]
    if room == 0 or (room > 0) != metric.higher_is_better:
        return None
    return Gain((found[0] - fbank[0]) / room, hypot(found[1] / room, fbank[1] * (found[0] - best) / room**2))


def mean_gain(gains: Mapping[str, Sequence[Gain]]) -> Gain:
    """The mean over tasks of the mean over a task's metrics. Errors of one task's metrics are taken as alike, those of tasks as
    independent."""
    by_task = [(np.mean([each.value for each in some]), np.mean([each.stderr for each in some])) for some in gains.values()]
    return Gain(float(np.mean([value for value, _ in by_task])), hypot(*(float(error) for _, error in by_task)) / len(by_task))
