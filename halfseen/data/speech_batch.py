"""A batch of frames of speech laid end to end, and the steps that a net takes them in.

Shapes: N frames of S samples, F bands each; K steps of C frames; D numbers a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from halfseen.contracts import Array, Sample, segment_ids


@dataclass(frozen=True)
class Frames:
    """x_NF of samples of lengths_S frames."""

    x: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Frames:
        x_NF = np.concatenate([sample.x for sample in samples])
        lengths_S = torch.tensor([len(sample.x) for sample in samples])
        return Frames(torch.from_numpy(np.ascontiguousarray(x_NF, np.float32)), lengths_S)

    @property
    def sample(self) -> Tensor:
        """sample_N: which sample each frame belongs to."""
        return torch.repeat_interleave(self.lengths)

    @property
    def first(self) -> Tensor:
        """first_S: where each sample starts among the N frames."""
        return self.lengths.cumsum(0) - self.lengths

    @property
    def position(self) -> Tensor:
        """position_N: each frame's place within its sample."""
        return torch.arange(len(self.x), device=self.x.device) - self.first[self.sample]

    def to(self, device: torch.device) -> Frames:
        return replace(self, x=self.x.to(device), lengths=self.lengths.to(device))


HALF_SURE = 20
"""Frames that tell half of what a recording has in common."""


def less_common(frames: Frames, share_S: Tensor, known_N: Tensor | None = None) -> Tensor:
    """x_NF less what each sample's frames have in common, its voice and its microphone, or a share of that: the mean of the known ones, of
    all by default. The mean of many counts almost whole, that of few little."""
    sample_N, x_NF = frames.sample, frames.x
    known_N1 = torch.ones_like(x_NF[:, :1]) if known_N is None else known_N[:, None].to(x_NF)
    sums_SF = x_NF.new_zeros(len(frames.lengths), x_NF.shape[1]).index_add_(0, sample_N, known_N1 * x_NF)
    counts_S1 = x_NF.new_zeros(len(frames.lengths), 1).index_add_(0, sample_N, known_N1)
    return x_NF - (share_S[:, None].to(x_NF) * sums_SF / (counts_S1 + HALF_SURE))[sample_N]


@dataclass(frozen=True)
class HiddenFrames(Frames):
    """hidden_N: frames of which a net gets nothing but that they are hidden."""

    hidden: Tensor

    def to(self, device: torch.device) -> HiddenFrames:
        return HiddenFrames(self.x.to(device), self.lengths.to(device), self.hidden.to(device))


def within(lengths_S: Array) -> Array:
    """Each frame's place within its sample, for samples laid end to end."""
    return np.arange(lengths_S.sum()) - np.repeat(np.cumsum(lengths_S) - lengths_S, lengths_S)


@dataclass(frozen=True)
class Steps:
    """How N frames are K steps of C frames, samples in another order. frame_KC: what each step holds, a sample's last frame again where it
    lacks some. step_N and slot_N: where each frame stands. lengths: steps of each sample, in their new order."""

    frame: Tensor
    step: Tensor
    slot: Tensor
    lengths: Array

    @classmethod
    def of(cls, lengths_S: Array, order_S: Array, stack: int) -> Steps:
        first_S, steps_S = (np.cumsum(lengths_S) - lengths_S)[order_S], -(-lengths_S[order_S] // stack)
        sample_K, place_K = segment_ids(steps_S), within(steps_S)
        last_S = first_S + lengths_S[order_S] - 1
        frame_KC = np.minimum((first_S[sample_K] + place_K * stack)[:, None] + np.arange(stack), last_S[sample_K][:, None])
        begin_S = np.empty_like(steps_S)
        begin_S[order_S] = np.cumsum(steps_S) - steps_S
        place_N = within(lengths_S)
        step_N = begin_S[segment_ids(lengths_S)] + place_N // stack
        return cls(torch.from_numpy(frame_KC), torch.from_numpy(step_N), torch.from_numpy(place_N % stack), steps_S)

    def to(self, device: torch.device) -> Steps:
        return replace(self, frame=self.frame.to(device), step=self.step.to(device), slot=self.slot.to(device))
