"""A decoder that writes: deterministic, alone as in company, and the words for what cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import halfseen
from halfseen import cli
from halfseen.apps.writer import BROKEN, Sampling, Text, Writer, draw
from halfseen.contracts import Sample, UserError
from halfseen.data.tokens import Tokens
from halfseen.hub.folder import Loaded, load, save
from halfseen.methods.gpt import Gpt
from halfseen.methods.recipes import GptRecipe, NetSize
from halfseen.nets.heads import NextHead
from halfseen.nets.transformer import initialise
from tests.tiny import model_folder, tokenizer

PLAIN: dict[str, Any] = {"tokens": 20, "temperature": 0.8, "top_p": 0.9, "seed": 0}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Untrained, with weights large enough that its opinions differ."""
    words = tokenizer()
    recipe = GptRecipe(net=NetSize(max_length=64))
    method = Gpt(recipe, recipe.shape(layers=2, width=64), words.table)
    initialise(method, 0, spread=0.3)
    folder = tmp_path_factory.mktemp("generate") / "gpt"
    folder.mkdir()
    save(folder, method.net, method.head, words, card="# tiny\n")
    return str(folder)


@pytest.fixture(scope="module")
def loaded(model: str) -> Loaded:
    return load(Path(model))


def text_of(model: str, prompt: str = "the film", **options: Any) -> str:
    return str(halfseen.generate(prompt, model=model, **PLAIN | options)["texts"][0]["text"])


def test_the_same_seed_writes_the_same_and_company_changes_nothing(model: str) -> None:
    alone = text_of(model)
    assert alone == text_of(model)
    assert alone != text_of(model, seed=1)
    found = halfseen.generate(["a much longer beginning of the book", "the film", ""], model=model, n=2, **PLAIN)["texts"]
    assert [text["prompt"] for text in found] == [p for p in ("a much longer beginning of the book", "the film", "") for _ in range(2)]
    assert found[2]["text"] == alone
    assert found[3]["text"] != alone, "the second copy has numbers of its own"
    assert found[4]["text"] == text_of(model, "")


def test_greedy_is_the_likeliest_token_each_time(model: str, loaded: Loaded) -> None:
    assert isinstance(loaded.head, NextHead)
    table = loaded.tokenizer.table
    ids = [table.cls, *loaded.tokenizer.encode("the film").ids.tolist()]
    read = len(ids)
    never = sorted(table.special - {table.sep})
    with torch.no_grad():
        for _ in range(20):
            logits_V = loaded.head(loaded.net(Tokens.of(np.array(ids), np.array([len(ids)]))).last)[-1]
            logits_V[never] = -torch.inf
            ids.append(int(logits_V.argmax()))
    assert table.sep not in ids[read:]
    greedy = loaded.tokenizer.decode(ids[read:])
    assert text_of(model, temperature=0) == text_of(model, top_k=1) == text_of(model, top_p=1e-9) == text_of(model, min_p=1.0) == greedy


def test_what_is_drawn_has_the_probabilities_of_what_is_allowed() -> None:
    """Uniform numbers from a fine grid give each token as often as it is probable among the allowed ones."""
    logits_V = torch.tensor([0.1, 2.0, -1.0, 1.5, 0.7])
    grid_B = (torch.arange(100_000, dtype=torch.float64) + 0.5) / 100_000

    def found(**options: Any) -> torch.Tensor:
        fixed = {"tokens": 1, "stop": (), "n": 1, "seed": 0, "explain": False, "top_k": None, "top_p": 1.0, "min_p": 0.0}
        how = Sampling(**{**fixed, "temperature": 1.0, **options})
        return torch.bincount(draw(logits_V.expand(len(grid_B), 5), how, grid_B), minlength=5) / len(grid_B)

    def expected(allowed: list[int], temperature: float = 1.0) -> torch.Tensor:
        share_V = (logits_V.double() / temperature).softmax(-1)
        kept_V = torch.zeros(5, dtype=torch.float64)
        kept_V[allowed] = share_V[allowed]
        return (kept_V / kept_V.sum()).float()

    share_V = logits_V.softmax(-1)
    close = {"atol": 2e-5, "rtol": 0.0}
    torch.testing.assert_close(found(), expected([0, 1, 2, 3, 4]), **close)
    torch.testing.assert_close(found(temperature=0.5), expected([0, 1, 2, 3, 4], 0.5), **close)
    torch.testing.assert_close(found(top_k=2), expected([1, 3]), **close)
    torch.testing.assert_close(found(top_p=float(share_V[1]) + 0.01), expected([1, 3]), **close)
    torch.testing.assert_close(found(top_p=float(share_V[1]) - 0.01), expected([1]), **close)
    torch.testing.assert_close(found(min_p=float(share_V[4] / share_V[1]) - 0.01), expected([1, 3, 4]), **close)


