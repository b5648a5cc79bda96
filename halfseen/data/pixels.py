"""One encoded image (PNG, JPEG, WebP) to numbers, and images to one size.

Shapes: H rows and W columns of pixels, C channels, 1 (grey) or 3 (red, green, blue); float32 from 0 (black) to 1.

Transparency is laid on white: what stands under it was never meant to be seen, so to drop it would show noise. The orientation
that a camera wrote down is applied; palettes, CMYK and the like become RGB; of an animation the first picture is read. Grey
of 16 bits keeps them; colour of 16 bits is read at 8, as Pillow does.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from halfseen.contracts import Array, UserError

Channels = Literal[1, 3]

MOST_PIXELS = 64_000_000
"""Of one image, H x W: 8,000 x 8,000, which are 768 MB as float32 in three channels."""

LUMA = (0.299, 0.587, 0.114)
"""How bright red, green and blue are in grey (ITU-R BT.601)."""

HEAD = 32
"""Bytes at a file's beginning that tell its format, and unless it is JPEG its size."""

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"

DEEP_COLOUR = (2, 4, 6)
"""PNG's colour types that Pillow reads at 8 bits: RGB, grey with alpha, RGB with alpha."""

DAMAGED = (OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError, OverflowError, struct.error, zlib.error)
"""What Pillow raises for damaged files."""


class Measured(NamedTuple):
    """What an image's header says. narrowed: it has 16 bits a channel of which 8 will be read."""

    format: Literal["PNG", "JPEG", "WebP"]
    width: int
    height: int
    narrowed: bool


def measure(data: bytes, where: str) -> Measured:
    """Reads the header alone. Raises UserError if it is none of an image that can be read, or of too large a one."""
    head = data[:HEAD]
    if not head:
        raise UserError("is empty", where=where, way_out="remove it, or get the file again")
    try:
        if head.startswith(PNG):
            if head[12:16] != b"IHDR":
                raise ValueError("no header")
            width, height, bits, colour = struct.unpack_from(">IIBB", head, 16)
            found = Measured("PNG", width, height, bits == 16 and colour in DEEP_COLOUR)
        elif head.startswith(JPEG):
            width, height = _plugin("JPEG", data).size
            found = Measured("JPEG", width, height, False)
        elif head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            width, height = _webp_size(head)
            found = Measured("WebP", width, height, False)
        else:
            way_out = "remove it, or convert it to one of these"
            raise UserError(f"not a PNG, JPEG or WebP image (it begins with {head[:4].hex(' ')})", where=where, way_out=way_out)
    except DAMAGED as error:
        raise _damaged(error, where) from error
    _bound((found.width, found.height), where)
    return found


def decode(data: bytes, where: str, channels: Channels | None = None) -> NDArray[np.float32]:
    """An image (H, W, C); C is the file's own unless it is asked for: grey becomes RGB by repetition, RGB grey by LUMA.

    Raises UserError if the file is damaged, cut short or too large, before any pixel of it is read.
    """
    from PIL import ImageOps

    found = measure(data, where)
    try:
        with _plugin(found.format, data) as image:
            _bound(image.size, where)  # a second header may say something else
            image.load()
            values = _values(ImageOps.exif_transpose(image))
    except DAMAGED as error:
        raise _damaged(error, where) from error
    return as_channels(values, channels)


def as_channels(image_HWC: NDArray[np.float32], channels: Channels | None) -> NDArray[np.float32]:
    """The image with so many channels; None leaves it as it is."""
    if channels is None or image_HWC.shape[-1] == channels:
        return image_HWC
    if channels == 3:
        return np.repeat(image_HWC, 3, axis=-1)
    return image_HWC @ np.array(LUMA, dtype=np.float32)[:, None]


def on_white(image_HWC: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of channels of which the last says how opaque a pixel is, the others, laid on white."""
    alpha = image_HWC[..., -1:]
    return image_HWC[..., :-1] * alpha + (1 - alpha)


def resized(image_HWC: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """The largest part in the middle with the proportions asked for, each new pixel the mean of the area it covers.

    Areas may cut through pixels, so nothing is lost or counted twice, and nothing aliases; an image that is smaller is enlarged
    to blocks. Returns (height, width, C).
    """
    rows, columns = image_HWC.shape[:2]
    scale = min(rows / height, columns / width)
    values = _area_means(image_HWC, 0, scale * height, height)
    return _area_means(values, 1, scale * width, width).astype(np.float32)


def _area_means(values: Array, axis: int, covered: float, count: int) -> Array:
    """Along the axis, the means over `count` equal parts of the middle `covered` pixels: differences of a running sum."""
    size = values.shape[axis]
    edges = (size - covered) / 2 + covered * np.arange(count + 1) / count
    below = np.clip(edges.astype(np.int64), 0, size - 1)
    along = np.moveaxis(values, axis, 0)
    sums = np.concatenate([np.zeros_like(along[:1], dtype=np.float64), np.cumsum(along, axis=0, dtype=np.float64)])
    share = (edges - below).reshape(-1, *[1] * (along.ndim - 1))
    return np.moveaxis(np.diff(sums[below] + share * along[below], axis=0) * (count / covered), 0, axis)


def _plugin(format: str, data: bytes) -> Any:
    """Pillow's reader of just this format: `Image.open` would try others, and warn of sizes by a global setting."""
    from PIL import JpegImagePlugin, PngImagePlugin, WebPImagePlugin

    plugins: dict[str, Any] = {
        "PNG": PngImagePlugin.PngImageFile,
        "JPEG": JpegImagePlugin.JpegImageFile,
        "WebP": WebPImagePlugin.WebPImageFile,
    }
    return plugins[format](io.BytesIO(data))


def _webp_size(head: bytes) -> tuple[int, int]:
    """https://developers.google.com/speed/webp/docs/riff_container: the canvas, or the only picture's size."""
    if head[12:16] == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if head[12:16] == b"VP8L":
        bits = struct.unpack_from("<I", head, 21)[0]
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", head, 26)
    return width & 0x3FFF, height & 0x3FFF


def _bound(size: tuple[int, int], where: str) -> None:
    width, height = size
    if not width * height:
        raise UserError(f"holds {width} x {height} pixels", where=where, way_out="remove it, or get the file again")
    if width * height > MOST_PIXELS:
        what = f"{width:,} x {height:,} pixels are more than the {MOST_PIXELS:,} that are read of one image"
        raise UserError(what, where=where, way_out="make it smaller, or cut it into several")


def _damaged(error: Exception, where: str) -> UserError:
    return UserError(f"damaged or cut short ({error})", where=where, way_out="remove it, or get the file again")


def _values(image: Any) -> NDArray[np.float32]:
    """Raises ValueError for a mode that none of the three formats has."""
    clear = image.info.get("transparency")
    if image.mode.startswith("I"):  # grey of 16 bits; one of its values may be transparent
        grey_HW = np.asarray(image)
        values = grey_HW.astype(np.float32) / np.float32(65535)
        return np.where(grey_HW == clear, np.float32(1), values)[..., None] if isinstance(clear, int) else values[..., None]
    grey = image.mode in ("1", "L", "LA", "La")
    opaque = clear is None and image.mode not in ("LA", "La", "PA", "RGBA", "RGBa")
    mode = ("L" if opaque else "LA") if grey else ("RGB" if opaque else "RGBA")
    values = np.asarray(image.convert(mode), dtype=np.float32) / np.float32(255)
    return np.atleast_3d(values) if opaque else on_white(values)
