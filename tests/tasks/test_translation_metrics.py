"""BLEU, chrF and ROUGE are those of the packages; what stands beside them is a standard error."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from halfseen.contracts import UserError
from halfseen.tasks.metrics import METRICS

sacrebleu = pytest.importorskip("sacrebleu")
rouge_scorer = pytest.importorskip("rouge_score.rouge_scorer")

TRUTH = ["the cat sat on the mat .", "a dog runs over the green grass", "two men are talking in a kitchen", "it rains ."] * 5
SAID = ["the cat sat on a mat .", "a dog is running on the grass", "two men talk in the kitchen", "it is raining ."] * 5


def test_they_are_the_packages() -> None:
    (bleu,) = METRICS["bleu"](TRUTH, SAID)
    (chrf,) = METRICS["chrf"](TRUTH, SAID)
    assert bleu.value == pytest.approx(sacrebleu.corpus_bleu(SAID, [TRUTH]).score)
    assert chrf.value == pytest.approx(sacrebleu.corpus_chrf(SAID, [TRUTH]).score)
    assert (bleu.n, bleu.unit, chrf.unit) == (20, "points", "points")
    long, one, two = METRICS["rouge"](TRUTH, SAID)
    judge = rouge_scorer.RougeScorer(["rougeL", "rouge1", "rouge2"])
    for score in (long, one, two):
        expected = [100 * judge.score(t, p)[score.name].fmeasure for t, p in zip(TRUTH, SAID, strict=True)]
        assert score.value == pytest.approx(np.mean(expected))
        assert score.stderr == pytest.approx(np.std(expected, ddof=1) / 20**0.5)


def test_bleus_error_is_that_of_the_packages_own_bootstrap() -> None:
    (bleu,) = METRICS["bleu"](TRUTH, SAID)
    theirs = sacrebleu.BLEU().corpus_score(SAID, [TRUTH], n_bootstrap=1000)
    assert bleu.stderr == pytest.approx(theirs._ci / 1.96, rel=0.2)
    assert METRICS["bleu"](TRUTH, SAID) == [bleu], "the same answers always have the same score"


def test_chinese_is_judged_by_its_characters() -> None:
    truth, said = ["今天天气很好,我们去公园散步"], ["今天天气不好,我们去公园散步"]
    (bleu,) = METRICS["bleu"](truth, said)
    assert bleu.value == pytest.approx(sacrebleu.corpus_bleu(said, [truth], tokenize="zh").score)
    assert bleu.value > 50
    assert METRICS["rouge"](truth, said)[1].value == pytest.approx(100 * 12 / 13)


def test_nothing_written_scores_nothing() -> None:
    for name in ("bleu", "chrf", "rouge"):
        assert METRICS[name](["a b c d"], [""])[0].value == 0
        assert METRICS[name](["a b c d"], ["a b c d"])[0].value == pytest.approx(100)


def test_without_the_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("sacrebleu", "rouge_score.rouge_scorer"):
        monkeypatch.setitem(sys.modules, module, None)
    for name, package in (("bleu", "sacrebleu"), ("rouge", "rouge-score")):
        with pytest.raises(UserError, match=rf"--metric: the package {package} is not installed; pip install 'halfseen\[seq2seq\]'"):
            METRICS[name](TRUTH, SAID)
