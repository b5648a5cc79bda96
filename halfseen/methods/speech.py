"""What pre-training asks of every method that learns from frames of speech, and what such methods share.

Shapes: N frames of S samples laid end to end, F bands each; K steps of C frames; width D.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from halfseen.contracts import Encoded, Loss, Method, Split
from halfseen.data.speech_batch import Frames
from halfseen.losses.reconstruction import absolute_error
from halfseen.methods.speech_recipes import SpeechRecipe
from halfseen.nets.shape import TransformerShape
from halfseen.nets.speech import FrameNet, mean_over_frames
from halfseen.nets.transformer import initialise


class SpeechMethod(Method):
    """A net over frames."""

    def __init__(self, recipe: SpeechRecipe, shape: TransformerShape, bands: int) -> None:
        super().__init__()
        self.net = FrameNet(shape, bands, stack=recipe.net.stack, hides=recipe.hides)

    def initialise(self, seed: int) -> None:
        """Fresh weights."""
        initialise(self, seed)

    def encode(self, seen: Any) -> Encoded:
        """The last layer's states."""
        states_ND = self.net(seen).last
        return Encoded(states_ND, mean_over_frames(states_ND, seen), torch.ones(len(states_ND), dtype=torch.bool))

    def layers(self, seen: Frames) -> tuple[Tensor, ...]:
        """What goes into the first layer and what each gives, N x D each: what heads mix."""
        return self.net(seen, every_layer=True).layers

    def flops(self, frames: int, length: int) -> float:
        """Operations of a step's products, forward and backward, for so many frames in samples of `length`."""
        shape, stack = self.net.shape, self.net.stack
        return 3.0 * frames / stack * (shape.flops_per_token(-(-length // stack)) + 4.0 * shape.width * stack * self.net.bands)


class Telling(SpeechMethod):
    """What is told is judged beside a guess."""

    @abstractmethod
    def guessed(self, split: Split) -> Loss:
        """The loss of somebody who learnt nothing."""


class FrameTelling(Telling):
    """Frames are told, and judged by the absolute error."""

    def __init__(self, recipe: SpeechRecipe, shape: TransformerShape, bands: int) -> None:
        super().__init__(recipe, shape, bands)
        self.head = torch.nn.Linear(shape.width, recipe.net.stack * bands)

    def forward(self, split: Split) -> Loss:
        seen: Frames = split.seen
        found, steps = self.net.steps(seen)
        told_KCF = self.head(found.last).unflatten(1, (self.net.stack, self.net.bands))
        return absolute_error(told_KCF[steps.step, steps.slot], split.target, split.scored, seen.sample, len(seen.lengths))

    def guessed(self, split: Split) -> Loss:
        seen: Frames = split.seen
        return absolute_error(self.guess(split), split.target, split.scored, seen.sample, len(seen.lengths))

    @abstractmethod
    def guess(self, split: Split) -> Tensor:
        """What somebody would say of target_NF who learnt nothing."""
