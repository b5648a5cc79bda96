"""Prompting: what stands in a prompt, how answers are judged, what stands beside them, and that no weight changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import halfseen
from halfseen import cli
from halfseen.contracts import UserError
from halfseen.data.tokens import Tokens
from halfseen.hub.folder import load, save
from halfseen.methods.gpt import Gpt
from halfseen.methods.recipes import GptRecipe, NetSize
from halfseen.nets.heads import NextHead
from halfseen.nets.transformer import initialise
from halfseen.suites.answers import Answering
from halfseen.suites.prompt_files import Item, Prompted, read_own
from halfseen.suites.prompt_scores import chance, judge_choices, judge_written, majority
from halfseen.suites.prompt_tasks import TASKS
from halfseen.suites.prompts import Examples, Wording, chosen
from tests.tiny import model_folder, tokenizer

OWN = [
    {"context": f"film {i} is", "completion": ("warm", "dull and long")[i % 3 == 0], "choices": ["warm", "dull and long"]}
    for i in range(12)
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    words = tokenizer()
    recipe = GptRecipe(net=NetSize(max_length=128))
    method = Gpt(recipe, recipe.shape(layers=2, width=64), words.table)
    initialise(method, 0, spread=0.2)
    folder = tmp_path_factory.mktemp("prompt") / "gpt"
    folder.mkdir()
    save(folder, method.net, method.head, words, card="# tiny\n")
    return str(folder)


def written(folder: Path, rows: list[Any], name: str = "films.jsonl") -> Path:
    path = folder / name
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_choices_have_the_likelihood_of_a_slow_loop(model: str) -> None:
    answering = Answering(load(Path(model)))
    words, loaded = answering.tokenizer, load(Path(model))
    prompts = [[words.table.cls, *words.encode(text).ids.tolist()] for text in ("the warm film", "a dull and lifeless", "who")]
    choices = [[words.encode(text).ids.tolist() for text in (" moves", " us all", " in 1950 ?")] for _ in prompts]
    assert len({len(ids) for some in choices for ids in some}) > 1, "of different lengths"
    assert isinstance(loaded.head, NextHead)
    found = answering.choose(prompts, choices)
    for prompt, some, told in zip(prompts, choices, found, strict=True):
        for ids, value in zip(some, told, strict=True):
            whole = np.array([*prompt, *ids])
            with torch.no_grad():
                logits = loaded.head(loaded.net(Tokens.of(whole, np.array([len(whole)]))).last).log_softmax(-1)
            slow = sum(float(logits[len(prompt) - 1 + k, id_]) for k, id_ in enumerate(ids))
            assert value == pytest.approx(slow, abs=1e-4)


def test_the_fingerprint_is_of_every_weight(model: str) -> None:
    answering = Answering(load(Path(model)))
    before = answering.fingerprint()
    assert before == Answering(load(Path(model))).fingerprint()
    for module in (answering.weights[0], answering.net, answering.head):
        value = next(iter(module.state_dict().values()))
        kept = value.clone()
        with torch.no_grad():
            value.flatten()[0] += 1e-3
        assert answering.fingerprint() != before
        with torch.no_grad():
            value.copy_(kept)
    assert answering.fingerprint() == before


def test_examples_are_never_the_query_and_fewer_are_among_more(tmp_path: Path) -> None:
    prompted = read_own(written(tmp_path, [*OWN, OWN[3]]), "")
    examples = Examples(prompted)
    for query in prompted.queries:
        four, two = (examples.draw(query, count, seed=1) for count in (4, 2))
        assert four[:2] == two
        assert query.context not in {item.context for item in four}, "nor one of the same text"
        assert len({item.id for item in four}) == 4
    assert examples.draw(prompted.queries[0], 4, 1) != examples.draw(prompted.queries[0], 4, 2)
    assert examples.beside(prompted.queries[3]) == 11
    with pytest.raises(ValueError, match="12 examples of 11"):
        examples.draw(prompted.queries[3], 12, 0)


def test_the_oldest_examples_are_dropped_where_there_is_no_room(tmp_path: Path) -> None:
    words = tokenizer()
    items = read_own(written(tmp_path, OWN), "").queries
    room = 60
    wording = Wording(words, [words.table.cls], "Say what it is.", room)
    prompt = wording.prompt(items[0], items[1:9])
    assert 0 < prompt.kept < 8
    assert not prompt.cut
    assert len(prompt.ids) <= room
    text = words.decode(prompt.ids[1:])
    newest = "".join(f"\n\n{item.context} {item.answer}" for item in items[9 - prompt.kept : 9])
    assert text == f"Say what it is.{newest}\n\n{items[0].context}"
    wide = Item("w", "a dull and lifeless mess " * 12, "dull and long")
    assert wording.prompt(items[0], [wide, items[1]]).kept == 1, "the newest first; the wide one has no room beside it"
    long = Item("x", "the warm film " * 60, "warm")
    cut = wording.prompt(long, items[1:3])
    assert (cut.kept, cut.cut, len(cut.ids)) == (0, True, room)
    assert words.decode(cut.ids[1:]).rstrip().endswith("the warm film")


def test_judges_chance_and_majority_are_what_they_say(tmp_path: Path) -> None:
    prompted = read_own(written(tmp_path, OWN), "")
    queries = prompted.queries
    likelihoods = [[[-1.0, -2.0] if i % 2 else [-3.0, -2.0] for i in range(12)]]
    figures, said = judge_choices(queries, likelihoods)
    expected = ["warm" if i % 2 else "dull and long" for i in range(12)]
    assert said == [expected]
    assert figures[0].name == "accuracy"
    assert figures[0].value == pytest.approx(np.mean([a == item.answer for a, item in zip(expected, queries, strict=True)]))
    by_bytes = ["warm" if a / 4 > b / 13 else "dull and long" for a, b in likelihoods[0]]
    assert figures[1].value == pytest.approx(np.mean([a == item.answer for a, item in zip(by_bytes, queries, strict=True)]))
    free = Prompted(prompted.task, tuple(Item(item.id, item.context, item.answer) for item in queries), prompted.pool, "")
    figures, _ = judge_written(TASKS["two_digit_addition"], free.queries, [[" warm" for _ in queries]])
    assert figures[0].value == pytest.approx(8 / 12)
    assert chance(prompted, Examples(prompted), 3)[0].value == 0.5
    assert majority(prompted)[0].value == pytest.approx(8 / 12), "8 of 12 are warm"


def test_the_questions_asked_do_not_depend_on_the_rest_of_the_file(tmp_path: Path) -> None:
    queries = read_own(written(tmp_path, OWN), "").queries
    some = chosen(queries, 5)
    assert len(some) == 5
    assert [item for item in queries if item in some] == some, "in their order"
    assert chosen(some, 5) == some


def test_on_the_command_line(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, OWN)
    words = ["prompt", str(path), "--model", model, "--shots", "0,2", "--seeds", "2", "--out", str(tmp_path / "out")]
    assert cli.main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["weights_unchanged"] is True
    rows = {(row["arm"], row["name"], row["labels"]): row for row in found["scores"]}
    assert {arm for arm, _, _ in rows} == {"pretrained", "chance", "majority"}
    for shots in (0, 2):
        row = rows["pretrained", "accuracy", shots]
        assert row["low"] <= row["value"] <= row["high"]
        assert row["at_chance"] == (row["low"] <= 0.5 <= row["high"])
        assert row["seeds"] == (2 if shots else 1), "without examples nothing is drawn"
        assert rows["chance", "accuracy", shots]["value"] == 0.5
    page = (tmp_path / "out" / "report.html").read_text()
    assert "majority answer" in page
    assert "shots" in page
    again = halfseen.prompt(path, model=model, shots="0,2", seeds=2)
    assert again["scores"] == found["scores"], "the same questions and examples, the same scores"


def test_the_table_s_tasks_open_from_a_folder(model: str, tmp_path: Path) -> None:
    (tmp_path / "SST-2").mkdir()
    for part, count in (("train", 8), ("dev", 4)):
        rows = [f"{('a warm film', 'a dull mess')[i % 2]} {part} {i}\t{1 - i % 2}" for i in range(count)]
        (tmp_path / "SST-2" / f"{part}.tsv").write_text("\n".join(["sentence\tlabel", *rows]) + "\n")
    written(tmp_path, [{"context": f"Q: What is {i} plus 1?\nA:", "completion": f"{i + 1}"} for i in range(6)], "two_digit_addition.jsonl")
    found = halfseen.prompt(model=model, data=tmp_path, shots="1", seeds=1)
    assert {row["task"] for row in found["scores"]} == {"sst2", "two_digit_addition"}
    assert set(found["missing"]) == set(TASKS) - {"sst2", "two_digit_addition"}
    assert [row["value"] for row in found["scores"] if row["task"] == "sst2" and row["arm"] == "chance"] == [0.5], "both words are as long"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([OWN[0], {"completion": "warm", "choices": ["warm", "dull"]}], "row 2 has no 'context'"),
        ([OWN[0], {"context": "x", "completion": "odd", "choices": ["warm", "dull"]}], "completion 'odd' is not among its choices"),
        ([OWN[0], {"context": "x", "completion": "warm"}], "some rows have choices and others have none"),
        ([{"context": "x", "completion": "warm", "choices": ["warm"]}], "has choices that are not a list of two texts or more"),
        ([], "holds no questions; name a file with at least one row"),
        (OWN[:3], "films has 2 examples beside a question, but --shots asks for 4; ask for fewer, or leave these tasks out"),
    ],
)
def test_a_file_that_cannot_be_asked_is_refused(model: str, tmp_path: Path, rows: list[Any], message: str) -> None:
    with pytest.raises(UserError) as refused:
        halfseen.prompt(written(tmp_path, rows), model=model, shots="0,4")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda folder: {"tasks": ("sst",), "data": folder}, "no task 'sst'; did you mean 'sst2'?"),
        (lambda folder: {"tasks": ("sst2",), "data": folder}, "no data for sst2; it holds none of the tasks"),
        (
            lambda folder: {"tasks": ("sst2",), "data": folder / "none"},
            "there is no such folder; name the folder that holds",
        ),
        (lambda folder: {"tasks": (), "data": None}, "neither a TASK nor --data is given"),
        (lambda folder: {"tasks": ("sst2",), "data": folder, "shots": "0,x"}, "--shots: 'x' is not a number from 0"),
        (lambda folder: {"tasks": ("sst2",), "data": folder, "seeds": 0, "limit": 0}, "--seeds is 0, but must be at least 1; --limit is 0"),
    ],
)
def test_what_cannot_be_asked_is_refused(model: str, tmp_path: Path, ask: Callable[[Path], dict[str, Any]], message: str) -> None:
    options = ask(tmp_path)
    with pytest.raises(UserError) as refused:
        halfseen.prompt(*options.pop("tasks"), model=model, **options)
    assert message in str(refused.value)


def test_parallel_files_of_unequal_lines_are_refused(model: str, tmp_path: Path) -> None:
    for name, count in (("train.en", 5), ("train.fr", 5), ("test_2016_flickr.en", 4), ("test_2016_flickr.fr", 3)):
        (tmp_path / name).write_text("a film\n" * count)
    with pytest.raises(UserError, match=r"it has 4 lines, but test_2016_flickr\.fr has 3"):
        halfseen.prompt("multi30k-fr", model=model, data=tmp_path, shots="0")


def test_an_encoder_does_not_answer(tmp_path: Path) -> None:
    encoder = model_folder(tmp_path / "bert")
    with pytest.raises(UserError, match="it fills blanks, but does not go on with a text"):
        halfseen.prompt(written(tmp_path, OWN), model=str(encoder), shots="0")
