"""A codec's nets in whole numbers: what they say of a coefficient, and the pixels that come out, are the same on every machine.

Sums of floats depend on their order, and one that rounds the other way would put everything behind it out of step. Here every number is
whole and below 2^53, held in float64, where products and sums of such numbers are exact in any order.

Shapes: one image at a time; K channels of h x w blocks. Fixed point: times 2^6 for coefficients, 2^10 within nets, 2^14 for weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from halfseen.contracts import Array, UserError
from halfseen.nets.entropy import LATTICES, LOG_SCALES, MOST, MOST_SIZE, SCALES, Context
from halfseen.nets.lapped import with_edges, woven

COEFFICIENT, WITHIN, WEIGHT = 6, 10, 14
"""Bits behind the point."""
LARGEST_COEFFICIENT, LARGEST_WITHIN = 2 ** (9 + COEFFICIENT) - 1, 2 ** (10 + WITHIN)
LARGEST = 2**53
A_STEP = (SCALES - 1) / (LOG_SCALES[1] - LOG_SCALES[0])


def whole(number: Tensor, bits: int) -> Tensor:
    """A float to a whole number, `bits` behind the point."""
    return torch.round(number.detach().double() * 2.0**bits)


def shifted(number: Tensor, bits: int) -> Tensor:
    """Divided by 2^bits and rounded, halves up."""
    return torch.floor(number * 2.0**-bits + 0.5)


class ExactConv:
    """A convolution in whole numbers.

    given: bits behind the point of what it is given, whose size is at most `largest`. divided, times: what inputs are divided by and
    outputs multiplied with. Raises UserError if a sum might be too large to be exact.
    """

    def __init__(self, conv: nn.Conv2d, *, given: int, largest: int, divided: Tensor | None = None, times: Tensor | None = None) -> None:
        weight = conv.weight.double() if divided is None else conv.weight.double() / divided.double()
        bias = torch.zeros(len(weight)) if conv.bias is None else conv.bias
        self.weight = whole(weight if times is None else weight * times.double()[:, None], WEIGHT)
        self.bias = whole(bias if times is None else bias * times.flatten().double(), WEIGHT + given)
        self.stride, self.padding = conv.stride, conv.padding
        must_be_exact(largest * self.weight.abs().flatten(1).sum(1) + self.bias.abs())

    def __call__(self, given: Tensor) -> Tensor:
        return F.conv2d(given, self.weight, self.bias, stride=self.stride, padding=self.padding)


def must_be_exact(bound: Tensor) -> None:
    if not bool((bound < LARGEST / 4).all()):  # so that four such sums may be added
        raise UserError("a codec whose weights are too large, or no numbers", way_out="get its folder again")


class ExactContext:
    """`Context`, in whole numbers."""

    def __init__(self, context: Context) -> None:
        self.own, self.reach = context.own, context.reach
        most, before, own = int(MOST * 2**COEFFICIENT), context.usual_before, context.usual_own
        far: dict[str, Any] = {"given": COEFFICIENT, "largest": LARGEST_COEFFICIENT, "times": own}
        near: dict[str, Any] = {"given": COEFFICIENT, "largest": most}
        deep: dict[str, Any] = {"given": WITHIN, "largest": LARGEST_WITHIN}
        self.before = None if context.before is None else ExactConv(context.before, divided=before.repeat(2, 1, 1), **near)
        linear = context.before_linear
        self.before_linear = None if linear is None else ExactConv(linear, divided=before, **far)
        self.beside = ExactConv(context.beside, divided=own.repeat(2, 1, 1), **near)
        beside = context.beside_linear
        self.beside_linear = None if beside is None else ExactConv(beside, divided=own, **far)
        self.turn = whole(context.turn, WEIGHT + COEFFICIENT)
        self.level = whole(context.level, WEIGHT + COEFFICIENT - WITHIN)
        self.deeper = ExactConv(context.deeper, **deep)
        self.mean = ExactConv(context.mean, times=own, **deep)
        self.log_scale = ExactConv(context.log_scale, **deep)
        self.log_scale.bias += whole(context.log_usual.flatten(), WITHIN + WEIGHT)
        must_be_exact(self.turn.abs() + self.level.abs() * 2.0 ** (4 + WITHIN))

    def of_before(self, read_Khw: Tensor, level: int) -> tuple[Tensor, Tensor]:
        """level: in fixed point, WITHIN bits behind the point."""
        to_net, nothing = (self.level * level)[None, :, None, None], torch.zeros(1, 1, 1, 1, dtype=torch.float64)
        to_net = to_net if self.before is None else to_net + self.before(seen(read_Khw)[None])
        return to_net, nothing if self.before_linear is None else self.before_linear(read_Khw[None])

    def __call__(self, said: tuple[Tensor, Tensor], own_Khw: Tensor, turn: int, level: int) -> tuple[Tensor, Tensor]:
        """Means, in coefficients' fixed point, and which of the scales each has: (own, h/2, w/2)."""
        a, b = LATTICES[turn]
        around = F.pad(own_Khw, [self.reach] * 4)[:, a:, b:]
        to_net, to_mean = (each if each.shape[-1] == 1 else each[..., a::2, b::2] for each in said)
        hidden = within(to_net + self.beside(seen(around)[None]) + self.turn[turn][:, None, None], COEFFICIENT + WEIGHT)
        deeper = within(self.deeper(hidden), WITHIN + WEIGHT)
        mean, log_scale = self.mean(deeper)[0], self.log_scale(deeper)[0] - level * 2.0**WEIGHT
        linear = (to_mean if self.beside_linear is None else to_mean + self.beside_linear(around[None]))[0] * 2.0 ** (WITHIN - COEFFICIENT)
        of_scales = (log_scale - LOG_SCALES[0] * 2.0 ** (WITHIN + WEIGHT)) * A_STEP
        most = float(LARGEST_COEFFICIENT)
        return (
            shifted(mean + linear, WITHIN + WEIGHT - COEFFICIENT).clamp(-most, most),
            shifted(of_scales, WITHIN + WEIGHT).clamp(0, SCALES - 1),
        )


