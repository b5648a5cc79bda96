"""The options of `halfseen convert`, free of torch so that the command line can show them at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

By = Literal["codes", "neighbours"]
WORLD, GRIFFIN_LIM = "world", "griffin-lim"


@dataclass(frozen=True, kw_only=True)
class ConvertOptions:
    """Say in another's voice what somebody says: the content of one recording, the voice of others."""

    model: Path
    """A folder of `halfseen pretrain disentangle`, or of another method for speech."""
    source: Path
    """The recording whose words, pace and tune are kept."""
    target: tuple[str, ...]
    """Recordings of the voice, one or more: files, folders, tar archives or manifests. The more there are, the better."""
    out: Path
    """The WAV file to write."""
    by: By | None = None
    """`codes` decodes the source's content code with the target's speaker code, `neighbours` puts together the target's nearest frames; by
    default the codes of a `disentangle` model, and neighbours in any other."""
    vocoder: str = WORLD
    """What makes sound of frames: `world` takes pitch and breath from the source, the pitch moved to the target's; a folder of `halfseen
    pretrain vocoder`, the pitch alone; `griffin-lim` knows the frames alone."""
