"""A voice taken apart and put together: a content encoder, a speaker encoder and a decoder over frames of speech (AdaIN-VC, Chou et al.
2019, arXiv:1904.05742, section 3).

Samples are laid end to end with gaps of zeros as wide as a convolution reaches, so that none sees its neighbour and nothing is padded.

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
from halfseen.data.tokens import round_up
from halfseen.nets.speech import mean_over_frames
from halfseen.nets.voice_shape import VoiceShape

REACH = 2
"""Frames to either side that a convolution sees."""
FLAT = 1e-5
"""A channel's variance over a sample is at least this."""


@dataclass(frozen=True)
class Layout:
    """Where frames lie. place_N: of each frame. owner_M: the sample of each place, S for a gap. inside_M1: 1 for frames, 0 for gaps.
    length_S1: frames of each sample.

    code_N: which of the Q codes a frame belongs to. first_Q, count_Q1: which frame a code begins with, and how many it has.
    """

    place: Tensor
    owner: Tensor
    inside: Tensor
    length: Tensor
    code: Tensor
    first: Tensor
    count: Tensor

    @classmethod
    def of(cls, seen: Frames, pace: int) -> Layout:
        """pace: frames of a code; a sample's last code may have fewer."""
        lengths_S, sample_N, position_N = seen.lengths, seen.sample, seen.position
        samples = len(lengths_S)
        place_N = torch.arange(len(sample_N), device=sample_N.device) + REACH * (sample_N + 1)
        places = round_up(len(sample_N) + REACH * (samples + 1), 64, 32)
        owner_M = place_N.new_full((places,), samples).index_copy_(0, place_N, sample_N)
        starts_S = seen.first
        codes_S = (lengths_S + pace - 1) // pace
        code_N = (codes_S.cumsum(0) - codes_S)[sample_N] + position_N // pace
        within_Q = torch.arange(int(codes_S.sum()), device=sample_N.device) - torch.repeat_interleave(codes_S.cumsum(0) - codes_S, codes_S)
        first_Q = torch.repeat_interleave(starts_S, codes_S) + pace * within_Q
        count_Q1 = torch.bincount(code_N, minlength=len(first_Q))[:, None].float()
        inside_M1 = (owner_M < samples)[:, None].float()
        return cls(place_N, owner_M, inside_M1, lengths_S[:, None].float(), code_N, first_Q, count_Q1)

    def spread(self, x_NW: Tensor) -> Tensor:
        """x_MW: frames at their places, zeros between them."""
        return x_NW.new_zeros(len(self.owner), x_NW.shape[1]).index_copy(0, self.place, x_NW)

    def frames(self, x_MW: Tensor) -> Tensor:
        """x_NW back from their places."""
        return x_MW.index_select(0, self.place)

    def pooled(self, x_NW: Tensor) -> Tensor:
        """x_QW: the mean over each code's frames."""
        return x_NW.new_zeros(len(self.first), x_NW.shape[1]).index_add(0, self.code, x_NW) / self.count


class FrameConv(nn.Module):
    """A convolution over 2 REACH + 1 frames as one product; gaps stay zero. bias: False where instance normalisation would take it away."""

    def __init__(self, into: int, out: int, *, bias: bool = True) -> None:
        super().__init__()
        self.linear = nn.Linear((2 * REACH + 1) * into, out, bias=bias)

    def forward(self, x_MW: Tensor, layout: Layout) -> Tensor:
        """x_MW to y_MW of `out` channels."""
        places = len(x_MW)
        if torch.is_autocast_enabled(x_MW.device.type):  # once, not for each of the copies beside each other
            x_MW = x_MW.to(torch.get_autocast_dtype(x_MW.device.type))
        padded = F.pad(x_MW, (0, 0, REACH, REACH))
        around = torch.cat([padded[i : i + places] for i in range(2 * REACH + 1)], 1)
        return self.linear(around) * layout.inside


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
        layout = Layout.of(seen, self.shape.pace)
        x_MW = self.content_in(layout.spread(seen.x), layout)
        layers = [x_MW]
        for block in self.content_blocks:
            layers.append(block(layers[-1], layout))
        last_NW = layout.frames(normed(layers[-1], layout))
        code_QK = self.content_out(layout.pooled(last_NW)).float()
        return Out(last_NW, tuple(layout.frames(layer) for layer in layers) if every_layer else (), code_QK)

    def speaker(self, seen: Frames) -> Tensor:
        """speaker_SE: what the frames of a sample have in common, their mean and deviation."""
        layout = Layout.of(seen, self.shape.pace)
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
        layout = Layout.of(seen, self.shape.pace)
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
