"""Convolutions that keep an image's height and width, and say what to take away from it: a net for images of any size (DnCNN, Zhang et al.
2017, arXiv:1608.03981), which works on 2 x 2 pixels as one (FFDNet, Zhang et al. 2018, arXiv:1710.04026): four times as fast.

Shapes: S images (S, C, H, W). No batch normalisation, so that no image depends on those around it.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from halfseen.nets.pair_shape import PairShape


class Residual(nn.Module):
    """x_SCHW to what is wrong with it, of the same shape. reach: how far a pixel sees, in rows or columns."""

    def __init__(self, shape: PairShape) -> None:
        super().__init__()
        channels = [4 * shape.of[0], *[shape.width] * (shape.layers - 1), 4 * shape.of[0]]
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(channels))
        self.reach = 2 * shape.layers + 2

    def hidden(self, x_SCHW: Tensor) -> Tensor:
        """The last hidden layer, (S, width, H / 2, W / 2)."""
        height, width = x_SCHW.shape[2:]
        even_SCHW = F.pad(x_SCHW, (0, width % 2, 0, height % 2), mode="replicate")
        y = F.pixel_unshuffle(even_SCHW, 2).contiguous(memory_format=torch.channels_last)  # convolutions are faster on these
        for layer in self.layers[:-1]:
            y = F.silu(layer(y))
        return y

    def forward(self, x_SCHW: Tensor) -> Tensor:
        height, width = x_SCHW.shape[2:]
        return F.pixel_shuffle(self.layers[-1](self.hidden(x_SCHW)), 2)[:, :, :height, :width]
