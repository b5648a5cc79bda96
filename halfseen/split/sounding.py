"""Frames of speech and what a voice is made of before mouth and throat shape it, and the recording as the target.

Shapes: N frames of S samples laid end to end, F bands and H sound samples each; of one sample T frames, P sound samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from halfseen.contracts import Array, Draw, Sample, Split
from halfseen.data.logmel import FRAMES_PER_SECOND
from halfseen.data.speech_batch import Frames
from halfseen.split.noise import as_normal

HIGHEST = 0.97
"""Of half the rate: overtones end there."""


@dataclass(frozen=True)
class Sounding(Frames):
    """x_NF. hertz_N: pitch, 0 where nothing is voiced. overtones_NH and noise_NH: of variance 1, the former 0 where nothing is voiced."""

    hertz: Tensor
    overtones: Tensor
    noise: Tensor

    def to(self, device: torch.device) -> Sounding:
        moved = {name: getattr(self, name).to(device) for name in ("hertz", "overtones", "noise")}
        return replace(self, x=self.x.to(device), lengths=self.lengths.to(device), **moved)


@dataclass(frozen=True)
class SoundOfFrames:
    """target: sound_NH, all scored. hop: H. Samples bring `hertz`, one a frame, and for the target `sound`, a row a frame."""

    hop: int

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        seen = self.seen(samples, draw)
        sound_NH = np.concatenate([sample.meta["sound"] for sample in samples])
        return Split(seen, torch.from_numpy(sound_NH), torch.ones(len(sound_NH), 1, dtype=torch.bool))

    def seen(self, samples: Sequence[Sample], draw: Draw) -> Sounding:
        """Without a target."""
        frames = Frames.of(samples)
        hertz = [np.asarray(sample.meta["hertz"], np.float64) for sample in samples]
        noise_NH = as_normal(draw(frames.lengths.numpy() * self.hop)).reshape(-1, self.hop)
        overtones_NH = np.concatenate([overtones(hertz_T, self.hop) for hertz_T in hertz])
        told = [np.asarray(x, np.float32) for x in (np.concatenate(hertz), overtones_NH, noise_NH)]
        return Sounding(frames.x, frames.lengths, *map(torch.from_numpy, told))


def overtones(hertz_T: Array, hop: int) -> Array:
    """(T, hop): the pitch and all its overtones, equally loud, together of variance 1; 0 in frames that are not voiced.

    The sum of H cosines is (sin((H + 1/2) phase) / sin(phase / 2) - 1) / 2 (Dirichlet's kernel). Between two frames' middles the pitch
    moves on a line.
    """
    rate, voiced_T = hop * FRAMES_PER_SECOND, hertz_T > 0
    if not voiced_T.any():
        return np.zeros((len(hertz_T), hop))
    at_P = (np.arange(len(hertz_T) * hop) + 0.5) / hop - 0.5
    hertz_P = np.interp(at_P, np.flatnonzero(voiced_T), hertz_T[voiced_T])
    half_P = np.pi * np.cumsum(hertz_P / rate)
    count_P = np.maximum(1, np.floor(HIGHEST * rate / 2 / hertz_P))
    low_P = np.sin(half_P)
    at_top_P = np.abs(low_P) < 1e-6
    sum_P = np.where(at_top_P, count_P, (np.sin((2 * count_P + 1) * half_P) / np.where(at_top_P, 1.0, low_P) - 1) / 2)
    return np.asarray((np.sqrt(2 / count_P) * sum_P).reshape(-1, hop) * voiced_T[:, None])
