"""Squares of an image hidden, to be told from the rest (MAE, He et al. 2021, arXiv:2111.06377; SimMIM, Xie et al. 2021, arXiv:2111.09886).

Shapes: S images (C, H, W).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from halfseen.contracts import Draw, Sample, Split
from halfseen.data.array_corpus import stacked

HIDDEN = -1.0
"""What stands where a square is hidden; no pixel is below 0."""


@dataclass(frozen=True)
class HidePatches:
    """seen_SCHW: of all squares of `side` pixels a share hidden, as many in each image. target: the image; scored: what was hidden."""

    share: float
    side: int

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        x_SCHW = stacked(samples)
        height, width = x_SCHW.shape[2:]
        down, across = -(-height // self.side), -(-width // self.side)
        place_SP = draw(down * across).reshape(len(samples), -1)
        count = min(max(1, round(self.share * down * across)), max(1, down * across - 1))
        edge_S1 = np.partition(place_SP, count - 1, axis=1)[:, count - 1 : count]
        hidden_SYX = (place_SP <= edge_S1).reshape(-1, down, across)
        hidden_SHW = hidden_SYX.repeat(self.side, 1).repeat(self.side, 2)[:, :height, :width]
        scored = torch.from_numpy(hidden_SHW)[:, None].expand(x_SCHW.shape)
        target = torch.from_numpy(x_SCHW)
        return Split(target.masked_fill(scored, HIDDEN), target, scored)
