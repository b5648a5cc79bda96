"""The shape of a net that makes sound of frames, free of torch."""

from __future__ import annotations

from dataclasses import dataclass

WHOLE = 400
"""A rate is a multiple of this, so that a quarter of a frame is whole samples."""


@dataclass(frozen=True, kw_only=True)
class VocoderShape:
    """layers: residual blocks. width: channels. rate: samples a second."""

    layers: int
    width: int
    rate: int

    def faults(self) -> list[str]:
        """Everything that is wrong with it, in words."""
        found = [f"net.{name} is {value}, but must be at least 1" for name, value in vars(self).items() if value < 1]
        if self.rate % WHOLE:
            found.append(f"--rate is {self.rate}, but a vocoder's must be a multiple of {WHOLE}, e.g. 8000, 16000 or 24000")
        return found
