"""Slot filling: which slots a command has, and what they are filled with, read letter by letter; by the F1 of slots and the character error
rate of their values (CER)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from halfseen.data.faults import all_faults
from halfseen.data.files import read_lines
from halfseen.suites.speech_tasks.arm import Arm
from halfseen.suites.speech_tasks.contract import Material, Metric, Outcome, SpeechTask, Utterance, stand_in
from halfseen.suites.speech_tasks.ctc import Recurrent, Symbols, read
from halfseen.suites.speech_tasks.figures import ratio
from halfseen.suites.speech_tasks.folder import DataFolder, Recording, from_file
from halfseen.suites.speech_tasks.ic import WORDS
from halfseen.suites.speech_tasks.joined import DIGITS, Drawn, commands
from halfseen.suites.speech_tasks.sequence import Schedule
from halfseen.suites.speech_tasks.texts import edits, error_rate

SCHEDULE = Schedule(rates=(5e-3, 2e-2), epochs=42, batch_frames=1500)
STRIDE = 3
FOLDERS = {"train": "train", "dev": "valid", "test": "test"}
VOICES = {
    "train": ("Ivy", "Joanna", "Joey", "Justin", "Kendra", "Kimberly", "Matthew", "Salli"),
    "dev": ("Aditi", "Amy", "Geraint", "Nicole"),
    "test": ("Brian", "Emma", "Raveena", "Russell"),
}
"""Of the sixteen that read each text, those that the benchmark hears in each part."""
SLOT = re.compile(r"B-(\S+) (.*?) E-\1(?= |$)")

Slots = dict[str, list[str]]
"""Values by the slot's name."""


class SlotFilling(SpeechTask):
    name, title, aspect, benchmark = "sf", "slot filling", "semantics", "Audio SNIPS"
    metrics: ClassVar = (
        Metric("slot_f1", 0.9221, 1.0, higher_is_better=True),
        Metric("slot_cer", 0.1836, 0.0, higher_is_better=False),
    )

    def find(self, data: DataFolder, seed: int) -> Material | None:
        if (root := data.official("Audio SNIPS", "all.iob.snips.txt", *FOLDERS.values())) is not None:
            return snips(root)
        made = commands(data, "commands with slots", seed, with_slots)
        return stand_in("commands with slots", made) if made else None

    def score(self, arm: Arm, material: Material, seed: int) -> Outcome:
        found = read(arm, material, symbols, error_rate, partial(Recurrent, seed), SCHEDULE, seed, stride=STRIDE)
        told = [slots(written(text)) for text in found.texts]
        truth = [slots(each.target) for each in material.test]
        values = [value_errors(*pair) for pair in zip(told, truth, strict=True)]
        f1 = ratio(self.metrics[0], [slot_f1(*pair) for pair in zip(told, truth, strict=True)])
        return Outcome((f1, ratio(self.metrics[1], *zip(*values, strict=True))), found.chosen)


def snips(root: Path) -> Material:
    """Audio SNIPS as the benchmark lays it out (Lai et al. 2020, arXiv:2010.13105), each part with its own voices. Raises UserError for
    lines that do not fit, and for what is missing."""
    path = root / "all.iob.snips.txt"
    faults: list[str] = []
    parts: dict[str, list[Utterance]] = {part: [] for part in FOLDERS}
    for number, line in enumerate(read_lines(path), 1):
        spoken, _, tags = line.partition("\t")
        name, *words = spoken.split()
        part = next((part for part, folder in FOLDERS.items() if f"-snips-{folder}-" in name and name.split("-")[0] in VOICES[part]), None)
        if part is None:
            continue
        marks = tags.split()
        if len(words) < 3 or len(marks) != len(words):
            faults.append(f"line {number} has {len(words)} words and {len(marks)} tags")
            continue
        recording = root / FOLDERS[part] / f"{name}.wav"
        if not recording.is_file():
            faults.append(f"{recording.name} is not there")
        parts[part].append(from_file(recording, root, marked(words[1:-1], marks[1:-1]), name.split("-")[0]))
    faults += [f"no line of {FOLDERS[part]}'s voices" for part, some in parts.items() if not some]
    if faults:
        raise all_faults(faults, where=str(path), way_out="get Audio SNIPS again, as the benchmark prepares it")
    return Material("Audio SNIPS", True, tuple(parts["train"]), tuple(parts["dev"]), tuple(parts["test"]))


def marked(words: Sequence[str], tags: Sequence[str]) -> str:
    """A text with its slots' begins and ends, from its BIO tags."""
    found: list[str] = []
    for i, (word, tag) in enumerate(zip(words, tags, strict=True)):
        if tag.startswith("B-"):
            found.append(tag)
        found.append(word.lower())
        ahead = tags[i + 1] if i + 1 < len(tags) else "O"
        if tag != "O" and not ahead.startswith("I-"):
            found.append(f"E-{tag[2:]}")
    return " ".join(found)


def with_slots(clip: Callable[[str], Recording], draw: np.random.Generator) -> Drawn:
    """One or two different words, each followed by one or two digits, which fill the slot of the word's name."""
    chosen = [WORDS[i] for i in draw.permutation(len(WORDS))[: draw.integers(1, 3)]]
    clips, text = [], []
    for word in chosen:
        filling = [int(digit) for digit in draw.integers(0, 10, draw.integers(1, 3))]
        clips += [clip(word), *(clip(str(digit)) for digit in filling)]
        text += [word, f"B-{word}", *(DIGITS[digit] for digit in filling), f"E-{word}"]
    return clips, " ".join(text)


def symbols(text: str) -> Symbols:
    """Letters and spaces, and each mark of a slot's begin or end as one symbol, spaces around it left out."""
    found: list[str] = []
    for piece in re.split(r" ?([BE]-\S+) ?", text):
        found += [piece] if re.fullmatch(r"[BE]-\S+", piece) else list(piece)
    return tuple(found)


def written(read_: Symbols) -> str:
    """And back."""
    return " ".join("".join(f" {each} " if each[1:2] == "-" else each for each in read_).split())


def slots(text: str) -> Slots:
    """What stands between the marks of slots; marks that are not closed count for nothing, marks within are left out."""
    found: Slots = {}
    for name, value in SLOT.findall(text):
        found.setdefault(name, []).append(" ".join(word for word in value.split() if word[:2] not in ("B-", "E-")))
    return found


def slot_f1(told: Slots, truth: Slots) -> float:
    """Of one command, over the names of its slots, as the benchmark counts them (arXiv:2105.01051, section 3)."""
    if not told and not truth:
        return 1.0
    return 2 * len(told.keys() & truth.keys()) / (len(told) + len(truth))


def value_errors(told: Slots, truth: Slots) -> tuple[int, int]:
    """Wrong letters, and letters, of all values that should be there, each beside the told one of its slot that is nearest to it."""
    wrong, letters = 0, 0
    for name, values in truth.items():
        for value in values:
            said: Sequence[str] = told.get(name, [""])
            counts, (size, *_) = edits(said, [value] * len(said))
            wrong, letters = wrong + min(counts), letters + size
    return wrong, letters
