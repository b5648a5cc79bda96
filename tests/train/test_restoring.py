"""Runs of encoder-decoders: their recipes come back, they go on from their kind alone, and their texts are shown restored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import halfseen
from halfseen.contracts import UserError
from halfseen.hub.folder import load
from halfseen.methods.recipes import BartRecipe, T5Recipe
from halfseen.train.recipe_file import revive
from tests.tiny import model_folder

SMALL: dict[str, Any] = {"steps": 2, "vocabulary": 320, "net": {"layers": 3, "width": 32, "max_length": 128}}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("".join(f"a {what} number {i} in the town. It runs! " * 3 + "\n" for i in range(200) for what in ("dog", "cat")))
    return str(path)


@pytest.fixture(scope="module")
def bart(text: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "bart"
    halfseen.pretrain("bart", text, out=out, corruptions=("permute", "infill"), **SMALL)
    return out


def test_a_run_of_bart(bart: Path) -> None:
    shape = load(bart).net.shape
    assert (shape.layers, shape.decoder_layers, shape.kind) == (2, 1, "an encoder-decoder")
    summary = json.loads((bart / "summary.json").read_text())
    assert summary["heldout"].keys() == {"loss", "accuracy", "unigram_loss", "unigram_accuracy", "n"}
    card = (bart / "README.md").read_text()
    assert "# A bart of 2 + 1 layers x 32" in card
    assert "pipeline_tag: text2text-generation" in card
    assert "| loss, nats a restored token |" in card
    shown = json.loads((bart / "restorations.json").read_text())
    assert [row.keys() for row in shown] == [{"corrupted", "truth", "restored"}] * 3
    assert all("[MASK]" in row["corrupted"] and "number" in row["truth"] for row in shown)


def test_it_is_gone_on_with(bart: Path, text: str, tmp_path: Path) -> None:
    assert revive(BartRecipe, json.loads((bart / "recipe.json").read_text())["recipe"]).corruptions == ("permute", "infill")
    again = halfseen.resume(bart)
    assert again["heldout"] == json.loads((bart / "summary.json").read_text())["heldout"]
    further = halfseen.pretrain("mass", text, out=tmp_path / "mass", from_=str(bart), steps=2)
    assert further["net"]["decoder_layers"] == 1


def test_of_another_kind_or_without_sentinels_it_is_refused(bart: Path, text: str, tmp_path: Path) -> None:
    encoder = model_folder(tmp_path / "encoder")
    common: dict[str, Any] = {"out": tmp_path / "out", "steps": 2}
    with pytest.raises(UserError, match=f"--from {encoder}: is an encoder, but bart goes on from an encoder-decoder; take another method"):
        halfseen.pretrain("bart", text, from_=str(encoder), length=64, **common)
    with pytest.raises(UserError, match=f"--from {bart}: is an encoder-decoder, but bert goes on from an encoder; take another method"):
        halfseen.pretrain("bert", text, from_=str(bart), **common)
    with pytest.raises(UserError, match="its tokenizer has 0 sentinels, but spans of this rate and length need 7; go on from a model of"):
        halfseen.pretrain("t5", text, from_=str(bart), **common)
    assert not (tmp_path / "out").exists()


def test_a_tokenizer_of_t5_keeps_as_many_sentinels_as_a_segment_needs(text: str, tmp_path: Path) -> None:
    halfseen.pretrain("t5", text, out=tmp_path / "t5", rate=0.5, span=1.0, length=32, **SMALL)
    table = load(tmp_path / "t5").tokenizer.table
    assert len(table.sentinels) == 14 + 1, "a segment holds 29 tokens, of which 14 are hidden, each a span"
    assert set(table.sentinels) <= table.special
    assert halfseen.pretrain("t5", text, out=tmp_path / "more", from_=str(tmp_path / "t5"), length=32, steps=2)["tokens"] > 0
    drop = halfseen.pretrain("t5", text, out=tmp_path / "drop", objective="drop", **SMALL)
    assert load(Path(drop["dir"])).tokenizer.table.sentinels == ()


@pytest.mark.parametrize(
    ("recipe", "fault"),
    [
        (BartRecipe(rate=1.0), "rate is 1.0, but must be above 0 and below 1"),
        (BartRecipe(corruptions=()), "--corruptions has none, but a text must be corrupted to be restored"),
        (T5Recipe(span=0.5), "span is 0.5, but must be at least 1 and finite"),
    ],
)
def test_recipes_that_cannot_be(recipe: Any, fault: str) -> None:
    found = recipe.faults()
    assert found == [fault]
