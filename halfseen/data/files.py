"""Text files, plain or compressed (.gz, .xz, .zst), read strictly as UTF-8, with faults said in words."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import lzma
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path
from typing import IO, Any, TextIO, cast

from halfseen.contracts import UserError

COMPRESSED = (".gz", ".xz", ".zst")

UNREADABLE = (UnicodeDecodeError, EOFError, lzma.LZMAError, zlib.error, OSError)
"""What reading from `open_text` may raise; `decode_error` says any of them in words."""

PEEK = 8192
"""Bytes that are looked at for zeros, which text never has."""


def inner_suffix(path: Path) -> str:
    """The suffix that tells the format, lower-cased, without the compression's: `a.TSV.xz` is `.tsv`."""
    name = Path(path.stem) if path.suffix.lower() in COMPRESSED else path
    return name.suffix.lower()


def open_bytes(path: Path) -> IO[bytes]:
    """The file's content, decompressed by its suffix. Raises UserError if it cannot be opened."""
    suffix = path.suffix.lower()
    try:
        if suffix == ".gz":
            return cast(IO[bytes], gzip.open(path))
        if suffix == ".xz":
            return cast(IO[bytes], lzma.open(path))
        if suffix == ".zst":
            import pyarrow  # the reader of the package `zstandard` takes a file cut short for a whole one

            return cast(IO[bytes], pyarrow.CompressedInputStream(pyarrow.OSFile(str(path)), "zstd"))
        return path.open("rb")
    except OSError as error:
        raise UserError(
            f"cannot be read ({error.strerror or error})", where=str(path), way_out="name a file that is there and readable"
        ) from error


def open_text(path: Path) -> TextIO:
    """The file's text, line ends as a single newline, a byte-order mark dropped.

    Raises UserError if the file cannot be opened or is binary; reading from it may raise one of UNREADABLE, so wrap the
    loop in `except UNREADABLE as error: raise decode_error(path, error) from error`, or take `read_lines`.
    """
    with open_bytes(path) as stream:
        try:
            head = stream.read(PEEK)
        except UNREADABLE as error:
            raise decode_error(path, error) from error
    if b"\0" in head:
        raise UserError(
            f"not UTF-8 text (a zero byte at position {head.index(0):,})",
            where=str(path),
            way_out="convert it to UTF-8, or name a text file",
        )
    return io.TextIOWrapper(open_bytes(path), encoding="utf-8-sig")


def read_lines(path: Path) -> Iterator[str]:
    """The lines of the text, without their line ends. Raises UserError for whatever cannot be read."""
    with open_text(path) as file:
        try:
            for line in file:
                yield line.rstrip("\n")
        except UNREADABLE as error:
            raise decode_error(path, error) from error


def decode_error(path: Path, error: Exception) -> UserError:
    """One of UNREADABLE as what a user can act on: the byte that is not UTF-8, or a damaged archive."""
    if isinstance(error, UnicodeDecodeError):
        position, byte = _first_bad_byte(path)
        return UserError(
            f"not UTF-8 text (byte 0x{byte:02x} at position {position:,})",
            where=str(path),
            way_out="convert it to UTF-8, or name a text file",
        )
    return UserError(f"damaged or cut short ({error})", where=str(path), way_out="get the file again")


def _first_bad_byte(path: Path) -> tuple[int, int]:
    """Position and value; a decoder behind a buffer knows only the place inside its last chunk."""
    decoder, done = codecs.getincrementaldecoder("utf-8")(), 0
    with open_bytes(path) as stream:
        while True:
            chunk = stream.read(1 << 20)
            pending = decoder.getstate()[0]
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                return done - len(pending) + error.start, error.object[error.start]
            if not chunk:
                raise ValueError(f"{path} is UTF-8 after all")
            done += len(chunk)


class UnwritableError(UserError):
    """The disk is full, or the place is not ours: whoever knows how to go on afterwards says so in another way_out."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Whatever goes wrong in here while `path` is written is an UnwritableError that names it."""
    try:
        yield
    except OSError as error:
        raise UnwritableError(
            f"cannot be written ({error.strerror or error})", where=str(path), way_out="make room or choose another --out"
        ) from error


def append(path: Path, data: bytes) -> None:
    """Raises UnwritableError if the disk is full; a part of the data may stand in the file then."""
    with writing(path), path.open("ab") as file:
        file.write(data)


def write_atomically(path: Path, data: bytes) -> None:
    """The file is either the old one or the whole new one, also after a power cut. Raises UnwritableError if the disk is full."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with writing(path):
        try:
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.rename(path)
            sync(path.parent)
        except OSError:
            beside.unlink(missing_ok=True)
            raise


def write_json(path: Path, found: Any) -> None:
    """Raises UnwritableError."""
    write_atomically(path, (json.dumps(found, ensure_ascii=False, indent=1) + "\n").encode())


def sync(path: Path) -> None:
    """A file's content, or a folder's names, survive a power cut from here on."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def checksums(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 of a run's files, by name. Raises UserError if one cannot be read."""
    found = {}
    for name in names:
        try:
            with (folder / name).open("rb") as stream:
                found[name] = file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise UserError(f"cannot be read ({error.strerror})", where=str(folder / name), way_out="start the run anew") from error
    return found
