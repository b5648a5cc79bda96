"""What is known of a coefficient before it is read: its mean and how far it may be off, from all that was read before it.

Coefficients are read in slices of channels, smooth ones first, and each slice in four lattices of blocks, each two blocks apart (He et al.
2022, arXiv:2203.10886, with checkerboards refined to four steps). Shapes: S images, K channels, blocks h x w, both even.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from halfseen.nets.lapped import precise

SLICES: tuple[tuple[tuple[int, int, int], ...], ...] = (
    ((0, 0, 1), (1, 0, 1), (2, 0, 1)),
    ((0, 1, 6),),
    ((0, 6, 21),),
    ((0, 21, 64),),
    ((1, 1, 64), (2, 1, 64)),
)
"""Each slice's channels: of a colour, from one wave to another."""
CHANNELS = [[(colour, wave) for colour, first, end in slice for wave in range(first, end)] for slice in SLICES]
LATTICES = ((0, 0), (1, 1), (0, 1), (1, 0))
"""Blocks are read in four turns: those of even rows and columns, of odd ones, and what lies between."""
WIDE, WIDE_REACH = 2, 2
"""The first slices look two blocks far, not one: smooth waves go on for long."""
MOST, MOST_SIZE = 16.0, 6.0
"""Where a coefficient and its absolute value are cut off before a net sees them."""
LEAST_USUAL = 0.5
"""In steps; smaller coefficients are nearly always rounded to 0 anyway."""
LOG_SCALES = (-3.0, 6.0)
"""Least and largest logarithm of a scale: with the least, a 1 costs 15 bits and a 0 a ten-thousandth of one."""
SCALES = 64
"""Steps that it is rounded to when a file is written."""


def reach(slice: int) -> int:
    """How many blocks far a slice looks."""
    return WIDE_REACH if slice < WIDE else 1


class Context(nn.Module):
    """Of one slice: what was read to the mean and the log of the scale of what comes next.

    usual_K: about how large coefficients are, those of the slices before and then its own. Inputs are divided by it and means multiplied,
    so that all weights are of one size and learn at one rate.
    """

    def __init__(self, usual_K: Tensor, own: int, width: int, reach: int) -> None:
        super().__init__()
        before, side = len(usual_K) - own, 2 * reach + 1
        self.own, self.reach = own, reach
        divisor = usual_K.clamp(min=LEAST_USUAL)[:, None, None]
        self.register_buffer("usual_before", divisor[:before].clone())
        self.register_buffer("usual_own", divisor[before:].clone())
        self.register_buffer("log_usual", usual_K[before:, None, None].log())
        self.before = nn.Conv2d(2 * before, width, side, padding=reach) if before else None
        self.beside = nn.Conv2d(2 * own, width, side, stride=2)
        smooth = reach == WIDE_REACH  # large numbers, which go on as straight lines do
        self.before_linear = nn.Conv2d(before, own, side, padding=reach, bias=False) if before and smooth else None
        self.beside_linear = nn.Conv2d(own, own, side, stride=2, bias=False) if smooth else None
        self.turn = nn.Parameter(torch.zeros(len(LATTICES), width))
        self.level = nn.Parameter(torch.zeros(width))
        self.deeper = nn.Conv2d(width, width, 1)
        self.mean = nn.Conv2d(width, own, 1)
        self.log_scale = nn.Conv2d(width, own, 1)

    usual_before: Tensor
    usual_own: Tensor
    log_usual: Tensor

    def of_before(self, read_SKhw: Tensor, level_S: Tensor) -> tuple[Tensor, Tensor]:
        """What the slices before say, for all blocks: to the net, and to the mean. level_S: of the quality."""
        to_net = (level_S[:, None] * self.level)[:, :, None, None]
        to_mean = torch.zeros_like(to_net[:, :1])
        if self.before is not None:
            to_net = to_net + self.before(seen(read_SKhw) / self.usual_before.repeat(2, 1, 1))
        if self.before_linear is not None:
            with precise(read_SKhw):
                to_mean = self.before_linear(read_SKhw / self.usual_before)
        return to_net, to_mean

    def forward(self, said: tuple[Tensor, Tensor], own_SKhw: Tensor, turn: int, level_S: Tensor) -> tuple[Tensor, Tensor]:
        """For the blocks of lattice `turn`, (S, own, h/2, w/2) each. What is not read yet of the slice itself is 0."""
        a, b = LATTICES[turn]
        around = F.pad(own_SKhw, [self.reach] * 4)[..., a:, b:]
        to_net, to_mean = (each if each.shape[-1] == 1 else each[..., a::2, b::2] for each in said)
        hidden = F.relu(to_net + self.beside(seen(around) / self.usual_own.repeat(2, 1, 1)) + self.turn[turn][:, None, None])
        hidden = F.relu(self.deeper(hidden))
        with precise(around):
            mean = self.mean(hidden.float()) + to_mean
            mean = mean if self.beside_linear is None else mean + self.beside_linear(around / self.usual_own)
            log_scale = self.log_scale(hidden.float()) + self.log_usual - level_S[:, None, None, None]
        return mean * self.usual_own, log_scale.clamp(*LOG_SCALES)


def seen(read_SKhw: Tensor) -> Tensor:
    """Coefficients and their sizes, cut off where they say no more."""
    return torch.cat([read_SKhw.clamp(-MOST, MOST), read_SKhw.abs().clamp(max=MOST_SIZE)], 1)


def contexts(width: int, usual_K: Tensor) -> nn.ModuleList:
    """Of all slices. usual_K: about how large coefficients are, in steps."""
    ends = [sum(map(len, CHANNELS[: i + 1])) for i in range(len(CHANNELS))]
    return nn.ModuleList(Context(usual_K[:end], len(own), width, reach(i)) for i, (end, own) in enumerate(zip(ends, CHANNELS, strict=True)))
