"""Emotion: which mood is heard, by accuracy, with speakers that nobody learnt from; each speaker is tested on once, in folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from halfseen.contracts import UserError
from halfseen.suites.speech_tasks.arm import Arm
from halfseen.suites.speech_tasks.contract import Material, Metric, Outcome, SpeechTask, Utterance
from halfseen.suites.speech_tasks.folder import DataFolder, from_file
from halfseen.suites.speech_tasks.iemocap import SESSIONS, utterances
from halfseen.suites.speech_tasks.pooled import classified_in_folds

MOODS = {"W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "happiness", "T": "sadness", "N": "neutral"}
"""The letters of emodb8k."""
FOLDS = 4
"""Of the stand-in."""


class Emotion(SpeechTask):
    name, title, aspect, benchmark = "er", "emotion recognition", "paralinguistics", "IEMOCAP"
    metrics: ClassVar = (Metric("accuracy", 0.7062, 1.0, higher_is_better=True),)

    def find(self, data: DataFolder, seed: int) -> Material | None:
        return sessions(data) or moods(data, seed)

    def score(self, arm: Arm, material: Material, seed: int) -> Outcome:
        return classified_in_folds(self.metrics[0], arm, folds(material), lambda utterance: (utterance.target[0],))


def folds(material: Material) -> list[Material]:
    """Each group of speakers is tested on once; the next one is chosen by, the others are learnt from. target: the mood and the group."""
    everybody = [each for some in material.parts().values() for each in some]
    groups = sorted({each.target[1] for each in everybody})
    found = []
    for i, tested in enumerate(groups):
        chosen = groups[(i + 1) % len(groups)]
        sides = (set(groups) - {tested, chosen}, {chosen}, {tested})
        train, dev, test = (tuple(each for each in everybody if each.target[1] in side) for side in sides)
        found.append(replace(material, train=train, dev=dev, test=test))
    return found


def in_folds(name: str, everybody: Sequence[Utterance], *, official: bool) -> Material:
    """Raises UserError if there are not three groups."""
    if (groups := len({each.target[1] for each in everybody})) < 3:
        what = f"{groups} groups of speakers, and three are needed: to learn from, to choose by, to be tested on"
        raise UserError(what, where=name, way_out="give recordings of more speakers")
    return folds(Material(name, official, tuple(everybody), (), ()))[0]


def sessions(data: DataFolder) -> Material | None:
    """IEMOCAP's sessions are the folds, as in the benchmark; there a fifth of the other four is chosen by, here one of them, so that nobody
    is both learnt from and chosen by."""
    root = data.official("IEMOCAP", *(f"{session}/dialog/EmoEvaluation" for session in SESSIONS))
    if root is None:
        return None
    said = [from_file(each.path, root, (each.mood, each.session), each.speaker) for each in utterances(root)]
    return in_folds("IEMOCAP", said, official=True)


def moods(data: DataFolder, seed: int) -> Material | None:
    """emodb8k: the speakers in four folds."""
    recordings = data.small_set("emodb8k")
    if not recordings:
        return None
    speakers = sorted({each.speaker for each in recordings})
    order = np.random.default_rng([seed, 13]).permutation(len(speakers))
    fold = {speakers[place]: str(i % FOLDS) for i, place in enumerate(order)}
    said = [Utterance(each.id, each.sound, (MOODS[each.label], fold[each.speaker]), each.speaker) for each in recordings]
    return in_folds("moods", said, official=False)
