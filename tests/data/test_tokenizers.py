"""Tokenizers: any string comes back, words begin where they begin, and a saved one is the same one."""

from __future__ import annotations

import errno
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfseen.contracts import UserError
from halfseen.data import files
from halfseen.data.tokenizers import Kind, Tokenizer, choose_kind, choose_size, train
from tests.tiny import CHINESE, ENGLISH


@cache
def made(kind: Kind) -> Tokenizer:
    return train(CHINESE if kind == "characters" else ENGLISH, kind=kind, size=400)


@pytest.mark.parametrize("kind", ["bpe", "characters"])
@given(text=st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_string_comes_back(kind: Kind, text: str) -> None:
    words = made(kind)
    pieces = words.encode(text)
    assert words.decode(pieces.ids) == text
    assert len(pieces.ids) == len(pieces.starts) == len(pieces.offsets)


@pytest.mark.parametrize("text", ["台湾大學", "🜁 \x00 \u202e", "naïve café", "  two  spaces\n", "[MASK", "\ud7ff"])
@pytest.mark.parametrize("kind", ["bpe", "characters"])
def test_strings_that_break_others(kind: Kind, text: str) -> None:
    assert made(kind).decode(made(kind).encode(text).ids) == text


def test_words_begin_where_they_begin() -> None:
    words = made("bpe")
    text = "the unheardof film"
    pieces = words.encode(text)
    begun = [text[a:].lstrip()[0] for (a, _), starts in zip(pieces.offsets, pieces.starts, strict=True) if starts]
    assert begun == ["t", "u", "f"]
    assert len(pieces.ids) > 3


def test_wordpiece_lowers_and_marks_pieces() -> None:
    words = made("wordpiece")
    assert words.decode(words.encode("The Warm FILM").ids) == "the warm film"


@pytest.mark.parametrize("kind", ["bpe", "wordpiece", "characters"])
def test_special_tokens_are_five_and_apart(kind: Kind) -> None:
    table = made(kind).table
    duties = [table.pad, table.unk, table.cls, table.sep, table.mask]
    assert len(set(duties)) == 5
    assert table.special == frozenset(duties)
    assert not table.special & set(table.plain.tolist())
    assert len(table.plain) == len(table) - 5


def test_a_saved_one_is_the_same(tmp_path: Path) -> None:
    words = made("bpe")
    words.save(tmp_path)
    again = Tokenizer.load(tmp_path)
    assert again.fingerprint == words.fingerprint != made("wordpiece").fingerprint
    assert again.encode(ENGLISH[0]).ids.tolist() == words.encode(ENGLISH[0]).ids.tolist()
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(tmp_path)
    assert theirs(ENGLISH[0])["input_ids"] == [words.table.cls, *words.encode(ENGLISH[0]).ids, words.table.sep]


def test_a_full_disk_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    made("bpe").save(tmp_path)
    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(UserError, match=r"tokenizer\.json: cannot be written \(No space left on device\)"):
        made("wordpiece").save(tmp_path)
    assert Tokenizer.load(tmp_path).fingerprint == made("bpe").fingerprint


def test_what_is_no_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no tokenizer\.json; name a folder with a saved tokenizer"):
        Tokenizer.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(UserError, match="not a tokenizer"):
        Tokenizer.load(tmp_path)


def test_the_kind_and_size_follow_the_text() -> None:
    assert choose_kind("我喜欢这部电影 very much") == "characters"
    assert choose_kind("the film 电影") == choose_kind("") == "bpe"
    assert [choose_size(n) for n in (1_000, 50_000_000, 1_000_000_000)] == [8192, 12288, 16384]


@pytest.mark.parametrize("kind", ["bpe", "wordpiece", "characters"])
def test_a_blank_takes_the_place_of_a_whole_word(kind: Kind) -> None:
    """What the net saw in training: the word's token, which bears the space before it, and no lone space."""
    words = made(kind)
    whole, blank = words.encode("the film moves"), words.encode("the [MASK] moves")
    if kind == "characters":  # a space is a character of its own
        assert len(blank.ids) == len(whole.ids) - len("film") + 1
        return
    assert len(whole.ids) == 3
    expected = [words.table.mask if i == 1 else int(token) for i, token in enumerate(whole.ids)]
    assert blank.ids.tolist() == expected


@pytest.mark.parametrize("kind", ["bpe", "wordpiece", "characters"])
def test_sentences_end_where_a_mark_stands_and_sentinels_are_kept(kind: Kind, tmp_path: Path) -> None:
    texts = ["a dull mess. is it? no! well, yes", "我喜欢。你呢？好！嗯，好"] * 10
    words = train(texts, kind=kind, size=420, sentinels=3)
    assert words.table.sentinels == (5, 6, 7)
    assert {5, 6, 7} <= words.table.special
    assert words.table.size <= 420
    ends = [words.decode([i]).strip() for i in sorted(words.table.sentence_ends)]
    assert {".", "?", "!"} <= set(ends)
    assert all(end[-1] in ".?!。？！" for end in ends if "\ufffd" not in end)
    ids = words.encode("你呢？").ids
    assert (int(ids[-1]) in words.table.sentence_ends) == (kind != "wordpiece" or "？" in ends)
    assert int(words.encode("well,").ids[-1]) not in words.table.sentence_ends
    words.save(tmp_path)
    assert Tokenizer.load(tmp_path).table == words.table
    assert train(texts, kind=kind, size=420).table.sentinels == ()
