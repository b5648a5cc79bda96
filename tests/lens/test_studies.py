"""The studies' prompts are what they claim, their controls are exact, and the verb leaves what it should."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import halfseen
from halfseen import cli
from halfseen.contracts import Draw, Method, Sample, Split, UserError
from halfseen.data.draw import KeyedDraw
from halfseen.data.tokens import Tokens
from halfseen.lens import copy, dictionary, regression
from halfseen.lens.show import STUDIES
from halfseen.lens.study import BEST, SCRATCH, Study, measuring
from halfseen.report.words import metric_name
from halfseen.train.loop import Loop

STUDY = [*STUDIES.values()]


def samples(count: int = 6) -> list[Sample]:
    return [Sample(str(i), None) for i in range(count)]


def drawn(seed: int, chosen: list[Sample]) -> tuple[list[Sample], KeyedDraw]:
    return chosen, KeyedDraw(seed, 0, chosen)


def test_the_command_line_knows_every_study() -> None:
    assert set(cli.STUDIES) == set(STUDIES)


@given(st.integers(0, 10**6))
def test_a_text_of_different_symbols_begins_again(seed: int) -> None:
    symbols_ST, period_S = copy.texts(*drawn(seed, samples()))
    assert symbols_ST.shape == (6, copy.LENGTH)
    for text, period in zip(symbols_ST, period_S, strict=True):
        assert copy.SHORTEST <= period <= copy.LONGEST
        assert len(set(text[:period])) == period
        assert (text[period:] == text[:-period]).all()


def test_all_lengths_of_texts_occur() -> None:
    _, period_S = copy.texts(*measuring(2000))
    assert set(period_S) == set(range(copy.SHORTEST, copy.LONGEST + 1))


@given(st.integers(0, 10**6))
def test_a_dictionary_is_one_to_one_and_new_in_every_prompt(seed: int) -> None:
    source_SP, target_SP = dictionary.pairs(*drawn(seed, samples()))
    books = [dict(zip(s.tolist(), t.tolist(), strict=True)) for s, t in zip(source_SP, target_SP, strict=True)]
    for book, s, t in zip(books, source_SP, target_SP, strict=True):
        assert [book[word] for word in s.tolist()] == t.tolist(), "a word is always translated the same"
        assert len(set(book.values())) == len(book) <= dictionary.KNOWN
    assert len({tuple(sorted(book.items())) for book in books}) == len(books)


def test_dictionaries_have_all_their_words() -> None:
    source_SP, _ = dictionary.pairs(*measuring(400))
    counts = [len(set(words)) for words in source_SP.tolist()]
    assert max(counts) == dictionary.KNOWN
    expected = dictionary.KNOWN * (1 - (1 - 1 / dictionary.KNOWN) ** dictionary.PAIRS)
    assert np.mean(counts) == pytest.approx(expected, abs=0.2)


def test_what_is_measured_asks_for_translations_alone() -> None:
    study = dictionary.Dictionary()
    split = study.asked(*measuring(5))
    assert int(split.target.min()) >= dictionary.WORDS, "words of the second language"
    assert int(split.seen.ids[split.scored].max()) < dictionary.WORDS, "behind words of the first"


@pytest.mark.parametrize("shots", [0, 1, 2, 3])
def test_the_best_possible_accuracy_is_that_of_all_examples_counted(shots: int) -> None:
    total = 0.0
    for draws in product(range(dictionary.KNOWN), repeat=shots):
        known = len(set(draws))
        total += known / dictionary.KNOWN + (1 - known / dictionary.KNOWN) / (dictionary.WORDS - known)
    assert dictionary.best_possible(shots) == pytest.approx(total / dictionary.KNOWN**shots)


def test_least_squares_is_numpys() -> None:
    x_SPF, y_SP = regression.problems(*measuring(8))
    for shots in (0, 1, 3, 5, 9):
        found = regression.least_squares(x_SPF, y_SP, shots)
        for i in range(8):
            w = np.linalg.lstsq(x_SPF[i, :shots], y_SP[i, :shots], rcond=None)[0] if shots else np.zeros(regression.FEATURES)
            assert found[i] == pytest.approx(float(x_SPF[i, shots] @ w), abs=1e-8)


def test_every_y_is_the_same_linear_function_of_its_x() -> None:
    x_SPF, y_SP = regression.problems(*measuring(2000))
    assert np.var(y_SP) == pytest.approx(1.0, rel=0.1)
    residual = [np.linalg.lstsq(x, y, rcond=None)[1] for x, y in zip(x_SPF[:20], y_SP[:20], strict=True)]
    assert max(float(r[0]) for r in residual) < 1e-20
    split = regression.NewWeights()(*drawn(3, samples()))
    features, length = regression.FEATURES, 2 * regression.PAIRS - 1
    rows_SNX = split.seen.rows.view(6, length, regression.ROW)
    said_SP = rows_SNX[:, 1::2, features]
    torch.testing.assert_close(said_SP, split.target.view(6, -1)[:, :-1], msg="each y but the last is told after it was asked")
    assert float(rows_SNX[:, 0::2, features].abs().max()) == 0, "no x tells its y"
    asked = split.seen.rows[split.scored]
    assert (asked[:, :features].abs().sum(-1) > 0).all(), "what is scored is an x"
    assert rows_SNX[:, 0::2, features + 1 :].flatten(0, 1).unique(dim=0).tolist() == [[1.0, 0.0]]
    assert rows_SNX[:, 1::2, features + 1 :].flatten(0, 1).unique(dim=0).tolist() == [[0.0, 1.0]], "each says whether it is an x or a y"


def test_an_error_where_the_function_is_known_weighs_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the inverse of what least squares leaves: 1 at first, 1 / 5 after four examples, SURE from five on; the mean weight is 1."""
    study = regression.Regression()
    method, split = study.fresh("trained", 0), study.prompts(*drawn(1, samples()))

    def loss_when_off_by(off_P: torch.Tensor) -> torch.Tensor:
        monkeypatch.setattr(method, "predict", lambda split: split.target + off_P.repeat(6))
        found = method(split)
        assert found.weight.tolist() == [regression.PAIRS] * 6
        return found.per_item

    torch.testing.assert_close(loss_when_off_by(torch.ones(regression.PAIRS)), torch.full((6,), float(regression.PAIRS)))
    at = [loss_when_off_by(off) for off in torch.eye(regression.PAIRS)[[0, 4, 5, 15]]]
    for found, left in zip(at, (1.0, 0.2, regression.SURE, regression.SURE), strict=True):
        torch.testing.assert_close(found * left, at[0])


