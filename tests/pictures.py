"""Small images, encoded and packed, as tests of images need them."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from halfseen.contracts import UserError
from halfseen.data import pixels
from halfseen.data.images import open_images
from halfseen.data.pixels import decode

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (6, 5, 3), dtype=np.uint8)
GREY = COLOUR[..., 0]


def encoded(pixels: Any, format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(buffer, format, **options)
    return buffer.getvalue()


def png(width: int, height: int, bits: int, colour: int, rows: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG whose header says what it likes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return pixels.PNG + b"".join(chunk(kind, data) for kind, data in parts)


def tar(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def idx(array: Any, kind: int = 8, shape: tuple[int, ...] | None = None) -> bytes:
    shape = array.shape if shape is None else shape
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + array.tobytes()


def fault(call: Any, *given: Any, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        call(*given, **options)
    return str(caught.value)


def outcome(data: bytes) -> Any:
    """The image, or what is wrong with it."""
    try:
        return decode(data, "a")
    except UserError as error:
        return str(error)


def opening(path: Path, **options: Any) -> str:
    return fault(open_images, path, **options).replace(f"{path.parent}/", "")
