"""Frames to sound by a source and filters: what a voice is made of, overtones of its pitch and noise, each as loud in each bin of its
spectrum as the net says (Engel et al. 2020, arXiv:2001.04643, sections 3.2 and 3.3).

Shapes: N frames of S samples, F bands and H sound samples each; M places of the layout, frames and gaps; K moments between places, and
before the first and after the last; B bins of a spectrum; W channels.
"""

from __future__ import annotations

from itertools import cycle, islice

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from halfseen.contracts import Out
from halfseen.data.envelope import fft_size
from halfseen.data.logmel import FRAMES_PER_SECOND
from halfseen.data.speech_batch import Frames
from halfseen.nets.laid_out import REACH, FrameConv, Layout
from halfseen.nets.vocoder_shape import VocoderShape
from halfseen.split.sounding import Sounding

APART = (1, 2, 1, 4)
"""How many frames lie between two taps, block by block."""
GAP = REACH * max(APART)
HERTZ, OCTAVES = 150.0, 0.6
"""A usual pitch, and how far pitches usually are from it."""
SOFT, LOUDEST = -4.0, 8.0
"""Logarithms of sizes: what an untrained net says in the mean, and the most that any says."""


class Block(nn.Module):
    """A gated convolution beside a way past it. Gaps are zero before and behind it."""

    def __init__(self, width: int, apart: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, bias=False)
        self.conv = FrameConv(width, 2 * width, apart=apart)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x_MW: Tensor, layout: Layout) -> Tensor:
        value_MW, gate_MW = self.conv(self.norm(x_MW), layout).chunk(2, 1)
        y_MW: Tensor = x_MW + self.out(value_MW * torch.sigmoid(gate_MW))
        return y_MW


class SourceFilter(nn.Module):
    """Convolutions over frames and their pitch, and a size for each bin of overtones and of noise."""

    def __init__(self, shape: VocoderShape, bands: int) -> None:
        super().__init__()
        self.shape, self.bands = shape, bands
        self.hop, self.size = shape.rate // FRAMES_PER_SECOND, fft_size(shape.rate)
        self.into = nn.Linear(bands + 2, shape.width)
        self.blocks = nn.ModuleList(Block(shape.width, apart) for apart in islice(cycle(APART), shape.layers))
        self.norm = nn.LayerNorm(shape.width, bias=False)
        self.sizes = nn.Linear(shape.width, 2 * self.bins)

    @property
    def bins(self) -> int:
        return self.size // 2 + 1

    def forward(self, seen: Frames, *, every_layer: bool = False) -> Out:
        """Out(last_NW); with `every_layer` what goes into the first block and what each gives. `seen` is `Sounding`."""
        assert isinstance(seen, Sounding)
        layout = Layout.of(seen, GAP)
        layers = self.states(seen, layout)
        return Out(layout.frames(layers[-1]), tuple(map(layout.frames, layers)) if every_layer else ())

    def states(self, seen: Sounding, layout: Layout) -> list[Tensor]:
        voiced_N1 = (seen.hertz > 0)[:, None].float()
        high_N1 = voiced_N1 * torch.log2(seen.hertz.clamp(min=1.0) / HERTZ)[:, None] / OCTAVES
        layers = [self.into(layout.spread(torch.cat([seen.x, high_N1, voiced_N1], 1))) * layout.inside]
        for block in self.blocks:
            layers.append(block(layers[-1], layout))
        return layers

    def sound(self, seen: Sounding) -> Tensor:
        """sound_NH of each frame."""
        layout = Layout.of(seen, GAP)
        told_M2B = self.sizes(self.norm(self.states(seen, layout)[-1])).float().unflatten(1, (2, self.bins))
        size_2BK = between(told_M2B + SOFT, layout).clamp(max=LOUDEST).exp().permute(1, 2, 0)
        inside_K = between(layout.inside, layout)[:, 0] > 0
        sources_2L = torch.stack([layout.spread(x_NH).flatten() for x_NH in (seen.overtones, seen.noise)])
        window = torch.hann_window(self.size, device=sources_2L.device)
        spectra_2BK = torch.stft(sources_2L, self.size, self.hop, window=window, pad_mode="constant", return_complex=True)
        spectrum_BK = (spectra_2BK * size_2BK * inside_K).sum(0)
        sound_L = torch.istft(spectrum_BK, self.size, self.hop, window=window, length=sources_2L.shape[1])
        return layout.frames(sound_L.view(-1, self.hop))

    def flops_per_frame(self) -> float:
        """Operations of the products of a forward pass."""
        width, taps = self.shape.width, 2 * REACH + 1
        return 2.0 * width * (self.bands + 2 + self.shape.layers * (2 * taps + 1) * width + 2 * self.bins)


def between(x_MX: Tensor, layout: Layout) -> Tensor:
    """x_KX: the mean of the two places around each moment, of those that are no gap; 0 if both are."""
    inside_MX = layout.inside.view(-1, *[1] * (x_MX.ndim - 1))
    edges = [0] * (2 * (x_MX.ndim - 1))
    before, after = ((0, 1), (1, 0))
    sum_KX, count_KX = (F.pad(y, (*edges, *before)) + F.pad(y, (*edges, *after)) for y in (x_MX * inside_MX, inside_MX))
    return sum_KX / count_KX.clamp(min=1.0)
