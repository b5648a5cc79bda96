"""The verdict: closed forms, the coverage of its interval, and its words."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from halfseen.report.efficiency import against, curves, difference, metric_of, overall, verdict
from halfseen.report.results import Fit, Results, ScoreRow
from halfseen.report.worth import isotonic, measure

COUNTS = (32, 128, 512)


def results_of(
    values: dict[str, dict[int, list[float]]], *, name: str = "accuracy", unit: str = "", higher: bool = True, task: str = "classify"
) -> Results:
    """Results with one fit for every value; values: arm to labels to one value a seed."""
    fits, scores = [], []
    for arm, by_labels in values.items():
        for labels, by_seed in by_labels.items():
            fits += [Fit(task=task, arm=arm, labels=labels, seed=s, value=v, losses=(0.7, 0.5), seconds=1.0) for s, v in enumerate(by_seed)]
            scores.append(
                ScoreRow(
                    task=task, arm=arm, name=name, value=float(np.mean(by_seed)), n=500, stderr=0.02,
                    seeds=len(by_seed), labels=labels, unit=unit, higher_is_better=higher,
                )
            )  # fmt: skip
    return Results(
        scores=tuple(scores), fits=tuple(fits), examples=(), seconds=1.0, command="halfseen finetune", models={}, data={}, versions={}
    )


def on_line(f: Callable[[float], float], shift: float = 1.0, wobble: float = 0.0) -> dict[int, list[float]]:
    return {n: [f(n * shift) - wobble, f(n * shift), f(n * shift) + wobble] for n in COUNTS}


def log_line(labels: float) -> float:
    return 0.5 + 0.05 * math.log(labels / 32)


def test_parallel_curves_give_their_shift_exactly() -> None:
    found = verdict(results_of({"pretrained": on_line(log_line, 3.0), "scratch": on_line(log_line)}), "classify")
    assert found.ratio == pytest.approx(3.0, rel=1e-6)
    assert found.low == pytest.approx(3.0, rel=1e-6)
    assert found.high == pytest.approx(3.0, rel=1e-6)
    assert (found.outcome, found.bound) == ("gain", "")
    assert found.sentence == "Pre-training was worth 3.0 times as many labels (90 % interval 3.0 to 3.0)."
    assert found.key in found.sentence


def test_lower_is_better_gives_the_same_ratio() -> None:
    def error(labels: float) -> float:
        return 1 - log_line(labels)

    results = results_of({"pretrained": on_line(error, 3.0), "scratch": on_line(error)}, name="mse", unit="mse", higher=False)
    found = verdict(results, "classify")
    assert found.ratio == pytest.approx(3.0, rel=1e-6)
    assert found.difference is not None
    assert found.difference.mean > 0


def test_the_worth_of_two_counts_is_their_geometric_mean() -> None:
    ours = {10: {0: 1.0}, 100: {0: 2.0}}
    theirs = {10: {0: 0.0}, 20: {0: 1.0}, 800: {0: 2.0}, 1000: {0: 3.0}}  # reached with 2 and with 8 times as many
    found = measure(ours, theirs, True, "key", 10)
    assert found is not None
    assert found.ratio == pytest.approx(4.0)
    assert found.low is None


def test_three_counts_weigh_alike() -> None:
    ours = {10: {0: 1.0}, 100: {0: 2.0}, 1000: {0: 3.0}}  # 2, 2 and 16 times
    theirs = {10: {0: 0.0}, 20: {0: 1.0}, 200: {0: 2.0}, 16000: {0: 3.0}, 20000: {0: 4.0}}
    found = measure(ours, theirs, True, "key", 10)
    assert found is not None
    assert found.ratio == pytest.approx(4.0)


def test_beyond_what_was_measured_it_says_at_least() -> None:
    high = {n: [0.9, 0.91, 0.92] for n in COUNTS}
    found = verdict(results_of({"pretrained": high, "scratch": on_line(log_line, wobble=0.01)}), "classify")
    assert (found.bound, found.high) == ("at least", math.inf)
    assert found.ratio == pytest.approx(16.0)
    assert found.sentence == (
        "Pre-training was worth at least 16 times as many labels, as 32 with it did better than 512 without (90 % interval 16 or more)."
    )


def test_a_bound_counts_where_it_contradicts() -> None:
    """32 labels look like 64, but 128 labels do better than 512 without: at least 4, so more than 2."""
    theirs = {32: {0: 0.5}, 128: {0: 0.7}, 512: {0: 0.9}}
    found = measure({32: {0: 0.6}, 128: {0: 0.95}}, theirs, True, "key", 10)
    assert found is not None
    assert found.ratio == pytest.approx(math.sqrt(2 * 4))


def test_worse_than_random_weights_is_a_cost() -> None:
    found = verdict(results_of({"pretrained": on_line(log_line, 0.5, 0.001), "scratch": on_line(log_line, wobble=0.001)}), "classify")
    assert found.outcome == "cost"
    assert found.ratio == pytest.approx(0.5, rel=1e-6)
    assert found.sentence.startswith("Pre-training cost labels here: one label with it did the work of 0.5 without it (90 % interval 0.")


def test_noise_is_worth_nothing() -> None:
    reversed_noise = {n: values[::-1] for n, values in on_line(log_line, wobble=0.02).items()}
    found = verdict(results_of({"pretrained": on_line(log_line, 1.1, 0.02), "scratch": reversed_noise}), "classify")
    assert found.outcome == "nothing"
    assert found.low is not None
    assert found.high is not None
    assert found.low < 1 < found.high
    assert found.sentence.startswith("Pre-training was worth nothing that could be measured here (90 % interval 0.")


@pytest.mark.parametrize(("seeds", "slope", "worth"), [(3, 0.05, 1.0), (3, 0.0, 1.0), (5, 0.05, 1.0), (3, 0.05, 3.0)])
def test_the_interval_holds_the_truth_nine_times_in_ten(seeds: int, slope: float, worth: float) -> None:
    random, trials, held = np.random.default_rng(0), 200, 0
    for trial in range(trials):

        def arm(shift: float) -> dict[int, dict[int, float]]:
            return {n: {s: slope * math.log(n * shift) + 0.02 * random.standard_normal() for s in range(seeds)} for n in COUNTS}

        found = measure(arm(worth), arm(1.0), True, str(trial), 300)
        held += found is None or (found.low is not None and found.high is not None and found.low <= worth <= found.high)
    assert held / trials >= 0.87  # 0.9 less 1.4 standard errors of the share


def test_the_interval_is_the_same_every_time() -> None:
    results = results_of({"pretrained": on_line(log_line, 3.0, 0.02), "scratch": on_line(log_line, wobble=0.03)})
    assert verdict(results, "classify") == verdict(results, "classify")


def test_one_seed_has_no_interval() -> None:
    results = results_of({"pretrained": {n: [log_line(2 * n)] for n in COUNTS}, "scratch": {n: [log_line(n)] for n in COUNTS}})
    found = verdict(results, "classify")
    assert (found.low, found.high) == (None, None)
    assert found.sentence == "Pre-training was worth 2.0 times as many labels (one seed, so no interval)."
    assert curves(results, "classify")["scratch"][0].stderr == 0.02  # over test items, from the score


def test_one_label_count_gives_a_difference_paired_by_seed() -> None:
    results = results_of({"pretrained": {100: [0.80, 0.70, 0.60]}, "scratch": {100: [0.76, 0.67, 0.58]}})
    found = verdict(results, "classify")
    assert found.ratio is None
    assert found.difference is not None
    assert found.difference.mean == pytest.approx(0.03)
    assert found.difference.stderr == pytest.approx(0.01 / math.sqrt(3))
    assert found.sentence == (
        "Pre-training was worth 3.0 ± 0.6 points of accuracy over random weights with 100 labels (90 % interval 1.3 to 4.7, 3 seeds)."
    )


def test_without_controls_it_claims_nothing() -> None:
    found = verdict(results_of({"pretrained": on_line(log_line)}), "classify")
    assert found.outcome == "unknown"
    assert "was not compared with anything" in found.sentence
    assert "--controls" in found.beside


def test_the_plain_baseline_is_a_second_sentence() -> None:
    results = results_of(
        {
            "pretrained": {32: [0.70, 0.71, 0.72], 128: [0.75, 0.74, 0.76], 512: [0.80, 0.81, 0.82]},
            "scratch": {32: [0.5, 0.5, 0.5], 128: [0.6, 0.6, 0.6]},
            "baseline": {32: [0.60, 0.61, 0.62], 128: [0.74, 0.76, 0.75], 512: [0.85, 0.86, 0.87]},
        }
    )
    row = metric_of(results, "classify")
    assert row is not None
    assert against(results, "classify", "pretrained", "baseline", row) == (
        "Beside the plain baseline it is ahead by 10.0 ± 0.0 points with 32 labels, behind by 0.0 ± 1.0 points, which may be "
        "chance, with 128 labels and behind by 5.0 ± 0.0 points with 512 labels."
    )
    assert difference(results, row, "pretrained", "scratch", 512) is None


def test_a_suite_is_judged_by_the_mean_over_its_tasks() -> None:
    low = [0.6, 0.7, 0.8]
    one, two = (
        results_of({"pretrained": {9: [value + gain for value in low]}, "scratch": {9: low}}, task=task)
        for task, gain in (("a", 0.02), ("b", 0.06))
    )
    both = replace(one, scores=one.scores + two.scores, fits=one.fits + two.fits)
    found = overall(both)
    assert found is not None
    assert found.sentence == (
        "Pre-training was worth 4.0 ± 0.0 points over random weights on average over 2 tasks (90 % interval 4.0 to 4.0, 3 seeds)."
    )
    assert overall(one) is None


def test_isotonic_is_that_of_scipy() -> None:
    from scipy.optimize import isotonic_regression

    y_KB = np.random.default_rng(1).standard_normal((6, 20))
    expected = np.stack([isotonic_regression(y).x for y in y_KB.T], axis=1)
    np.testing.assert_allclose(isotonic(y_KB), expected, atol=1e-12)
