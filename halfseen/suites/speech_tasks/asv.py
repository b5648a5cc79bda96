"""Verification: whether two recordings are of one voice, none of them of a speaker who was learnt from, by the equal error rate.

Shapes: B recordings of T frames, L layers of width D; E numbers of a voice; N trials.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from halfseen.contracts import Array, Score, UserError
from halfseen.suites.speech_tasks.arm import Arm
from halfseen.suites.speech_tasks.contract import PARTS, Material, Metric, Outcome, SpeechTask, Trial, Utterance
from halfseen.suites.speech_tasks.figures import bootstrapped
from halfseen.suites.speech_tasks.folder import DataFolder, Recording, grouped, parted
from halfseen.suites.speech_tasks.sequence import Batch, Mix, Schedule, Sequences, learnt
from halfseen.suites.speech_tasks.verification import equal_error_rate
from halfseen.suites.speech_tasks.voxceleb import TRIALS, everybody, trials
from halfseen.suites.speech_tasks.xvector import AROUND, XVector

STRIDE = 2
"""So many frames are one: 20 ms, as those of the benchmark's models are."""
WIDTH = 64
"""The benchmark's x-vector has 512, for 1,211 speakers."""
SCHEDULE = Schedule(rates=(3e-3, 1e-3), epochs=24, batch_frames=700)
CROP = 60
"""Frames of a recording that are learnt from at once; which, is drawn."""
DEV_SPEAKERS = 0.05
"""Of VoxCeleb1's training speakers these are chosen by: the benchmark names no speakers for that."""
DEV_RECORDINGS = 10
"""Of each of them."""


class Verifier(nn.Module):
    """Mixed layers, and an x-vector over them."""

    def __init__(self, layers: int, width: int, voices: int) -> None:
        super().__init__()
        self.mix = Mix(layers)
        self.voice = XVector(width, WIDTH, voices)

    def forward(self, batch: Batch) -> Tensor:
        """voice_BE."""
        found: Tensor = self.voice(self.mix(batch.x), batch.lengths)
        return found


class Crops(Sequences):
    """Of each recording CROP frames at most; which, is drawn for each epoch."""

    def batches(self, frames: int, draw: np.random.Generator | None = None) -> Iterator[Batch]:
        draw = draw or np.random.default_rng(0)
        most = CROP * self.stride
        begins = [int(draw.integers(max(1, len(each) - most + 1))) for each in self.states]
        crops = [each[begin : begin + most] for each, begin in zip(self.states, begins, strict=True)]
        return Sequences(crops, self.mean, self.spread, self.stride).batches(frames, draw)


class SpeakerVerification(SpeechTask):
    name, title, aspect, benchmark = "asv", "speaker verification", "speaker", "VoxCeleb1"
    metrics: ClassVar = (Metric("EER", 0.0377, 0.0, higher_is_better=False),)

    def find(self, data: DataFolder, seed: int) -> Material | None:
        return voxceleb(data, seed) or voices_verified(data, seed)

    def score(self, arm: Arm, material: Material, seed: int) -> Outcome:
        must_be_of_both_kinds(material)
        heard = {
            part: (Crops if part == "train" else Sequences)(long_enough(some), some.mean, some.spread, some.stride)
            for part, some in Sequences.of(arm, material.parts(), STRIDE).items()
        }
        names = sorted({each.speaker for each in material.train})
        who_R = torch.tensor([names.index(each.speaker) for each in material.train])
        _, layers, width = heard["train"].states[0].shape

        def loss(head: Verifier, batch: Batch) -> Tensor:
            return head.voice.loss(head(batch), who_R[list(batch.places)]).mean()

        def judge(head: nn.Module) -> float:
            return -equal_error_rate(cosines(head, heard["dev"], material, "dev"), matches(material, "dev"))

        make = partial(Verifier, layers, width, len(names))
        head, chosen = learnt(make, loss, heard["train"], judge, SCHEDULE, seed)
        with torch.no_grad():
            cosine_N = cosines(head, heard["test"], material, "test")
        return Outcome((by_speakers(self.metrics[0], cosine_N, material),), {**chosen, "layers": head.mix.shares()}, 0.5)


def must_be_of_both_kinds(material: Material) -> None:
    """Raises UserError for a part all of whose trials are of one voice, or none."""
    for part in ("dev", "test"):
        same_N = matches(material, part)
        if same_N.all() or not same_N.any():
            what = f"{int(same_N.sum())} of {len(same_N)} trials of {part} are of one voice"
            raise UserError(what, where=material.name, way_out="give trials of one voice and of two")


def matches(material: Material, part: str) -> Array:
    return np.array([each.match for each in material.trials[part]], bool)


