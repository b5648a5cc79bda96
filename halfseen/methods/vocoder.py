"""A vocoder: a recording told from its log-mel frames and its pitch, as overtones and noise behind filters (the harmonic plus noise model
of DDSP, Engel et al. 2020, arXiv:2001.04643), judged by spectra of several sizes (arXiv:1910.11480, section 3.2).

What is hidden is the sound itself: frames have neither the phases nor the fine structure of a spectrum.

Shapes: N frames of S samples, F bands and H sound samples each.
"""

from __future__ import annotations

import torch
from torch import Tensor

from halfseen.contracts import Loss, Split
from halfseen.losses.spectra import spectral_distance
from halfseen.methods.speech import Telling
from halfseen.methods.speech_recipes import VocoderRecipe
from halfseen.nets.pair import initialise_pair
from halfseen.nets.vocoder import SourceFilter
from halfseen.nets.vocoder_shape import VocoderShape
from halfseen.split.sounding import Sounding, SoundOfFrames


class Vocoder(Telling):
    """Frames and pitch to sound."""

    net: SourceFilter  # type: ignore[assignment]
    split: SoundOfFrames

    def __init__(self, recipe: VocoderRecipe, shape: VocoderShape, bands: int) -> None:
        torch.nn.Module.__init__(self)
        self.recipe, self.shape = recipe, shape
        self.net = SourceFilter(shape, bands)
        self.split = SoundOfFrames(self.net.hop)

    def initialise(self, seed: int) -> None:
        with torch.no_grad():
            initialise_pair(self, seed)

    def forward(self, split: Split) -> Loss:
        return spectral_distance(self.net.sound(split.seen), split.target, split.scored, split.seen)

    def guessed(self, split: Split) -> Loss:
        """A hum at the pitch, or a hiss, as loud in each frame as the recording."""
        seen: Sounding = split.seen
        target_NH: Tensor = split.target
        either_NH = torch.where(seen.hertz[:, None] > 0, seen.overtones, seen.noise)
        loud_N1, own_N1 = (x_NH.square().mean(1, keepdim=True).sqrt() for x_NH in (target_NH, either_NH))
        return spectral_distance(either_NH * loud_N1 / own_N1.clamp(min=1e-3), target_NH, split.scored, seen)

    def flops(self, frames: int, length: int) -> float:
        return 3.0 * frames * self.net.flops_per_frame()
