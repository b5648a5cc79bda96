"""Arrays on disk (NPY, NPZ, IDX): what a header claims is held against the file before memory is taken. Never pickle.

NPY and NPZ: numpy.lib.format, versions 1 and 2. IDX: the format of MNIST's files, of unsigned bytes, plain or .gz.
"""

from __future__ import annotations

import io
import struct
import tokenize
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy

from halfseen.contracts import Array, UserError
from halfseen.data.faults import did_you_mean
from halfseen.data.files import UNREADABLE, decode_error, open_bytes

MOST_BYTES = 1 << 32
"""Of one array, whatever its file: 4 GiB."""

DEFLATE = 1032
"""No deflated stream (.gz, and .npz of savez_compressed) holds more than so many times its own bytes."""

PIECE = 1 << 24
"""Bytes read at once: memory is taken as data come, not as a header promises."""

LONGEST_HEADER = 10_000
"""Bytes of a NPY header, of which more say nothing about an array of plain numbers; NumPy reads no more either."""

UNSIGNED_BYTES = 8
"""IDX's code of the only type that image sets are made of."""


DAMAGED = (*UNREADABLE, ValueError, SyntaxError, TypeError, KeyError, struct.error, zipfile.BadZipFile, NotImplementedError)
"""What NumPy and zipfile raise for damaged files."""


