"""A transformer for frames of speech laid end to end. Shapes: N frames of F bands, width D."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from halfseen.contracts import Out
from halfseen.data.speech_batch import Frames
from halfseen.nets.shape import TransformerShape
from halfseen.nets.transformer import Stack, layouts_of


class FrameNet(Stack):
    """Frames to hidden states; samples never see each other."""

    def __init__(self, shape: TransformerShape, bands: int) -> None:
        super().__init__(shape)
        self.bands = bands
        self.into = nn.Linear(bands, shape.width)

    def forward(self, seen: Frames, *, every_layer: bool = False) -> Out:
        """Out(last_ND); with `every_layer` also what goes into the first layer and what each gives."""
        frames = len(seen.x)
        tokens = seen.tokens.rounded() if seen.x.device.type == "cpu" else seen.tokens
        x_ND = self.into(F.pad(seen.x, (0, 0, 0, len(tokens.ids) - frames)))
        found = self.above(x_ND, tokens, layouts_of(tokens, self.shape), every_layer=every_layer)
        return Out(last=found.last[:frames], layers=tuple(layer[:frames] for layer in found.layers))


def mean_over_frames(states_ND: torch.Tensor, seen: Frames) -> torch.Tensor:
    """pooled_SD."""
    sums_SD = states_ND.new_zeros(len(seen.lengths), states_ND.shape[1]).index_add_(0, seen.tokens.sample, states_ND)
    return sums_SD / seen.lengths[:, None].to(states_ND)
