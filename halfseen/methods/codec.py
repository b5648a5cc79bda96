"""Codec: an image to few bits and back, learnt by weighing the bits against what is lost (Ballé et al. 2018, arXiv:1802.01436; Minnen et
al. 2018, arXiv:1809.02736), for all qualities by one net.

A lapped transform, learnt further; each coefficient's mean and scale told from those read before it, which is what makes it cheap; and a
net that mends what rounding did. Shapes: S images (S, 3, H, W), levels from 0 to 255; K coefficients of h x w blocks.
"""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from halfseen.contracts import Loss, Split
from halfseen.losses.rate import laplace_bits, laplace_pull, laplace_tables
from halfseen.methods.array import ArrayMethod
from halfseen.methods.array_recipes import CodecRecipe
from halfseen.nets.entropy import CHANNELS, LATTICES, LEAST_USUAL, LOG_SCALES, MOST, SCALES, Context, contexts
from halfseen.nets.lapped import Lapped, spreads
from halfseen.nets.pair import initialise_pair
from halfseen.nets.pair_shape import PairShape
from halfseen.split.crops import Crops, Window

UNIT = 16
"""Pixels that height and width are multiples of: two blocks."""
MIDDLE = 40.0
"""The step at which the level of quality is 0, and at which held-out images are judged."""
FINEST, COARSEST = 10.0, 140.0
GREY = 128.0
DEAD = 0.15
"""Numbers are rounded towards the mean a little more than to the nearest: that saves more bits than it costs."""
PRICE = 0.13
"""Squared error that a bit is worth, in squared steps: what rounding to steps costs at its best (Sullivan and Wiegand 1998)."""
EVEN = 0.6
"""Power of the step that makes coarse qualities count as much as fine ones, whose bits are many."""


def rounded(number: Tensor) -> Tensor:
    """Towards 0 a little more than to the nearest whole number."""
    return torch.sign(number) * torch.floor(number.abs() + 0.5 - DEAD)


class Codec(ArrayMethod):
    """The loss is in bits a pixel: those that are written, and squared error at its price."""

    usual: Tensor
    kept_as = torch.float16
    """Files are read with weights in whole numbers, which are no finer; the codec that comes with the package is half as large."""

    def __init__(self, recipe: CodecRecipe, shape: PairShape) -> None:
        super().__init__()
        self.shape = shape
        self.split = Crops(UNIT, FINEST, COARSEST)
        chosen = [channel for slice in CHANNELS for channel in slice]
        self.transform = Lapped(chosen)
        usual_K = torch.from_numpy(spreads(chosen) / MIDDLE).float()
        self.contexts = contexts(shape.width, usual_K)
        self.register_buffer("usual", usual_K.clamp(min=LEAST_USUAL)[:, None, None])
        self.mend_near = nn.Conv2d(len(chosen), shape.width, 3, padding=1)
        self.mend_level = nn.Parameter(torch.zeros(shape.width))
        self.mend_far = nn.Conv2d(shape.width, shape.width, 3, padding=1)
        self.mend_told = nn.Conv2d(shape.width, len(chosen), 1)
        # kept with the weights: an exponential may differ in its last digit from machine to machine, and a table must not
        self.register_buffer("tables", torch.from_numpy(laplace_tables(np.linspace(*LOG_SCALES, SCALES))))

    def initialise(self, seed: int) -> None:
        """A lapped transform as it is known, nothing told of any coefficient yet, and nothing mended."""
        initialise_pair(self, seed)
        with torch.no_grad():
            silent: list[nn.Parameter | Tensor] = [self.transform.there, self.transform.back, self.mend_level, self.mend_told.weight]
            for each in self.slices():
                silent += [each.mean.weight, each.log_scale.weight, each.level, each.turn]
                silent += [linear.weight for linear in (each.before_linear, each.beside_linear) if linear is not None]
            for weight in silent:
                weight.zero_()

    def slices(self) -> list[Context]:
        """What tells of coefficients, a slice of channels each, in the order in which they are read."""
        return [cast(Context, each) for each in self.contexts]

    def coefficients(self, x_SCHW: Tensor, step_S: Tensor) -> Tensor:
        """In steps, not rounded."""
        return self.transform.analyse(x_SCHW - GREY) / step_S[:, None, None, None]

    def read(self, exact_SKhw: Tensor, level_S: Tensor) -> tuple[Tensor, Tensor]:
        """The coefficients as they will be read, and the bits of each image."""
        read_SKhw, bits_S = exact_SKhw[:, :0], exact_SKhw.new_zeros(len(exact_SKhw))
        for context in self.slices():
            first = read_SKhw.shape[1]
            exact_all = exact_SKhw[:, first : first + context.own]
            said, own = context.of_before(read_SKhw, level_S), torch.zeros_like(exact_all)
            for turn, (a, b) in enumerate(LATTICES):
                mean, log_scale = context(said, own, turn, level_S)
                exact = exact_all[..., a::2, b::2]
                off = exact - mean
                whole = rounded(off.detach())
                # the nets learn from the numbers that are written, the transform from the slope between them
                pull = laplace_pull(off, log_scale) * off
                bits_S = bits_S + (laplace_bits(whole, log_scale) + pull - pull.detach()).flatten(1).sum(1)
                own = own.clone()
                own[..., a::2, b::2] = exact + (whole - off).detach()
            read_SKhw = torch.cat([read_SKhw, own], 1)
        return read_SKhw, bits_S

    def rebuilt(self, read_SKhw: Tensor, level_S: Tensor, step_S: Tensor) -> Tensor:
        """Images, perhaps a little outside of 0 to 255."""
        shift = (level_S[:, None] * self.mend_level)[:, :, None, None]
        hidden = F.relu(self.mend_far(F.relu(self.mend_near(read_SKhw.clamp(-MOST, MOST) / self.usual) + shift)))
        mended = read_SKhw + self.mend_told(hidden).float()
        return self.transform.synthesise(mended * step_S[:, None, None, None]) + GREY

    def forward(self, split: Split) -> Loss:
        seen: Window = split.seen
        step_S = seen.step if self.training else torch.full_like(seen.step, MIDDLE)
        level_S = torch.log(step_S / MIDDLE)
        read, bits_S = self.read(self.coefficients(seen.x, step_S), level_S)
        error_S = ((self.rebuilt(read, level_S, step_S) - split.target).square() * split.scored).flatten(1).sum(1)
        counts_S = split.scored.flatten(1).float().mean(1)
        weight_S = counts_S * math.prod(seen.x.shape[2:])
        per_item_S = (step_S / MIDDLE) ** EVEN * counts_S * (bits_S + error_S / (PRICE * step_S**2))
        parts = {"bits_per_pixel": (counts_S * bits_S).detach(), "squared_error": (error_S / (seen.x.shape[1] * 255**2)).detach()}
        return Loss(per_item_S, weight_S, parts)

    def code(self, x: Tensor) -> Tensor:
        """The coefficients that are read at the middle quality; x between 0 and 1."""
        step_S = torch.full((len(x),), MIDDLE, device=x.device)
        exact = self.coefficients((x * 255).expand(-1, 3, -1, -1), step_S)
        return self.read(exact, torch.zeros_like(step_S))[0].flatten(1)

    def predict(self, x: Tensor) -> Tensor:
        step_S = torch.full((len(x),), MIDDLE, device=x.device)
        read, _ = self.read(self.coefficients((x * 255).expand(-1, 3, -1, -1), step_S), torch.zeros_like(step_S))
        return self.rebuilt(read, torch.zeros_like(step_S), step_S) / 255
