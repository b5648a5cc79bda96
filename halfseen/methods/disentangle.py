"""A voice in two codes, what is said and who says it, and put together from both (AdaIN-VC, Chou et al. 2019, arXiv:1904.05742).

The content encoder's channels are instance normalised, which takes away what stays the same in a recording; its codes are narrow and
noisy, and it hears the bands moved, so that it has to leave the voice to the speaker encoder. Target: the same frames, judged by the
absolute error (equation 2), and the codes' squares (equation 3: distance from normal numbers of variance 1). With `levels` there is
neither noise nor distance: each number of a code takes one of few values, and the code is a unit (FSQ, arXiv:2309.15505).

Shapes: N frames of S samples, F bands each; Q content codes of K numbers; speaker codes of E numbers.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from halfseen.contracts import Encoded, Loss, Split
from halfseen.data.speech_batch import Frames
from halfseen.losses.reconstruction import absolute_error
from halfseen.methods.speech import FrameTelling
from halfseen.methods.speech_recipes import DisentangleRecipe
from halfseen.nets.pair import initialise_pair
from halfseen.nets.quantize import finite_levels
from halfseen.nets.speech import mean_over_frames
from halfseen.nets.voice import VoiceNet
from halfseen.nets.voice_shape import VoiceShape
from halfseen.split.bent import Bent, BentFrames


class Disentangle(FrameTelling):
    """Content by instance normalisation, the speaker by what frames have in common."""

    net: VoiceNet  # type: ignore[assignment]

    def __init__(self, recipe: DisentangleRecipe, shape: VoiceShape, bands: int) -> None:
        torch.nn.Module.__init__(self)
        self.recipe, self.shape = recipe, shape
        self.net = VoiceNet(shape, bands)
        self.split = Bent(recipe.bend, 0 if recipe.levels else shape.code, shape.pace)

    def initialise(self, seed: int) -> None:
        with torch.no_grad():
            initialise_pair(self, seed)

    def forward(self, split: Split) -> Loss:
        seen: BentFrames = split.seen
        code_QK, free = self.content(seen.moved), not self.recipe.levels
        told_NF = self.net.spoken(code_QK + seen.noise if free else code_QK, self.net.speaker(seen), seen)
        samples, sample_N = len(seen.lengths), seen.sample
        off = absolute_error(told_NF, split.target, split.scored, sample_N, samples)
        if not free:
            return off
        codes_S = (seen.lengths + self.shape.pace - 1) // self.shape.pace
        owner_Q = torch.repeat_interleave(torch.arange(samples, device=codes_S.device), codes_S)
        square_S = code_QK.new_zeros(samples).index_add_(0, owner_Q, 0.5 * code_QK.square().mean(1)) / codes_S
        kl_S = square_S * off.weight
        return Loss(off.per_item + self.recipe.kl * kl_S, off.weight, {**off.parts, "kl": kl_S.detach()})

    def guess(self, split: Split) -> Tensor:
        """That each frame is the mean of its recording."""
        seen: Frames = split.seen
        return mean_over_frames(seen.x, seen)[seen.sample]

    def encode(self, seen: Any) -> Encoded:
        """states_NK: the content code of each frame. pooled_SE: the speaker code."""
        codes_S = (seen.lengths + self.shape.pace - 1) // self.shape.pace
        first_S = codes_S.cumsum(0) - codes_S
        code_N = first_S[seen.sample] + seen.position // self.shape.pace
        states_NK = self.content(seen)[code_N]
        return Encoded(states_NK, self.net.speaker(seen), torch.ones(len(states_NK), dtype=torch.bool))

    def content(self, seen: Frames) -> Tensor:
        """code_QK, without noise."""
        code_QK: Tensor = self.net(seen).code
        return finite_levels(code_QK, self.recipe.levels) if self.recipe.levels else code_QK

    def units(self, states_NK: Tensor) -> Tensor:
        """unit_N of content codes of few levels, below `alphabet`."""
        levels = self.recipe.levels
        level_NK = torch.round((states_NK + 1) * (levels - 1) / 2).long()
        return level_NK @ (levels ** torch.arange(self.shape.code))

    @property
    def alphabet(self) -> int:
        """How many units there are; 0 if content codes take any value."""
        return self.recipe.levels**self.shape.code if self.recipe.levels else 0

    def flops(self, frames: int, length: int) -> float:
        return 3.0 * frames * self.net.flops_per_frame()
