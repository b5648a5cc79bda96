"""Metrics against hand-counted values, reference libraries and brute force."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from seqeval.metrics import f1_score as entities_f1
from sklearn import metrics as reference

from halfseen.contracts import Score
from halfseen.tasks.metrics import METRICS, normal_words

DRAW = np.random.default_rng(3)


def labels(n: int, classes: int, agree: float) -> tuple[list[str], list[str]]:
    truth = DRAW.integers(0, classes, n)
    other = DRAW.integers(0, classes, n)
    return [str(t) for t in truth], [str(t if hit else o) for t, o, hit in zip(truth, other, DRAW.random(n) < agree, strict=True)]


def one(name: str, truth: list[object], prediction: list[object]) -> Score:
    (score,) = METRICS[name](truth, prediction)
    assert score.name == name
    assert math.isfinite(score.value)
    assert math.isfinite(score.stderr)
    return score


def test_accuracy_has_the_binomial_error() -> None:
    score = one("accuracy", list("aabb"), list("aaab"))
    assert (score.value, score.n, score.stderr) == (0.75, 4, pytest.approx(math.sqrt(0.75 * 0.25 / 4)))


def test_tag_accuracy_counts_words_but_errs_over_sentences() -> None:
    score = one("tag_accuracy", [("N", "V"), ("N",), ("N", "N", "V")], [("N", "N"), ("N",), ("N", "N", "V")])
    assert (score.value, score.n) == (pytest.approx(5 / 6), 6)
    alike = [("N",) * 50, ("V",) * 50] * 20
    assert one("tag_accuracy", alike, [("N",) * 50] * 40).stderr == pytest.approx(0.5 / math.sqrt(39))  # not / sqrt(2000)


@pytest.mark.parametrize(
    ("name", "classes", "standard"),
    [
        ("f1", 2, lambda t, p: reference.f1_score(t, p, pos_label="1")),
        ("mcc", 2, reference.matthews_corrcoef),
        ("mcc", 4, reference.matthews_corrcoef),
    ],
)
def test_errors_of_ratios_are_those_of_a_plain_bootstrap(name: str, classes: int, standard: Callable[..., float]) -> None:
    truth, prediction = labels(300, classes, 0.5)
    score = one(name, truth, prediction)
    assert score.value == pytest.approx(standard(truth, prediction))
    t, p = np.array(truth), np.array(prediction)
    slow = [standard(t[i], p[i]) for i in (DRAW.integers(0, 300, 300) for _ in range(300))]
    assert score.stderr == pytest.approx(np.std(slow), rel=0.25)
    assert one(name, truth, prediction) == score


@pytest.mark.parametrize(("name", "standard"), [("pearson", stats.pearsonr), ("spearman", stats.spearmanr)])
def test_correlations(name: str, standard: Callable[..., tuple[float, float]]) -> None:
    truth = DRAW.normal(size=400)
    prediction = truth + DRAW.normal(size=400)
    score = one(name, list(truth), list(prediction))
    assert score.value == pytest.approx(standard(truth, prediction)[0])
    slow = [standard(truth[i], prediction[i])[0] for i in (DRAW.integers(0, 400, 400) for _ in range(300))]
    assert score.stderr == pytest.approx(np.std(slow), rel=0.25)


@pytest.mark.filterwarnings("error")
def test_constant_predictions_are_worth_nothing_and_are_not_nan() -> None:
    numbers = [1.0, 2.0, 4.0]
    for name in ("pearson", "spearman"):
        assert one(name, numbers, [3.3] * 3).value == 0.0
        assert one(name, [2.0] * 3, numbers).value == 0.0
        assert one(name, [1.0], [2.0]).value == 0.0
    assert one("mcc", list("0101"), list("1111")).value == 0.0
    assert one("f1", list("0101"), list("0000")).value == 0.0
    assert one("f1", list("0000"), list("0000")).value == 0.0
    assert one("entity_f1", [("O", "O")], [("O", "O")]).value == 0.0
    assert one("entity_f1", [("B-X", "O")], [("O", "O")]).value == 0.0


def test_f1_is_that_of_the_class_1() -> None:
    assert one("f1", list("1110"), list("1100")).value == pytest.approx(0.8)
    assert one("f1", list("0001"), list("0011")).value == pytest.approx(2 / 3)


def test_entities_count_whole() -> None:
    truth = [("B-PER", "I-PER", "O", "B-LOC"), ("O", "B-ORG", "I-ORG")]
    said = [("B-PER", "O", "O", "B-LOC"), ("O", "B-ORG", "I-ORG")]
    score = one("entity_f1", truth, said)
    assert (score.value, score.n) == (pytest.approx(2 / 3), 3)
    assert score.value == pytest.approx(entities_f1([list(t) for t in truth], [list(t) for t in said]))
    assert score.stderr > 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The  Cat's  a hat, an (apple)!", ["cats", "hat", "apple"]),
        ("theme another", ["theme", "another"]),
        ("“Quoted”", ["“quoted”"]),  # the official script drops ASCII punctuation alone
        ("光荣和ω-force，2010年", ["光", "荣", "和", "ωforce2010", "年"]),
    ],
)
def test_normalisation(text: str, words: list[str]) -> None:
    assert normal_words(text) == words


def test_answers_are_scored_against_the_best_of_the_true_ones() -> None:
    truth = [("the cat", "a black cat"), ("1998",), ("北京大学",)]
    said = ["Black cat.", "1999", "北京"]
    assert one("exact_match", truth, said).value == pytest.approx(1 / 3)
    f1 = one("span_f1", truth, said)
    values = [1.0, 0.0, 2 * 2 / 6]
    assert f1.value == pytest.approx(np.mean(values))
    assert f1.stderr == pytest.approx(np.std(values, ddof=1) / math.sqrt(3))
    assert one("span_f1", [("cat",)], [""]).value == 0.0
    assert one("span_f1", [("cat cat dog",)], ["cat cat cat"]).value == pytest.approx(2 / 3)


def test_lengths_must_agree() -> None:
    for name, metric in METRICS.items():
        numbers = name in ("pearson", "spearman")
        with pytest.raises(ValueError):  # noqa: PT011 - each library says it in its own words
            metric([1.0, 2.0] if numbers else ["1", "0"], [1.0, 2.0, 3.0] if numbers else ["1", "0", "1"])
