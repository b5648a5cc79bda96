"""`halfseen compress` and `halfseen decompress`: an image to a small file, and back to the same pixels on every machine."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np

from halfseen.apps.codec import SHIPPED, CodecModel, Pixels, open_codec
from halfseen.apps.codec_file import Header, from_bytes, pixel_sum, to_bytes
from halfseen.apps.compress_options import STEPS, CompressOptions, DecompressOptions
from halfseen.contracts import UserError
from halfseen.data.files import UNREADABLE, decode_error, write_atomically
from halfseen.data.pixels import decode, measure
from halfseen.data.sources import missing_path
from halfseen.methods.codec import MIDDLE
from halfseen.nets.exact import COEFFICIENT, WITHIN
from halfseen.train.progress import note


def compress(path: str | Path, *, out: str | Path, **options: Any) -> dict[str, Any]:
    """What `halfseen compress --json` prints. options: the fields of `CompressOptions`."""
    return run_compress(CompressOptions(path=Path(path), out=Path(out), **options))


def decompress(path: str | Path, *, out: str | Path, **options: Any) -> dict[str, Any]:
    """What `halfseen decompress --json` prints. options: the fields of `DecompressOptions`."""
    return run_decompress(DecompressOptions(path=Path(path), out=Path(out), **options))


def run_compress(options: CompressOptions) -> dict[str, Any]:
    """Raises UserError for a fault in the image or the options."""
    refuse(options, "compress")
    content = contents(options.path)
    where = str(options.path)
    if measure(content, where).narrowed:
        note(f"{where}: 16 bits a channel, of which 8 are kept")
    image_HWC = decode(content, where)
    pixels = np.ascontiguousarray(np.round(image_HWC * 255).astype(np.uint8).transpose(2, 0, 1))
    data, rebuilt = encoded(open_codec(options.model or SHIPPED), pixels, STEPS[options.quality - 1])
    write_atomically(options.out, data)
    height, width = pixels.shape[1:]
    return {
        "out": str(options.out),
        "width": width,
        "height": height,
        "bytes": len(data),
        "bits_per_pixel": round(8 * len(data) / (width * height), 4),
        "psnr_db": psnr(pixels, rebuilt),
    }


def run_decompress(options: DecompressOptions) -> dict[str, Any]:
    """Raises UserError for a file that is damaged or of another codec, and for a fault in the options."""
    from PIL import Image

    refuse(options, "decompress")
    pixels = decoded(open_codec(options.model or SHIPPED), contents(options.path), str(options.path))
    held = io.BytesIO()
    Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)).save(held, "PNG")
    write_atomically(options.out, held.getvalue())
    return {"out": str(options.out), "width": pixels.shape[2], "height": pixels.shape[1]}


def refuse(options: CompressOptions | DecompressOptions, verb: str) -> None:
    if faults := options.faults():
        raise UserError("; ".join(faults), way_out=f"see `halfseen {verb} --help`")
    if options.out.exists():
        raise UserError("is there already", where=str(options.out), way_out="choose another --out")


def contents(path: Path) -> bytes:
    if not path.exists():
        raise missing_path(path.absolute(), str(path))
    try:
        return path.read_bytes()
    except UNREADABLE as error:
        raise decode_error(path, error) from error


def encoded(codec: CodecModel, image: Pixels, step: float) -> tuple[bytes, Pixels]:
    """A file's bytes and the picture that will come out of it. image: (1 or 3, H, W). step: of the coefficients, in levels of pixels."""
    channels, height, width = image.shape
    quality = {"step": round(step * 2**COEFFICIENT), "level": round(math.log(step / MIDDLE) * 2**WITHIN)}
    content, read_Khw = codec.encode(np.repeat(image, 3, 0) if channels == 1 else image, **quality)
    rebuilt = as_grey(codec.pixels(read_Khw, height, width, **quality), channels == 1)
    header = Header(grey=channels == 1, codec=codec.id, width=width, height=height, pixels=pixel_sum(rebuilt.tobytes()), **quality)
    return to_bytes(header, content), rebuilt


def decoded(codec: CodecModel, data: bytes, where: str) -> Pixels:
    """The picture, (1 or 3, H, W). Raises UserError if the file is damaged or was made by another codec."""
    header, content = from_bytes(data, where)
    if header.codec != codec.id:
        what = f"was made by the codec {header.codec.hex()}, and this is {codec.id.hex()}"
        raise UserError(what, where=where, way_out="name its folder by --model, or take the halfseen that made it")
    try:
        read_Khw = codec.decode(content, header.height, header.width, level=header.level)
    except UserError as error:
        raise UserError(error.what, where=where, way_out=error.way_out) from error
    rebuilt = as_grey(codec.pixels(read_Khw, header.height, header.width, step=header.step, level=header.level), header.grey)
    if pixel_sum(rebuilt.tobytes()) != header.pixels:
        raise UserError(
            "another picture came out than went in", where=where, way_out="get the file again, and tell us if that does not help"
        )
    return rebuilt


def as_grey(image: Pixels, grey: bool) -> Pixels:
    return np.round(image.astype(np.float64).mean(0, keepdims=True)).astype(np.uint8) if grey else image


def psnr(image: Pixels, rebuilt: Pixels) -> float | None:
    """Peak signal-to-noise ratio in decibels; None if nothing was lost."""
    error = float(np.square(image.astype(np.float64) - rebuilt).mean())
    return round(10 * math.log10(255**2 / error), 3) if error else None
