"""`halfseen score compression`: a codec on photographs beside JPEG, WebP and AVIF, curves and all."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from halfseen.apps.codec import SHIPPED, open_codec
from halfseen.data.claim import claim
from halfseen.data.files import write_atomically, write_json
from halfseen.data.images import open_images
from halfseen.data.levels import Levels, levels
from halfseen.report.curves import rate_distortion
from halfseen.suites.options import CompressionOptions
from halfseen.suites.rate_distortion import RATES, Point, at_rate, bd_rate, codecs, curve
from halfseen.train.progress import ProgressBar

OURS, ANCHOR = "halfseen", "JPEG"


def run(options: CompressionOptions) -> dict[str, Any]:
    """What `halfseen score compression --json` prints. Raises UserError for a fault in the images or options."""
    started = time.monotonic()
    images = photographs(options.data)
    given = {folder: open_codec(Path(folder)) for folder in options.model}
    coders = codecs(given if len(given) > 1 else {OURS: next(iter(given.values()), None) or open_codec(SHIPPED)})
    if options.out is not None:
        claim(options.out)
    curves: dict[str, list[Point]] = {}
    with ProgressBar("compressing", sum(len(settings) for _, settings in coders.values()) * len(images)) as bar:
        done = 0

        def on_image() -> None:
            nonlocal done
            done += 1
            bar.update(done, note=name)

        for name, (code, settings) in coders.items():
            curves[name] = curve(code, settings, images, on_image)
    found = {
        "images": len(images),
        "psnr_db_at_bits_per_pixel": {name: {f"{rate:g}": at_rate(points, rate) for rate in RATES} for name, points in curves.items()},
        "bd_rate_percent": {name: bd_rate(points, curves[ANCHOR]) for name, points in curves.items()},
        "curves": {name: [asdict(point) for point in points] for name, points in curves.items()},
        "seconds": time.monotonic() - started,
    }
    if options.out is not None:
        keep(options.out, found, curves)
    return found | ({"out": str(options.out)} if options.out is not None else {})


def photographs(path: str) -> list[Levels]:
    return [np.ascontiguousarray(levels(each.x).transpose(2, 0, 1)) for each in open_images(path)]


def keep(out: Path, found: Mapping[str, Any], curves: Mapping[str, Sequence[Point]]) -> None:
    write_json(out / "compression.json", dict(found))
    for name, axis in (("psnr_db", "PSNR, dB"), ("ms_ssim", "MS-SSIM")):
        lines = {codec: [(point.bits_per_pixel, getattr(point, name)) for point in points] for codec, points in curves.items()}
        if all(value is not None for points in lines.values() for _, value in points):
            write_atomically(out / f"{name}.png", rate_distortion(lines, axis))