class Header(NamedTuple):
    """An array before it is read. dtype: of numbers, truth values or text; what else there is is refused."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]

    @property
    def bytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize


def read_npy(path: Path) -> Array:
    """The array of a NPY file. Raises UserError if it is damaged, too large, or of objects, which only pickle could read."""
    with _faults(path, "NPY file"), path.open("rb") as file:
        return _read_npy(file, path.stat().st_size, str(path))


class Npz:
    """A NPZ file, opened: `names` of its arrays; each is read when it is asked for."""

    def __init__(self, path: Path) -> None:
        """Raises UserError if this is no NPZ file."""
        self.path = path
        with _faults(path, "NPZ file"), zipfile.ZipFile(path) as archive:
            self.names = tuple(name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy"))

    def read(self, name: str) -> Array:
        """One array. Raises UserError if there is none of this name, and as `read_npy`."""
        if name not in self.names:
            there = ", ".join(map(repr, self.names)) or "nothing"
            raise UserError(
                f"no array {name!r}; there is {there}",
                where=str(self.path),
                way_out=did_you_mean(name, self.names) or "save it under this name",
            )
        where = f"{self.path}, array {name}"
        with _faults(self.path, "NPZ file", where), zipfile.ZipFile(self.path) as archive:
            member = archive.getinfo(f"{name}.npy")
            bound = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: DEFLATE}.get(member.compress_type)
            if bound is not None and member.file_size > bound * min(member.compress_size, self.path.stat().st_size) + PIECE:
                what = f"claims {member.file_size:,} bytes, more than its {member.compress_size:,} packed ones can hold"
                raise UserError(what, where=where, way_out="get the file again")
            with archive.open(member) as file:
                return _read_npy(file, member.file_size, where)


def read_idx(path: Path, axes: int) -> Array:
    """The unsigned bytes of an IDX file, plain or .gz, with so many axes: 3 for images (N, H, W), 1 for labels (N,).

    Raises UserError if it is none, or holds more or fewer bytes than its header says.
    """
    with open_bytes(path) as file:
        try:
            return _read_idx(file, path, axes)
        except UNREADABLE as error:
            raise decode_error(path, error) from error


def _read_idx(file: IO[bytes], path: Path, axes: int) -> Array:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise UserError(f"not an IDX file (it begins with {magic.hex(' ') or 'nothing'})", where=str(path), way_out="get the file again")
    if magic[2] != UNSIGNED_BYTES or magic[3] != axes:
        what = f"an IDX file of type 0x{magic[2]:02x} with {_axes(magic[3])}, not of unsigned bytes (0x08) with {_axes(axes)}"
        raise UserError(what, where=str(path), way_out="name images (N, H, W) as the file, and labels (N,) as --labels")
    sizes = file.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise UserError("cut short in its header", where=str(path), way_out="get the file again")
    shape = struct.unpack(f">{axes}I", sizes)
    packed = path.suffix.lower() == ".gz"
    most = path.stat().st_size * (DEFLATE if packed else 1)
    claimed = prod(shape)
    if not claimed:
        raise UserError(f"holds nothing: {' x '.join(map(str, shape))}", where=str(path), way_out="name a file with something in it")
    claim = f"its header claims {' x '.join(map(str, shape))} = {claimed:,} bytes"
    if claimed > min(most, MOST_BYTES):
        holds = (
            f"more than the file of {path.stat().st_size:,} can hold" if claimed > most else f"more than the {MOST_BYTES:,} that are read"
        )
        raise UserError(f"{claim}, {holds}", where=str(path), way_out="get the file again")
    data = _read(file, claimed)
    if len(data) < claimed or file.read(1):
        holds = f"but there are {len(data):,}" if len(data) < claimed else "but more follow"
        raise UserError(f"{claim}, {holds}", where=str(path), way_out="get the file again")
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)


def _read_npy(file: IO[bytes], size: int, where: str) -> Array:
    header = _header(file, where)
    if header.bytes > MOST_BYTES:
        raise UserError(f"{_claim(header)}, more than the {MOST_BYTES:,} that are read", where=where, way_out="make several smaller ones")
    if header.bytes > size:
        raise UserError(f"{_claim(header)}, more than the {size:,} that are there", where=where, way_out="write it again")
    if not header.bytes:
        return np.empty(header.shape, header.dtype)
    data = _read(file, header.bytes)
    if len(data) < header.bytes or file.read(1):
        holds = f"but there are {len(data):,}" if len(data) < header.bytes else "but more follow"
        raise UserError(f"{_claim(header)}, {holds}", where=where, way_out="write it again")
    return np.frombuffer(data, dtype=header.dtype).reshape(header.shape, order="F" if header.fortran else "C")


def _claim(header: Header) -> str:
    return f"its header claims shape {header.shape} of {header.dtype}, {header.bytes:,} bytes"


def _header(file: IO[bytes], where: str) -> Header:
    version = npy.read_magic(file)
    readers = {(1, 0): ("<H", npy.read_array_header_1_0), (2, 0): ("<I", npy.read_array_header_2_0)}
    if version not in readers:
        raise UserError(f"NPY version {version[0]}.{version[1]}", where=where, way_out="save an array of plain numbers or text")
    length, reader = readers[version]
    field = file.read(struct.calcsize(length))
    size = struct.unpack(length, field)[0]
    if size > LONGEST_HEADER:
        raise UserError(f"its header claims {size:,} bytes, more than {LONGEST_HEADER:,}", where=where, way_out="write it again")
    try:
        header = Header(*reader(io.BytesIO(field + file.read(size))))
    except (tokenize.TokenError, MemoryError, RecursionError) as error:  # of what is no Python dictionary
        raise ValueError(f"its header cannot be read: {error!r}") from error
    if any(size < 0 for size in header.shape):
        raise UserError(f"its header claims shape {header.shape}", where=where, way_out="write it again")
    if header.dtype.hasobject:
        way_out = "save numbers as numbers and texts as texts (array.astype(float), array.astype(str)), or write CSV"
        raise UserError("holds Python objects, which only pickle can read; pickles may run foreign code", where=where, way_out=way_out)
    if header.dtype.kind not in "biufUS":
        raise UserError(f"holds {header.dtype}, not numbers or text", where=where, way_out="turn them into numbers or text, and save again")
    return header


def _read(file: IO[bytes], count: int) -> bytearray:
    """So many bytes, or fewer if the file ends before."""
    data = bytearray()
    while len(data) < count and (piece := file.read(min(PIECE, count - len(data)))):
        data += piece
    return data


def _axes(count: int) -> str:
    return "1 axis" if count == 1 else f"{count} axes"


@contextmanager
def _faults(path: Path, what: str, where: str = "") -> Iterator[None]:
    """Whatever a damaged file makes NumPy or zipfile raise, in words."""
    try:
        yield
    except FileNotFoundError as error:
        raise UserError("cannot be read (no such file)", where=str(path), way_out="name a file that is there and readable") from error
    except DAMAGED as error:
        raise UserError(f"damaged, cut short, or not a {what} ({error})", where=where or str(path), way_out="write it again") from error
    except RuntimeError as error:  # zipfile, of members that are encrypted
        raise UserError(f"not a {what} that can be read ({error})", where=where or str(path), way_out="write it again") from error