def long_enough(heard: Sequences) -> list[Tensor]:
    """states_TLD; recordings too short for the x-vector's layers are heard again and again."""
    fewest = (AROUND + 1) * heard.stride
    return [each if len(each) >= fewest else each.repeat(-(-fewest // len(each)), 1, 1) for each in heard.states]


def cosines(head: nn.Module, heard: Sequences, material: Material, part: str) -> Array:
    """cosine_N between the voices of each trial's two recordings."""
    row = {each.id: i for i, each in enumerate(material.parts()[part])}
    voice_RE = torch.empty(len(row), WIDTH)
    for batch in heard.batches(SCHEDULE.batch_frames):
        voice_RE[list(batch.places)] = nn.functional.normalize(head(batch))
    first, second = (
        [row[name] for name in names] for names in zip(*((each.first, each.second) for each in material.trials[part]), strict=True)
    )
    found: Array = (voice_RE[first] * voice_RE[second]).sum(1).numpy()
    return found


def by_speakers(metric: Metric, cosine_N: Array, material: Material) -> Score:
    """The equal error rate, and its error over speakers: trials of one speaker are no independent items."""
    asked = material.trials["test"]
    speaker = {each.id: each.speaker for each in material.test}
    number = {name: i for i, name in enumerate(sorted(set(speaker.values())))}
    first_N, second_N = (
        np.array([number[speaker[name]] for name in names]) for names in zip(*((each.first, each.second) for each in asked), strict=True)
    )
    same_N = matches(material, "test")

    def figure(weight_S: Array) -> float:
        weight_N = np.where(same_N, weight_S[first_N], weight_S[first_N] * weight_S[second_N])
        return equal_error_rate(cosine_N, same_N, weight_N)

    return replace(bootstrapped(metric, figure, len(number)), n=len(asked))


def voxceleb(data: DataFolder, seed: int) -> Material | None:
    """Trials of the list; learnt from is everybody whom they do not name."""
    root = data.root_with(TRIALS)
    if root is None:
        return None
    tested, named = trials(root)
    unseen = {each.speaker for each in named}
    others = [each for each in everybody(root) if each.speaker not in unseen]
    names = sorted({each.speaker for each in others})
    if len(names) < 4:
        what = f"{len(names)} speakers beside those of the trials, too few to learn from and to choose by"
        raise UserError(what, where=str(root), way_out="unpack the recordings of the training speakers, too")
    draw = np.random.default_rng([seed, 19])
    chosen = draw.permutation(names)[: max(2, round(DEV_SPEAKERS * len(names)))].tolist()
    of_speaker = grouped(others, lambda each: each.speaker)
    dev = tuple(of_speaker[name][i] for name in chosen for i in draw.permutation(len(of_speaker[name]))[:DEV_RECORDINGS])
    train = tuple(each for each in others if each.speaker not in chosen)
    return Material("VoxCeleb1", True, train, dev, tuple(named), {"dev": tuple(drawn_trials(dev, draw)), "test": tuple(tested)})


def voices_verified(data: DataFolder, seed: int) -> Material | None:
    """Trials among some of speech_commands3; learnt from are its others and everybody of librispeech_samples8k.

    Of the latter no more than ten have several recordings, so that two would be tested on; and one threshold over two sets would
    be judged by how alike the sets make all of their voices.
    """
    words, books = (data.small_set(name) for name in ("speech_commands3", "librispeech_samples8k"))
    if not (words and books):
        return None
    draw = np.random.default_rng([seed, 23])
    parts = parted(words, lambda each: each.speaker, seed)
    train, dev, test = (tuple(map(utterance, parts[part])) for part in PARTS)
    asked = {"dev": tuple(drawn_trials(dev, draw)), "test": tuple(drawn_trials(test, draw))}
    return Material("voices verified", False, (*train, *map(utterance, books)), dev, test, asked)


def utterance(each: Recording) -> Utterance:
    """target: the word, where it is one."""
    return Utterance(each.id, each.sound, each.label if each.id.startswith("speech_commands3/") else None, each.speaker)


def drawn_trials(utterances: Sequence[Utterance], draw: np.random.Generator) -> list[Trial]:
    """Pairs of one voice, and as many of two, which are drawn; the word, where it is known, is another in either case."""
    pairs = [(a, b) for a, b in combinations(utterances, 2) if a.target is None or a.target != b.target]
    found = [[Trial(a.id, b.id, match) for a, b in pairs if (a.speaker == b.speaker) is match] for match in (True, False)]
    count = min(map(len, found))
    return [some[i] for some in found for i in sorted(draw.permutation(len(some))[:count])]
