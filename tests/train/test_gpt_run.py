"""A GPT's run from text to report: bits a byte beside baselines, texts gone on with, and models of another kind refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import halfseen
from halfseen.contracts import UserError
from halfseen.data.corpus import open_corpus
from halfseen.data.tokenizers import Tokenizer
from halfseen.data.tokens import Tokens
from halfseen.hub.folder import load
from halfseen.nets.heads import NextHead
from halfseen.train.continuations import READ, WRITTEN
from tests.tiny import model_folder

TEXTS = [
    f"{('the warm film', 'a dull mess')[i % 2]} number {i} moves us all again and again , and then , when nobody looks , ends , at last ."
    for i in range(400)
]
SMALL: dict[str, Any] = {
    "steps": 60,
    "vocabulary": 330,
    "batch_tokens": 512,
    "length": 64,
    "precision": "float32",
    "net": {"layers": 1, "width": 32},
    "optim": {"learning_rate": 1e-2},
}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("\n".join(TEXTS))
    return path


@pytest.fixture(scope="module")
def run(text: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return halfseen.pretrain("gpt", text, out=tmp_path_factory.mktemp("runs") / "gpt", **SMALL)


def test_bits_a_byte_stand_beside_their_baselines(run: dict[str, Any]) -> None:
    heldout = run["heldout"]
    names = ("bits_per_byte", "bigram_bits_per_byte", "unigram_bits_per_byte", "xz_bits_per_byte")
    assert all(0 < heldout[name] < 16 for name in names)
    assert heldout["bits_per_byte"] < heldout["unigram_bits_per_byte"], "it learns more than frequencies in 60 steps"
    assert heldout["bigram_bits_per_byte"] < heldout["unigram_bits_per_byte"]
    card = (Path(run["dir"]) / "README.md").read_text()
    assert f"| this model | {heldout['bits_per_byte']:.3f} |" in card
    assert f"| a bigram model | {heldout['bigram_bits_per_byte']:.3f} |" in card
    assert f"| xz | {heldout['xz_bits_per_byte']:.3f} |" in card
    assert "pipeline_tag: text-generation" in card


def test_held_out_texts_are_gone_on_with_greedily(run: dict[str, Any]) -> None:
    folder = Path(run["dir"])
    found = json.loads((folder / "continuations.json").read_text())
    assert not (folder / "fills.json").exists()
    loaded, words, corpus = load(folder), Tokenizer.load(folder), open_corpus(folder / "corpus")
    beginnings = [words.decode(corpus.heldout[i].ids[:READ]) for i in range(len(corpus.heldout))]
    assert isinstance(loaded.head, NextHead)
    assert len(found) > 0
    for text in found:
        assert text["prompt"] in beginnings
        assert len(text["steps"]) == WRITTEN
        ids = [words.table.cls, *words.encode(text["prompt"]).ids.tolist()]
        with torch.no_grad():
            logits_V = loaded.head(loaded.net(Tokens.of(np.array(ids), np.array([len(ids)]))).last)[-1]
        share_V = logits_V.softmax(-1)
        share_V[sorted(words.table.special)] = 0
        first = text["steps"][0]
        assert first["token"] == words.decode([int(share_V.argmax())])
        assert [row["probability"] for row in first["candidates"]] == pytest.approx(share_V.topk(5).values.tolist(), abs=1e-5)


def test_the_report_shows_bits_and_steps(run: dict[str, Any]) -> None:
    page = halfseen.write_report(Path(run["dir"])).read_text()
    assert f"it takes {run['heldout']['bits_per_byte']:.2f} bits for a byte of text that it never saw" in page
    assert f"(a bigram model {run['heldout']['bigram_bits_per_byte']:.2f}, a unigram model " in page
    assert "Token by token" in page
    assert page.count('<ol class="steps">') > 0
    assert "next tokens predicted" in page
    assert "hidden tokens" not in page


def test_the_end_of_a_document_is_learnt_only_where_there_is_one(run: dict[str, Any], tmp_path: Path) -> None:
    corpus = open_corpus(Path(run["dir"]) / "corpus")
    for i in range(20):
        sample = corpus.train.sample(i)
        assert sample.meta["ends"] is (len(sample.x.ids) < 64 - 3)
    (tmp_path / "long.txt").write_text("\n".join([*TEXTS[:100], TEXTS[0] * 20]))
    halfseen.pretrain("gpt", tmp_path / "long.txt", out=tmp_path / "run", **SMALL | {"steps": 1})
    corpus = open_corpus(tmp_path / "run" / "corpus")
    ends = {len(part.x.ids): part.meta["ends"] for side in (corpus.train, corpus.heldout) for part in map(side.sample, range(len(side)))}
    assert ends[64 - 3] is False, "a piece that fills the segment is not the document's end"
    assert True in ends.values()


def test_a_model_of_the_other_kind_is_not_gone_on_with(run: dict[str, Any], text: Path, tmp_path: Path) -> None:
    encoder = model_folder(tmp_path / "bert")
    options = {name: SMALL[name] for name in ("steps", "length", "precision")}
    with pytest.raises(UserError, match="is an encoder, but gpt goes on from a decoder; take another method"):
        halfseen.pretrain("gpt", text, out=tmp_path / "one", from_=str(encoder), **options)
    with pytest.raises(UserError, match="is a decoder, but bert goes on from an encoder; take another method"):
        halfseen.pretrain("bert", text, out=tmp_path / "two", from_=run["dir"], **options)
    further = halfseen.pretrain("gpt", text, out=tmp_path / "three", from_=run["dir"], **options | {"steps": 60})
    assert further["heldout"]["bits_per_byte"] < run["heldout"]["bits_per_byte"]
    kinds = [json.loads((Path(found["dir"]) / "recipe.json").read_text())["optim"]["kind"] for found in (run, further)]
    assert kinds == ["muon", "adamw"], "Muon for fresh weights, and not for those that have learnt"


def test_one_net_of_two_faces(text: Path, tmp_path: Path) -> None:
    run = halfseen.pretrain("gptbert", text, out=tmp_path / "both", causal=0.5, **SMALL)
    assert {"loss", "bits_per_byte", "unigram_loss", "xz_bits_per_byte"} <= run["heldout"].keys()
    folder = tmp_path / "both"
    assert (folder / "fills.json").exists()
    assert (folder / "continuations.json").exists()
    loaded = load(folder)
    assert not loaded.net.shape.causal
    words = loaded.tokenizer
    asked = words.encode("the warm film number 3 moves us")
    at = 2
    hidden = asked.ids.copy()
    hidden[at] = words.table.mask
    with torch.no_grad():
        ids = np.array([words.table.cls, *hidden, words.table.sep])
        assert isinstance(loaded.head, NextHead)
        share_V = loaded.head(loaded.net(Tokens.of(ids, np.array([len(ids)]))).last)[at].softmax(-1)
    share_V[sorted(words.table.special)] = 0
    blank = words.decode(asked.ids[:at]) + "[MASK]" + words.decode(asked.ids[at + 1 :])
    found = halfseen.fill(blank, model=str(folder))["blanks"][0]
    assert [row["probability"] for row in found] == pytest.approx(share_V.topk(5).values.tolist(), abs=1e-5)
    shown = json.loads((folder / "fills.json").read_text())
    assert shown
    for blank in shown:
        again = halfseen.fill(blank["text"], model=str(folder))["blanks"][0]
        assert [row["probability"] for row in blank["candidates"]] == pytest.approx([row["probability"] for row in again], abs=1e-3)
    assert halfseen.generate("the warm film", model=str(folder), tokens=5)["texts"][0]["text"]
