"""Tar archives of texts and of images, streamed: nothing is unpacked to disk, and what they may expand to is bounded."""

from __future__ import annotations

import codecs
import io
import tarfile
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self, cast

from halfseen.contracts import UserError
from halfseen.data.blocks import Found, blocks
from halfseen.data.files import PEEK, open_bytes

LARGEST_MEMBER = 1 << 30
"""Bytes of one file in an archive."""

EXPANSION = 100
"""An archive may hold so many times its own bytes, or LARGEST_MEMBER if that is more: neither text nor images pack so tightly."""


class _Metered:
    """A stream that ends with a UserError when more than `most` bytes came out of it."""

    def __init__(self, stream: IO[bytes], most: int, path: Path) -> None:
        self._stream, self._most, self._left, self._path = stream, most, most, path

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise UserError(
                f"holds more than {self._most:,} bytes, too many for an archive of {self._path.stat().st_size:,}",
                where=str(self._path),
                way_out="unpack it yourself if you trust it, and name the folder",
            )
        return data


class _StrictMember(tarfile.TarInfo):
    """`tarfile` takes a damaged header after the first one for the archive's end; this raises instead."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if any(buf):  # zeros, or nothing, is how an archive ends
                raise tarfile.ReadError(f"damaged header: {error}") from error
            raise


def read_tar(path: Path) -> Iterator[Found]:
    """The documents of the txt and md files in an archive."""
    with reading(path):
        for name, raw in members(path, (".txt", ".md")):
            yield from _member(raw, name, path)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Damage that `members`, or reading one of them, comes upon in here is a UserError."""
    try:
        yield
    except tarfile.TarError as error:
        raise UserError(f"damaged, cut short, or not a tar archive ({error})", where=str(path), way_out="get the file again") from error


def members(path: Path, suffixes: Collection[str], ignored: Counter[str] | None = None) -> Iterator[tuple[str, io.BufferedReader]]:
    """The files in an archive with one of the suffixes, in its order: their names and their content, to be read before the next.

    Hidden ones and all else are passed over, and counted in `ignored` by suffix. To be used within `reading`. Raises UserError if
    the archive or a file in it is too large.
    """
    most = max(LARGEST_MEMBER, EXPANSION * path.stat().st_size)
    with open_bytes(path) as stream:
        source = cast(IO[bytes], _Metered(stream, most, path))
        with tarfile.open(fileobj=source, mode="r|", tarinfo=_StrictMember, encoding="utf-8", errors="replace") as tar:
            while member := tar.next():
                tar.members.clear()  # type: ignore[attr-defined]  # else it keeps them all, of millions
                hidden = any(part.startswith(".") for part in member.name.split("/") if part not in (".", ".."))
                suffix = Path(member.name).suffix.lower()
                if member.isreg() and not hidden and suffix in suffixes:
                    if member.size > LARGEST_MEMBER:
                        raise UserError(
                            f"claims {member.size:,} bytes, more than the {LARGEST_MEMBER:,} that are read of one member",
                            where=f"{path}, member {member.name}",
                            way_out="unpack it yourself if you trust it, and name the folder",
                        )
                    yield member.name, cast(io.BufferedReader, tar.extractfile(member))
                elif ignored is not None and not member.isdir():
                    ignored["(hidden)" if hidden else suffix or "(no suffix)" if member.isreg() else "(not a file)"] += 1


def _member(raw: io.BufferedReader, name: str, path: Path) -> Iterator[Found]:
    where = f"{path}, member {name}"
    way_out = "convert it to UTF-8 (iconv does that), or leave it out"
    if b"\0" in (head := raw.peek(PEEK)[:PEEK]):
        raise UserError(f"not UTF-8 text (a zero byte at position {head.index(0):,})", where=where, way_out=way_out)
    text = _MemberText(raw)
    try:
        yield from blocks(text, name)
    except UnicodeDecodeError as error:
        what = f"not UTF-8 text (byte 0x{error.object[error.start]:02x} at position {text.done - len(error.object) + error.start:,})"
        raise UserError(what, where=where, way_out=way_out) from error


class _MemberText:
    """A member's text; `io.TextIOWrapper` cannot read the streams that `tarfile` gives."""

    def __init__(self, raw: io.BufferedReader) -> None:
        self._raw, self.done = raw, 0
        self._decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8-sig")(), translate=True)

    def read(self, size: int) -> str:
        """Up to `size` characters, none only at the end."""
        while True:
            data = self._raw.read(size)
            self.done += len(data)
            text = self._decoder.decode(data, final=not data)
            if text or not data:
                return text
