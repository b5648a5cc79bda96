"""A codec at work: pixels to bytes and back, piece by piece, so that memory does not grow with nets times pixels.

Shapes: an image (3, H, W) of uint8; K coefficients of h x w blocks, whole numbers in fixed point.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import torch

from halfseen.apps.array_model import open_array_model
from halfseen.apps.codec_file import ID_BYTES
from halfseen.apps.codec_stream import Coder, Reader, Tables, Writer
from halfseen.contracts import Array, UserError
from halfseen.data.levels import Levels
from halfseen.hub.weights_hash import weights_hash
from halfseen.methods.codec import GREY, UNIT, Codec, rounded
from halfseen.nets.entropy import LATTICES
from halfseen.nets.exact import COEFFICIENT, LARGEST_COEFFICIENT, ExactContext, ExactDecoder
from halfseen.nets.lapped import HOP, SPAN, blocks

SHIPPED = Path(__file__).with_name("codec")
"""The codec that comes with the package."""
PIECE = 64
"""Blocks in height and width that are coded together: 512 x 512 pixels."""
AROUND = (SPAN - HOP) // 2


class CodecModel:
    """A trained codec, its nets in whole numbers. id: eight bytes that say which codec it is."""

    def __init__(self, method: Codec) -> None:
        """Raises UserError for weights that no codec has."""
        self.method = method
        self.id = bytes.fromhex(weights_hash([method]))[:ID_BYTES]
        self.tables = Tables(cast(torch.Tensor, method.tables).numpy())
        self.contexts = [ExactContext(context) for context in method.slices()]
        transform = method.transform
        told = (method.usual, method.mend_near, method.mend_level, method.mend_far, method.mend_told)
        self.decoder = ExactDecoder(*told, transform.kernel_back(), transform.mirrored)
        self.channels = sum(context.own for context in self.contexts)

    def encode(self, image: Levels, *, step: int, level: int) -> tuple[bytes, Array]:
        """The bytes, and the coefficients as they will be read. step, level: the quality, in fixed point."""
        writer = Writer(self.tables)
        read_Khw = self.empty(image.shape[1], image.shape[2])
        for rows, columns in pieces(*read_Khw.shape[1:]):
            exact = self.exact(image, rows, columns, step)
            self.walk(read_Khw[:, slice(*rows), slice(*columns)], level, writer, exact)
        return writer.bytes(), read_Khw

    def decode(self, content: bytes, height: int, width: int, *, level: int) -> Array:
        """The coefficients. Raises UserError if these bytes are none that `encode` gives."""
        reader = Reader(self.tables, content)
        read_Khw = self.empty(height, width)
        for rows, columns in pieces(*read_Khw.shape[1:]):
            self.walk(read_Khw[:, slice(*rows), slice(*columns)], level, reader, None)
        return read_Khw

    def empty(self, height: int, width: int) -> Array:
        return np.zeros((self.channels, *(UNIT // HOP * blocks(side, UNIT) for side in (height, width))), np.int16)

    def exact(self, image: Levels, rows: tuple[int, int], columns: tuple[int, int], step: int) -> Array:
        """The coefficients of a piece before they are rounded, float64, in steps. Beyond the image's edges it is repeated up to whole
        blocks, and mirrored from there."""
        whole = [UNIT * blocks(side, UNIT) for side in image.shape[1:]]
        index = []
        for (first, end), side, covered in zip((rows, columns), image.shape[1:], whole, strict=True):
            pixel = np.arange(first * HOP - AROUND, end * HOP + AROUND)
            pixel = np.where(pixel < 0, -1 - pixel, np.where(pixel >= covered, 2 * covered - 1 - pixel, pixel))
            index.append(np.minimum(pixel, side - 1))
        part = torch.from_numpy(image[:, index[0][:, None], index[1]].astype(np.float32))[None] - GREY
        with torch.no_grad():
            found = self.method.transform.forward_of(part)[0].double() / (step / 2.0**COEFFICIENT)
        return found.numpy()

    @torch.no_grad()
    def walk(self, read_Khw: Array, level: int, coder: Coder, exact_Khw: Array | None) -> None:
        """Fills `read_Khw` in the order in which coefficients are read: as `coder` reads them, or as it writes `exact_Khw`, rounded."""
        read, first = torch.zeros(0, *read_Khw.shape[1:], dtype=torch.float64), 0
        for context in self.contexts:
            end = first + context.own
            said, own = context.of_before(read, level), torch.zeros(context.own, *read_Khw.shape[1:], dtype=torch.float64)
            for turn, (a, b) in enumerate(LATTICES):
                mean, scale = context(said, own, turn, level)
                wanted = None if exact_Khw is None else wanted_numbers(exact_Khw[first:end, a::2, b::2], mean.numpy())
                number = coder(scale.numpy().astype(np.int64).ravel(), wanted)
                there = torch.from_numpy(number.astype(np.float64)).reshape(mean.shape) * 2.0**COEFFICIENT + mean
                own[:, a::2, b::2] = there.clamp(-LARGEST_COEFFICIENT, LARGEST_COEFFICIENT)
            read_Khw[first:end] = own.numpy()
            read, first = torch.cat([read, own]), end

    @torch.no_grad()
    def pixels(self, read_Khw: Array, height: int, width: int, *, step: int, level: int) -> Levels:
        """The image that these coefficients stand for."""
        image = np.empty((3, *(side * HOP for side in read_Khw.shape[1:])), np.uint8)
        for rows, columns in pieces(*read_Khw.shape[1:]):
            there = (slice(None), *(slice(first * HOP, end * HOP) for first, end in (rows, columns)))
            image[there] = self.decoder(read_Khw, level=level, step=step, rows=rows, columns=columns, grey=GREY)
        return np.ascontiguousarray(image[:, :height, :width])


def wanted_numbers(exact: Array, mean: Array) -> Array:
    """What is written: how far a coefficient is from what was told, rounded; never beyond what can be read."""
    number, most = rounded(torch.from_numpy(exact - mean / 2.0**COEFFICIENT)).numpy(), LARGEST_COEFFICIENT
    return np.clip(number, np.ceil((-most - mean) / 2.0**COEFFICIENT), np.floor((most - mean) / 2.0**COEFFICIENT)).astype(np.int64).ravel()


def pieces(height: int, width: int) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Rows and columns of blocks that are coded together."""
    for top in range(0, height, PIECE):
        for left in range(0, width, PIECE):
            yield (top, min(height, top + PIECE)), (left, min(width, left + PIECE))


def open_codec(folder: Path = SHIPPED) -> CodecModel:
    """Raises UserError if the folder holds no codec, or a damaged one."""
    method, _ = open_array_model(folder)
    if not isinstance(method, Codec):
        raise UserError("is no codec", where=str(folder), way_out="name a folder of `halfseen pretrain codec`, or leave --model away")
    return CodecModel(method)
