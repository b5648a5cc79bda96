"""A window of an image, perhaps mirrored or turned, and how finely it shall be told: what a codec learns from.

Shapes: S images (S, C, H, W) to windows (S, 3, h, w), three quarters as high and wide, in levels from 0 to 255.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from halfseen.contracts import Draw, Sample, Split
from halfseen.data.array_corpus import stacked


@dataclass(frozen=True)
class Window:
    """x_SCHW, and step_S, the size of the steps that its coefficients are rounded to, in levels."""

    x: Tensor
    step: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def to(self, device: torch.device) -> Window:
        return Window(self.x.to(device), self.step.to(device))


@dataclass(frozen=True)
class Crops:
    """seen: a window and a step, drawn evenly in its logarithm between finest and coarsest. target: the window; all of it is scored.

    unit: what its height and width are multiples of.
    """

    unit: int
    finest: float
    coarsest: float

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        x_SCHW = stacked(samples)
        height, width = x_SCHW.shape[2:]
        tall, wide = (max(self.unit, side * 3 // 4 // self.unit * self.unit) for side in (height, width))
        drawn_S6 = draw(6).reshape(len(samples), 6)
        windows = []
        for x_CHW, (_, down, across, *turns) in zip(x_SCHW, drawn_S6, strict=True):
            top, left = int(down * (height - tall + 1)), int(across * (width - wide + 1))
            window = x_CHW[:, top : top + tall, left : left + wide]
            window = window[:, :: -1 if turns[0] < 0.5 else 1, :: -1 if turns[1] < 0.5 else 1]
            windows.append(window.swapaxes(1, 2) if turns[2] < 0.5 and tall == wide else window)
        x = torch.from_numpy(np.stack(windows)).mul_(255).expand(-1, 3, -1, -1)
        step_S = torch.from_numpy(self.finest * (self.coarsest / self.finest) ** drawn_S6[:, 0]).float()
        return Split(Window(x, step_S), x, torch.ones(1, dtype=torch.bool).expand(x.shape))
