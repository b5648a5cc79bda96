"""`halfseen compress` and `halfseen decompress`: an image to a small file, and back to the same pixels on every machine."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from halfseen.apps.codec import SHIPPED, CodecModel, open_codec
from halfseen.apps.codec_file import LARGEST, Header, from_bytes, pixel_sum, to_bytes
from halfseen.apps.compress_options import STEPS, CompressOptions, DecompressOptions
from halfseen.contracts import UserError
from halfseen.data.files import UNREADABLE, decode_error, write_atomically
from halfseen.data.images import open_images
from halfseen.data.levels import Levels, levels, png, psnr
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
    images = open_images(options.path)
    if len(images) > 1:
        raise UserError(f"{len(images):,} images", where=str(options.path), way_out="name one; each becomes a file of its own")
    for line in images.notes:
        note(line)
    pixels = np.ascontiguousarray(levels(images[0].x).transpose(2, 0, 1))
    data, rebuilt = encoded(open_codec(options.model or SHIPPED), pixels, STEPS[options.quality - 1])
    write_atomically(options.out, data)
    height, width = pixels.shape[1:]
    return {
        "out": str(options.out),
        "width": width,
        "height": height,
        "bytes": len(data),
        "bits_per_pixel": round(8 * len(data) / (width * height), 4),
        "psnr_db": round(psnr(pixels, rebuilt, white=255), 3),
    }


def run_decompress(options: DecompressOptions) -> dict[str, Any]:
    """Raises UserError for a file that is damaged or of another codec, and for a fault in the options."""
    refuse(options, "decompress")
    pixels = decoded(open_codec(options.model or SHIPPED), contents(options.path), str(options.path))
    write_atomically(options.out, png(pixels.transpose(1, 2, 0)))
    return {"out": str(options.out), "width": pixels.shape[2], "height": pixels.shape[1]}


def refuse(options: CompressOptions | DecompressOptions, verb: str) -> None:
    if faults := options.faults():
        raise UserError("; ".join(faults), way_out=f"see `halfseen {verb} --help`")
    if options.out.exists():
        raise UserError("is there already", where=str(options.out), way_out="choose another --out")


def contents(path: Path) -> bytes:
    """Raises UserError if the file is not there, or larger than any that `compress` writes."""
    if not path.exists():
        raise missing_path(path.absolute(), str(path))
    if path.stat().st_size > LARGEST:
        raise UserError(f"{path.stat().st_size:,} bytes; no file of `halfseen compress` is so large", where=str(path), way_out="name one")
    try:
        return path.read_bytes()
    except UNREADABLE as error:
        raise decode_error(path, error) from error


def encoded(codec: CodecModel, image: Levels, step: float) -> tuple[bytes, Levels]:
    """A file's bytes and the picture that will come out of it. image: (1 or 3, H, W). step: of the coefficients, in levels of pixels."""
    channels, height, width = image.shape
    quality = {"step": round(step * 2**COEFFICIENT), "level": round(math.log(step / MIDDLE) * 2**WITHIN)}
    content, read_Khw = codec.encode(np.repeat(image, 3, 0) if channels == 1 else image, **quality)
    rebuilt = as_grey(codec.pixels(read_Khw, height, width, **quality), channels == 1)
    header = Header(grey=channels == 1, codec=codec.id, width=width, height=height, pixels=pixel_sum(rebuilt.tobytes()), **quality)
    return to_bytes(header, content), rebuilt


def decoded(codec: CodecModel, data: bytes, where: str) -> Levels:
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


def as_grey(image: Levels, grey: bool) -> Levels:
    return np.round(image.astype(np.float64).mean(0, keepdims=True)).astype(np.uint8) if grey else image
