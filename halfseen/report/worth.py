"""How many times as many labels one arm is worth as another, read off their label-efficiency curves.

For each label count n of an arm, the control's mean curve (made monotone: isotonic regression) is read backwards, linearly in
log(labels), for the number of labels m at which it reaches the same score. m / n is the worth at n. Where the control never
gets there within what was measured, m / n is only known to be at least (or at most) something: nothing is extrapolated.
The worth of all counts together is the ratio that contradicts them least, by squares in log: their geometric mean, unless a
bound says otherwise.

The interval is simulated: each mean of S seeds is drawn anew, with the spread of the seeds at its label count, which both arms
share (2 S - 2 degrees of freedom), widened as Student's t is. A bootstrap of two or three seeds says next to nothing.

Shapes: L label counts of the arm, K of the control; B draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from halfseen.contracts import Array

LEVEL = 0.9
"""The share of the interval."""
DRAWS = 2000

Values = dict[int, dict[int, float]]
"""Label count to seed to the main metric."""


@dataclass(frozen=True)
class Worth:
    ratio: float
    bound: Literal["", "at least", "at most"]
    low: float | None
    high: float | None
    seeds: int


def measure(ours: Values, theirs: Values, higher_is_better: bool, key: str, draws: int) -> Worth | None:
    """The ratio and its interval, or None where the curves say nothing about it."""
    seeds = min(len(by_seed) for by_seed in (*ours.values(), *theirs.values()))
    sign = 1.0 if higher_is_better else -1.0

    def means(values: Values) -> Array:
        return np.array([sign * np.mean(list(by_seed.values())) for by_seed in values.values()])

    log_L, log_K = np.log(list(ours)), np.log(list(theirs))
    means_L, means_K = means(ours), means(theirs)
    low, high = log_worth(means_L[:, None], means_K[:, None], log_L, log_K)
    at_least, at_most = float(low[0]), float(high[0])
    if (at_least <= 0 and math.isinf(at_most)) or (at_most >= 0 and math.isinf(at_least)):
        return None
    bound: Literal["", "at least", "at most"] = "at least" if math.isinf(at_most) else "at most" if math.isinf(at_least) else ""
    point = at_least if bound == "at least" else at_most if bound == "at most" else (at_least + at_most) / 2
    if seeds < 2:
        return Worth(math.exp(point), bound, None, None, 1)

    random = np.random.default_rng(list(key.encode()))
    spread = {n: pooled_spread([arm[n] for arm in (ours, theirs) if n in arm], draws, random) for n in sorted({*ours, *theirs})}

    def resample(values: Values, means: Array) -> Array:
        return np.stack([
            mean + random.standard_normal(draws) * spread[n] / math.sqrt(len(values[n])) for n, mean in zip(values, means, strict=True)
        ])  # fmt: skip

    low_B, high_B = log_worth(resample(ours, means_L), resample(theirs, means_K), log_L, log_K)
    low_end = np.quantile(low_B, 0.5 - LEVEL / 2, method="inverted_cdf")
    high_end = np.quantile(high_B, 0.5 + LEVEL / 2, method="inverted_cdf")
    return Worth(math.exp(point), bound, math.exp(float(low_end)), math.exp(float(high_end)), seeds)


def pooled_spread(cells: list[dict[int, float]], draws: int, random: np.random.Generator) -> Array:
    """The standard deviation over seeds that the cells share, drawn from what they leave open about it."""
    squares = sum(float(((values - values.mean()) ** 2).sum()) for values in (np.array(list(cell.values())) for cell in cells))
    freedom = sum(len(cell) - 1 for cell in cells)
    return np.sqrt(squares / random.chisquare(freedom, size=draws))


def log_worth(ours_LB: Array, theirs_KB: Array, log_L: Array, log_K: Array) -> tuple[Array, Array]:
    """The range of log ratios that fits the two mean curves best: low_B, high_B, equal where it is known exactly."""
    first_LB, last_LB = reach(ours_LB, isotonic(theirs_KB), log_K)
    return compromise(first_LB - log_L[:, None], last_LB - log_L[:, None])


def isotonic(y_KB: Array) -> Array:
    """The non-decreasing curve nearest to each column, by squares: the largest over j of the smallest mean of y_j .. y_k."""
    total = np.concatenate([np.zeros_like(y_KB[:1]), y_KB.cumsum(0)])
    count = len(y_KB)
    return np.stack([
        np.max([np.min([(total[k + 1] - total[j]) / (k + 1 - j) for k in range(i, count)], axis=0) for j in range(i + 1)], axis=0)
        for i in range(count)
    ])  # fmt: skip


def reach(p_LB: Array, curve_KB: Array, log_K: Array) -> tuple[Array, Array]:
    """Where a non-decreasing curve first reaches p and where it last is at it: first_LB, last_LB in log labels.

    Above the curve: from its last count to infinity; below it: from minus infinity to its first.
    """
    last = len(log_K) - 1
    below_LB = (curve_KB[:, None] < p_LB[None]).sum(0)
    upto_LB = (curve_KB[:, None] <= p_LB[None]).sum(0)
    left_LB = np.clip(below_LB - 1, 0, last - 1)
    y0, y1 = (np.take_along_axis(curve_KB, left_LB + i, axis=0) for i in (0, 1))
    rise = np.where(y1 > y0, y1 - y0, 1.0)
    between = log_K[left_LB] + (log_K[left_LB + 1] - log_K[left_LB]) * np.clip((p_LB - y0) / rise, 0, 1)
    flat = upto_LB > below_LB
    first = np.select([below_LB > 0, flat], [between, log_K[0]], -np.inf)
    final = np.select([flat, below_LB > last, below_LB > 0], [log_K[np.clip(upto_LB - 1, 0, last)], np.inf, between], log_K[0])
    return first, final


def compromise(low_LB: Array, high_LB: Array) -> tuple[Array, Array]:
    """What contradicts L intervals least, the squared distances to them being summed: their intersection, or one point."""
    low, high = low_LB.max(0), high_LB.min(0)
    left, right = np.minimum(low, high), np.maximum(low, high)
    apart = low > high
    left, right = np.where(apart, left, 0.0), np.where(apart, right, 0.0)
    for _ in range(50):
        middle = (left + right) / 2
        pull = np.maximum(low_LB - middle, 0).sum(0) - np.maximum(middle - high_LB, 0).sum(0)
        left, right = np.where(pull > 0, middle, left), np.where(pull > 0, right, middle)
    return np.where(apart, right, low), np.where(apart, right, high)
