"""Who judges a converted voice, none of whom the converter ever met: a speaker encoder of others, a recogniser of words trained on real
recordings, pitch, and the distance from a real recording of the target.

Shapes: N samples; T frames of F bands; P moments; C words.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import soxr
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from halfseen.apps.vocoder import pitch_of
from halfseen.contracts import Array, UserError
from halfseen.nets.pair import initialise_pair

HEARING_RATE = 16_000
"""What resemblyzer takes."""
LENGTH, EPOCHS, BATCH, RATE = 64, 12, 64, 2e-3
HIDDEN_FRAMES, HIDDEN_BANDS, NOISE = 8, 6, 0.1
"""What is hidden from the recogniser in training, so that it does not lean on a single place (arXiv:1904.08779), and normal noise."""
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
    """A small convolutional net over log-mel frames brought to one length, loudness and contrast."""

    def __init__(self, frames: Sequence[Array], word_R: Array, words: int, seed: int = 0) -> None:
        """Learns from raw frames_TF and the words they are, numbers below `words`."""
        self.net = recogniser(frames[0].shape[1], words)
        with torch.no_grad():
            initialise_pair(self.net, seed)
        self.learn(torch.from_numpy(np.stack([squared(raw_TF) for raw_TF in frames])), torch.from_numpy(word_R), seed)

    def learn(self, x_RLF: Tensor, word_R: Tensor, seed: int) -> None:
        drawing = torch.Generator().manual_seed(seed)
        optimizer = torch.optim.AdamW(self.net.parameters(), RATE, weight_decay=1e-2)
        steps = EPOCHS * -(-len(x_RLF) // BATCH)
        falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
        self.net.train()
        for _ in range(EPOCHS):
            for chosen in torch.split(torch.randperm(len(x_RLF), generator=drawing), BATCH):
                x = x_RLF[chosen] + NOISE * torch.randn(len(chosen), *x_RLF.shape[1:], generator=drawing)
                for axis, wide in ((1, HIDDEN_FRAMES), (2, HIDDEN_BANDS)):
                    start = int(torch.randint(0, max(1, x.shape[axis] - wide), (), generator=drawing))
                    x.narrow(axis, start, min(wide, x.shape[axis])).zero_()
                optimizer.zero_grad()
                F.cross_entropy(self.net(x[:, None]), word_R[chosen]).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                falling.step()
        self.net.eval()

    @torch.no_grad()
    def __call__(self, raw_TF: Array) -> int:
        return int(self.net(torch.from_numpy(squared(raw_TF))[None, None]).argmax())


def recogniser(bands: int, words: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for into, out in ((1, 24), (24, 48), (48, 64)):
        layers += [nn.Conv2d(into, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * (LENGTH // 8) * (bands // 8), words))


def squared(raw_TF: Array) -> Array:
    """x_LF: LENGTH frames on lines between the recording's, mean 0 and deviation 1 over all numbers."""
    at_L = np.linspace(0, len(raw_TF) - 1, LENGTH)
    below_L = np.floor(at_L).astype(np.int64)
    above_L, share_L1 = np.minimum(below_L + 1, len(raw_TF) - 1), (at_L - below_L)[:, None]
    x_LF = raw_TF[below_L] * (1 - share_L1) + raw_TF[above_L] * share_L1
    return np.asarray((x_LF - x_LF.mean()) / (x_LF.std() + 1e-3), np.float32)


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
