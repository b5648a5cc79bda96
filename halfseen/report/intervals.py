"""Standard errors and intervals of answers to the same questions with several seeds, and whether chance lies within.

Shapes: S seeds; Q questions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from halfseen.contracts import Array
from halfseen.report.results import ScoreRow

Z = 1.959964
"""Standard errors to either side of 95 % of a normal distribution."""
CHANCE, MAJORITY = "chance", "majority"


def crossed_error(value_SQ: Array) -> float:
    """The standard error of the mean over seeds and questions, both of which are draws: what the answers to one question have in
    common over seeds counts, and what those of one seed have (Cameron, Gelbach and Miller 2011, equation 2.11).

    Never below the error over questions alone.
    """
    seeds = len(value_SQ)
    off_SQ = value_SQ - value_SQ.mean()
    by_question = _clustered(off_SQ.sum(0), off_SQ.size)
    if seeds == 1:
        return math.sqrt(by_question)
    by_seed, single = _clustered(off_SQ.sum(1), off_SQ.size), _clustered(off_SQ.ravel(), off_SQ.size)
    return math.sqrt(max(by_question, by_question + by_seed - single))


def _clustered(sum_G: Array, n: int) -> float:
    """The variance of a mean over n values, from the sums of what is off it in each of G clusters."""
    clusters = len(sum_G)
    return float((sum_G**2).sum() / n**2 * clusters / max(1, clusters - 1))


def interval(row: ScoreRow) -> tuple[float, float]:
    """95 %. Of a share, Wilson's (1927), for as many independent answers as its standard error stands for."""
    if row.unit or not 0 <= row.value <= 1:
        return row.value - Z * row.stderr, row.value + Z * row.stderr
    p = row.value
    n = p * (1 - p) / row.stderr**2 if row.stderr > 0 and 0 < p < 1 else float(row.n)
    middle, half = p + Z**2 / (2 * n), Z * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    low, high = ((middle + side * half) / (1 + Z**2 / n) for side in (-1, 1))
    return max(0.0, low), min(1.0, high)


def at_chance(row: ScoreRow, by_arm: Mapping[str, ScoreRow]) -> bool:
    """Whether the interval of a model holds what chance reaches."""
    if row.arm in (CHANCE, MAJORITY) or CHANCE not in by_arm:
        return False
    low, high = interval(row)
    return low <= by_arm[CHANCE].value <= high


def above_all(row: ScoreRow, by_arm: Mapping[str, ScoreRow]) -> bool:
    """Whether the interval of a model lies above chance and the majority answer."""
    return interval(row)[0] > max(by_arm[arm].value for arm in (CHANCE, MAJORITY))
