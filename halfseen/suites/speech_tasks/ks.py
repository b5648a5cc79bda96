"""Keyword spotting: which word it is, by accuracy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from halfseen.contracts import Array
from halfseen.data.faults import all_faults
from halfseen.data.files import read_lines
from halfseen.data.sound import read_sound
from halfseen.suites.speech_tasks.arm import Arm
from halfseen.suites.speech_tasks.contract import Material, Metric, Outcome, SpeechTask, Utterance, stand_in
from halfseen.suites.speech_tasks.folder import DataFolder, from_file, parted
from halfseen.suites.speech_tasks.pooled import classified

WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
UNKNOWN, SILENCE, NOISE = "_unknown_", "_silence_", "_background_noise_"
LISTS = {"dev": "validation_list.txt", "test": "testing_list.txt"}
TELEPHONE_RATE = 8000
NOISE_SHARES = {"train": (0.0, 0.8), "dev": (0.8, 0.9), "test": (0.9, 1.0)}


class KeywordSpotting(SpeechTask):
    name, title, aspect, benchmark = "ks", "keyword spotting", "content", "Speech Commands v1"
    metrics: ClassVar = (Metric("accuracy", 0.9786, 1.0, higher_is_better=True),)

    def find(self, data: DataFolder, seed: int) -> Material | None:
        root = data.official("Speech Commands v1", "validation_list.txt", "testing_list.txt", NOISE)
        return three_words(data, seed) if root is None else speech_commands(root, data.root_with(SILENCE, UNKNOWN))

    def score(self, arm: Arm, material: Material, seed: int) -> Outcome:
        return classified(self.metrics[0], arm, material, lambda utterance: (utterance.target,))


def speech_commands(root: Path, tests: Path | None) -> Material:
    """Speech Commands v1 in its official layout (Warden 2018, arXiv:1804.03209), in twelve classes: ten words, all others, and silence.

    tests: the root of its test archive, which the benchmark takes; without it the words of the testing list are tested on, and the material
    does not bear the benchmark's name. Raises UserError if a list names what is not there.
    """
    listed = {part: {line for line in read_lines(root / name) if line} for part, name in LISTS.items()}
    there = {file.relative_to(root).as_posix(): file for file in sorted(root.glob("*/*.wav")) if file.parent.name != NOISE}
    if lost := sorted(name for names in listed.values() for name in names if name not in there):
        raise all_faults([f"{name} is listed and not there" for name in lost], where=str(root), way_out="get the recordings again")
    files: dict[str, list[Path]] = {"train": [], "dev": [], "test": []}
    for name, file in there.items():
        files[next((part for part, names in listed.items() if name in names), "train")].append(file)
    parts = {part: (*words(root, some), *silence(root, part)) for part, some in files.items()}
    if tests is None:
        return Material("the lists of Speech Commands v1", False, parts["train"], parts["dev"], parts["test"])
    tested = [from_file(file, tests, file.parent.name, speaker_of(file)) for file in sorted(tests.glob("*/*.wav"))]
    return Material("Speech Commands v1", True, parts["train"], parts["dev"], tuple(tested))


def words(root: Path, files: Sequence[Path]) -> list[Utterance]:
    """The ten words, and of all others so many as of one of the ten in the mean."""
    known = [file for file in files if file.parent.name in WORDS]
    others = [file for file in files if file.parent.name not in WORDS]
    order = np.random.default_rng(0).permutation(len(others))[: -(-len(known) // len(WORDS))]
    found = [from_file(file, root, file.parent.name, speaker_of(file)) for file in known]
    return found + [from_file(others[i], root, UNKNOWN, speaker_of(others[i])) for i in sorted(order)]


def silence(root: Path, part: str) -> list[Utterance]:
    """Seconds of background noise; the last tenths of each recording are for dev and for test."""
    found = []
    for file in sorted((root / NOISE).glob("*.wav")):
        seconds = len(read_sound(file, file.name, TELEPHONE_RATE)) // TELEPHONE_RATE
        begin, end = (int(share * seconds) for share in NOISE_SHARES[part])
        found += [Utterance(f"{root.name}/{file.name}@{at}", partial(second, file, at), SILENCE) for at in range(begin, end)]
    return found


def second(file: Path, at: int, rate: int) -> Array:
    return read_sound(file, file.name, rate)[at * rate : (at + 1) * rate]


def speaker_of(file: Path) -> str:
    """By the name: nobody where it says none."""
    found = re.search(r"([0-9a-f]{8})_nohash", file.name)
    return found[1] if found else ""


def three_words(data: DataFolder, seed: int) -> Material | None:
    """The words of speech_commands3."""
    words = [Utterance(each.id, each.sound, each.label, each.speaker) for each in data.small_set("speech_commands3")]
    return stand_in("words", parted(words, lambda each: each.speaker, seed)) if words else None
