"""A voice taken apart and put together: a content encoder, a speaker encoder and a decoder over frames of speech (AdaIN-VC, Chou et al.
2019, arXiv:1904.05742, section 3).

Shapes: N frames of S samples, F bands each; M places of the layout, frames and gaps; Q content codes of K numbers; speaker codes of E
numbers; W channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from halfseen.contracts import Out
from halfseen.data.speech_batch import Frames
from halfseen.nets.laid_out import REACH, FrameConv, Layout
from halfseen.nets.speech import mean_over_frames
from halfseen.nets.voice_shape import VoiceShape

FLAT = 1e-5
"""A channel's variance over a sample is at least this."""


@dataclass(frozen=True)
class CodedLayout(Layout):
    """code_N: which of the Q codes a frame belongs to. count_Q1: how many each has."""

    code: Tensor
    count: Tensor

    @classmethod
    def paced(cls, seen: Frames, pace: int) -> CodedLayout:
        """pace: frames of a code; a sample's last code may have fewer."""
        laid = Layout.of(seen, REACH)
        lengths_S, sample_N = seen.lengths, seen.sample
        codes_S = (lengths_S + pace - 1) // pace
        code_N = (codes_S.cumsum(0) - codes_S)[sample_N] + seen.position // pace
        count_Q1 = torch.bincount(code_N, minlength=int(codes_S.sum()))[:, None].float()
        return cls(**vars(laid), code=code_N, count=count_Q1)

    def pooled(self, x_NW: Tensor) -> Tensor:
        """x_QW: the mean over each code's frames."""
        return x_NW.new_zeros(len(self.count), x_NW.shape[1]).index_add(0, self.code, x_NW) / self.count


def normed(x_MW: Tensor, layout: Layout, told: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """Each channel of each sample to mean 0 and variance 1 over time (instance normalisation, equation 4): what does not change in a
    recording is gone. told: scale_SW and shift_SW that it gets instead (adaptive, equation 5). Then what is below 0 becomes 0; gaps are 0.
    """
    x_MW = x_MW.float()
    nothing_SW = x_MW.new_zeros(len(layout.length) + 1, x_MW.shape[1])
    mean_SW = nothing_SW.index_add(0, layout.owner, x_MW)[:-1] / layout.length
    square_SW = nothing_SW.index_add(0, layout.owner, x_MW.square())[:-1] / layout.length
    scale_SW = torch.rsqrt((square_SW - mean_SW.square()).clamp(min=0) + FLAT)
    if told:
        scale_SW = scale_SW * told[0]
    shift_SW = -mean_SW * scale_SW
    if told:
        shift_SW = shift_SW + told[1]
    scale_MW, shift_MW = (F.pad(one, (0, 0, 0, 1)).index_select(0, layout.owner) for one in (scale_SW, shift_SW))
    return torch.addcmul(shift_MW, x_MW, scale_MW).relu()


class Block(nn.Module):
    """Two convolutions beside a way past them. With `normed` their inputs are instance normalised."""

    def __init__(self, width: int, *, normed: bool) -> None:
        super().__init__()
        self.normed = normed
        self.first, self.second = (FrameConv(width, width, bias=not normed) for _ in range(2))

    def forward(self, x_MW: Tensor, layout: Layout) -> Tensor:
        y_MW = x_MW
        for conv in (self.first, self.second):
            y_MW = conv(normed(y_MW, layout) if self.normed else y_MW.relu(), layout)
        return x_MW + y_MW


class SpokenBlock(nn.Module):
    """The same with channels scaled and moved by what the speaker code says."""

    def __init__(self, width: int, speaker: int) -> None:
        super().__init__()
        self.first, self.second = FrameConv(width, width, bias=False), FrameConv(width, width)
        self.told = nn.Linear(speaker, 4 * width)

    def forward(self, x_MW: Tensor, speaker_SE: Tensor, layout: Layout) -> Tensor:
        y_MW = x_MW
        told = self.told(speaker_SE).float().chunk(4, 1)
        for conv, scale_SW, shift_SW in ((self.first, *told[:2]), (self.second, *told[2:])):
            y_MW = conv(normed(y_MW, layout, (1 + scale_SW, shift_SW)), layout)
        return x_MW + y_MW


class VoiceNet(nn.Module):
    """The three parts."""

    def __init__(self, shape: VoiceShape, bands: int) -> None:
        super().__init__()
        self.shape, self.bands = shape, bands
        width, layers = shape.width, range(shape.layers)
        self.content_in, self.speaker_in = FrameConv(bands, width, bias=False), FrameConv(bands, width)
        self.content_blocks = nn.ModuleList(Block(width, normed=True) for _ in layers)
        self.speaker_blocks = nn.ModuleList(Block(width, normed=False) for _ in layers)
        self.content_out, self.speaker_out = nn.Linear(width, shape.code), nn.Linear(2 * width, shape.speaker)
        self.decoder_in, self.decoder_out = FrameConv(shape.code, width), FrameConv(width, bands)
        self.decoder_blocks = nn.ModuleList(SpokenBlock(width, shape.speaker) for _ in layers)

    def forward(self, seen: Frames, *, every_layer: bool = False) -> Out:
        """Out(last_NW, code_QK): the content encoder's states and codes; with `every_layer` what goes into its first block and what each
        gives."""
        layout = CodedLayout.paced(seen, self.shape.pace)
        x_MW = self.content_in(layout.spread(seen.x), layout)
        layers = [x_MW]
        for block in self.content_blocks:
            layers.append(block(layers[-1], layout))
        last_NW = layout.frames(normed(layers[-1], layout))
        code_QK = self.content_out(layout.pooled(last_NW)).float()
        return Out(last_NW, tuple(layout.frames(layer) for layer in layers) if every_layer else (), code_QK)

    def speaker(self, seen: Frames) -> Tensor:
        """speaker_SE: what the frames of a sample have in common, their mean and deviation."""
        layout = CodedLayout.paced(seen, self.shape.pace)
        x_MW = self.speaker_in(layout.spread(seen.x), layout)
        for block in self.speaker_blocks:
            x_MW = block(x_MW, layout)
        x_NW = F.relu(layout.frames(x_MW))
        mean_SW = mean_over_frames(x_NW, seen)
        square_SW = mean_over_frames((x_NW - mean_SW[seen.sample]).square(), seen)
        pooled = torch.cat([mean_SW, torch.sqrt(square_SW + FLAT)], 1)
        told: Tensor = self.speaker_out(pooled)
        return told.float()

    def spoken(self, code_QK: Tensor, speaker_SE: Tensor, seen: Frames) -> Tensor:
        """told_NF: the content said by the speaker, as long as what `seen` is."""
        layout = CodedLayout.paced(seen, self.shape.pace)
        x_MW = self.decoder_in(layout.spread(code_QK.index_select(0, layout.code)), layout)
        for block in self.decoder_blocks:
            x_MW = block(x_MW, speaker_SE, layout)
        told: Tensor = layout.frames(self.decoder_out(x_MW, layout))
        return told

    def flops_per_frame(self) -> float:
        """Operations of the products of a forward pass."""
        shape, taps = self.shape, 2 * REACH + 1
        convolutions = 6 * shape.layers * shape.width**2 + shape.width * (3 * self.bands + shape.code)
        return 2.0 * (taps * convolutions + shape.width * shape.code / shape.pace)
