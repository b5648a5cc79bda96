"""The shape of a net that takes a voice apart, free of torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class VoiceShape:
    """layers: residual blocks of each of the three parts. width: channels. code: numbers of a content code, one code for every `pace`
    frames. speaker: numbers of a speaker code."""

    layers: int
    width: int
    code: int
    speaker: int
    pace: int

    def faults(self) -> list[str]:
        """Everything that is wrong with it, in words."""
        return [f"net.{name} is {value}, but must be at least 1" for name, value in vars(self).items() if value < 1]
