"""Log-mel frames back to the power spectra that they tell of: what a vocoder needs.

Shapes: T frames of F bands; B bins of a spectrum from 0 to half the rate; N samples.
"""

from __future__ import annotations

import numpy as np

from halfseen.contracts import Array
from halfseen.data.logmel import SCALE, LogMel

LOWEST_HZ = 20.0
"""Where Kaldi's bands begin; they end at half the rate."""
EMPHASIS = 0.97
"""Of Kaldi's filter before each spectrum, x[n] - 0.97 x[n - 1]."""
ROUNDS = 20
"""Of the multiplicative updates; 20 leave a hundredth of a decibel."""
QUIETEST = -16.0
"""Frames are at least this, the logarithm of what a 16-bit sample cannot tell."""


def hz_to_mel(hz: Array) -> Array:
    return np.asarray(1127.0 * np.log1p(hz / 700.0))


def mel_corners(heard: LogMel) -> Array:
    """Where the triangles begin, have their tops and end, on the mel scale, F + 2 of them."""
    low, high = hz_to_mel(np.array([LOWEST_HZ, heard.rate / 2]))
    return np.linspace(low, high, heard.bands + 2)


def fft_size(rate: int) -> int:
    """Kaldi's: the power of two above 25 ms."""
    return 1 << int(np.ceil(np.log2(rate * 0.025)))


def mel_bank(heard: LogMel) -> Array:
    """bank_FB: triangles whose feet are the neighbours' tops, evenly spaced on the mel scale."""
    bins_B = np.arange(fft_size(heard.rate) // 2 + 1) * heard.rate / fft_size(heard.rate)
    corners = mel_corners(heard)
    mel_B = hz_to_mel(bins_B)
    low_F1, top_F1, high_F1 = (corners[i : i + heard.bands, None] for i in range(3))
    bank_FB = np.minimum((mel_B - low_F1) / (top_F1 - low_F1), (high_F1 - mel_B) / (high_F1 - top_F1))
    bank_FB[:, -1] = 0.0  # Kaldi leaves the last bin out
    return np.maximum(bank_FB, 0.0)


def window(rate: int) -> Array:
    """Kaldi's: a Hann window to the power 0.85, 25 ms long."""
    size = round(rate * 0.025)
    return np.asarray((0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / (size - 1))) ** 0.85)


def power_spectra(raw_TF: Array, heard: LogMel) -> Array:
    """power_TB: the density of power (variance of a sample, for white noise) whose bands are exp(raw_TF), raw frames as `heard.raw` gives.

    The bands say too little of the bins; of the spectra that fit, the one is taken that multiplicative updates reach (Richardson 1972,
    Lucy 1974) from the bands' own heights, joined by lines: it is positive and smooth.
    """
    bank_FB = mel_bank(heard)
    band_TF = np.exp(np.maximum(raw_TF, QUIETEST)).astype(np.float64)
    bins_B = hz_to_mel(np.arange(bank_FB.shape[1]) * heard.rate / fft_size(heard.rate))
    tops_F = mel_corners(heard)[1:-1]
    area_F = np.maximum(bank_FB.sum(1), 1e-3)
    height_TF = np.log(band_TF / area_F)
    power_TB = np.exp(interpolated(height_TF, tops_F, bins_B))
    share_B = np.maximum(bank_FB.sum(0), 1e-12)
    for _ in range(ROUNDS):
        off_TF = band_TF / np.maximum(power_TB @ bank_FB.T, 1e-30)
        power_TB *= np.where(share_B > 1e-6, off_TF @ bank_FB / share_B, 1.0)
    return np.asarray(power_TB / emphasised(heard))


def emphasised(heard: LogMel) -> Array:
    """gain_B: what Kaldi's spectrum of white noise of variance 1 is in each bin."""
    angle_B = np.linspace(0, np.pi, fft_size(heard.rate) // 2 + 1)
    return np.asarray(SCALE**2 * np.square(window(heard.rate)).sum() * np.abs(1 - EMPHASIS * np.exp(-1j * angle_B)) ** 2)


def interpolated(x_TA: Array, at_A: Array, to_B: Array) -> Array:
    """x_TB: each row's values at `at_A`, rising, on lines between them; flat beyond the ends."""
    place_B = np.clip(np.interp(to_B, at_A, np.arange(len(at_A))), 0, len(at_A) - 1)
    below_B = np.minimum(place_B.astype(np.int64), len(at_A) - 2)
    share_B = place_B - below_B
    return np.asarray(x_TA[:, below_B] * (1 - share_B) + x_TA[:, below_B + 1] * share_B)


def resolved(power_TB: Array, bins: int) -> Array:
    """The same spectra in another number of bins, on lines between the logarithms."""
    at, to = np.linspace(0, 1, power_TB.shape[1]), np.linspace(0, 1, bins)
    return np.exp(interpolated(np.log(np.maximum(power_TB, 1e-30)), at, to))
