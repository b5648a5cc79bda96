"""The options of every method for speech, free of torch so that the command line can show them at once."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from halfseen.methods.recipes import Recipe
from halfseen.nets.shape import TransformerShape
from halfseen.nets.vocoder_shape import VocoderShape
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
    stack: int = 1
    """Frames, of a hundredth of a second, that the net takes in one step."""

    def faults(self) -> list[str]:
        return [] if self.stack >= 1 else [f"--net.stack is {self.stack}, but must be at least 1"]


@dataclass(frozen=True, kw_only=True)
class SpeechRecipe(Recipe):
    """What every method has that learns from speech."""

    modality: ClassVar[str] = "speech"
    causal: ClassVar[bool] = False
    """Whether a frame sees only those before it."""
    shape_kind: ClassVar[type[Any]] = TransformerShape
    """What `shape` gives."""
    hides: ClassVar[bool] = False
    """Whether the net is told of frames that they are hidden."""
    batch: ClassVar[int] = 4000
    """Frames in a batch, unless another number is given."""
    piece: ClassVar[int] = 1000
    """Frames of a piece at most: longer recordings are cut."""
    sounds: ClassVar[bool] = False
    """Whether samples and pitch are kept beside the frames."""

    net: SpeechSize = field(default_factory=SpeechSize)
    """Size of the net."""

    def shape(self, *, rate: int) -> Any:
        """For recordings of so many samples a second."""
        size = self.net
        heads = size.heads or max(1, size.width // 64)
        return TransformerShape(layers=size.layers, width=size.width, heads=heads, causal=self.causal, max_length=self.piece)

    def faults(self) -> list[str]:
        return self.shape(rate=8000).faults()


@dataclass(frozen=True, kw_only=True)
class ApcRecipe(SpeechRecipe):
    """Autoregressive predictive coding: the frames to come, told from those before (APC, arXiv:1904.03240)."""

    causal: ClassVar[bool] = True

    shift: int = 3
    """How many frames ahead, a hundredth of a second each."""

    def faults(self) -> list[str]:
        found = super().faults() + self.net.faults()
        least = max(1, self.net.stack)
        return found + ([] if self.shift >= least else [f"--shift is {self.shift}, but must be at least {least}"])


@dataclass(frozen=True, kw_only=True)
class HidingSize(SpeechSize):
    """The size of a net from which speech is hidden: in steps of two frames."""

    stack: int = 2
    """Frames, of a hundredth of a second, that the net takes in one step."""


@dataclass(frozen=True, kw_only=True)
class HidingRecipe(SpeechRecipe):
    """What methods have that hide spans of time."""

    hides: ClassVar[bool] = True
    batch: ClassVar[int] = 8000

    net: HidingSize = field(default_factory=HidingSize)
    """Size of the net."""
    share: float = 0.5
    """About the share of the steps that is hidden, between 0 and 1."""
    span: int = 10
    """Steps that are hidden as one piece."""

    def faults(self) -> list[str]:
        found = super().faults() + self.net.faults()
        if not 0 < self.share < 1:
            found.append(f"--share is {self.share:g}, but must be above 0 and below 1")
        return found + ([] if self.span >= 1 else [f"--span is {self.span}, but must be at least 1"])


@dataclass(frozen=True, kw_only=True)
class TeraRecipe(HidingRecipe):
    """Masked frames: hidden spans of time and bands of frequency, told from what is around them (Mockingjay, arXiv:1910.12638; TERA,
    arXiv:2007.06028)."""

    hidden_bands: int = 8
    """Neighbouring bands that are hidden in a recording, at most."""

    def faults(self) -> list[str]:
        return super().faults() + ([] if self.hidden_bands >= 0 else [f"--hidden-bands is {self.hidden_bands}, but must be at least 0"])


@dataclass(frozen=True, kw_only=True)
class HubertRecipe(HidingRecipe):
    """Masked clusters: what hidden steps sound like, first by clusters of their cepstra, then by clusters of what the net itself says of
    them (HuBERT, arXiv:2106.07447; on log-mel frames MelHuBERT, arXiv:2211.09944)."""

    clusters: int = 100
    """Clusters of the first round."""
    units: int = 200
    """Clusters of the second round."""
    first: float = 0.3
    """Share of the steps that the first round has; 1 for one round alone."""
    layer: int | None = None
    """The layer whose states are clustered for the second round, counted from 1; by default the middle one."""
    bend: float = 0.15
    """Bands are moved by up to this share, up or down, as another throat would (Jaitly and Hinton 2013); clusters stay as they were."""
    level: float = 0.3
    """So many standard deviations a recording is made louder or softer at most, and its low bands more or less so than its high ones."""
    centred: float = 0.5
    """Share of the recordings that are heard less what their frames have in common, most of a voice and a microphone; with 0 they never
    are, nor afterwards."""

    def faults(self) -> list[str]:
        found = super().faults()
        found += [
            f"--{name} is {getattr(self, name)}, but must be between 2 and 65535"
            for name in ("clusters", "units")
            if not 2 <= getattr(self, name) < 2**16
        ]
        found += bend_faults(self.bend)
        if not 0 <= self.centred <= 1:
            found.append(f"--centred is {self.centred:g}, but must be between 0 and 1")
        found += [] if 0 <= self.level < math.inf else [f"--level is {self.level:g}, but must be 0 or more"]
        if not 0 < self.first <= 1:
            found.append(f"--first is {self.first:g}, but must be above 0 and at most 1")
        if self.layer is not None and not 1 <= self.layer <= self.net.layers:
            found.append(f"--layer is {self.layer}, but must be between 1 and {self.net.layers}, the number of layers")
        return found


@dataclass(frozen=True, kw_only=True)
class VoiceSize:
    """The size of the two encoders and the decoder."""

    layers: int = 2
    """Blocks of two convolutions in each."""
    width: int = 128
    """Channels."""
    code: int = 32
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
    levels: int = 0
    """Values that each number of a content code takes, so that a code is a unit (FSQ, arXiv:2309.15505); 0: any value, with noise."""
    bend: float = 0.15
    """The content encoder hears bands moved by up to this share, up or down, so that it learns nothing of a throat's length."""

    def shape(self, *, rate: int) -> VoiceShape:
        return VoiceShape(**asdict(self.net))

    def faults(self) -> list[str]:
        found = super().faults() + ([] if 0 <= self.kl < math.inf else [f"--kl is {self.kl:g}, but must be 0 or more"])
        if self.levels < 0 or self.levels == 1:
            found.append(f"--levels is {self.levels}, but must be at least 2, or 0")
        return found + bend_faults(self.bend)


@dataclass(frozen=True, kw_only=True)
class VocoderSize:
    """The size of the net."""

    layers: int = 4
    """Blocks of a gated convolution."""
    width: int = 128
    """Channels."""


@dataclass(frozen=True, kw_only=True)
class VocoderRecipe(SpeechRecipe):
    """Frames made sound again: overtones of the pitch and noise, each behind a filter that a net tells (DDSP, arXiv:2001.04643).

    A vocoder for `halfseen convert`."""

    shape_kind: ClassVar[type[Any]] = VocoderShape
    batch: ClassVar[int] = 1000
    piece: ClassVar[int] = 100
    sounds: ClassVar[bool] = True
    fresh_rate: ClassVar[float] = 2e-3

    net: VocoderSize = field(default_factory=VocoderSize)  # type: ignore[assignment]
    """Size of the net."""

    def shape(self, *, rate: int) -> VocoderShape:
        return VocoderShape(rate=rate, **asdict(self.net))


def bend_faults(bend: float) -> list[str]:
    return [] if 0 <= bend < 1 else [f"--bend is {bend:g}, but must be 0 or more and below 1"]
