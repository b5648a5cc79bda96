"""Phone recognition: which phones were said, by the error rate over phones (PER)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from halfseen.contracts import UserError
from halfseen.data.faults import all_faults
from halfseen.suites.speech_tasks.arm import Arm
from halfseen.suites.speech_tasks.contract import Material, Metric, Outcome, SpeechTask, stand_in
from halfseen.suites.speech_tasks.ctc import FrameByFrame, Symbols, read
from halfseen.suites.speech_tasks.figures import ratio
from halfseen.suites.speech_tasks.folder import DataFolder, parted
from halfseen.suites.speech_tasks.joined import PHONES_OF_DIGITS, digit_strings
from halfseen.suites.speech_tasks.librispeech import LEXICON, Spoken, lexicon, librispeech
from halfseen.suites.speech_tasks.sequence import Schedule
from halfseen.suites.speech_tasks.texts import edits, error_rate

SCHEDULE = Schedule(rates=(1e-2, 3e-2), epochs=20, batch_frames=2000)
STRIDE = 3
"""Three hundredths of a second a step, as for letters."""


class PhoneRecognition(SpeechTask):
    name, title, aspect, benchmark = "pr", "phone recognition", "content", "LibriSpeech"
    metrics: ClassVar = (Metric("per", 0.0306, 0.0, higher_is_better=False),)

    def find(self, data: DataFolder, seed: int) -> Material | None:
        if (spoken := librispeech(data)) is not None:
            spoken = in_phones(spoken, data)
            return Material("LibriSpeech", True, spoken["train"], spoken["dev"], spoken["test"])
        strings = [replace(each, target=spelt(each.target, PHONES_OF_DIGITS)) for each in digit_strings(data)]
        return stand_in("digit strings", parted(strings, lambda each: each.speaker, seed)) if strings else None

    def score(self, arm: Arm, material: Material, seed: int) -> Outcome:
        found = read(arm, material, lambda phones: phones, error_rate, FrameByFrame, SCHEDULE, seed, stride=STRIDE)
        wrong, count = edits(found.texts, [each.target for each in material.test])
        return Outcome((ratio(self.metrics[0], wrong, count),), found.chosen)


def in_phones(spoken: Spoken, data: DataFolder) -> Spoken:
    """Raises UserError if the lexicon is not there or does not know all words."""
    known = lexicon(data)
    if known is None:
        raise UserError(f"phones need {LEXICON}, which is not there", where=str(data.path), way_out="put it beside LibriSpeech's parts")
    if strange := sorted({word for some in spoken.values() for each in some for word in each.target if word not in known}):
        raise all_faults([f"no phones for {word!r}" for word in strange], where=LEXICON, way_out="add these words to it")
    return {part: tuple(replace(each, target=spelt(each.target, known)) for each in some) for part, some in spoken.items()}


def spelt(words: Sequence[str], known: Mapping[str, Sequence[str]]) -> Symbols:
    return tuple(phone for word in words for phone in known[word])
