"""What tables and images ask of a method, and what all methods share that rebuild what they saw from a code.

Shapes: S samples of shape X, (F,) for rows, (C, H, W) for images; code_SE.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from halfseen.contracts import Encoded, Loss, Method, Split, Splitter
from halfseen.data.array_corpus import ArrayData
from halfseen.losses.reconstruction import squared_error
from halfseen.nets.pair import decoder_of, encoder_of, initialise_pair
from halfseen.nets.pair_shape import PairShape
from halfseen.split.noise import Corrupted


@dataclass(frozen=True)
class Words:
    """A discrete code as letters_SP, whole numbers below `letters`: P of them a sample. shared: all places have one alphabet."""

    letter: Tensor
    letters: int
    shared: bool = False


class ArrayMethod(Method):
    """A method for samples of one shape. code: what a sample is squeezed into; initialise: its fresh weights."""

    shape: PairShape
    kept_as: torch.dtype = torch.float32
    """How a finished model's weights stand on disk."""

    @property
    def numbers(self) -> int:
        """How many numbers say all of a sample's code."""
        return self.shape.code

    def words(self, code_SE: Tensor) -> Words | None:
        """A code in letters, if it is discrete."""
        return None

    @abstractmethod
    def code(self, x: Tensor) -> Tensor:
        """x_SX to code_SE, the representation."""

    def initialise(self, seed: int) -> None:
        initialise_pair(self, seed)

    def meet(self, data: ArrayData) -> None:
        """Told the training rows before it is trained, for whom samples have something to do with each other."""

    def encode(self, seen: Any) -> Encoded:
        """A sample is one position: states and pooled are its code."""
        code_SE = self.code(seen)
        return Encoded(code_SE, code_SE, torch.ones(len(code_SE), dtype=torch.bool, device=code_SE.device))

    def flops(self, samples: int) -> float:
        """Operations of a training step's products, three times those of a forward pass."""
        from torch.utils.flop_counter import FlopCounterMode

        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            self.predict(torch.zeros(1, *self.shape.of))
        return 3.0 * counter.get_total_flops() * samples

    @abstractmethod
    def predict(self, x: Tensor) -> Tensor:
        """What the net says of x_SX: all products of a training step."""


class Rebuilding(ArrayMethod):
    """An encoder and a decoder, judged by squared error; what is seen is what shall come out, unless a method says otherwise.

    hides: whether what is scored was hidden.
    to: numbers that the encoder gives, if not just a code's. pair: encoder and decoder, if not those of `shape`.
    """

    hides = False

    def __init__(self, shape: PairShape, *, to: int | None = None, pair: tuple[nn.Module, nn.Module] | None = None) -> None:
        super().__init__()
        self.shape = shape
        self.encoder, self.decoder = pair or (encoder_of(shape, out=to), decoder_of(shape))
        self.split: Splitter = Corrupted("none")

    def forward(self, split: Split) -> Loss:
        return squared_error(self.predict(split.seen), split.target, split.scored)

    def code(self, x: Tensor) -> Tensor:
        return self.encoder(x)

    def rebuilt(self, code_SE: Tensor) -> Tensor:
        """code_SE to x_SX. Images lie between 0 and 1."""
        made_SX: Tensor = self.decoder(code_SE)
        return made_SX.sigmoid() if len(self.shape.of) == 3 else made_SX

    def predict(self, x: Tensor) -> Tensor:
        """x_SX, perhaps corrupted, to what it was."""
        return self.rebuilt(self.code(x))
