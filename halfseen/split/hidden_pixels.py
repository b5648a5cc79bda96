"""A few pixels of an image hidden, and the image itself, noise and all, as the target where they are (Noise2Self, Batson and Royer 2019,
arXiv:1901.11365): what a pixel's neighbours cannot tell of it is noise.

Shapes: S images (S, C, H, W).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from halfseen.contracts import Draw, Sample, Split
from halfseen.data.array_corpus import stacked

STEP = 4
"""Of each STEP x STEP pixels one is hidden, so that its neighbours are seen."""
NEAR = ((0.5, 1.0, 0.5), (1.0, 0.0, 1.0), (0.5, 1.0, 0.5))
"""How much the pixels around a hidden one count for what stands in its place."""


@dataclass(frozen=True)
class HiddenPixels:
    """seen_SCHW: means of what is around, in every fourth row and column from a drawn one on. target_SCHW: as it was, scored there."""

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        x_SCHW = torch.from_numpy(stacked(samples))
        phase_S2 = (STEP * draw(2)).astype(np.int64).reshape(-1, 2)
        hidden_S1HW = torch.stack([grid(x_SCHW.shape[2:], row, column) for row, column in phase_S2.tolist()])[:, None]
        seen_SCHW = torch.where(hidden_S1HW, means_around(x_SCHW), x_SCHW)
        return Split(seen_SCHW, x_SCHW, hidden_S1HW.expand(x_SCHW.shape))


def grid(size: Sequence[int], row: int, column: int) -> Tensor:
    """(H, W): true in every STEP-th row and column, from these on."""
    found_HW = torch.zeros(*size, dtype=torch.bool)
    found_HW[row::STEP, column::STEP] = True
    return found_HW


def means_around(x_SCHW: Tensor) -> Tensor:
    """Of each pixel the mean of its neighbours, itself left out; beyond the border there are none."""
    near_1133 = torch.tensor(NEAR, dtype=x_SCHW.dtype, device=x_SCHW.device)[None, None]
    flat = x_SCHW.flatten(0, 1)[:, None]
    around = F.conv2d(flat, near_1133, padding=1) / F.conv2d(torch.ones_like(flat[:1]), near_1133, padding=1).clamp(min=0.5)
    return around.reshape(x_SCHW.shape)
