"""The options of `halfseen detect`, free of torch so that the command line can show them at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

By = Literal["neighbours", "far", "forest", "reconstruction", "mixture", "confidence"]


@dataclass(frozen=True, kw_only=True)
class DetectFitOptions:
    """Learn what is usual from a table, or from images."""

    path: tyro.conf.Positional[Path]
    """A table (csv, tsv, parquet, npz, npy; also .gz, .xz, .zst), or images: a folder, tar, npz, idx."""
    out: Path
    """Folder for the detector."""
    label: str | None = None
    """The column, or the array of an npz, that holds labels; of images in folders `folders`. By `confidence` alone they are learnt from, as
    the usual ones' classes."""
    odd_share: float | Literal["unknown"] = 0.0
    """Share of the rows or images that may be odd: 0 if all are usual, `unknown` if nobody can say."""
    alarm: float = 0.05
    """Share of usual ones that may be called odd."""
    by: By | None = None
    """One score alone: an isolation forest, say, an auto-encoder's reconstruction error, a mixture of normal distributions, or how unsure a
    classifier of the --label is."""
    size: int | None = None
    """Height and width that images are brought to; by default their own if all have the same and it is at most 64, and else 64."""
    seed: int = 0
    """Decides what is drawn at random."""

    def faults(self) -> list[str]:
        """Everything that is wrong with these options, in words."""
        found = []
        if self.odd_share != "unknown" and not 0 <= self.odd_share < 0.5:
            found.append(f"--odd-share is {self.odd_share:g}, but must be 0 or more and below 0.5, or `unknown`")
        if self.by == "confidence" and self.label is None:
            found.append("--by confidence learns from labels, and no --label is given")
        if not 0 < self.alarm < 1:
            found.append(f"--alarm is {self.alarm:g}, but must be above 0 and below 1")
        if self.size is not None and self.size < 8:
            found.append(f"--size is {self.size}, but must be at least 8")
        if not 0 <= self.seed < 2**32:
            found.append(f"--seed is {self.seed}, but must be between 0 and {2**32 - 1}")
        return found


@dataclass(frozen=True, kw_only=True)
class DetectScoreOptions:
    """Say which rows of a table are odd, and which of their columns; or which images, and where in them."""

    detector: tyro.conf.Positional[Path]
    """A folder of `halfseen detect fit`."""
    path: tyro.conf.Positional[Path]
    """A table with the columns that the detector learnt from, or images."""
    out: Path | None = None
    """A CSV file for the score, p-value and verdict of each."""
    label: str | None = None
    """The column, or the array of an npz, that says which are odd (1, true or odd), or `folders` of these names: the scores are judged by
    it."""
    rate: float = 0.1
    """Of those that are called odd, the share that may be usual, in the mean."""
    top: int = 5
    """How many to show, the oddest first."""
    picture: Path | None = None
    """A PNG file that shows the oddest images, what they were expected to be, and where they differ."""

    def faults(self) -> list[str]:
        """Everything that is wrong with these options, in words."""
        found = [] if 0 < self.rate < 1 else [f"--rate is {self.rate:g}, but must be above 0 and below 1"]
        if self.picture and self.picture.suffix.lower() != ".png":
            found.append(f"--picture is {self.picture}, but must end with .png")
        return found + ([] if self.top >= 0 else [f"--top is {self.top}, but must be 0 or more"])


OPTIONS = {"fit": DetectFitOptions, "score": DetectScoreOptions}
"""What may follow `halfseen detect`."""
