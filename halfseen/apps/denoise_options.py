"""The options of `halfseen denoise`, free of torch so that the command line can show them at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from halfseen.split.noise_kinds import Noise


@dataclass(frozen=True, kw_only=True)
class DenoiseOptions:
    """Clean images with a model that learnt to."""

    path: tyro.conf.Positional[Path]
    """Images: a folder, png, jpg, webp, tar, npz, idx."""
    model: Path
    """A folder of `halfseen pretrain denoiser`, or of `autoencoder --noise` for images of its size."""
    out: Path
    """Folder for the cleaned images, PNG files of the same names."""
    clean: Path | None = None
    """The same images without noise, by their names: what comes out is judged by them, beside what others do."""
    noise: Noise | None = None
    """Noise to add to the images first: what comes out is then judged by them as they were."""
    amount: float = 0.1
    """The noise's standard deviation, or the share of pixels that it puts to 0 or to an extreme."""
    seed: int = 0
    """Decides the noise."""

    def faults(self) -> list[str]:
        """Everything that is wrong with these options, in words."""
        found = ["--clean and --noise are given; what comes out is judged by one of them"] if self.clean and self.noise else []
        if not 0 < self.amount < 1:
            found.append(f"--amount is {self.amount:g}, but must be above 0 and below 1")
        return found + ([] if 0 <= self.seed < 2**32 else [f"--seed is {self.seed}, but must be between 0 and {2**32 - 1}"])