def test_it_stops_before_a_string_and_streams_what_is_sure(model: str, loaded: Loaded) -> None:
    whole = text_of(model, tokens=40)
    stop = whole[12:15]
    cut = whole[: whole.index(stop)]
    found = halfseen.generate("the film", model=model, **PLAIN | {"tokens": 40}, stop=("never there", stop))["texts"][0]
    assert found["text"] == cut
    assert found["ended"] == "stop"
    for stops, expected in (((stop,), cut), ((), whole), (("never there",), whole)):
        pieces: list[str] = []
        fixed = {"top_k": None, "min_p": 0.0, "n": 1, "explain": False}
        Writer(loaded).write(["the film"], Sampling(**PLAIN | {"tokens": 40}, **fixed, stop=stops), say=pieces.append)  # type: ignore[arg-type]
        assert "".join(pieces) == expected
        assert len(pieces) > 3
    assert not any(BROKEN in piece for piece in pieces if BROKEN not in whole)


@pytest.mark.parametrize(
    ("written", "stop", "expected"),
    [
        ("a … é film", (), "a … é film"),
        ("the film moves us all", ("moves us not",), "the film moves us all"),
        ("the film moves us all", ("film moves us",), "the "),
    ],
    ids=["characters of several tokens", "what only begins like a stop string", "a stop string of several tokens"],
)
def test_nothing_is_said_that_must_be_taken_back(loaded: Loaded, written: str, stop: tuple[str, ...], expected: str) -> None:
    how = Sampling(**PLAIN | {"tokens": 100}, top_k=None, min_p=0.0, n=1, explain=False, stop=stop)  # type: ignore[arg-type]
    writer, text, pieces = Writer(loaded), Text("", Sample("", None), None, stop), []
    ids = loaded.tokenizer.encode(written).ids.tolist()
    for place, id_ in enumerate(ids):
        writer.take(text, id_, torch.zeros(len(loaded.tokenizer.table)), how)
        text.ended = text.ended or ("tokens" if place == len(ids) - 1 else "")
        writer.tell(text, pieces.append)
        assert expected.startswith("".join(pieces))
        if text.ended:
            break
    assert "".join(pieces) == expected


def test_a_text_ends_where_the_model_ends_it(model: str, loaded: Loaded) -> None:
    found = halfseen.generate("the film", model=model, n=60, tokens=50, temperature=2.0, top_p=1.0)["texts"]
    ended = [text for text in found if text["ended"] == "end"]
    assert ended
    assert all("[SEP]" not in text["text"] for text in found)
    assert {text["ended"] for text in found} == {"end", "tokens"}


def test_explained_steps_are_the_distribution(model: str, loaded: Loaded) -> None:
    text = halfseen.generate("the film", model=model, explain=True, **PLAIN)["texts"][0]
    assert "".join(step["token"] for step in text["steps"]) == text["text"]
    table, ids = loaded.tokenizer.table, loaded.tokenizer.encode("the film").ids
    assert isinstance(loaded.head, NextHead)
    with torch.no_grad():
        logits_V = loaded.head(loaded.net(Tokens.of(np.array([table.cls, *ids]), np.array([len(ids) + 1]))).last)[-1]
    logits_V[sorted(table.special - {table.sep})] = -torch.inf
    best = logits_V.softmax(-1).topk(5)
    first = text["steps"][0]["candidates"]
    assert [row["token"] for row in first] == [loaded.tokenizer.token(i) for i in best.indices.tolist()]
    assert [row["probability"] for row in first] == pytest.approx(best.values.tolist(), abs=1e-5)


