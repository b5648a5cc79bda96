"""The verdict: what the pre-training was worth, in one sentence with its interval, or that it was worth nothing.

With several label counts it is a number of times as many labels (`worth`), with one a difference in points, paired by seed.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

import numpy as np

from halfseen.report.results import Results, ScoreRow
from halfseen.report.words import CONTROLS, amount, arm_name, figure, in_order, listed, times
from halfseen.report.worth import DRAWS, LEVEL, Values, Worth, measure

SCRATCH = "scratch"
NOTHING = "nothing that could be measured here"
Outcome = Literal["gain", "nothing", "cost", "unknown"]
PERCENT = f"{100 * LEVEL:.0f} %"


@dataclass(frozen=True, kw_only=True)
class Point:
    """One arm at one label count: the mean over seeds, and its standard error, that of the score's row."""

    labels: int
    mean: float
    stderr: float
    seeds: int


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How much better one arm is than another; with one seed, the standard error is over test items."""

    mean: float
    stderr: float
    low: float
    high: float
    seeds: int

    @property
    def outcome(self) -> Outcome:
        return "gain" if self.low > 0 else "cost" if self.high < 0 else "nothing"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one arm's pre-training was worth on one task."""

    task: str
    arm: str
    sentence: str
    key: str
    """The part of the sentence that says it all."""
    beside: str = ""
    """A second sentence: against the plain baseline."""
    outcome: Outcome = "unknown"
    ratio: float | None = None
    """Times as many labels; None where only a difference could be measured."""
    low: float | None = None
    """The interval of the ratio; 0 when it is open below, None with a single seed."""
    high: float | None = None
    """Infinite when it is open above."""
    bound: Literal["", "at least", "at most"] = ""
    difference: Difference | None = None
    """In the metric, at the largest label count that both arms have."""
    level: float = LEVEL


def tasks_of(results: Results) -> list[str]:
    return list(dict.fromkeys([fit.task for fit in results.fits] + [row.task for row in results.scores]))


def arms_of(results: Results, task: str) -> list[str]:
    return in_order(fit.arm for fit in results.fits if fit.task == task)


def metric_of(results: Results, task: str) -> ScoreRow | None:
    """Any row of the metric that the task is judged by."""
    return next((row for row in results.scores if row.task == task and row.main), None)


def values_of(results: Results, task: str, arm: str) -> Values:
    found: Values = defaultdict(dict)
    for fit in results.fits:
        if (fit.task, fit.arm) == (task, arm):
            found[fit.labels][fit.seed] = fit.value
    return dict(sorted(found.items()))


def curves(results: Results, task: str) -> dict[str, list[Point]]:
    """The label-efficiency curve of each arm."""
    rows = {(row.arm, row.labels): row.stderr for row in results.scores if row.task == task and row.main}
    found: dict[str, list[Point]] = {}
    for arm in arms_of(results, task):
        points = []
        for labels, by_seed in values_of(results, task, arm).items():
            values = list(by_seed.values())
            points.append(Point(labels=labels, mean=float(np.mean(values)), stderr=rows[arm, labels], seeds=len(values)))
        found[arm] = points
    return found


def standard_error(values: list[float]) -> float:
    return float(np.std(values, ddof=1) / math.sqrt(len(values)))


def verdict(results: Results, task: str, *, arm: str | None = None, subject: str = "Pre-training", draws: int = DRAWS) -> Verdict:
    """What `arm` (by default the first model) was worth beside random weights. `subject` begins the sentence."""
    row = metric_of(results, task)
    arms = arms_of(results, task)
    arm = arm or next((a for a in arms if a not in CONTROLS), "pretrained")
    if row is None or arm not in arms:
        return Verdict(task=task, arm=arm, sentence=f"{subject} was not measured on {task}.", key="not measured")
    ours, theirs = values_of(results, task, arm), values_of(results, task, SCRATCH)
    if not theirs:
        last = curves(results, task)[arm][-1]
        reached = f"{amount(last.mean, last.stderr, row)} with {last.labels:,} labels"
        sentence = f"{subject} was not compared with anything: {reached}, and no controls."
        return Verdict(task=task, arm=arm, sentence=sentence, key="not compared", beside="Controls come with `--controls`.")

    beside = against(results, task, arm, "baseline", row)
    gained = next((d for n in sorted(ours, reverse=True) if (d := difference(results, row, arm, SCRATCH, n)) is not None), None)
    worth = None
    if len(ours) > 1 and len(theirs) > 1:
        worth = measure(ours, theirs, row.higher_is_better, f"{task}/{arm}", draws)
    if worth is not None:
        outcome, sentence, key = say_ratio(worth, subject, ours, theirs)
        return Verdict(
            task=task, arm=arm, sentence=sentence, key=key, beside=beside, outcome=outcome,
            ratio=worth.ratio, low=worth.low, high=worth.high, bound=worth.bound, difference=gained,
        )  # fmt: skip
    if gained is None:
        sentence = f"{subject} cannot be judged: {arm_name(arm)} and {arm_name(SCRATCH)} have no number of labels in common."
        return Verdict(task=task, arm=arm, sentence=sentence, key="cannot be judged", beside=beside)
    labels = max(set(ours) & set(theirs))
    sentence, key = say_difference(gained, subject, f"with {labels:,} labels", row)
    return Verdict(task=task, arm=arm, sentence=sentence, key=key, beside=beside, outcome=gained.outcome, difference=gained)


