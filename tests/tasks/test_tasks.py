"""Each kind of task learns what can be learnt, reads the states that it should, and comes back from disk the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from halfseen.contracts import Sample, Score
from halfseen.data.labels import Answer, Kind, Labelled
from halfseen.data.tokens import Tokens
from halfseen.tasks import fit as fitting
from halfseen.tasks.compare import subset
from halfseen.tasks.fit import choose_learning_rate, copy_of, fit, make
from halfseen.tasks.saved import load_task, save_task
from halfseen.tasks.tag import join_words, word_states
from tests.tiny import SHAPE, net, tokenizer

GOOD, BAD = "the warm film moves", "a dull mess"


def labelled(kind: Kind) -> Labelled:
    samples = []
    for i in range(16):
        good = i % 2 == 0
        text = f"{(BAD, GOOD)[good]} {i}"
        x: Any = text
        meta: dict[str, Any] = {"label": ("bad", "good")[good]}
        if kind == "pair":
            x, meta = (text, f"{GOOD} {i}"), {"label": ("other", "same")[good]}
        elif kind == "regress":
            meta = {"label": 4.0 if good else 1.0}
        elif kind == "tag":
            x = tuple(text.split())
            meta = {"tags": tuple("N" if word in ("film", "mess") else "O" for word in x)}
        elif kind == "span":
            passage = f"{'a dull mess ' * (i % 3)}the film of {1950 + i} moves us"
            answer = str(1950 + i)
            x = ("who wrote ?", passage)
            meta = {"answers": (Answer(passage.index(answer), answer),), "question_id": str(i)}
        samples.append(Sample(str(i), x, meta))
    names = {str(tag) for sample in samples for tag in sample.meta.get("tags", [sample.meta.get("label")])}
    return Labelled(kind, tuple(samples), tuple(sorted(names)) if kind in ("classify", "pair", "tag") else (), "made up")


def trained(kind: Kind, epochs: int = 12) -> tuple[Any, Labelled]:
    data, words = labelled(kind), tokenizer()
    method = make(kind, copy_of(net(len(words.table)))(0), words, data, data.samples, "parts")
    fit(method, data.samples, learning_rate=3e-3, seed=0, epochs=epochs)
    return method, data


@pytest.mark.parametrize("kind", ["classify", "pair", "tag", "span", "regress"])
def test_learns_and_comes_back_from_disk(kind: Kind, tmp_path: Path) -> None:
    method, data = trained(kind, epochs=40 if kind in ("span", "regress") else 12)
    said, truth = method.predict(data.samples), method.truth(data.samples)
    if kind == "regress":
        assert max(abs(a - b) for a, b in zip(said, truth, strict=True)) < 0.5
    elif kind == "span":
        assert np.mean([a in b for a, b in zip(said, truth, strict=True)]) > 0.7
    else:
        assert said == truth
    save_task(tmp_path / "model", kind, method)
    found, back = load_task(tmp_path)
    assert found == kind
    again = back.predict(data.samples)
    assert again == (pytest.approx(said, abs=1e-5) if kind == "regress" else said)


def test_tags_of_a_sentence_longer_than_the_net_takes() -> None:
    method, data = trained("tag")
    words = data.samples[0].x * 40
    assert len(words) > SHAPE.max_length
    (said,) = method.predict([Sample("long", words, {})])
    assert len(said) == len(words)
    assert np.mean([tag == ("N" if word == "film" else "O") for tag, word in zip(said, words, strict=True)]) > 0.9


def test_answers_stand_in_passages_longer_than_the_net_takes() -> None:
    method, _ = trained("span", epochs=40)
    passage = "a dull mess . " * 40 + "the film of 1957 moves us"
    (said,) = method.predict([Sample("long", ("who wrote ?", passage), {"question_id": "0"})])
    assert said in passage
    assert said


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_a_word_is_its_first_and_last_piece(words: list[int], seed: int) -> None:
    """words: how many pieces each word has; two sentences of them."""
    length = sum(words) + 2
    seen = Tokens.of(np.zeros(2 * length, np.int64), np.array([length, length]))
    states = torch.from_numpy(np.random.default_rng(seed).normal(size=(2 * length, 3)))
    first = np.concatenate([begin + 1 + np.cumsum([0, *words[:-1]]) for begin in (0, length)])
    expected = [torch.cat([states[a], states[a + n - 1]]) for a, n in zip(first, words * 2, strict=True)]
    assert torch.equal(word_states(states, torch.from_numpy(first), seen), torch.stack(expected))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("It", "'s", "good", ",", "really", "(", "so", ")", "."), "It's good, really (so)."),
        (("我", "喜欢", "电影", "。"), "我喜欢电影。"),
    ],
)
def test_words_become_running_text(words: tuple[str, ...], text: str) -> None:
    joined, begins = join_words(words)
    assert joined == text
    assert [joined[b : b + len(w)] for b, w in zip(begins, words, strict=True)] == list(words)


def test_a_subset_keeps_the_classes_shares_and_changes_with_the_seed() -> None:
    samples = tuple(Sample(str(i), "x", {"label": "rare" if i < 10 else "common"}) for i in range(100))
    data = Labelled("classify", samples, ("common", "rare"), "made up")
    chosen = [subset(data, 20, seed) for seed in (0, 0, 1)]
    assert [sum(s.meta["label"] == "rare" for s in part) for part in chosen] == [2, 2, 2]
    assert chosen[0] == chosen[1] != chosen[2]
    assert len({s.id for s in chosen[0]}) == 20
    assert {s.meta["label"] for s in subset(data, 3, 0)} == {"common", "rare"}


def test_the_learning_rate_is_chosen_on_held_out_training_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    data, words = labelled("classify"), tokenizer()
    learnt: list[set[str]] = []
    judged: list[set[str]] = []
    monkeypatch.setattr(fitting, "fit", lambda method, samples, **_: learnt.append({s.id for s in samples}))
    monkeypatch.setattr(
        fitting.Classify, "predict", lambda self, samples, **_: judged.append({s.id for s in samples}) or ["good"] * len(samples)
    )
    begin = copy_of(net(len(words.table)))
    rate = choose_learning_rate((1e-4, 1e-3), begin, "classify", words, data, data.samples, "parts", ("accuracy",))
    assert rate in (1e-4, 1e-3)
    assert len(learnt) == len(judged) == 2
    assert all(not a & b and a | b == {s.id for s in data.samples} for a, b in zip(learnt, judged, strict=True))
    assert choose_learning_rate((0.5,), begin, "classify", words, data, data.samples, "parts", ("accuracy",)) == 0.5
    assert len(learnt) == 2


def test_many_labels_are_learnt_in_larger_batches() -> None:
    words = tokenizer()
    method = make("classify", net(len(words.table)), words, labelled("classify"), labelled("classify").samples, "mean")
    assert [method.batch_for(count) for count in (16, 9_999, 10_000)] == [16, 16, 32]


def test_a_rate_that_is_better_by_chance_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lowest rate scores best; it counts only beyond a standard error."""
    data, words = labelled("classify"), tokenizer()
    begin = copy_of(net(len(words.table)))
    monkeypatch.setattr(fitting, "fit", lambda method, samples, **_: None)
    for lead, expected in ((0.1, 2.0), (0.3, 1.0)):
        scores = iter([Score("accuracy", 0.5 + lead, 9, 0.2), Score("accuracy", 0.5, 9, 0.2), Score("accuracy", 0.4, 9, 0.2)])
        monkeypatch.setattr(fitting, "judge", lambda *_, scores=scores: [next(scores)])
        assert choose_learning_rate((1.0, 2.0, 3.0), begin, "classify", words, data, data.samples, "parts", ("accuracy",)) == expected
