"""Blanks in held-out text, filled at the end of a run and shown in its report."""

from __future__ import annotations

import json
from pathlib import Path

import halfseen
from halfseen.contracts import Sample
from halfseen.data.tokens import Segment
from halfseen.methods.bert import Bert
from halfseen.methods.recipes import BertRecipe, NetSize
from halfseen.nets.transformer import initialise
from halfseen.train.blanks import fill_blanks
from tests.tiny import ENGLISH, SHAPE, tokenizer


def test_a_word_is_hidden_and_the_rest_stands_as_it_was() -> None:
    words = tokenizer()
    method = Bert(BertRecipe(), SHAPE, words.table)
    initialise(method, 0)
    text = " ".join(ENGLISH[:2])
    pieces = words.encode(text)
    long = Sample("long", Segment(pieces.ids, pieces.starts))
    short = Sample("short", Segment(pieces.ids[:4], pieces.starts[:4]))
    (found,) = fill_blanks(method, words, [short, long])
    assert found["text"].replace("[MASK]", found["truth"]) == text
    assert found["truth"].isalpha()
    shares = [candidate["probability"] for candidate in found["candidates"]]
    assert len(shares) == 5
    assert shares == sorted(shares, reverse=True)
    assert method.training


def test_the_report_of_a_run_shows_them(tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(f"{text} {i} again and again, they say" for i, text in enumerate(ENGLISH)), encoding="utf-8")
    halfseen.pretrain("bert", texts, out=tmp_path / "run", steps=2, vocabulary=320, recipe=BertRecipe(net=NetSize(layers=1, width=32)))
    fills = json.loads((tmp_path / "run" / "fills.json").read_text(encoding="utf-8"))
    assert fills
    assert all("[MASK]" in fill["text"] for fill in fills)
    page = halfseen.write_report(tmp_path / "run").read_text(encoding="utf-8")
    assert "Blanks, filled" in page
    assert f"hidden: {fills[0]['truth']}" in page
