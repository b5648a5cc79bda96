"""Who judges a converted voice, none of whom the converter ever met: a speaker encoder of others, a recogniser of words trained on real
recordings, pitch, and the distance from a real recording of the target.

Shapes: N samples; T frames of F bands; R recordings, B in a batch, of M moments each; P moments of pitch; C channels or coefficients.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import soxr
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from halfseen.contracts import Array, UserError
from halfseen.data.pitch import pitch_of
from halfseen.split.bent import bend
from halfseen.suites.speech_tasks.sequence import begin

HEARING_RATE = 16_000
"""What resemblyzer takes."""
MOMENTS, CHANNELS, PACES = 64, 96, (1, 2, 2, 1)
"""Of the recogniser of words: what a recording is brought to, and its convolutions' widths and steps."""
STEPS, BATCH, RATE, DROPPED = 480, 64, 3e-3, 0.3
COMMON = 0.5
"""Share of each band's mean over a recording that is taken away: half of microphone and voice, and of what a word has throughout."""
FLOOR, SPREAD = 12.0, 2.0
"""In the logarithm of power: what lies further below the loudest is nothing; and about how far bands go up and down."""
BEND, KNOTS = 0.15, 6
"""How far bands are bent, as hubert's are; and points of the curve that bands are raised by, of standard deviation 1 each."""
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
    """A small convolutional net that hears neither tempo nor loudness: recordings are brought to MOMENTS moments and to one mean.

    It learns from real recordings, each time as if through another throat and room, so that it asks for the word and not for whose it is.
    It was chosen by real words of speakers whom it had not heard.
    """

    def __init__(self, frames: Sequence[Array], word_R: Array) -> None:
        """Learns from raw frames_TF and the words they are."""
        self.words, of_R = np.unique(word_R, return_inverse=True)
        draw, told_R = np.random.default_rng(0), torch.from_numpy(of_R)
        self.net = WordNet(frames[0].shape[1], len(self.words))
        begin(self.net, 0)
        optimizer = torch.optim.AdamW(self.net.parameters(), weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS)
        for order_B in drawn_batches(len(frames), draw):
            heard_BMF = np.stack([brought(varied(frames[i], draw)) for i in order_B])
            kept_BC = (draw.random((len(order_B), 2 * CHANNELS)) >= DROPPED) / np.float32(1 - DROPPED)
            logits_BW = self.net(torch.from_numpy(heard_BMF), torch.from_numpy(kept_BC))
            loss = F.cross_entropy(logits_BW, told_R[order_B], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        self.net.eval()

    @torch.no_grad()
    def __call__(self, raw_TF: Array) -> Any:
        """The word."""
        return self.words[int(self.net(torch.from_numpy(brought(raw_TF)[None])).argmax())]


class WordNet(nn.Module):
    """Log-mel frames_BMF to a logit for each of W words, by convolutions over time and their mean and largest. kept_BC: which of these
    count, and how much (dropout), all by default."""

    def __init__(self, bands: int, words: int) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for i, pace in enumerate(PACES):
            parts += [nn.Conv1d(CHANNELS if i else bands, CHANNELS, 5, padding=2, stride=pace), nn.BatchNorm1d(CHANNELS), nn.ReLU()]
        self.over_time = nn.Sequential(*parts)
        self.words = nn.Linear(2 * CHANNELS, words)

    def forward(self, frames_BMF: Tensor, kept_BC: Tensor | None = None) -> Tensor:
        states_BCM = self.over_time(frames_BMF.mT)
        pooled_BC = torch.cat([states_BCM.mean(2), states_BCM.amax(2)], 1)
        logits_BW: Tensor = self.words(pooled_BC if kept_BC is None else pooled_BC * kept_BC)
        return logits_BW


def drawn_batches(count: int, draw: np.random.Generator) -> Iterator[Array]:
    """STEPS batches of the numbers below `count`, each number once an epoch."""
    made = 0
    while True:
        order = draw.permutation(count)
        for at in range(0, count, BATCH):
            if made == STEPS:
                return
            made += 1
            yield order[at : at + BATCH]


def brought(raw_TF: Array) -> Array:
    """(MOMENTS, F), float32: between two frames by their mean, nothing further than FLOOR below the loudest, without loudness and with a
    share of what a band has throughout."""
    heard_TF = np.maximum(raw_TF, raw_TF.max() - FLOOR)
    at_M = np.linspace(0, len(heard_TF) - 1, MOMENTS)
    before_M = np.floor(at_M).astype(np.int64)
    after_M, share_M1 = np.minimum(before_M + 1, len(heard_TF) - 1), (at_M - before_M)[:, None]
    x_MF = heard_TF[before_M] * (1 - share_M1) + heard_TF[after_M] * share_M1
    common_F = COMMON * x_MF.mean(0) + (1 - COMMON) * x_MF.mean()
    return np.asarray((x_MF - common_F) / SPREAD, np.float32)


def varied(raw_TF: Array, draw: np.random.Generator) -> Array:
    """As another throat and room would have it: bands bent by up to BEND, raised by a smooth curve, the ends cut."""
    bands = raw_TF.shape[1]
    bent_TF = bend(raw_TF.astype(np.float32), 1 + BEND * (2 * draw.random() - 1))
    curve_F = np.interp(np.arange(bands), np.linspace(0, bands - 1, KNOTS), draw.normal(size=KNOTS))
    first, last = draw.integers(0, max(1, len(raw_TF) // 8), 2)
    return np.asarray((bent_TF + curve_F)[first : len(raw_TF) - last])


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
