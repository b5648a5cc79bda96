"""What pre-training asks of every method that learns from frames of speech, and what such methods share.

Shapes: N frames of S samples laid end to end, F bands each; width D.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from halfseen.contracts import Encoded, Loss, Method, Split
from halfseen.data.speech_batch import Frames
from halfseen.losses.reconstruction import absolute_error
from halfseen.nets.shape import TransformerShape
from halfseen.nets.speech import FrameNet, mean_over_frames
from halfseen.nets.transformer import initialise


class SpeechMethod(Method):
    """A net over frames, and a prediction of frames judged by the absolute error."""

    def __init__(self, shape: TransformerShape, bands: int) -> None:
        super().__init__()
        self.net = FrameNet(shape, bands)
        self.head = torch.nn.Linear(shape.width, bands)

    def initialise(self, seed: int) -> None:
        """Fresh weights."""
        initialise(self, seed)

    def forward(self, split: Split) -> Loss:
        seen: Frames = split.seen
        told_NF = self.head(self.net(seen).last)
        return absolute_error(told_NF, split.target, split.scored, seen.tokens.sample, len(seen.lengths))

    @abstractmethod
    def guess(self, split: Split) -> Tensor:
        """What somebody would say of target_NF who learnt nothing."""

    def encode(self, seen: Any) -> Encoded:
        """The last layer's states."""
        states_ND = self.net(seen).last
        return Encoded(states_ND, mean_over_frames(states_ND, seen), torch.ones(len(states_ND), dtype=torch.bool))

    def flops(self, frames: int, length: int) -> float:
        """Operations of a step's products, forward and backward, for so many frames in samples of `length`."""
        shape = self.net.shape
        return 3.0 * frames * (shape.flops_per_token(length) + 4.0 * shape.width * self.net.bands)
