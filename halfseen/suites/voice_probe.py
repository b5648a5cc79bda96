"""What each code of a voice holds: how well a linear probe finds the word and the speaker in it.

A content code is brought to one length and flattened, as are log-mel frames beside it; the speaker code is taken as it is.

Shapes: R recordings; T frames of F bands; K numbers of a content code, E of a speaker code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np
import torch

from halfseen.contracts import Array, Sample
from halfseen.data.logmel import LogMel
from halfseen.data.speech_batch import Frames
from halfseen.methods.disentangle import Disentangle
from halfseen.report.results import ScoreRow
from halfseen.suites.code_scores import linear_accuracy

MOMENTS = 8
"""That a recording is brought to."""
MOST = 1500
"""Recordings, drawn at random, if there are more."""
TEST_SHARE = 0.25


class Said(Protocol):
    @property
    def raw(self) -> Array: ...
    @property
    def speaker(self) -> str: ...
    @property
    def word(self) -> str: ...


@torch.no_grad()
def probe_rows(name: str, method: Disentangle, heard: LogMel, recordings: Sequence[Said], seed: int) -> list[ScoreRow]:
    """Accuracies on a quarter of the recordings, drawn at random; chance beside them."""
    order = np.random.default_rng(seed).permutation(len(recordings))[:MOST]
    some = [recordings[i] for i in order]
    content, voice, plain = [], [], []
    for one in some:
        standard_TF = heard.standard(one.raw)
        found = method.encode(Frames.of([Sample("x", standard_TF)]))
        content.append(flat(found.states.numpy()))
        voice.append(found.pooled[0].numpy())
        plain.append(flat(standard_TF))
    test = round(TEST_SHARE * len(some))
    rows = []
    for task, label_R in (("word", np.array([one.word for one in some])), ("speaker", np.array([one.speaker for one in some]))):
        chance = max(Counter(label_R[:test].tolist()).values()) / test
        arms = {f"{name}: content code": content, f"{name}: speaker code": voice, "log-mel frames": plain}
        values = {
            arm: linear_accuracy(np.stack(code)[test:], label_R[test:], np.stack(code)[:test], label_R[:test], seed)
            for arm, code in arms.items()
        }
        for arm, value in {**values, "most-frequent": chance}.items():
            rows.append(ScoreRow(
                task=f"which {task}, told from", arm=arm, name="accuracy", value=value, n=test, seeds=1, labels=len(some) - test,
                stderr=float(np.sqrt(max(0.0, value * (1 - value)) / test)), unit="", higher_is_better=True,
            ))  # fmt: skip
    return rows


def flat(x_TF: Array) -> Array:
    """The means of MOMENTS equal pieces of time, one after the other; short recordings' frames stand for several pieces."""
    edges = np.linspace(0, len(x_TF), MOMENTS + 1)
    pieces = [x_TF[int(a) : max(int(a) + 1, int(np.ceil(b)))].mean(0) for a, b in pairwise(edges)]
    return np.concatenate(pieces)
