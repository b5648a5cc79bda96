"""Who speaks when: the loss that does not ask which voice is called the first, and the error rate of a diarization.

Shapes: B recordings of T frames; K speakers, in P orders.
"""

from __future__ import annotations

from itertools import permutations
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from halfseen.contracts import Array

THRESHOLD, MEDIAN = 0.5, 11
"""As in the benchmark: who speaks with at least this probability does, smoothed over so many frames."""


class Turns(NamedTuple):
    """Frames of speech, one for each speaker, and those that were missed, invented, and given to somebody else."""

    speech: int
    missed: int
    false_alarm: int
    confused: int

    @property
    def wrong(self) -> int:
        return self.missed + self.false_alarm + self.confused


def permutation_free(logits_BTK: Tensor, speaks_BTK: Tensor, valid_BT: Tensor) -> Tensor:
    """loss_B: the binary cross-entropy of the order of speakers that fits best, a mean over valid frames and speakers (arXiv:1909.05952,
    equation 4)."""
    each_PBTK = torch.stack(
        [
            F.binary_cross_entropy_with_logits(logits_BTK, speaks_BTK[:, :, list(order)], reduction="none")
            for order in permutations(range(speaks_BTK.shape[2]))
        ]
    )
    weight_BT = valid_BT.to(logits_BTK) / valid_BT.sum(1, keepdim=True)
    return torch.einsum("pbtk,bt->pb", each_PBTK, weight_BT).amin(0) / speaks_BTK.shape[2]


def smoothed(probability_TK: Array) -> Array:
    """speaks_TK: above the threshold, and the median of the frames around."""
    from scipy.signal import medfilt

    above_TK = (probability_TK >= THRESHOLD).astype(np.float32)
    return np.asarray(medfilt(above_TK, (MEDIAN, 1)) > 0.5)


def turns_told(speaks_TK: Array, told_TK: Array) -> Turns:
    """Both of as many speakers; who was told is who, is chosen so that the most frames are right. No frame is forgiven near a turn
    (collar 0)."""
    from scipy.optimize import linear_sum_assignment

    both_KK = speaks_TK.T.astype(np.int64) @ told_TK.astype(np.int64)
    right = int(both_KK[linear_sum_assignment(both_KK, maximize=True)].sum())
    speak_T, told_T = speaks_TK.sum(1), told_TK.sum(1)
    missed, false_alarm = np.maximum(0, speak_T - told_T).sum(), np.maximum(0, told_T - speak_T).sum()
    return Turns(int(speak_T.sum()), int(missed), int(false_alarm), int(np.minimum(speak_T, told_T).sum()) - right)
