"""A voice to be taken apart: its frames as they are, the same with bands moved as another throat would, and noise for the codes.

Shapes: N frames of S samples laid end to end, F bands each; Q content codes of K numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from halfseen.contracts import Array, Draw, Sample, Split
from halfseen.data.speech_batch import Frames
from halfseen.split.noise import as_normal


@dataclass(frozen=True)
class BentFrames(Frames):
    """x_NF as it is. bent_NF: for the content encoder. noise_QK: for its codes."""

    bent: Tensor
    noise: Tensor

    @property
    def moved(self) -> Frames:
        """What the content encoder hears."""
        return Frames(self.bent, self.lengths)

    def to(self, device: torch.device) -> BentFrames:
        return replace(self, x=self.x.to(device), lengths=self.lengths.to(device), bent=self.bent.to(device), noise=self.noise.to(device))


@dataclass(frozen=True)
class Bent:
    """target: the frames, all scored. most: bands are moved by a factor between 1 - most and 1 + most, drawn for each sample, so that where
    a voice has its resonances is no content (vocal tract length perturbation, Jaitly and Hinton 2013). code: K, or 0: no noise. pace:
    frames of a code."""

    most: float
    code: int
    pace: int

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        frames = Frames.of(samples)
        codes_S = -(-frames.lengths.numpy() // self.pace)
        noise_QK = as_normal(draw(self.code * codes_S)).reshape(codes_S.sum(), self.code)
        factor_S = factors(draw, self.most)
        bent = [bend(sample.x, factor) for sample, factor in zip(samples, factor_S, strict=True)] if self.most else [frames.x.numpy()]
        seen = BentFrames(frames.x, frames.lengths, torch.from_numpy(np.concatenate(bent)), torch.from_numpy(noise_QK))
        return Split(seen, frames.x, torch.ones(len(frames.x), 1, dtype=torch.bool))


def disturbed(samples: Sequence[Sample], draw: Draw, *, most: float, level: float) -> Frames:
    """As other throats and microphones would have it: bands moved as `Bent` has it, and by up to `level` raised or lowered, all of them and
    on a line from the lowest to the highest."""
    if not most and not level:
        return Frames.of(samples)
    factor_S, up_S, tilt_S = factors(draw, most), level * (2 * draw(1) - 1), level * (2 * draw(1) - 1)
    line_F = np.linspace(-1, 1, samples[0].x.shape[1])
    each = [
        Sample(sample.id, bend(sample.x, factor) + (up + tilt * line_F).astype(np.float32))
        for sample, factor, up, tilt in zip(samples, factor_S, up_S, tilt_S, strict=True)
    ]
    return Frames.of(each)


def factors(draw: Draw, most: float) -> Array:
    """factor_S between 1 - most and 1 + most."""
    return 1 + most * (2 * draw(1) - 1)


def bend(x_TF: Array, factor: float) -> Array:
    """Each band from where it is `factor` times as high, between two bands by their mean; the highest stays beyond the end."""
    at_F = np.minimum(factor * np.arange(x_TF.shape[1]), x_TF.shape[1] - 1)
    below_F = np.floor(at_F).astype(np.int64)
    share_F = (at_F - below_F).astype(np.float32)
    above_F = np.minimum(below_F + 1, x_TF.shape[1] - 1)
    return np.asarray(x_TF[:, below_F] * (1 - share_F) + x_TF[:, above_F] * share_F)
