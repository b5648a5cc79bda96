"""Images side by side, in one picture.

Shapes: N images (N, C, H, W), from 0 (black) to 1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from halfseen.contracts import Array
from halfseen.data.levels import levels, picture


def write_grid(path: Path, images: Array, columns: int) -> None:
    """Images side by side, with a thin line between them; small ones are drawn larger."""
    from PIL import Image

    count, channels, height, width = images.shape
    rows, gap = -(-count // columns), 1
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, channels), 0.5, np.float32)
    for i, image in enumerate(images):
        top, left = (i // columns) * (height + gap) + gap, (i % columns) * (width + gap) + gap
        sheet[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    made = picture(levels(sheet))
    larger = max(1, 640 // max(made.size))
    path.parent.mkdir(parents=True, exist_ok=True)
    made.resize((made.width * larger, made.height * larger), Image.Resampling.NEAREST).save(path)
