"""Diarization: which of two speakers speaks when, by the diarization error rate.

Shapes: T frames of L layers of width D; B recordings; K speakers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from halfseen.contracts import Array, UserError
from halfseen.data.sound import read_sound
from halfseen.suites.speech_tasks.arm import Arm
from halfseen.suites.speech_tasks.contract import PARTS, Material, Metric, Outcome, SpeechTask, Utterance, stand_in
from halfseen.suites.speech_tasks.diarization import Turns, permutation_free, smoothed, turns_told
from halfseen.suites.speech_tasks.figures import ratio
from halfseen.suites.speech_tasks.folder import DataFolder, Recording, parted
from halfseen.suites.speech_tasks.kaldi_folder import SPEAKERS, Conversation, conversations
from halfseen.suites.speech_tasks.mixtures import drawn, speaking
from halfseen.suites.speech_tasks.sequence import Batch, Mix, Schedule, Sequences, learnt

STRIDE = 2
"""So many frames are one: 20 ms, as those of the benchmark's models are."""
HIDDEN = 128
"""The benchmark's LSTM has 512, for a hundred times as much speech."""
SCHEDULE = Schedule(rates=(2e-2, 1e-2), epochs=24)
LONGEST = 1000
"""Frames; of longer recordings pieces are learnt from."""
COUNTS = {"train": 240, "dev": 48, "test": 120}
"""Mixtures of each part of the stand-in."""
TURNS_RATE = 8000


class Talkers(nn.Module):
    """One LSTM over mixed layers, and for each frame and speaker whether they speak."""

    def __init__(self, layers: int, width: int) -> None:
        super().__init__()
        self.mix = Mix(layers)
        self.lstm = nn.LSTM(width, HIDDEN, batch_first=True)
        self.out = nn.Linear(HIDDEN, SPEAKERS)

    def forward(self, batch: Batch) -> Tensor:
        """logits_BTK."""
        logits: Tensor = self.out(self.lstm(self.mix(batch.x))[0])
        return logits


class Diarization(SpeechTask):
    name, title, aspect, benchmark = "sd", "speaker diarization", "speaker", "LibriMix"
    metrics: ClassVar = (Metric("DER", 0.0324, 0.0, higher_is_better=False),)

    def find(self, data: DataFolder, seed: int) -> Material | None:
        return libri_mix(data) or two_voices(data, seed)

    def score(self, arm: Arm, material: Material, seed: int) -> Outcome:
        heard = Sequences.of(arm, material.parts(), STRIDE)
        frame_s = STRIDE / arm.frames_per_second
        speaks = {
            part: [speaking(each.target, frames, frame_s, SPEAKERS) for each, frames in zip(some, heard[part].lengths, strict=True)]
            for part, some in material.parts().items()
        }
        train, truth = cut(heard["train"], speaks["train"])
        _, layers, width = train.states[0].shape

        def loss(head: Talkers, batch: Batch) -> Tensor:
            speaks_BTK = nn.utils.rnn.pad_sequence([torch.from_numpy(truth[i]).float() for i in batch.places], batch_first=True)
            valid_BT = torch.arange(batch.x.shape[2]) < batch.lengths[:, None]
            return permutation_free(head(batch), speaks_BTK, valid_BT).mean()

        def judge(head: nn.Module) -> float:
            return -rate_of(told(head, heard["dev"], speaks["dev"]))

        head, chosen = learnt(partial(Talkers, layers, width), loss, train, judge, SCHEDULE, seed)
        with torch.no_grad():
            found = told(head, heard["test"], speaks["test"])
        score = ratio(self.metrics[0], [each.wrong for each in found], [each.speech for each in found])
        return Outcome((score,), {**chosen, "layers": head.mix.shares()})


def cut(heard: Sequences, speaks: Sequence[Array]) -> tuple[Sequences, list[Array]]:
    """In pieces of LONGEST frames at most, which is what is learnt from."""
    at = [(i, begin) for i, each in enumerate(speaks) for begin in range(0, len(each), LONGEST)]
    step = heard.stride  # 1 where every STRIDE frames are one already
    pieces = [heard.states[i][begin * step : (begin + LONGEST) * step] for i, begin in at]
    return replace(heard, states=pieces), [speaks[i][begin : begin + LONGEST] for i, begin in at]


def told(head: nn.Module, heard: Sequences, speaks: Sequence[Array]) -> list[Turns]:
    """What is right and wrong of each recording."""
    found: dict[int, Turns] = {}
    for batch in heard.batches(SCHEDULE.batch_frames):
        for i, length, each_TK in zip(batch.places, batch.lengths.tolist(), head(batch).sigmoid().numpy(), strict=True):
            found[i] = turns_told(speaks[i], smoothed(each_TK[:length]))
    return [found[i] for i in range(len(found))]


def rate_of(found: Sequence[Turns]) -> float:
    return sum(each.wrong for each in found) / sum(each.speech for each in found)


def libri_mix(data: DataFolder) -> Material | None:
    """Folders train, dev and test as Kaldi keeps them."""
    root = data.official("LibriMix", *(f"{part}/wav.scp" for part in PARTS))
    if root is None:
        return None
    found = {part: conversations(root / part) for part in PARTS}
    must_be_apart(root, found)
    heard = {
        part: tuple(Utterance(str(each.path), partial(read_sound, each.path, str(each.path)), each.turns) for each in some)
        for part, some in found.items()
    }
    return Material("LibriMix", True, heard["train"], heard["dev"], heard["test"])


def must_be_apart(root: Path, found: dict[str, list[Conversation]]) -> None:
    """Raises UserError if somebody speaks in two parts."""
    names = {part: {name for each in some for name in each.speakers} for part, some in found.items()}
    for one, other in (("train", "dev"), ("train", "test"), ("dev", "test")):
        if both := sorted(names[one] & names[other]):
            what = f"speaker {both[0]} is in {one} and in {other}"
            raise UserError(what, where=str(root), way_out="let each speaker be in one part alone")


def two_voices(data: DataFolder, seed: int) -> Material | None:
    """Mixtures of recordings of librispeech_samples8k, of two speakers each."""
    recordings = data.small_set("librispeech_samples8k")
    if not recordings:
        return None
    draw = np.random.default_rng([seed, 11])
    sides = parted(recordings, lambda each: each.speaker, seed)
    return stand_in("two voices", {part: tuple(pairs(sides[part], part, seed, draw)) for part in PARTS})


def pairs(recordings: Sequence[Recording], part: str, seed: int, draw: np.random.Generator) -> Iterator[Utterance]:
    """Raises UserError if there is one speaker alone."""
    by_speaker: dict[str, list[Recording]] = {}
    for each in recordings:
        by_speaker.setdefault(each.speaker, []).append(each)
    if len(by_speaker) < 2:
        raise UserError(f"{part} has one speaker, too few to mix", where="two voices", way_out="give recordings of more speakers")
    for i in range(COUNTS[part]):
        names = draw.choice(sorted(by_speaker), 2, replace=False)
        first, second = (by_speaker[name][int(draw.integers(len(by_speaker[name])))] for name in names)
        mixture = drawn(first.sound, second.sound, draw, TURNS_RATE)
        yield Utterance(f"two voices/{seed}/{part}/{i}", mixture.sound, mixture.turns(TURNS_RATE), "+".join(sorted(names)))
