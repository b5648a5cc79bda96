"""Samples laid end to end with gaps of zeros as wide as a convolution reaches, so that none sees its neighbour and nothing is padded.

Shapes: N frames of S samples; M places of the layout, frames and gaps; W channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from halfseen.data.speech_batch import Frames
from halfseen.data.tokens import round_up

REACH = 2
"""Taps to either side of a convolution's middle one."""


@dataclass(frozen=True)
class Layout:
    """Where frames lie. place_N: of each frame. owner_M: the sample of each place, S for a gap. inside_M1: 1 for frames, 0 for gaps.
    length_S1: frames of each sample."""

    place: Tensor
    owner: Tensor
    inside: Tensor
    length: Tensor

    @classmethod
    def of(cls, seen: Frames, gap: int) -> Layout:
        """gap: places between two samples, before the first and after the last."""
        lengths_S, sample_N = seen.lengths, seen.sample
        samples = len(lengths_S)
        place_N = torch.arange(len(sample_N), device=sample_N.device) + gap * (sample_N + 1)
        places = round_up(len(sample_N) + gap * (samples + 1), 64, 32)
        owner_M = place_N.new_full((places,), samples).index_copy_(0, place_N, sample_N)
        return cls(place_N, owner_M, (owner_M < samples)[:, None].float(), lengths_S[:, None].float())

    def spread(self, x_NW: Tensor) -> Tensor:
        """x_MW: frames at their places, zeros between them."""
        return x_NW.new_zeros(len(self.owner), x_NW.shape[1]).index_copy(0, self.place, x_NW)

    def frames(self, x_MW: Tensor) -> Tensor:
        """x_NW back from their places."""
        return x_MW.index_select(0, self.place)


class FrameConv(nn.Module):
    """A convolution over 2 REACH + 1 frames as one product; gaps stay zero. apart: how many frames lie between two taps, the later one
    included. bias: False where instance normalisation would take it away."""

    def __init__(self, into: int, out: int, *, apart: int = 1, bias: bool = True) -> None:
        super().__init__()
        self.apart = apart
        self.linear = nn.Linear((2 * REACH + 1) * into, out, bias=bias)

    def forward(self, x_MW: Tensor, layout: Layout) -> Tensor:
        """x_MW to y_MW of `out` channels."""
        places = len(x_MW)
        if torch.is_autocast_enabled(x_MW.device.type):  # once, not for each of the copies beside each other
            x_MW = x_MW.to(torch.get_autocast_dtype(x_MW.device.type))
        padded = F.pad(x_MW, (0, 0, REACH * self.apart, REACH * self.apart))
        around = torch.cat([padded[i * self.apart : i * self.apart + places] for i in range(2 * REACH + 1)], 1)
        return self.linear(around) * layout.inside