def test_of_a_long_prompt_the_end_is_read_and_said(model: str, loaded: Loaded, capsys: pytest.CaptureFixture[str]) -> None:
    words = "the warm film moves us all " * 20
    found = halfseen.generate(words, model=model, **PLAIN)["texts"][0]
    assert found["kept"] == 64 - 20 - 1
    end = loaded.tokenizer.decode(loaded.tokenizer.encode(words).ids[-found["kept"] :])
    short = halfseen.generate(end, model=model, **PLAIN | {"temperature": 0})["texts"][0]
    assert short["kept"] is None
    assert short["text"] == text_of(model, words, temperature=0), "what was read is the end"
    assert cli.main(["generate", "--model", model, "--prompt", words, "--tokens", "20"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(words)
    assert "its last 43 tokens were read" in said.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -0.1}, "--temperature is -0.1, but must be 0 (always the likeliest token) or above"),
        ({"tokens": 0}, "--tokens is 0, but must be at least 1"),
        ({"n": 0}, "--n is 0, but must be at least 1"),
        ({"top_k": 0}, "--top-k is 0, but must be at least 1"),
        ({"top_p": 0.0}, "--top-p is 0, but must be above 0 and at most 1"),
        ({"min_p": 1.5}, "--min-p is 1.5, but must be between 0 and 1"),
        ({"seed": -1}, "--seed is -1, but must be between 0 and 4294967295"),
        ({"stop": ("",)}, "--stop is empty, but every text holds an empty string"),
        ({"tokens": 64}, "--tokens is 64, but the net takes 64 in all, the prompt's included; ask for fewer"),
        ({"temperature": -1.0, "n": 0}, "--n is 0, but must be at least 1; --temperature is -1"),
    ],
)
def test_options_that_cannot_be_are_refused(model: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as refused:
        halfseen.generate("the film", model=model, **options)
    assert message in str(refused.value)


def test_encoders_do_not_write_and_decoders_fill_no_blanks(model: str, tmp_path: Path) -> None:
    encoder = model_folder(tmp_path / "bert")
    with pytest.raises(UserError, match=r"is an encoder \(modernbert\): it fills blanks, but does not go on with a text; take a model of"):
        halfseen.generate("the film", model=str(encoder))
    with pytest.raises(UserError, match=r"is a decoder \(llama\): it goes on with a text, but does not fill blanks; take a model of"):
        halfseen.fill("the [MASK]", model=model)


def test_a_fine_tuned_decoder_answers_but_does_not_write(model: str, tmp_path: Path) -> None:
    for part, first in (("train", 0), ("dev", 20)):
        rows = [f"{('a warm film', 'a dull mess')[i % 2]} {i}\t{('good', 'bad')[i % 2]}" for i in range(first, first + 12)]
        (tmp_path / f"{part}.tsv").write_text("\n".join(["text\tlabel", *rows]) + "\n")
    halfseen.finetune(
        "classify", model=model, train=tmp_path / "train.tsv", dev=tmp_path / "dev.tsv", out=tmp_path / "judged", seeds=1, controls=True
    )
    answers = halfseen.predict(tmp_path / "dev.tsv", model=tmp_path / "judged")["predictions"]
    assert {row["prediction"] for row in answers} <= {"good", "bad"}
    with pytest.raises(UserError, match="has no vocabulary layer, so it cannot go on with a text; take the model before fine-tuning"):
        halfseen.generate("the film", model=str(tmp_path / "judged"))


def test_on_the_command_line(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["generate", "--model", model, "--prompt", "the film", "--tokens", "20"]
    alone = text_of(model)
    assert cli.main(words) == 0
    assert capsys.readouterr().out == f"the film{alone}\n"
    assert cli.main([*words, "--json", "--n", "2"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found.keys() == {"texts", "tokens_per_s"}
    assert found["texts"][0]["text"] == alone
    assert found["texts"][0].keys() == {"prompt", "text", "ended", "kept"}
    assert cli.main([*words, "--n", "2", "--explain"]) == 0
    said = capsys.readouterr().out
    assert f"--- 1 of 2\nthe film{alone}\n" in said
    assert "likeliest at this step" in said
