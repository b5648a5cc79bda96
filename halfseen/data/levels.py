"""Images as files hold them, in 256 levels, and how near one is to another.

Shapes: H rows and W columns of pixels, C = 1 or 3 channels.
"""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from halfseen.contracts import Array

Levels = NDArray[np.uint8]
MOST_DB = 100.0
"""What equal images have for PSNR: no file knows infinity."""


def levels(shares: Array) -> Levels:
    """Numbers from 0 (black) to 1 as the nearest of 256 levels."""
    return np.round(shares * 255).astype(np.uint8)


def picture(levels_HWC: Levels) -> Any:
    """Pillow's image of grey or coloured pixels."""
    from PIL import Image

    return Image.fromarray(levels_HWC[..., 0] if levels_HWC.shape[2] == 1 else levels_HWC)


def png(levels_HWC: Levels) -> bytes:
    held = io.BytesIO()
    picture(levels_HWC).save(held, "PNG")
    return held.getvalue()


def psnr(image: Array, other: Array, *, white: float) -> float:
    """Peak signal-to-noise ratio in dB over all numbers, MOST_DB at most. white: the highest level."""
    squares = sum(float(np.square(a.astype(np.float64) - b).sum()) for a, b in zip(image, other, strict=True))  # never all in float64
    error = squares / image.size
    return min(MOST_DB, 10 * math.log10(white**2 / error)) if error else MOST_DB
