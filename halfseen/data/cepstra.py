"""Log-mel frames to cepstra (MFCC): a cosine transform over the bands, and how it changes in time.

Shapes: T frames of F bands; Q coefficients.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import dct

from halfseen.contracts import Array

COEFFICIENTS = 13
REACH = 2
"""Frames to either side that a change is told from."""


def cepstra(frames_TF: Array) -> Array:
    """The first 13 coefficients, their changes, and the changes' changes, (T, 39) float32."""
    base_TQ = dct(frames_TF.astype(np.float32), type=2, norm="ortho", axis=1)[:, :COEFFICIENTS]
    change_TQ = changes(base_TQ)
    return np.concatenate([base_TQ, change_TQ, changes(change_TQ)], axis=1)


def changes(x_TQ: Array) -> Array:
    """The slope of the line through five frames: sum of n (x[t + n] - x[t - n]) over 2 sum of n^2 (the HTK book, section 5.9). Beyond the
    ends the first and last frames stand again."""
    padded = np.pad(x_TQ, ((REACH, REACH), (0, 0)), mode="edge")
    count = len(x_TQ)
    slope = sum(n * (padded[REACH + n : REACH + n + count] - padded[REACH - n : REACH - n + count]) for n in range(1, REACH + 1))
    return np.asarray(slope / (2 * sum(n * n for n in range(1, REACH + 1))), x_TQ.dtype)
