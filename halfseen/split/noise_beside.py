"""A row or an image as seen and target, and beside it the random numbers that a method needs to draw a code.

Shapes: S samples of shape X; E numbers of noise each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from halfseen.contracts import Draw, Sample, Split
from halfseen.data.array_corpus import stacked
from halfseen.split.noise import normal


@dataclass(frozen=True)
class WithNoise:
    """x_SX, and noise_SE to draw with."""

    x: Tensor
    noise: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def to(self, device: torch.device) -> WithNoise:
        return WithNoise(self.x.to(device), self.noise.to(device))


@dataclass(frozen=True)
class NoiseBeside:
    """seen: x and `count` standard normal numbers. target: x, all of it scored."""

    count: int

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        x_SX = torch.from_numpy(stacked(samples))
        noise_SE = normal((len(samples), self.count), draw)
        return Split(WithNoise(x_SX, torch.from_numpy(noise_SE)), x_SX, torch.ones(1, dtype=torch.bool).expand(x_SX.shape))
