"""`halfseen score speech --label`: what a model's frozen layers tell of whole recordings (which word, whose voice, which mood), beside what
needs no model.

Of each recording the layers' states are pooled over its frames, mean and deviation, and judged by `speech_head`. Beside each model stand
the same net with random weights, and the log-mel frames themselves (FBANK), pooled and judged alike.

Shapes: R recordings; L layers of width D, pooled to 2 D numbers.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from halfseen.contracts import Array, Sample, UserError
from halfseen.data.clips import clips
from halfseen.data.faults import all_faults, brief
from halfseen.data.logmel import LogMel
from halfseen.data.sound import read_sound, trimmed
from halfseen.data.speech_batch import Frames
from halfseen.methods.speech import SpeechMethod
from halfseen.methods.speech_recipes import SpeechRecipe
from halfseen.report.results import ScoreRow
from halfseen.suites import speech_benchmark
from halfseen.suites.arms import printed, share_row, twin
from halfseen.suites.code_scores import fifth
from halfseen.suites.options import SpeechOptions
from halfseen.suites.speech_head import accuracy
from halfseen.suites.speech_models import FBANK, SCRATCH, opened_alike, random_name
from halfseen.train.progress import ProgressBar

BATCH_FRAMES = 8000
FEWEST = 2
"""Recordings, or speakers, that must have a label: one to learn from and one to be tested on."""
TEST_SHARE = 0.25
SEEDS = 3


@dataclass(frozen=True)
class Told:
    """Recordings as raw frames, with their labels, and who speaks, if that is known."""

    frames: list[Sample]
    label: Array
    speaker: Array | None

    def parts(self, seeds: int) -> list[tuple[Array, Array]]:
        """For each seed the places to learn from and to be tested on; no speaker is on both sides."""
        from sklearn.model_selection import GroupShuffleSplit, StratifiedShuffleSplit

        kind = StratifiedShuffleSplit if self.speaker is None else GroupShuffleSplit
        place_R = np.arange(len(self.label))
        found = []
        for seed in range(seeds):
            train, test = next(kind(1, test_size=TEST_SHARE, random_state=seed).split(place_R, self.label, self.speaker))
            if strange := sorted(set(self.label[test]) - set(self.label[train])):
                what = f"label {brief(str(strange[0]))} is said by nobody that is learnt from, where speakers are kept apart"
                raise UserError(what, way_out="give more speakers of it, or leave --speaker away")
            found.append((train, test))
        return found


def run(options: SpeechOptions) -> dict[str, Any]:
    """What `halfseen score speech --json` prints. Raises UserError for a fault in the models or data."""
    return speech_benchmark.run(options) if options.label is None else by_label(options, options.label, options.seeds or SEEDS)


def by_label(options: SpeechOptions, label: str, seeds: int) -> dict[str, Any]:
    """One column of a manifest."""
    started = time.monotonic()
    opened, frames = opened_alike(options.model)
    rows: list[ScoreRow] = []
    mixes: dict[str, list[float]] = {}
    with ProgressBar("scoring speech", 2 + 2 * len(opened)) as bar:
        told = read(options.data, label, options.speaker, frames)
        parts = told.parts(seeds)
        class_R = np.unique(told.label, return_inverse=True)[1]
        bar.update(1, note=FBANK)
        rows.append(score(FBANK, [pooled_frames(told.frames)] * seeds, class_R, parts, label, mixes))
        for i, (name, (method, own)) in enumerate(opened.items()):
            bar.update(2 + 2 * i, note=name)
            samples = [Sample(sample.id, own.standard(sample.x)) for sample in told.frames]
            rows.append(score(name, [pooled_layers(method, samples)] * seeds, class_R, parts, label, mixes))
            fresh = [pooled_layers(twin(method, seed), samples) for seed in range(seeds)]
            rows.append(score(SCRATCH if name == "model" else random_name(name), fresh, class_R, parts, label, mixes))
        bar.update(2 + 2 * len(opened))
    chance = max(Counter(told.label.tolist()).values()) / len(told.label)
    return {"scores": printed(rows), "commonest_label": chance, "layers": mixes, "seconds": time.monotonic() - started}


def score(
    arm: str,
    pooled: Sequence[Array],
    class_R: Array,
    parts: Sequence[tuple[Array, Array]],
    label: str,
    mixes: dict[str, list[float]],
) -> ScoreRow:
    """pooled: pooled_RLE of each seed. The mean over seeds; of one seed the error is that of a share."""
    found = [
        accuracy(pooled_RLE, class_R, train, test, fifth(len(train), seed))
        for seed, (pooled_RLE, (train, test)) in enumerate(zip(pooled, parts, strict=True))
    ]
    values = [value for value, _ in found]
    mixes[arm] = np.mean([mix_L for _, mix_L in found], axis=0).round(3).tolist()
    return share_row(label, arm, "accuracy", values, parts[0], main=True)


def read(data: str, label: str, speaker: str | None, frames: LogMel) -> Told:
    """Raises UserError for all recordings at once that cannot be read or have no label or no speaker, and for labels that are too rare."""
    samples, labels, speakers, faults = [], [], [], []
    for clip in clips([data]):
        missing = [name for name in (label, speaker) if name is not None and not clip.told.get(name)]
        if missing:
            faults.append(f"{clip.id} has no {missing[0]!r}")
            continue
        try:
            x_N = read_sound(clip.content, clip.id, frames.rate)
        except UserError as fault:
            faults.append(f"{fault.where}: {fault.what}")
            continue
        samples.append(Sample(clip.id, frames.raw(trimmed(x_N, frames.rate))[: SpeechRecipe.piece]))
        labels.append(clip.told[label])
        speakers.append(clip.told[speaker] if speaker else "")
    if faults:
        raise all_faults(faults, where=data, way_out="let the manifest say it of each recording, and leave out what cannot be read")
    of = "speakers" if speaker else "recordings"
    counts = Counter(name for name, _ in set(zip(labels, speakers if speaker else range(len(labels)), strict=True)))
    if len(counts) < 2 or min(counts.values()) < FEWEST:
        rare = min(counts, key=lambda name: counts[name])
        what = f"label {brief(rare)} has {counts[rare]} {of}" if len(counts) > 1 else f"one label alone, {brief(rare)}"
        raise UserError(what, where=data, way_out=f"give two labels or more, with at least {FEWEST} {of} each")
    return Told(samples, np.array(labels), np.array(speakers) if speaker else None)


def pooled_frames(samples: Sequence[Sample]) -> Array:
    """Mean and deviation of each band, (R, 1, 2 F)."""
    return np.stack([np.concatenate([sample.x.mean(0), sample.x.std(0)]) for sample in samples])[:, None]


@torch.no_grad()
def pooled_layers(method: SpeechMethod, samples: Sequence[Sample]) -> Array:
    """Mean and deviation of each layer's states over a recording's frames, (R, L, 2 D)."""
    order = sorted(range(len(samples)), key=lambda i: len(samples[i].x))
    found: dict[int, Array] = {}
    batch: list[int] = []
    for at, i in enumerate(order, 1):
        batch.append(i)
        if sum(len(samples[j].x) for j in batch) >= BATCH_FRAMES or at == len(order):
            seen = Frames.of([samples[j] for j in batch])
            layers = torch.stack(method.layers(seen), 1)  # N L D
            for j, states_TLD in zip(batch, torch.split(layers, seen.lengths.tolist()), strict=True):
                found[j] = torch.cat([states_TLD.mean(0), states_TLD.std(0, correction=0)], -1).numpy()
            batch = []
    return np.stack([found[i] for i in range(len(samples))])
