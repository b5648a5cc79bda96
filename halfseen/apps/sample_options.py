"""The options of `halfseen sample`, free of torch so that the command line can show them at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """Draw images from a model's decoder."""

    model: Path
    """A folder of `halfseen pretrain vae`, or of another auto-encoder of images with --data."""
    out: Path
    """A PNG file for all of them."""
    n: Annotated[int, tyro.conf.arg(aliases=("-n",))] = 64
    """How many; of `between`, how many rows of ten."""
    what: Literal["samples", "between", "plane"] = "samples"
    """Single images, ways from one image to another, or a map of two numbers of the code."""
    data: str | None = None
    """Real images: codes are then drawn from a mixture of normals that was fitted to theirs, and the samples are compared with them."""
    seed: int = 0
    """Decides what is drawn."""

    def faults(self) -> list[str]:
        """Everything that is wrong with these options, in words."""
        found = [] if 1 <= self.n <= 4096 else [f"--n is {self.n}, but must be between 1 and 4096"]
        if self.out.suffix.lower() != ".png":
            found.append(f"--out is {self.out}, but must end with .png")
        return found + ([] if 0 <= self.seed < 2**32 else [f"--seed is {self.seed}, but must be between 0 and {2**32 - 1}"])
