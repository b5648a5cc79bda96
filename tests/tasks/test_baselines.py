"""Baselines: honest, strong enough to be a control, deterministic, quick."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from halfseen.contracts import Sample
from halfseen.data.labels import Answer, read_labelled
from halfseen.tasks.baselines import STRENGTHS, fit_baseline, own_features, shape
from halfseen.tasks.metrics import METRICS

DATA = os.environ.get("HALFSEEN_DATA")
needs_data = pytest.mark.skipif(DATA is None, reason="HALFSEEN_DATA is not set")

GOOD, BAD, PLAIN = (
    ("fine", "lovely", "great", "moving"),
    ("dull", "awful", "weak", "boring"),
    ("film", "plot", "cast", "song", "scene", "end"),
)


def reviews(count: int, seed: int, *, chinese: bool = False) -> list[Sample]:
    draw = np.random.default_rng(seed)
    good, bad, plain = (("好", "美", "喜欢"), ("差", "脏", "失望"), ("房", "店", "床", "人")) if chinese else (GOOD, BAD, PLAIN)
    found = []
    for i in range(count):
        label = ("bad", "good")[i % 2]
        words = [str(w) for w in draw.choice(plain, 4)] + [str(draw.choice(good if label == "good" else bad))]
        found.append(Sample(str(i), ("" if chinese else " ").join(draw.permutation(words)), {"label": label}))
    return found


def truth(samples: list[Sample], key: str = "label") -> list[Any]:
    return [sample.meta[key] for sample in samples]


@pytest.mark.parametrize("chinese", [False, True])
def test_classes_are_learnt_from_words_and_characters(chinese: bool) -> None:
    train, dev = reviews(80, 0, chinese=chinese), reviews(100, 1, chinese=chinese)
    said = fit_baseline("classify", train, ("bad", "good")).predict(dev)
    assert METRICS["accuracy"](truth(dev), said)[0].value > 0.95
    assert said == fit_baseline("classify", train, ("bad", "good")).predict(dev)


def test_three_classes_one_of_them_seen_once_and_one_alone() -> None:
    train = [*reviews(40, 0), Sample("x", "zebra zebra", {"label": "odd"})]
    assert fit_baseline("classify", train).predict([Sample("y", "zebra", {}), Sample("z", "awful plot", {})]) == ["odd", "bad"]
    alone = [s for s in train if s.meta["label"] == "good"]
    assert fit_baseline("classify", alone).predict(reviews(4, 2)) == ["good"] * 4


def pairs(count: int, seed: int) -> list[Sample]:
    """Same words or other words: nothing but the overlap tells."""
    draw = np.random.default_rng(seed)
    names = np.array([f"w{i}" for i in range(400)])
    found = []
    for i in range(count):
        first = draw.choice(names, 6, replace=False)
        kept = 5 if i % 2 else 1
        second = np.concatenate([first[:kept], draw.choice(names, 6 - kept)])
        found.append(Sample(str(i), (" ".join(first), " ".join(draw.permutation(second))), {"label": "same" if i % 2 else "other"}))
    return found


def test_pairs_are_told_by_what_they_share() -> None:
    dev = pairs(100, 1)
    assert METRICS["accuracy"](truth(dev), fit_baseline("pair", pairs(100, 0)).predict(dev))[0].value > 0.9


def test_numbers_of_pairs_and_of_single_texts() -> None:
    def scored(samples: list[Sample], high: str) -> list[Sample]:
        return [Sample(s.id, s.x, {"label": 4.0 if s.meta["label"] == high else 1.0}) for s in samples]

    dev = scored(pairs(100, 1), "same")
    assert METRICS["pearson"](truth(dev), fit_baseline("regress", scored(pairs(100, 0), "same")).predict(dev))[0].value > 0.8
    dev = scored(reviews(60, 1), "good")
    said = fit_baseline("regress", scored(reviews(80, 0), "good")).predict(dev)
    assert METRICS["spearman"](truth(dev), said)[0].value > 0.8
    assert all(isinstance(number, float) for number in said)
    flat = [Sample(s.id, s.x, {"label": 2.0}) for s in dev]
    assert fit_baseline("regress", flat).predict(dev[:2]) == [2.0, 2.0]


def tagged(*sentences: str) -> list[Sample]:
    cells = [[token.rsplit("/", 1) for token in sentence.split()] for sentence in sentences]
    return [Sample(str(i), tuple(w for w, _ in row), {"tags": tuple(t for _, t in row)}) for i, row in enumerate(cells)]


TRAIN = tagged(
    "the/D dog/N runs/V",
    "a/D cat/N walks/V",
    "the/D run/N ends/V",
    "dogs/N run/V",
    "cats/N walk/V",
    "the/D walk/N",
    "run/V !/P",
    "walk/V !/P",
)


def test_the_most_frequent_tag_of_each_word() -> None:
    said = fit_baseline("tag", TRAIN, (), "most-frequent").predict(tagged("the/D run/V zebra/X"))
    assert said == [("D", "V", "V")]  # run: V twice, N once; zebra, unknown: V is the commonest of all
    with pytest.raises(ValueError, match="no baseline for span"):
        fit_baseline("span", TRAIN, (), "most-frequent")


def test_the_linear_tagger_reads_affixes_and_neighbours_and_keeps_sentences_apart() -> None:
    tagger = fit_baseline("tag", TRAIN)
    assert tagger.predict(tagged("the/- zebra/- jumps/-", "the/- run/-", "dogs/- run/-")) == [("D", "N", "V"), ("D", "N"), ("N", "V")]
    together = tagger.predict(tagged("walk/- !/-", "the/- run/-"))
    assert together == [tagger.predict(tagged("walk/- !/-"))[0], tagger.predict(tagged("the/- run/-"))[0]]
    assert fit_baseline("tag", tagged("a/X b/X")).predict(tagged("c/- d/-", "e/-")) == [("X", "X"), ("X",)]


def test_word_features() -> None:
    assert (shape("McDonald's"), shape("1998"), shape("BERT-2"), shape("年月日")) == ("XxXxx'x", "00", "XX-0", "字字")
    assert {"suffix ning", "prefix runn", "lower running", "word Running", "shape Xxx"} <= set(own_features("Running"))
    assert "digit" in set(own_features("b2b"))
    assert "character 年" in set(own_features("今年"))


def test_spans_are_looked_for_near_the_words_of_the_question() -> None:
    passage = "Many people came to the old town. The bridge was designed by Telford in spring. It rained all of the day and the night."
    common = ["It was of the day and in the night.", "Many came to the old town.", "He came by the town in rain.", "Was it of the old?"]
    train = [Sample(str(i), ("Who came?", text), {"answers": (Answer(0, text.split()[0]),)}) for i, text in enumerate(common)]
    question = Sample("q", ("By whom was the bridge designed?", passage), {})
    (said,) = fit_baseline("span", train).predict([question])
    assert said in passage[34:79]
    assert len(said.split()) == 1
    assert said.lower() not in {"bridge", "was", "the", "designed", "by"}
    assert fit_baseline("span", train).predict([Sample("e", ("Who?", " ... "), {})]) == ["..."]


@needs_data
def test_the_linear_tagger_is_strong_on_lines() -> None:
    folder = Path(str(DATA)) / "ud" / "UD_English-LinES"
    train = read_labelled(folder / "en_lines-ud-train.conllu.xz", "tag").samples
    dev = list(read_labelled(folder / "en_lines-ud-dev.conllu.xz", "tag").samples)
    chosen = [train[i] for i in np.random.default_rng(0).permutation(len(train))[:200]]
    scores = {
        name: METRICS["tag_accuracy"](truth(dev, "tags"), fit_baseline("tag", chosen, (), name).predict(dev))[0].value
        for name in ("baseline", "most-frequent")
    }
    assert scores["baseline"] > 0.865
    assert 0.77 < scores["most-frequent"] < 0.81


@needs_data
def test_sentiment_and_similarity_on_glue() -> None:
    glue = Path(str(DATA)) / "glue"
    train = read_labelled(glue / "SST-2" / "train.tsv.xz", "classify").samples
    dev = list(read_labelled(glue / "SST-2" / "dev.tsv", "classify").samples)
    chosen = [train[i] for i in np.random.default_rng(0).permutation(len(train))[:512]]
    assert METRICS["accuracy"](truth(dev), fit_baseline("classify", chosen).predict(dev))[0].value > 0.64
    sts = read_labelled(glue / "STS-B" / "train.tsv.xz", "regress").samples
    dev = list(read_labelled(glue / "STS-B" / "dev.tsv.xz", "regress").samples)
    assert METRICS["pearson"](truth(dev), fit_baseline("regress", sts[:500]).predict(dev))[0].value > 0.7


def test_what_a_baseline_chose_is_told() -> None:
    texts = [Sample(str(i), f"{('good', 'bad')[i % 2]} film {i}", {"label": ("p", "n")[i % 2]}) for i in range(20)]
    found = fit_baseline("classify", texts).options
    assert set(found) == {"C", "class_weight"}
    assert found["C"] in STRENGTHS
    words = [Sample(str(i), ("a", "film"), {"tags": ("D", "N")}) for i in range(5)]
    assert fit_baseline("tag", words).options == {"C": 0.1}
    assert fit_baseline("tag", words, name="most-frequent").options == {}
