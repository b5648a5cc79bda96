"""Models of speech that stand beside each other, and what they are called in tables."""

from __future__ import annotations

from halfseen.apps.speech_model import open_speech_model
from halfseen.contracts import UserError
from halfseen.data.logmel import LogMel
from halfseen.methods.speech import SpeechMethod
from halfseen.suites.arms import by_name

FBANK, NORMALISED, SCRATCH = "fbank", "fbank-normalised", "scratch"


def opened_alike(folders: tuple[str, ...], *, alone: str = "model") -> tuple[dict[str, tuple[SpeechMethod, LogMel]], LogMel]:
    """Models of speech by name, and what makes their frames but for mean and spread. alone: the name of a single one. Raises UserError if
    they take different frames."""
    opened = {name: open_speech_model(folder) for name, folder in by_name(folders).items()}
    (_, frames), *others = opened.values()
    for name, (_, other) in zip(list(opened)[1:], others, strict=True):
        if (other.rate, other.bands) != (frames.rate, frames.bands):
            raise UserError("hears otherwise than the first model", where=name, way_out="compare models of one rate and number of bands")
    return (opened if others else {alone: opened["model"]}), frames


def random_name(model: str) -> str:
    """What the twin of one of several models is called."""
    return f"{model}, random weights"
