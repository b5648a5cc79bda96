"""Who judges a converted voice, none of whom the converter ever met: a speaker encoder of others, a recogniser of words trained on real
recordings, pitch, and the distance from a real recording of the target.

Shapes: N samples; T frames of F bands; P moments or pieces; C coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import soxr

from halfseen.apps.vocoder import pitch_of
from halfseen.contracts import Array, UserError

HEARING_RATE = 16_000
"""What resemblyzer takes."""
PIECES, COEFFICIENTS, PENALTY = 16, 16, 10.0
FLOOR, LENGTHS = 12.0, 3.0
"""What lies further below the loudest is nothing, in the logarithm of power; and how much a recording's length counts beside its sound."""
CEPSTRA = 13


class VoiceJudge:
    """The speaker encoder of the package resemblyzer (GE2E, arXiv:1710.10467), whose weights come with it."""

    def __init__(self) -> None:
        try:
            from resemblyzer import VoiceEncoder
        except ImportError as error:
            way_out = "pip install --no-deps resemblyzer, and pip install librosa webrtcvad-wheels"
            raise UserError(f"the package {error.name} is not installed; resemblyzer judges voices", way_out=way_out) from error
        self.encoder = VoiceEncoder("cpu", verbose=False)

    def __call__(self, x_N: Array, rate: int) -> Array:
        """A voice as 256 numbers of length 1."""
        from resemblyzer import preprocess_wav

        wide_N = x_N if rate == HEARING_RATE else np.asarray(soxr.resample(x_N, rate, HEARING_RATE), np.float32)
        heard_N = preprocess_wav(wide_N)
        return np.asarray(self.encoder.embed_utterance(heard_N if len(heard_N) else wide_N))


def middle(voices: Sequence[Array]) -> Array:
    """The mean of several, of length 1."""
    mean = np.mean(voices, axis=0)
    return np.asarray(mean / np.linalg.norm(mean))


class WordJudge:
    """A support vector machine (Cortes and Vapnik 1995; radial kernel) on the cepstra of equal pieces of a recording, and its length.

    It learns from hundreds of recordings within a second.
    """

    def __init__(self, frames: Sequence[Array], word_R: Array) -> None:
        """Learns from raw frames_TF and the words they are."""
        from sklearn.svm import SVC

        told_RE = np.stack([pieces(raw_TF) for raw_TF in frames])
        self.middle_E = told_RE.mean(0)
        self.machine = SVC(C=PENALTY).fit(told_RE - self.middle_E, word_R)

    def __call__(self, raw_TF: Array) -> Any:
        """The word."""
        return self.machine.predict((pieces(raw_TF) - self.middle_E)[None])[0]


def pieces(raw_TF: Array) -> Array:
    """PIECES x COEFFICIENTS numbers: the mean cepstra of equal pieces of time, without the recording's loudness, and its length."""
    from scipy.fft import dct

    cepstra_TC = dct(np.maximum(raw_TF, raw_TF.max() - FLOOR), axis=1, norm="ortho")[:, :COEFFICIENTS]
    edges = np.linspace(0, len(raw_TF), PIECES + 1)
    x_PC = np.stack([cepstra_TC[int(a) : max(int(a) + 1, int(np.ceil(b)))].mean(0) for a, b in pairwise(edges)])
    x_PC[:, 0] -= x_PC[:, 0].mean()
    return np.append(x_PC.ravel(), LENGTHS * np.log(len(raw_TF)))


def pitch_correlation(hertz_P: Array, x_N: Array, rate: int) -> float | None:
    """Of the logarithms of the source's pitch and of the converted recording's, where both are voiced; None if these are too few."""
    other_P = pitch_of(x_N, rate)
    moments = min(len(hertz_P), len(other_P))
    both_P = (hertz_P[:moments] > 0) & (other_P[:moments] > 0)
    if both_P.sum() < 5:
        return None
    one, other = np.log(hertz_P[:moments][both_P]), np.log(other_P[:moments][both_P])
    return float(np.corrcoef(one, other)[0, 1]) if one.std() > 0 and other.std() > 0 else None


def cepstra(raw_TF: Array) -> Array:
    """Of log-mel frames, without the first, which is loudness: (T, CEPSTRA)."""
    from scipy.fft import dct

    amplitude_TF = 0.5 * raw_TF.astype(np.float64)  # the frames are logarithms of power
    return np.asarray(dct(amplitude_TF, axis=1)[:, 1 : CEPSTRA + 1] / (2 * raw_TF.shape[1]))


def distortion_db(raw_TF: Array, other_UF: Array) -> float:
    """Mel-cepstral distortion (Kubichek 1993), 10 / ln 10 sqrt(2 sum of squared differences), mean over the best alignment's steps."""
    one, other = cepstra(raw_TF), cepstra(other_UF)
    cost_TU = 10 / np.log(10) * np.sqrt(2 * np.square(one[:, None] - other[None]).sum(2))
    return aligned_mean(cost_TU)


def aligned_mean(cost_TU: Array) -> float:
    """The mean cost of the cheapest path from corner to corner by steps down, across or both (dynamic time warping)."""
    total = np.full((cost_TU.shape[0] + 1, cost_TU.shape[1] + 1), np.inf)
    steps = np.zeros(total.shape, np.int64)
    total[0, 0] = 0.0
    for t in range(1, total.shape[0]):
        for u in range(1, total.shape[1]):
            before = min(((t - 1, u - 1), (t - 1, u), (t, u - 1)), key=lambda place: total[place])
            total[t, u] = total[before] + cost_TU[t - 1, u - 1]
            steps[t, u] = steps[before] + 1
    return float(total[-1, -1] / steps[-1, -1])