def seen(read_Khw: Tensor) -> Tensor:
    """What nets see of coefficients: `entropy.seen`, in fixed point."""
    most, most_size = MOST * 2**COEFFICIENT, MOST_SIZE * 2**COEFFICIENT
    return torch.cat([read_Khw.clamp(-most, most), read_Khw.abs().clamp(max=most_size)])


def within(total: Tensor, bits: int) -> Tensor:
    """A hidden layer: no less than 0, and with fewer bits behind the point."""
    return torch.floor(total.clamp(min=0) * 2.0 ** (WITHIN - bits)).clamp(max=LARGEST_WITHIN)


class ExactDecoder:
    """Coefficients to pixels: what rounding did is mended, and blocks are laid over each other."""

    HALO = 3
    """Blocks around others that what comes of these depends on."""

    def __init__(
        self, usual: Tensor, near: nn.Conv2d, level: Tensor, far: nn.Conv2d, told: nn.Conv2d, kernel: Tensor, mirrored: Tensor
    ) -> None:
        self.near = ExactConv(near, given=COEFFICIENT, largest=int(MOST * 2**COEFFICIENT), divided=usual)
        self.level = whole(level, WEIGHT + COEFFICIENT - WITHIN)
        self.far = ExactConv(far, given=WITHIN, largest=LARGEST_WITHIN)
        self.told = ExactConv(told, given=WITHIN, largest=LARGEST_WITHIN)
        self.kernel, self.mirrored = whole(kernel, WEIGHT), mirrored.double()
        must_be_exact(self.level.abs() * 2.0 ** (4 + WITHIN))
        must_be_exact(self.kernel.abs().sum((1, 2, 3)) * 2.0 ** (12 + 2 * COEFFICIENT))

    def __call__(self, read_Khw: Array, *, level: int, step: int, rows: tuple[int, int], columns: tuple[int, int], grey: float) -> Array:
        """Pixels uint8 (3, H, W) of the blocks between rows and between columns. read_Khw: of the whole image, in fixed point.
        step: in fixed point of coefficients."""
        (top, bottom), (left, right) = rows, columns
        height, width = read_Khw.shape[1:]
        above, before = max(0, top - self.HALO), max(0, left - self.HALO)
        part = torch.from_numpy(read_Khw[:, above : bottom + self.HALO, before : right + self.HALO].astype(np.float64))
        shift = (self.level * level)[:, None, None]
        hidden = within(self.near(part.clamp(-MOST * 2**COEFFICIENT, MOST * 2**COEFFICIENT)[None]) + shift, COEFFICIENT + WEIGHT)
        told = self.told(within(self.far(hidden), WITHIN + WEIGHT))
        mended = part[None] * 2.0 ** (WITHIN - COEFFICIENT) + shifted(told, WEIGHT)
        most = 2.0 ** (12 + COEFFICIENT)
        sized = shifted(mended * step, WITHIN).clamp(-most, most)  # in levels of pixels, COEFFICIENT bits behind the point
        one_more = (
            slice(max(0, top - 1) - above, min(height, bottom + 1) - above),
            slice(max(0, left - 1) - before, min(width, right + 1) - before),
        )
        edged = with_edges(sized[..., one_more[0], one_more[1]], self.mirrored)
        edged = edged[..., (top > 0) : edged.shape[-2] - (bottom < height), (left > 0) : edged.shape[-1] - (right < width)]
        pixel = shifted(woven(edged, self.kernel) + grey * 2.0 ** (COEFFICIENT + WEIGHT), COEFFICIENT + WEIGHT)
        return pixel.clamp(0, 255)[0].to(torch.uint8).numpy()