def test_a_row_a_prompt_is_as_good_as_rows_of_many() -> None:
    study = dictionary.Dictionary()
    split, method = study.prompts(*drawn(1, samples(9))), study.fresh("trained", 0).eval()
    assert split.seen.place is None, "no gaps"
    assert split.seen.owner.shape == (9, 2 * dictionary.PAIRS)
    many = replace(split, seen=Tokens.of(split.seen.ids.numpy(), split.seen.lengths.numpy()))
    assert len(many.seen.owner) < 9
    torch.testing.assert_close(method.logits(split), method.logits(many))


@pytest.mark.parametrize("kind", STUDY)
def test_a_prompt_does_not_depend_on_those_around_it(kind: type[Study]) -> None:
    study, chosen = kind(), samples()
    together = study.prompts(chosen, KeyedDraw(5, 2, chosen))
    alone = study.prompts([chosen[3]], KeyedDraw(5, 2, [chosen[3]]))
    torch.testing.assert_close(together.target.view(6, -1)[3], alone.target)
    again = study.prompts(chosen, KeyedDraw(5, 3, chosen))
    assert not torch.equal(together.target, again.target), "every step has new prompts"


@pytest.mark.parametrize("kind", STUDY)
class TestEveryStudy:
    def test_its_net_overfits_one_batch(self, kind: type[Study]) -> None:
        study, chosen = kind(), samples(4)
        method = study.fresh(study.arms[0], 0)
        loop = Loop(method, lambda n: (0, chosen), lambda p: study.prompts, steps=120, optim=study.optim, seed=0, bfloat16=False)
        losses = [loop.step().loss for _ in range(120)]
        assert losses[-1] < 0.2 * losses[0]

    def test_no_prediction_sees_what_comes_after_it(self, kind: type[Study]) -> None:
        """What stands last changes nothing before it."""
        study, chosen = kind(), samples(3)
        method: Any = study.fresh(study.arms[0], 0).eval()
        a, b = (study.prompts(chosen, KeyedDraw(1, 0, chosen)) for _ in range(2))
        where = b.seen.rows if kind is regression.Regression else b.seen.ids
        where.view(3, -1, *where.shape[1:])[:, -1] = 1
        said = [
            (method.predict if kind is regression.Regression else method.logits)(split).view(3, len(a.scored) // 3, -1) for split in (a, b)
        ]
        torch.testing.assert_close(said[0][:, :-1], said[1][:, :-1])
        assert not torch.allclose(said[0][:, -1], said[1][:, -1])

    def test_the_same_seed_gives_the_same_figures(self, kind: type[Study]) -> None:
        def figures(seed: int) -> Any:
            study = kind()
            method: Method = study.fresh(study.arms[0], seed)
            return study.follow(method, seed, 2)

        assert figures(1) == figures(1)
        assert figures(1) != figures(2)

    def test_random_weights_are_left_as_they_are_and_measured_where_the_others_are(self, kind: type[Study]) -> None:
        study = kind()
        assert SCRATCH in study.arms
        method = study.fresh(SCRATCH, 0)
        before = [p.clone() for p in method.parameters()]
        found = study.follow(method, 0, 4, train=False)
        assert all(torch.equal(p, b) for p, b in zip(method.parameters(), before, strict=True))
        assert all(points.keys() == found.keys() for points in study.controls(4).values())
        assert found.keys() == study.follow(method, 0, 4).keys()


@pytest.mark.parametrize("name", STUDIES)
def test_the_verb_leaves_scores_and_a_page(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", name, "--out", str(tmp_path / "out"), "--steps", "2", "--seeds", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    study = STUDIES[name]
    arms = {row["arm"] for row in found["scores"]}
    assert set(study.arms) < arms
    mine = [row for row in found["scores"] if row["arm"] == study.arms[0]]
    assert all(row["seeds"] == 2 for row in mine)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "What came out" in page
    assert ("<h2>Pictures</h2>" in page) == (name == "copy")
    titles = [picture["title"] for picture in json.loads((tmp_path / "out" / "pictures.json").read_text())]
    assert titles[: len(study.units) - 1] == [metric_name(figure) for figure in [*study.units][1:]], "a curve of every other figure"
    assert {row["higher_is_better"] for row in found["scores"] if row["name"] in study.lower} <= {False}
    assert json.loads((tmp_path / "out" / "results.json").read_text())["verdict"] == found["verdict"]


def test_a_net_that_always_names_the_answer_is_perfect(monkeypatch: pytest.MonkeyPatch) -> None:
    """The measures count what they should: given logits that are right, all are right."""
    study = dictionary.Dictionary()
    method = study.fresh("trained", 0)
    monkeypatch.setattr(method, "logits", lambda split: torch.nn.functional.one_hot(split.target, 80).float())
    assert {point["accuracy"] for point in study.follow(method, 0, 0).values()} == {1.0}
    other = copy.Copy()
    net = other.fresh("2 layers", 0)
    monkeypatch.setattr(net, "logits", lambda split: 100 * torch.nn.functional.one_hot(split.target, 80).float())
    best = other.controls(9)[BEST][9]
    assert {name: other.measure(net)[name] for name in best} == pytest.approx(best)


def test_a_net_that_knows_a_texts_symbols_alone_is_at_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    study = copy.Copy()
    net = study.fresh("2 layers", 0)

    def own_symbols(split: Split) -> torch.Tensor:
        """Each of the text's symbols as likely, but for a little that decides between equals."""
        target_ST = split.target.view(-1, copy.LENGTH)
        own_SV = torch.nn.functional.one_hot(target_ST, 69).amax(1).float()
        noise_NV = 1e-3 * torch.rand(split.target.numel(), 69, generator=torch.Generator().manual_seed(0))
        return 50 * own_SV.repeat_interleave(copy.LENGTH, 0) + noise_NV

    monkeypatch.setattr(net, "logits", own_symbols)
    chance, found = study.controls(9)["chance"][9], study.measure(net)
    assert found["loss"] == pytest.approx(chance["loss"], abs=1e-3)
    assert found["accuracy"] == pytest.approx(chance["accuracy"], abs=0.02)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"what": "copie"}, "no study 'copie'; take one of copy, dictionary, regression"),
        ({"steps": 0}, "--steps is 0, but must be at least 1"),
        ({"seeds": 0}, "--seeds is 0, but must be at least 1"),
    ],
)
def test_faults_are_said(given: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        halfseen.show(**{"what": "copy", "out": tmp_path / "out", **given})
    assert not (tmp_path / "out").exists()


def test_every_training_has_weights_and_prompts_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    study = dictionary.Dictionary()
    one, other = (torch.cat([p.flatten() for p in study.fresh("trained", seed).parameters()]) for seed in (1, 2))
    assert not torch.equal(one, other)
    met: list[torch.Tensor] = []

    def noted(chosen: Sequence[Sample], draw: Draw) -> Split:
        split = dictionary.NewDictionary(study.table.cls, to_learn_from=True)(chosen, draw)
        met.append(split.target)
        return split

    monkeypatch.setattr(study, "prompts", noted)
    for seed in (1, 2):
        list(study.trained(study.fresh("trained", 0), seed=seed, stops=[3]))
    assert len({tuple(target.tolist()) for target in met}) == len(met) == 6
