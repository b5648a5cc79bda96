"""Noise2Self: clean images, learnt from noisy ones alone, by predicting hidden pixels (Batson and Royer 2019, arXiv:1901.11365).

Shapes: S images (S, C, H, W).
"""

from __future__ import annotations

import torch
from torch import Tensor

from halfseen.methods.array_recipes import Noise2SelfRecipe
from halfseen.methods.denoiser import Cleaning
from halfseen.nets.pair_shape import PairShape
from halfseen.split.hidden_pixels import STEP, HiddenPixels, grid, means_around


class Noise2Self(Cleaning):
    """The noise of a pixel must not depend on that of its neighbours, or they would tell it."""

    def __init__(self, recipe: Noise2SelfRecipe, shape: PairShape) -> None:
        super().__init__(shape, HiddenPixels())

    @property
    def reach(self) -> int:
        return self.net.reach + 2  # what stands in a hidden pixel's place sees one further; reach stays even

    def cleaned(self, x: Tensor) -> Tensor:
        """Every pixel as it was hidden: one pass for each place in STEP x STEP."""
        found, around = torch.empty_like(x), means_around(x)
        for row in range(STEP):
            for column in range(STEP):
                hidden_HW = grid(x.shape[2:], row, column).to(x.device)
                found[..., hidden_HW] = self.predict(torch.where(hidden_HW, around, x))[..., hidden_HW]
        return found
