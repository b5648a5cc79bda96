"""Two views of every sample: what is learnt is that they show the same (SimCLR, Chen et al. 2020, arXiv:2002.05709; rows: SCARF, Bahri et
al. 2021, arXiv:2106.15147).

Shapes: S samples of shape X; V = 2 S views, first those of one kind, then those of the other, in the same order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from halfseen.contracts import Array, Draw, Sample, Split
from halfseen.data.array_corpus import stacked

WARP_KNOTS = 4
"""A warp is drawn on so many points each way and smooth between them."""
NARROWEST, WIDEST = 3 / 4, 4 / 3
"""Of a crop, width to height."""


@dataclass(frozen=True)
class TwoViews:
    """a_SX and b_SX."""

    a: Tensor
    b: Tensor

    def __len__(self) -> int:
        return len(self.a)

    def to(self, device: torch.device) -> TwoViews:
        return TwoViews(self.a.to(device), self.b.to(device))


class ImageViews(Protocol):
    """How an image is changed; see `methods.array_recipes.Views`."""

    @property
    def crop(self) -> float: ...
    @property
    def turn(self) -> float: ...
    @property
    def warp(self) -> float: ...
    @property
    def light(self) -> float: ...
    @property
    def blur(self) -> float: ...
    @property
    def erase(self) -> float: ...
    @property
    def flip(self) -> bool: ...


@dataclass(frozen=True)
class ViewsOfImages:
    """seen: two views of each image, drawn apart. scored_S: all; there is no other target than the other view."""

    how: ImageViews

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        x_SCHW = torch.from_numpy(stacked(samples))
        made_VCHW = self.changed(torch.cat([x_SCHW, x_SCHW]), Drawn(draw, len(samples)))
        a, b = made_VCHW.chunk(2)
        return Split(TwoViews(a, b), x_SCHW, torch.ones(len(samples), dtype=torch.bool))

    def changed(self, x_VCHW: Tensor, drawn: Drawn) -> Tensor:
        how = self.how
        x_VCHW = F.grid_sample(x_VCHW, self.places(x_VCHW, drawn), padding_mode="border", align_corners=False)
        if how.blur:
            chosen_V = drawn(1)[:, 0] < how.blur
            x_VCHW[chosen_V] = soft(x_VCHW.shape[2]) @ x_VCHW[chosen_V] @ soft(x_VCHW.shape[3]).T
        if how.light:
            factor_V211 = 1 + how.light * (2 * drawn(2)[:, :, None, None] - 1)
            x_VCHW = ((x_VCHW - 0.5) * factor_V211[:, :1] + 0.5 * factor_V211[:, 1:]).clamp(0, 1)
        if how.erase:
            x_VCHW = x_VCHW.masked_fill(boxes(x_VCHW, drawn, how.erase), 0.5)
        return x_VCHW

    def places(self, x_VCHW: Tensor, drawn: Drawn) -> Tensor:
        """Where each pixel of a view comes from, (V, H, W, 2) from -1 to 1: crop, turn, flip and warp in one."""
        how, (height, width) = self.how, x_VCHW.shape[2:]
        u = drawn(6)
        area = how.crop + (1 - how.crop) * u[:, 0]
        ratio = torch.exp(0.5 * math.log(NARROWEST) + 0.5 * (math.log(WIDEST) - math.log(NARROWEST)) * u[:, 1])
        wide, high = (area.sqrt() * ratio).clamp(max=1), (area.sqrt() / ratio).clamp(max=1)
        left, top = (1 - wide) * (2 * u[:, 2] - 1), (1 - high) * (2 * u[:, 3] - 1)
        angle = math.radians(how.turn) * (2 * u[:, 4] - 1)
        mirrored = torch.where(u[:, 5] < 0.5, -1.0, 1.0) if how.flip else torch.ones(len(u))
        cos, sin = angle.cos(), angle.sin()
        rows = [torch.stack(row, 1) for row in ((mirrored * wide * cos, -high * sin, left), (mirrored * wide * sin, high * cos, top))]
        grid_VHW2 = F.affine_grid(torch.stack(rows, 1), [len(u), 1, height, width], align_corners=False)
        if not how.warp:
            return grid_VHW2
        knots_V2KK = how.warp * (2 * drawn(2 * WARP_KNOTS**2) - 1).reshape(-1, 2, WARP_KNOTS, WARP_KNOTS)
        moved_V2HW = smooth(height) @ knots_V2KK @ smooth(width).T
        return grid_VHW2 + moved_V2HW.movedim(1, -1)


@cache
def smooth(length: int) -> Tensor:
    """How much of each knot is in each of `length` places: (length, WARP_KNOTS), by cubic interpolation."""
    knots = torch.eye(WARP_KNOTS)[:, None, :, None]
    return F.interpolate(knots, (length, 1), mode="bicubic", align_corners=True)[:, 0, :, 0].T.contiguous()


class Drawn:
    """Uniform numbers for both views of every sample: called with a count, (V, count) of float32."""

    def __init__(self, draw: Draw, samples: int) -> None:
        self.draw, self.samples = draw, samples

    def __call__(self, count: int) -> Tensor:
        drawn_S2N = self.draw(2 * count).reshape(self.samples, 2, count)
        return torch.from_numpy(drawn_S2N.swapaxes(0, 1).reshape(-1, count).astype(np.float32))


@cache
def soft(length: int) -> Tensor:
    """How much of each of `length` places is in each blurred one: binomial weights 1 4 6 4 1, what lies outside as at the edge."""
    weight = torch.tensor([[[1.0, 4.0, 6.0, 4.0, 1.0]]]) / 16
    return F.conv1d(F.pad(torch.eye(length)[:, None], (2, 2), mode="replicate"), weight)[:, 0].T.contiguous()


def boxes(x_VCHW: Tensor, drawn: Drawn, share: float) -> Tensor:
    """In a share of the images a box of a tenth to a quarter of the area, as true."""
    u = drawn(4)
    side = (0.1 + 0.15 * u[:, 1]).sqrt()
    inside = []
    for axis, at in ((2, u[:, 2]), (3, u[:, 3])):
        place = (torch.arange(x_VCHW.shape[axis]) + 0.5) / x_VCHW.shape[axis]
        from_V1 = (at * (1 - side))[:, None]
        inside.append((place >= from_V1) & (place < from_V1 + side[:, None]))
    found_VHW = inside[0][:, :, None] & inside[1][:, None, :] & (u[:, 0] < share)[:, None, None]
    return found_VHW[:, None]


@dataclass(frozen=True)
class ViewsOfRows:
    """seen: of each row two views in which a share of the numbers are those of other rows of the batch, column by column."""

    share: float

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        x_SF = stacked(samples)
        views = TwoViews(*(torch.from_numpy(self.changed(x_SF, draw)) for _ in range(2)))
        return Split(views, torch.from_numpy(x_SF), torch.ones(len(samples), dtype=torch.bool))

    def changed(self, x_SF: Array, draw: Draw) -> Array:
        count, columns = x_SF.shape
        change_SF, from_SF = (draw(columns).reshape(count, columns) for _ in range(2))
        others_SF = x_SF[(from_SF * count).astype(np.int64), np.arange(columns)]
        return np.where(change_SF < self.share, others_SF, x_SF)
