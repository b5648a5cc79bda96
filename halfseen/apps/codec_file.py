"""A compressed image as a file: which codec made it, how large it is, how finely it was rounded, and sums that tell damage.

    magic 4 | version 1 | grey 1 | codec 8 | width 4 | height 4 | step 2 | level 2 | sum of the pixels 4 | content | sum of all before 8

Numbers are little-endian. The sum of the pixels is that of the picture that has to come out: no other one is ever given as right.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass

from halfseen.contracts import UserError
from halfseen.data.pixels import MOST_PIXELS
from halfseen.nets.exact import COEFFICIENT, WITHIN

MAGIC, VERSION = b"HSC\x9d", 1
ID_BYTES, SUM_BYTES = 8, 8
HEADER = struct.Struct(f"<4sBB{ID_BYTES}sIIHhI")
LARGEST = 3 * MOST_PIXELS
"""Bytes of a file: as many as the largest image has."""
AGAIN = "get the file again"
STEPS = (1 << COEFFICIENT, 256 << COEFFICIENT)
LEVELS = (-4 << WITHIN, 4 << WITHIN)


@dataclass(frozen=True)
class Header:
    """grey: the picture has one channel. codec: the id of the one that wrote it. step, level: the quality, in fixed point. pixels: their
    CRC-32."""

    grey: bool
    codec: bytes
    width: int
    height: int
    step: int
    level: int
    pixels: int


def to_bytes(header: Header, content: bytes) -> bytes:
    h = header
    packed = HEADER.pack(MAGIC, VERSION, h.grey, h.codec, h.width, h.height, h.step, h.level, h.pixels)
    return packed + content + sum_of(packed + content)


def from_bytes(data: bytes, where: str) -> tuple[Header, bytes]:
    """Raises UserError for what is no such file, is damaged, or says of more pixels than are read of one image."""
    if data[:4] != MAGIC:
        raise UserError(
            f"is no file of `halfseen compress` (it begins with {data[:4].hex(' ') or 'nothing'})", where=where, way_out="name one"
        )
    if len(data) < HEADER.size + SUM_BYTES:
        raise UserError(f"cut short: {len(data)} bytes", where=where, way_out=AGAIN)
    if sum_of(data[:-SUM_BYTES]) != data[-SUM_BYTES:]:
        raise UserError("damaged or cut short: its checksum is another", where=where, way_out=AGAIN)
    _, version, grey, codec, width, height, step, level, pixels = HEADER.unpack_from(data)
    if version != VERSION:
        raise UserError(f"of version {version}; this halfseen reads version {VERSION}", where=where, way_out="take another halfseen")
    content = data[HEADER.size : -SUM_BYTES]
    faults = [
        words
        for wrong, words in (
            (not 0 < width * height <= MOST_PIXELS, f"{width:,} x {height:,} pixels, of at most {MOST_PIXELS:,}"),
            (not STEPS[0] <= step <= STEPS[1], f"a step of {step}"),
            (not LEVELS[0] <= level <= LEVELS[1], f"a level of {level}"),
            (grey > 1, f"a flag of {grey}"),
            (len(content) % 4 != 0, f"{len(content)} bytes of content"),
        )
        if wrong
    ]
    if faults:
        raise UserError(f"says of {', '.join(faults)}, which no file has", where=where, way_out=AGAIN)
    return Header(bool(grey), codec, width, height, step, level, pixels), content


def sum_of(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=SUM_BYTES).digest()


def pixel_sum(pixels: bytes) -> int:
    return zlib.crc32(pixels)
