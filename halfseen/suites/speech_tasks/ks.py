"""Keyword spotting: which word it is, by accuracy."""

from __future__ import annotations

from typing import ClassVar

from halfseen.suites.speech_tasks.arm import Arm
from halfseen.suites.speech_tasks.contract import Material, Metric, Outcome, SpeechTask, Utterance, stand_in
from halfseen.suites.speech_tasks.folder import DataFolder, parted
from halfseen.suites.speech_tasks.pooled import classified


class KeywordSpotting(SpeechTask):
    name, title, aspect, benchmark = "ks", "keyword spotting", "content", "Speech Commands v1"
    metrics: ClassVar = (Metric("accuracy", 0.9786, 1.0, higher_is_better=True),)

    def find(self, data: DataFolder, seed: int) -> Material | None:
        return three_words(data, seed)

    def score(self, arm: Arm, material: Material, seed: int) -> Outcome:
        return classified(self.metrics[0], arm, material, lambda utterance: (utterance.target,))


def three_words(data: DataFolder, seed: int) -> Material | None:
    """The words of speech_commands3."""
    words = [Utterance(each.id, each.sound, each.label, each.speaker) for each in data.small_set("speech_commands3")]
    return stand_in("words", parted(words, lambda each: each.speaker, seed)) if words else None
