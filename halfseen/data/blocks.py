"""Text without rows to documents: blocks between blank lines, or lines; long ones cut. In bounded memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

LONGEST = 1_000_000
"""Characters of a document; a longer one is cut here, at white space if there is some in the second half."""

WHITE = " \n\t\u3000"
"""Where a long document may be cut."""

CHUNK = 1_000_000
"""Characters that are read at once."""

HEAD = 4_000_000
"""Characters from which it is decided whether blank lines or line ends divide a text."""

LINES_A_BLOCK = 100
"""Blank lines divide a text if its blocks have at most so many lines on average: a stray blank line is no division."""


class Readable(Protocol):
    def read(self, size: int, /) -> str: ...


class Found(NamedTuple):
    """A document where it stands: member of an archive (or ""), row from 1, piece of a long document from 1."""

    member: str
    row: int
    piece: int
    text: str


BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")


def blocks(file: Readable, member: str = "") -> Iterator[Found]:
    """The documents of a text without rows; row counts them."""
    chunk = file.read(HEAD)
    split: Callable[[str], list[str]] = BLANK_LINES.split if divided_by_blank_lines(chunk) else lambda text: text.split("\n")
    row, piece, unfinished = 1, 0, ""
    while chunk:
        *whole, unfinished = split(unfinished + chunk)
        for text in whole:
            for part in pieces(text):
                piece += 1
                yield Found(member, row, piece, part)
            if piece:
                row, piece = row + 1, 0
        cuts = cut_places(unfinished)
        for start, end in zip([0, *cuts], cuts, strict=False):
            if part := unfinished[start:end].strip():
                piece += 1
                yield Found(member, row, piece, part)
        unfinished = unfinished[cuts[-1] :] if cuts else unfinished
        chunk = file.read(CHUNK)
    for part in pieces(unfinished):
        piece += 1
        yield Found(member, row, piece, part)


def divided_by_blank_lines(head: str) -> bool:
    text = head.strip()
    found = len(BLANK_LINES.findall(text))
    return found > 0 and text.count("\n") < LINES_A_BLOCK * (found + 1)


def cut_places(text: str) -> list[int]:
    """Where a text is cut so that no piece is longer than LONGEST."""
    places, start = [], 0
    while len(text) - start > LONGEST:
        end = start + LONGEST
        at = max(text.rfind(white, start + LONGEST // 2, end) for white in WHITE)
        start = at if at >= 0 else end
        places.append(start)
    return places


def pieces(text: str) -> list[str]:
    """The text without white space at its ends, cut if it is long; nothing if it is empty."""
    text = text.strip()
    if len(text) <= LONGEST:
        return [text] if text else []
    cuts = cut_places(text)
    parts = (text[start:end].strip() for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True))
    return [part for part in parts if part]
