"""Speech recognition: which words were said, spelt letter by letter, by the error rate over words (WER)."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from halfseen.suites.speech_tasks.arm import Arm
from halfseen.suites.speech_tasks.contract import Material, Metric, Outcome, SpeechTask, stand_in
from halfseen.suites.speech_tasks.ctc import Recurrent, Symbols, Text, read
from halfseen.suites.speech_tasks.figures import ratio
from halfseen.suites.speech_tasks.folder import DataFolder, parted
from halfseen.suites.speech_tasks.joined import digit_strings
from halfseen.suites.speech_tasks.librispeech import librispeech
from halfseen.suites.speech_tasks.sequence import Schedule
from halfseen.suites.speech_tasks.texts import edits, error_rate

SCHEDULE = Schedule(rates=(5e-3, 2e-2), epochs=42, batch_frames=1500)
STRIDE = 3
"""Three hundredths of a second a step; the benchmark's recogniser takes two."""


class SpeechRecognition(SpeechTask):
    name, title, aspect, benchmark = "asr", "speech recognition", "content", "LibriSpeech"
    metrics: ClassVar = (Metric("wer", 0.0344, 0.0, higher_is_better=False),)

    def find(self, data: DataFolder, seed: int) -> Material | None:
        if (spoken := librispeech(data)) is not None:
            return Material("LibriSpeech", True, spoken["train"], spoken["dev"], spoken["test"])
        strings = digit_strings(data)
        return stand_in("digit strings", parted(strings, lambda each: each.speaker, seed)) if strings else None

    def score(self, arm: Arm, material: Material, seed: int) -> Outcome:
        found = read(arm, material, letters, word_errors, partial(Recurrent, seed), SCHEDULE, seed, stride=STRIDE)
        wrong, count = edits([words(text) for text in found.texts], [each.target for each in material.test])
        return Outcome((ratio(self.metrics[0], wrong, count),), found.chosen)


def letters(said: tuple[str, ...]) -> Symbols:
    """With spaces between words."""
    return tuple(" ".join(said))


def words(spelt: Symbols) -> tuple[str, ...]:
    return tuple("".join(spelt).split())


def word_errors(told: Text, truth: Text) -> float:
    return error_rate([words(text) for text in told], [words(text) for text in truth])
