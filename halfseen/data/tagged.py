"""Sentences whose every word has a tag: CoNLL-U, columns (word first, tag last), or `word/tag` lines; and untagged ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from halfseen.contracts import UserError
from halfseen.data.faults import all_faults, brief
from halfseen.data.files import inner_suffix, read_lines
from halfseen.data.schemes import Learnt, Scheme, bear_labels

COLUMN_SUFFIXES = (".bio", ".iob", ".iob2", ".conll")
SHOWN_TO_GUESS = 100
"""Lines that are looked at to tell the format."""

BLANKS = " \t"
"""Not U+3000, which is a word of its own in Chinese files."""

Line = tuple[int, str]


class Sentence(NamedTuple):
    """number: that of its first line in the file, from 1. tags: empty if they were not asked for."""

    number: int
    words: tuple[str, ...]
    tags: tuple[str, ...]


def read_sentences(
    path: Path, scheme: Scheme | None = None, *, labelled: bool = True, learnt: Learnt | None = None
) -> tuple[list[Sentence], Scheme]:
    """All sentences with at least one word, and the scheme; if none is given, the suffix and the first lines tell it.

    learnt: what the predicting model learnt from, for untagged words and words with tags in columns look alike.
    Raises UserError if the file cannot be read, is empty, or has words without a tag (all of them named).
    """
    lines = [(number, line.strip(BLANKS)) for number, line in enumerate(read_lines(path), 1)]
    scheme = scheme or _guess(path, [line for _, line in lines], labelled=labelled, learnt=learnt)
    if scheme in ("conllu", "columns", "one-word"):
        groups: Iterable[list[tuple[int, Sequence[str]]]] = _blocks(lines, scheme)
    else:
        groups = ([(n, word.rsplit("/", 1) if scheme == "word/tag" else (word,)) for word in _split(line)] for n, line in lines)
    word, tag = (1, 3) if scheme == "conllu" else (0, -1)
    sentences, faults = [], []
    for group in groups:
        if labelled:
            faults += [f"row {n}: {_say(cells)} has no tag" for n, cells in group if len(cells) < word + 2 or cells[tag] in ("", "_")]
        if group:
            words = tuple(cells[word] if len(cells) > word else "" for _, cells in group)
            faults += [f"row {n}: a tag without a word" for (n, _), w in zip(group, words, strict=True) if not w]
            sentences.append(Sentence(group[0][0], words, tuple(cells[tag] for _, cells in group if len(cells) > 1) if labelled else ()))
    if faults:
        raise all_faults(faults, where=str(path), way_out=f"mend these rows, or say --scheme (it was read as {scheme})")
    if not sentences:
        raise UserError("is empty", where=str(path), way_out="name a file with at least one sentence")
    return sentences, scheme


def _say(cells: Sequence[str]) -> str:
    return brief(" ".join(cells))


def _split(line: str) -> list[str]:
    return re.split(f"[{BLANKS}]+", line) if line else []


def _blocks(lines: Iterable[Line], scheme: Scheme) -> Iterator[list[tuple[int, Sequence[str]]]]:
    """The rows of each sentence: blank lines stand between them."""
    block: list[tuple[int, Sequence[str]]] = []
    for number, line in (*lines, (0, "")):
        if not line:
            yield block
            block = []
        elif scheme == "conllu":
            cells = line.split("\t")
            if not line.startswith("#") and not re.fullmatch(r"\d+[-.]\d+", cells[0]):  # 1-2 spans words, 1.1 is a word that is not there
                block.append((number, cells))
        elif not line.startswith("-DOCSTART-"):  # CoNLL-2003's mark between documents
            block.append((number, line.split("\t") if "\t" in line else _split(line)))


def _guess(path: Path, lines: Sequence[str], *, labelled: bool, learnt: Learnt | None) -> Scheme:
    suffix = inner_suffix(path)
    head = [line for line in lines if line][:SHOWN_TO_GUESS]
    if suffix in (".conllu", ".conll-u") or _is_conllu(head):
        return "conllu"
    if suffix in COLUMN_SUFFIXES:
        return "columns"
    if head and all(re.fullmatch(r".+/[^/]+", word) for line in head for word in _split(line)):
        return "word/tag"
    if labelled:
        return "columns"
    if learnt is not None and learnt.scheme == "columns":
        rows = [cells for block in _blocks(enumerate(head), "columns") for _, cells in block]
        last = [cells[-1] if len(cells) > 1 else "" for cells in rows]
        telling = [cell for cell in last if not cell or any(map(str.isalnum, cell))]  # "." ends a sentence, and is a tag of its own
        if bear_labels(telling, learnt, "words", str(path)):
            return "columns"
    one_word = all(len(_split(line)) == 1 for line in head)
    return "one-word" if one_word and "" in lines[: lines.index(head[-1])] else "words"


def _is_conllu(head: Sequence[str]) -> bool:
    """Ten cells a word, the first one its number."""
    rows = [line.split("\t") for line in head if not line.startswith("#")]
    return bool(rows) and all(len(cells) == 10 and re.fullmatch(r"\d+([-.]\d+)?", cells[0]) for cells in rows)
