"""An image with noise of a strength that is drawn for it, and itself as the target, so that one net cleans every strength (Zhang et al.
2017, arXiv:1608.03981, section III.D).

Shapes: S images (S, C, H, W).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from halfseen.contracts import Draw, Sample, Split
from halfseen.data.array_corpus import stacked
from halfseen.data.pixels import LUMA
from halfseen.split.noise import corrupted
from halfseen.split.noise_kinds import Noise

GREY_SHARE = 0.2
"""Of images in colour: made grey, with noise that is the same in all three channels, as a grey image's is."""


@dataclass(frozen=True)
class VariedNoise:
    """seen_SCHW: with noise. target_SCHW: without. most: the highest strength; each image's is uniform from 0 to it (`split.noise`)."""

    noise: Noise
    most: float

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        x_SCHW = stacked(samples)
        strength_S111 = (np.float32(self.most) * draw(1).astype(np.float32))[:, None, None, None]
        grey_S = draw(1) < (GREY_SHARE if x_SCHW.shape[1] == 3 else 0)
        uniform_SCHW = draw(math.prod(x_SCHW.shape[1:])).reshape(x_SCHW.shape)
        if grey_S.any():
            x_SCHW = x_SCHW.copy()
            x_SCHW[grey_S] = np.einsum("schw,c->shw", x_SCHW[grey_S], np.array(LUMA, np.float32))[:, None]
            uniform_SCHW[grey_S] = uniform_SCHW[grey_S, :1]
        seen_SCHW = corrupted(x_SCHW, self.noise, strength_S111, uniform_SCHW)
        return Split(torch.from_numpy(seen_SCHW), torch.from_numpy(x_SCHW), torch.ones(1, dtype=torch.bool).expand(x_SCHW.shape))
