"""The options of every method for speech, free of torch so that the command line can show them at once."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from halfseen.methods.recipes import Recipe
from halfseen.nets.shape import TransformerShape
from halfseen.nets.voice_shape import VoiceShape


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
    shape_kind: ClassVar[type[Any]] = TransformerShape
    """What `shape` gives."""

    net: SpeechSize = field(default_factory=SpeechSize)
    """Size of the net."""

    def shape(self, *, longest: int) -> Any:
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


@dataclass(frozen=True, kw_only=True)
class VoiceSize:
    """The size of the two encoders and the decoder."""

    layers: int = 3
    """Blocks of two convolutions in each."""
    width: int = 128
    """Channels."""
    code: int = 16
    """Numbers of a content code: the fewer, the less of the voice is left in it."""
    speaker: int = 64
    """Numbers of a speaker code."""
    pace: int = 2
    """Frames of a content code, a hundredth of a second each."""


@dataclass(frozen=True, kw_only=True)
class DisentangleRecipe(SpeechRecipe):
    """A voice taken apart into what is said and who says it, so that both can be put together anew (AdaIN-VC, arXiv:1904.05742)."""

    shape_kind: ClassVar[type[Any]] = VoiceShape

    net: VoiceSize = field(default_factory=VoiceSize)  # type: ignore[assignment]
    """Size of the net."""
    kl: float = 0.01
    """How much the content codes' distance from normal numbers counts."""
    bend: float = 0.15
    """The content encoder hears bands moved by up to this share, up or down, so that it learns nothing of a throat's length."""

    def shape(self, *, longest: int) -> VoiceShape:
        return VoiceShape(**asdict(self.net))

    def faults(self) -> list[str]:
        found = super().faults() + ([] if 0 <= self.kl < math.inf else [f"--kl is {self.kl:g}, but must be 0 or more"])
        return found + ([] if 0 <= self.bend < 1 else [f"--bend is {self.bend:g}, but must be 0 or more and below 1"])
