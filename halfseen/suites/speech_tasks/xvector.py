"""The x-vector: a voice as a point, from frames through layers that look ever further around (Snyder et al. 2018), learnt with a margin
between voices (AM-softmax, arXiv:1801.05599). Each layer's outputs are brought to one scale, without which some hundred steps hardly move
the loss.

Shapes: B recordings of T frames of D numbers, of which the first `lengths_B` count; E numbers of a voice; C voices.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CONTEXTS = ((5, 1), (3, 2), (3, 3), (1, 1), (1, 1))
"""Frames that each layer looks at, and how far they are apart: the benchmark's (SUPERB, arXiv:2105.01051)."""
AROUND = sum((frames - 1) * apart for frames, apart in CONTEXTS)
"""So many frames fewer come out than go in."""
SCALE, MARGIN = 30.0, 0.4
"""Of AM-softmax, as in the benchmark."""


class XVector(nn.Module):
    """width: of a layer; the last has three times as many, as 1500 to the benchmark's 512."""

    def __init__(self, inputs: int, width: int, voices: int) -> None:
        super().__init__()
        self.into = nn.Linear(inputs, width)
        outputs = [width] * (len(CONTEXTS) - 1) + [3 * width]
        sizes = zip([width, *outputs], outputs, CONTEXTS, strict=False)
        self.layers = nn.ModuleList(nn.Conv1d(a, b, frames, dilation=apart) for a, b, (frames, apart) in sizes)
        self.norms = nn.ModuleList(nn.LayerNorm(size) for size in outputs)
        self.voice = nn.Linear(6 * width, width)
        self.above = nn.Linear(width, width)
        self.of_voice = nn.Parameter(torch.randn(voices, width))

    def forward(self, x_BTD: Tensor, lengths_B: Tensor) -> Tensor:
        """voice_BE, for recordings of more than AROUND frames."""
        x_BDT = self.into(x_BTD).transpose(1, 2)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x_BDT = norm(F.relu(layer(x_BDT)).transpose(1, 2)).transpose(1, 2)
        left_B = lengths_B - AROUND
        valid_BT = torch.arange(x_BDT.shape[2]) < left_B[:, None]
        weight_B1T = (valid_BT / left_B[:, None]).to(x_BDT)[:, None]
        mean_BD = (x_BDT * weight_B1T).sum(2)
        spread_BD = ((x_BDT - mean_BD[:, :, None]).square() * weight_B1T).sum(2).clamp(min=1e-7).sqrt()
        voice: Tensor = self.above(F.relu(self.voice(torch.cat([mean_BD, spread_BD], 1))))
        return voice

    def loss(self, voice_BE: Tensor, who_B: Tensor) -> Tensor:
        """loss_B of AM-softmax: the cosine with the right voice must be above the others' by a margin (equation 6)."""
        cosine_BC = F.normalize(voice_BE) @ F.normalize(self.of_voice).T
        return F.cross_entropy(SCALE * (cosine_BC - MARGIN * F.one_hot(who_B, len(self.of_voice))), who_B, reduction="none")
