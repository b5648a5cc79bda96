"""A row or an image corrupted, and itself as the target (denoising auto-encoder, Vincent et al. 2008).

Shapes: S samples of shape X.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from halfseen.contracts import Array, Draw, Sample, Split
from halfseen.data.array_corpus import stacked
from halfseen.split.noise_kinds import Noise


@dataclass(frozen=True)
class Corrupted:
    """seen_SX: with noise. target_SX: without; all of it is scored.

    noise: `none`; `gaussian` adds normal numbers of standard deviation `amount`; of a share `amount`, drawn anew for each number, `mask`
    makes 0 and `salt-and-pepper` the lowest or the highest of what is there (0 and 1 for images, -3 and 3 standard deviations for rows).
    """

    noise: Noise | Literal["none"]
    amount: float = 0.0

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        x_SX = stacked(samples)
        seen = torch.from_numpy(self.seen(x_SX, draw))
        return Split(seen, torch.from_numpy(x_SX), torch.ones(1, dtype=torch.bool).expand(x_SX.shape))

    def seen(self, x_SX: Array, draw: Draw) -> Array:
        if self.noise == "none":
            return x_SX
        return corrupted(x_SX, self.noise, np.float32(self.amount), draw(math.prod(x_SX.shape[1:])).reshape(x_SX.shape))


def corrupted(x_SX: Array, noise: Noise, amount: Array | np.float32, uniform_SX: Array) -> Array:
    """The samples with noise that `uniform_SX`, a number between 0 and 1 for each of theirs, decides. amount: one, or one a sample."""
    if noise == "gaussian":
        return x_SX + amount * as_normal(uniform_SX)
    if noise == "mask":
        return np.where(uniform_SX < amount, np.float32(0), x_SX)
    low, high = (0.0, 1.0) if x_SX.ndim == 4 else (-3.0, 3.0)
    return np.where(uniform_SX < amount / 2, np.float32(low), np.where(uniform_SX < amount, np.float32(high), x_SX))


def normal(shape: tuple[int, ...], draw: Draw) -> Array:
    """Standard normal numbers, float32, for a batch of this shape."""
    return as_normal(draw(math.prod(shape[1:])).reshape(shape))


def as_normal(uniform_SX: Array) -> Array:
    """Uniform numbers to standard normal ones, float32."""
    from scipy.special import ndtri

    return np.asarray(ndtri(np.maximum(uniform_SX, 1e-16)), np.float32)
