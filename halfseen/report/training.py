"""A pre-training run's folder, read for the report: recipe.json, metrics.jsonl, summary.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halfseen.contracts import UserError
from halfseen.data.claim import RUN
from halfseen.report.words import duration, size
from halfseen.train.metrics_file import read_metrics

SUMMARY = "summary.json"
ASKED = {"gpt": "next", "bart": "restored", "mass": "restored", "t5": "restored"}
"""A method to what its tokens are called where it is not asked for hidden ones."""
TOLD = {
    "apc": ("frames to come", "that nothing changes"),
    "tera": ("hidden frames", "the last one heard before"),
    "disentangle": ("frames", "each recording's mean"),
    "vocoder": ("spectra of sound", "a hum or a hiss, as loud"),
}
"""A method of speech to what it tells, and to what its guess says, in words."""
BASELINES = {"a bigram model": "bigram_bits_per_byte", "a unigram model": "unigram_bits_per_byte", "xz": "xz_bits_per_byte"}
"""What stands beside bits a byte, and its name in a summary."""
REBUILDERS = {"principal components": "pca_squared_error", "the mean": "mean_squared_error", "what it was given": "seen_squared_error"}
"""What stands beside the squared error of what was rebuilt, and its name in a summary."""


@dataclass(frozen=True)
class Run:
    """lines: what metrics.jsonl holds. summary: empty while the run is not finished."""

    folder: Path
    recipe: Mapping[str, Any]
    lines: tuple[Mapping[str, Any], ...]
    summary: Mapping[str, Any]

    @property
    def bytes(self) -> float:
        return float(self.recipe.get("data", {}).get("bytes", 0))

    @property
    def unit(self) -> str:
        """What its lines count: tokens, samples of a table or of images, or frames of speech."""
        return next((unit for unit in ("samples", "frames") if any(unit in line for line in self.lines)), "tokens")

    @property
    def read(self) -> str:
        """What it learnt from, in words; nothing if it says nothing of that."""
        data = self.recipe.get("data", {})
        if "recordings" in data:
            return f"{duration(data['seconds'])} of speech"
        counted = [f"{data[name]:,} {name}" for name in ("rows", "images") if isinstance(data.get(name), int)]
        return counted[0] if counted else f"{size(self.bytes)} of unlabelled text" if self.bytes else ""

    @property
    def asked(self) -> str:
        """Which tokens the method is asked for."""
        return ASKED.get(str(self.recipe.get("method")), "hidden")

    @property
    def heldout(self) -> Mapping[str, float]:
        """The last held-out figures, and the unigram baseline's."""
        found: dict[str, float] = {}
        for line in self.lines:
            found |= {name.removeprefix("heldout_"): value for name, value in line.items() if name.startswith("heldout_")}
        return found | dict(self.summary.get("heldout", {}))


def read_run(folder: Path) -> Run | None:
    """None where there is no recipe.json. Raises UserError for a damaged file."""
    if not (folder / RUN).is_file():
        return None
    return Run(
        folder,
        read_json(folder / RUN),
        tuple(read_metrics(folder)),
        read_json(folder / SUMMARY) if (folder / SUMMARY).is_file() else {},
    )


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"damaged ({error})", where=str(path), way_out="make it again, or take it away") from error


def describe(run: Run) -> str:
    """A run in one sentence: what it read, how long it took, what it predicts."""
    seconds = run.summary.get("seconds", run.lines[-1].get("seconds") if run.lines else None)
    words = "Pre-trained" + (f" on {run.read}" if run.read else "") + (f" for {duration(seconds)}" if seconds else "")
    words += "" if run.summary else " so far"
    found = run.heldout
    if "bits_per_byte" in found:
        beside = [f"{name} {found[key]:.2f}" for name, key in BASELINES.items() if key in found]
        words += f", it takes {found['bits_per_byte']:.2f} bits for a byte of text that it never saw"
        return words + (f" ({', '.join(beside)})." if beside else ".")
    if run.unit == "samples":
        return words + rebuilding(found)
    if run.unit == "frames":
        return words + hearing(found, str(run.recipe.get("method")))
    if "accuracy" in found:
        words += f", it predicts {100 * found['accuracy']:.1f} % of {run.asked} tokens that it never saw"
    if "unigram_accuracy" in found:
        words += f" (always saying the commonest: {100 * found['unigram_accuracy']:.1f} %)"
    return words + "."


def hearing(heldout: Mapping[str, float], method: str) -> str:
    """How well speech is told that it never heard, as the end of a sentence."""
    if "accuracy" in heldout:
        guesses = {"the commonest": "guess_accuracy", "that of the last step it heard": "last_accuracy"}
        beside = ", ".join(f"{name}: {100 * heldout[key]:.1f} %" for name, key in guesses.items())
        return f", of hidden steps it names the cluster of {100 * heldout['accuracy']:.1f} % ({beside})."
    if "guess_loss" not in heldout:
        return "."
    told, guessed = TOLD[method]
    return f", it is off by {heldout['loss']:.3g} in {told} that it never heard (to say {guessed}: {heldout['guess_loss']:.3g})."


def rebuilding(heldout: Mapping[str, float]) -> str:
    """How well samples are rebuilt that it never saw, as the end of a sentence."""
    told = [f"it takes {heldout['bits_per_dimension']:.2f} bits for a number"] if "bits_per_dimension" in heldout else []
    if "squared_error" in heldout:
        beside = ", ".join(f"{name} {heldout[key]:.3g}" for name, key in REBUILDERS.items() if key in heldout)
        told.append(f"it is off by {heldout['squared_error']:.3g} in a number's mean square" + (f" ({beside})" if beside else ""))
    return f", and of samples that it never saw {' and '.join(told)}." if told else "."
