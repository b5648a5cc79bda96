"""Error rates of texts, item by item, counted by `jiwer`."""

from __future__ import annotations

from collections.abc import Sequence

from halfseen.contracts import UserError


def edits(told: Sequence[Sequence[str]], truth: Sequence[Sequence[str]]) -> tuple[list[int], list[int]]:
    """Of each text how many words (or phones, or letters) are wrong, missing or too many, and how many there are. Raises UserError if
    jiwer is not installed."""
    try:
        import jiwer
    except ImportError as error:
        raise UserError("error rates need the package jiwer", way_out="pip install 'halfseen[speech]'") from error
    wrong = []
    for said, meant in zip(told, truth, strict=True):
        known = {word: chr(0x4E00 + i) for i, word in enumerate(dict.fromkeys([*meant, *said]))}  # a word a letter: spaces may be words
        found = jiwer.process_characters("".join(known[word] for word in meant), "".join(known[word] for word in said))
        wrong.append(found.substitutions + found.deletions + found.insertions)
    return wrong, [len(meant) for meant in truth]


def error_rate(told: Sequence[Sequence[str]], truth: Sequence[Sequence[str]]) -> float:
    wrong, count = edits(told, truth)
    return sum(wrong) / sum(count)
