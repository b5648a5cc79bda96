"""Identification: who of those who were learnt from speaks, by accuracy. Here speakers are the classes, so that it is recordings that
never cross the split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from halfseen.suites.speech_tasks.arm import Arm
from halfseen.suites.speech_tasks.contract import PARTS, Material, Metric, Outcome, SpeechTask, Utterance, stand_in
from halfseen.suites.speech_tasks.folder import DataFolder, Recording, grouped
from halfseen.suites.speech_tasks.pooled import classified
from halfseen.suites.speech_tasks.voxceleb import SPLIT, identification

DIGIT_TAKES = 5
"""Recordings of each digit of each speaker of fsdd that are taken."""
SHARES = (0.6, 0.8)
"""Up to where digits of fsdd, and recordings of a speaker of librispeech_samples8k, are learnt from, and up to where chosen by."""


class SpeakerIdentification(SpeechTask):
    name, title, aspect, benchmark = "sid", "speaker identification", "speaker", "VoxCeleb1"
    metrics: ClassVar = (Metric("accuracy", 0.9549, 1.0, higher_is_better=True),)
    speakers_apart = False

    def find(self, data: DataFolder, seed: int) -> Material | None:
        return voxceleb(data) or voices(data, seed)

    def score(self, arm: Arm, material: Material, seed: int) -> Outcome:
        return classified(self.metrics[0], arm, material, lambda utterance: (utterance.speaker,))


def voxceleb(data: DataFolder) -> Material | None:
    root = data.root_with(SPLIT)
    if root is None:
        return None
    found = identification(root)
    train, dev, test = (tuple(found[part]) for part in PARTS)
    return Material("VoxCeleb1", True, train, dev, test)


def voices(data: DataFolder, seed: int) -> Material | None:
    """Everybody of the small sets who has several recordings; what is said in two parts differs. None if a set is absent."""
    words, digits, books = (data.small_set(name) for name in ("speech_commands3", "fsdd", "librispeech_samples8k"))
    if not (words and digits and books):
        return None
    draw = np.random.default_rng([seed, 17])
    found = [*by_word(words, draw), *by_digit(digits, draw), *by_recording(books, draw)]
    return stand_in(
        "voices",
        {part: tuple(Utterance(each.id, each.sound, None, each.speaker) for side, each in found if side == part) for part in PARTS},
    )


Sided = list[tuple[str, Recording]]
"""Recordings and the part each is in."""


def by_word(recordings: Sequence[Recording], draw: np.random.Generator) -> Sided:
    """One word is tested on; of the others a speaker's first take is learnt from, any other is chosen by."""
    words = sorted({each.label for each in recordings})
    tested, found, taken = words[int(draw.integers(len(words)))], [], set()
    for each in recordings:
        key = (each.speaker, each.label)
        found.append(("test" if each.label == tested else "dev" if key in taken else "train", each))
        taken.add(key)
    return found


def by_digit(recordings: Sequence[Recording], draw: np.random.Generator) -> Sided:
    """DIGIT_TAKES recordings of each digit and speaker; each digit is in one part."""
    digits = sorted({each.label for each in recordings})
    side = dict(zip(draw.permutation(digits).tolist(), sides(len(digits)), strict=True))
    groups = grouped(recordings, lambda each: (each.speaker, each.label))
    return [(side[label], some[i]) for (_, label), some in groups.items() for i in draw.permutation(len(some))[:DIGIT_TAKES]]


def by_recording(recordings: Sequence[Recording], draw: np.random.Generator) -> Sided:
    """Who has fewer than five recordings is left out: nothing would be there to be tested on, or to be chosen by."""
    found = []
    for some in grouped(recordings, lambda each: each.speaker).values():
        if len(some) >= 5:
            found += [(side, some[i]) for side, i in zip(sides(len(some)), draw.permutation(len(some)), strict=True)]
    return found


def sides(count: int) -> list[str]:
    """The part of each of so many things."""
    return ["train" if (i + 0.5) / count < SHARES[0] else "dev" if (i + 0.5) / count < SHARES[1] else "test" for i in range(count)]
