"""The options of every method for speech, free of torch so that the command line can show them at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from halfseen.methods.recipes import Recipe
from halfseen.nets.shape import TransformerShape


@dataclass(frozen=True, kw_only=True)
class SpeechSize:
    """The size of the net."""

    layers: int = 3
    """Number of layers."""
    width: int = 256
    """Width of a hidden state."""
    heads: int | None = None
    """Number of attention heads; by default one for every 64 of the width."""


@dataclass(frozen=True, kw_only=True)
class SpeechRecipe(Recipe):
    """What every method has that learns from speech."""

    modality: ClassVar[str] = "speech"
    causal: ClassVar[bool] = False
    """Whether a frame sees only those before it."""

    net: SpeechSize = field(default_factory=SpeechSize)
    """Size of the net."""

    def shape(self, *, longest: int) -> TransformerShape:
        """For pieces of at most so many frames."""
        size = self.net
        heads = size.heads or max(1, size.width // 64)
        return TransformerShape(layers=size.layers, width=size.width, heads=heads, causal=self.causal, max_length=longest)

    def faults(self) -> list[str]:
        return self.shape(longest=1).faults()


@dataclass(frozen=True, kw_only=True)
class ApcRecipe(SpeechRecipe):
    """Autoregressive predictive coding: the frames to come, told from those before (APC, arXiv:1904.03240)."""

    causal: ClassVar[bool] = True

    shift: int = 3
    """How many frames ahead, a hundredth of a second each."""

    def faults(self) -> list[str]:
        return super().faults() + ([] if self.shift >= 1 else [f"--shift is {self.shift}, but must be at least 1"])