def overall(results: Results, *, arm: str | None = None, subject: str = "Pre-training") -> Verdict | None:
    """A suite's verdict: the mean over tasks of the difference in points; None unless two tasks at least can be compared."""
    found: list[Difference] = []
    row = None
    for task in tasks_of(results):
        one = verdict(results, task, arm=arm, draws=2)
        metric = metric_of(results, task)
        if one.difference is not None and metric is not None and not metric.unit and metric.higher_is_better:
            arm, row = one.arm, metric
            found.append(one.difference)
    if len(found) < 2 or row is None or arm is None:
        return None
    mean = float(np.mean([d.mean for d in found]))
    stderr = math.hypot(*(d.stderr for d in found)) / len(found)
    half = student(1 + sum(d.seeds - 1 for d in found)) * stderr
    mixed = Difference(mean=mean, stderr=stderr, low=mean - half, high=mean + half, seeds=min(d.seeds for d in found))
    sentence, key = say_difference(mixed, subject, f"on average over {len(found)} tasks", None)
    return Verdict(task="", arm=arm, sentence=sentence, key=key, outcome=mixed.outcome, difference=mixed)


# Differences at one label count


def student(seeds: int) -> float:
    """How many standard errors reach to either end of the interval; with one seed the error is over many test items."""
    from scipy.stats import norm, t

    upper = 0.5 + LEVEL / 2
    return float(t.ppf(upper, seeds - 1) if seeds > 1 else norm.ppf(upper))


def difference(results: Results, row: ScoreRow, arm: str, other: str, labels: int) -> Difference | None:
    """`arm` minus `other` at one label count, turned so that more is better; paired by seed where at least two are shared."""
    ours, theirs = (values_of(results, row.task, a).get(labels) for a in (arm, other))
    if not ours or not theirs:
        return None
    sign = 1.0 if row.higher_is_better else -1.0
    shared = sorted(ours.keys() & theirs.keys())
    if len(shared) > 1:
        gaps = [sign * (ours[seed] - theirs[seed]) for seed in shared]
        mean, stderr, seeds = float(np.mean(gaps)), standard_error(gaps), len(shared)
    else:
        at = {a: point for a in (arm, other) for point in curves(results, row.task)[a] if point.labels == labels}
        mean = sign * (at[arm].mean - at[other].mean)
        stderr, seeds = math.hypot(at[arm].stderr, at[other].stderr), min(p.seeds for p in at.values())
    half = student(seeds) * stderr
    return Difference(mean=mean, stderr=stderr, low=mean - half, high=mean + half, seeds=seeds)


def against(results: Results, task: str, arm: str, other: str, row: ScoreRow) -> str:
    """Where the arm is ahead of another or behind, and whether beyond chance: one sentence over all label counts, or ''."""
    parts = []
    for labels in values_of(results, task, arm):
        found = difference(results, row, arm, other, labels)
        if found is not None:
            words = "ahead by" if found.mean > 0 else "behind by"
            by = f"{figure(abs(found.mean), row.unit)} ± {figure(found.stderr, row.unit)} {row.unit or 'points'}"
            doubt = ", which may be chance," if found.outcome == "nothing" else ""
            parts.append(f"{words} {by}{doubt} with {labels:,} labels")
    return f"Beside the {arm_name(other)} it is {listed(parts)}." if parts else ""


def say_difference(found: Difference, subject: str, where: str, row: ScoreRow | None) -> tuple[str, str]:
    mean = found.mean if found.outcome == "nothing" else abs(found.mean)
    by = amount(mean, found.stderr, row) if row else f"{figure(mean, '')} ± {figure(found.stderr, '')} points"
    unit = row.unit if row else ""
    honesty = f"{PERCENT} interval {figure(found.low, unit)} to {figure(found.high, unit)}, {found.seeds} seeds"
    if found.seeds == 1:
        honesty = "one seed; the standard error is over test items"
    if found.outcome == "gain":
        return f"{subject} was worth {by} over random weights {where} ({honesty}).", by
    if found.outcome == "cost":
        return f"{subject} cost {by} against random weights {where} ({honesty}).", f"cost {by}"
    return f"{subject} was worth {NOTHING} {where}: {by} ({honesty}).", NOTHING


def say_ratio(worth: Worth, subject: str, ours: Values, theirs: Values) -> tuple[Outcome, str, str]:
    """The outcome, the sentence, and its key."""
    if worth.low is None or worth.high is None:
        interval, low, high = "one seed, so no interval", worth.ratio, worth.ratio
    else:
        interval, low, high = f"{PERCENT} interval {span(worth.low, worth.high)}", worth.low, worth.high
    words = f"{worth.bound} {times(worth.ratio)}".strip()
    if high < 1:
        return "cost", f"{subject} cost labels here: one label with it did the work of {words} without it ({interval}).", "cost labels"
    if low <= 1:
        what = " times as many labels" if interval[-1].isdigit() else ""
        return "nothing", f"{subject} was worth {NOTHING} ({interval}{what}).", NOTHING
    key = f"{words} times as many labels"
    why = f", as {min(ours):,} with it did better than {max(theirs):,} without" if worth.bound == "at least" else ""
    return "gain", f"{subject} was worth {key}{why} ({interval}).", key


def span(low: float, high: float) -> str:
    if math.isinf(high):
        return f"{times(low)} or more" if low > 0 else "without bounds"
    return f"{times(low)} to {times(high)}" if low > 0 else f"at most {times(high)}"
