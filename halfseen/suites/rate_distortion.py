"""Rate against distortion: what codecs make of photographs, and how their curves compare.

Shapes: images (1 or 3, H, W) of uint8. Rates are whole files' bytes, headers and all, in bits a pixel.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from halfseen.apps.codec import CodecModel
from halfseen.apps.compress import decoded, encoded
from halfseen.apps.compress_options import STEPS
from halfseen.contracts import UserError
from halfseen.data.levels import Levels, picture, psnr

RATES = (0.2, 0.3, 0.5, 0.8, 1.2)
"""Bits a pixel at which curves are compared."""
BETWEEN = 2
"""More steps between two qualities of ours, so that a curve can be drawn."""
SMALLEST_FOR_MS_SSIM = 161
"""Height and width that five scales of windows of 11 pixels need (Wang et al. 2003)."""

Coded = Callable[[Levels, Any], tuple[bytes, Levels]]


@dataclass(frozen=True)
class Point:
    """The means over all images at one setting; seconds of coding and decoding one image; no MS-SSIM where an image is too small for it."""

    setting: str
    bits_per_pixel: float
    psnr_db: float
    ms_ssim: float | None
    seconds: float


def pillow(format: str) -> Coded:
    """A codec of Pillow's, all but its quality left as Pillow has it."""

    def code(image: Levels, quality: Any) -> tuple[bytes, Levels]:
        from PIL import Image

        held, made = io.BytesIO(), picture(image.transpose(1, 2, 0))
        made.save(held, format, quality=quality)
        back = np.asarray(Image.open(held).convert(made.mode))
        return held.getvalue(), (back[None] if len(image) == 1 else back.transpose(2, 0, 1))

    return code


def ours(codec: CodecModel) -> Coded:
    def code(image: Levels, step: Any) -> tuple[bytes, Levels]:
        data, _ = encoded(codec, image, step)
        return data, decoded(codec, data, "what was just coded")

    return code


def codecs(models: Mapping[str, CodecModel]) -> dict[str, tuple[Coded, Mapping[str, Any]]]:
    """Ours and the others, each with its settings, by what they are called."""
    fine = np.exp(np.interp(np.arange(BETWEEN * (len(STEPS) - 1) + 1) / BETWEEN, range(len(STEPS)), np.log(STEPS)))
    named = {f"quality {i / BETWEEN + 1:g}": float(step) for i, step in enumerate(fine)}

    def by(qualities: Sequence[int]) -> dict[str, int]:
        return {f"quality {quality}": quality for quality in qualities}

    return {
        **{name: (ours(codec), named) for name, codec in models.items()},
        "JPEG": (pillow("JPEG"), by([5, 8, 12, 17, 25, 35, 50, 65, 75, 85, 90, 94])),
        "WebP": (pillow("WEBP"), by([1, 5, 15, 30, 45, 60, 75, 85, 90, 95])),
        "AVIF": (pillow("AVIF"), by([15, 25, 35, 45, 55, 65, 75, 85])),
    }


def curve(code: Coded, settings: Mapping[str, Any], images: Sequence[Levels], on_image: Callable[[], None]) -> list[Point]:
    """A point for each setting."""
    found = []
    for name, setting in settings.items():
        figures, structure = [], []
        for image in images:
            started = time.perf_counter()
            data, rebuilt = code(image, setting)
            seconds = time.perf_counter() - started
            figures.append((8 * len(data) / image[0].size, psnr(image, rebuilt, white=255), seconds))
            structure.append(multi_scale(image, rebuilt))
            on_image()
        rate, quality, seconds = np.mean(figures, 0).tolist()
        known = [value for value in structure if value is not None]
        found.append(Point(name, rate, quality, float(np.mean(known)) if len(known) == len(images) else None, seconds))
    return found


def multi_scale(image: Levels, rebuilt: Levels) -> float | None:
    """MS-SSIM (Wang et al. 2003); None for images that are too small for it. Raises UserError if its package is not there."""
    if min(image.shape[1:]) < SMALLEST_FOR_MS_SSIM:
        return None
    try:
        import torch
        from pytorch_msssim import ms_ssim
    except ImportError as error:
        raise UserError("MS-SSIM needs the package pytorch-msssim", way_out="pip install 'halfseen[images]'") from error
    a, b = (torch.from_numpy(each.astype(np.float32))[None] for each in (image, rebuilt))
    return float(ms_ssim(a, b, data_range=255))


def at_rate(points: Sequence[Point], rate: float) -> float | None:
    """PSNR at a rate, on straight lines over the rate's logarithm; None where the curve does not reach."""
    known = sorted(points, key=lambda point: point.bits_per_pixel)
    if not known[0].bits_per_pixel <= rate <= known[-1].bits_per_pixel:
        return None
    logs = [math.log(point.bits_per_pixel) for point in known]
    return float(np.interp(math.log(rate), logs, [point.psnr_db for point in known]))


def bd_rate(points: Sequence[Point], anchor: Sequence[Point]) -> float | None:
    """Percent of bits more (or, below 0, less) than the anchor's for equal PSNR: the mean over the PSNRs that both reach (Bjøntegaard 2001,
    VCEG-M33, with monotone curves instead of polynomials). None if they reach none together."""
    from scipy.interpolate import PchipInterpolator

    sides = []
    for each in (points, anchor):
        known = sorted({point.psnr_db: math.log(point.bits_per_pixel) for point in each}.items())
        sides.append(known)
    low, high = max(side[0][0] for side in sides), min(side[-1][0] for side in sides)
    if high <= low or min(map(len, sides)) < 2:
        return None
    mine, theirs = (PchipInterpolator(*zip(*side, strict=True)).integrate(low, high) / (high - low) for side in sides)
    return float(100 * (math.exp(mine - theirs) - 1))
