"""The options of `halfseen compress` and `decompress`, free of torch so that the command line can show them at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

STEPS = (132.0, 84.0, 54.0, 34.0, 20.0)
"""Of qualities 1 to 5: what coefficients are rounded to, in levels of pixels."""


@dataclass(frozen=True, kw_only=True)
class CompressOptions:
    """Make an image small; what is lost is as little as so few bytes allow."""

    path: tyro.conf.Positional[Path]
    """An image: PNG, JPEG or WebP."""
    out: Path
    """The file to write, .hsc by custom."""
    quality: int = 3
    """From 1, the smallest, to 5, the best."""
    model: Path | None = None
    """A folder of `halfseen pretrain codec`; the codec that comes with halfseen by default."""

    def faults(self) -> list[str]:
        """Everything that is wrong with these options, in words."""
        return [] if 1 <= self.quality <= len(STEPS) else [f"--quality is {self.quality}, but must be between 1 and {len(STEPS)}"]


@dataclass(frozen=True, kw_only=True)
class DecompressOptions:
    """Make an image of a compressed one."""

    path: tyro.conf.Positional[Path]
    """A file of `halfseen compress`."""
    out: Path
    """The image to write, a PNG."""
    model: Path | None = None
    """The codec that it was made with, if it was not the one that comes with halfseen."""

    def faults(self) -> list[str]:
        """Everything that is wrong with these options, in words."""
        return [] if self.out.suffix.lower() == ".png" else [f"--out is {self.out}, but must end with .png"]
