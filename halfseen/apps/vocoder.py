"""Log-mel frames to sound, by WORLD (Morise et al. 2016) or by Griffin and Lim (1984).

WORLD takes pitch and breath from the source and the envelope from the frames; Griffin and Lim's way knows the frames alone.

Shapes: N samples; T frames of F bands, a hundredth of a second each; P moments of WORLD, a two-hundredth each, B bins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import soxr

from halfseen.contracts import Array, UserError
from halfseen.data.envelope import interpolated, power_spectra, resolved
from halfseen.data.logmel import FRAMES_PER_SECOND, LogMel

MOMENT_MS = 5.0
WORLD_RATE = 16_000
"""WORLD's analysis of breath looks for bands up to 7.9 kHz: what has fewer is brought to this rate for it."""
PITCH_HZ = (60.0, 500.0)
SPREADS = (0.5, 2.0)
"""A source's pitch is never spread less or more than this for the target's sake: short recordings say little of it."""
ITERATIONS = 32
LOUDEST = 0.99


@dataclass(frozen=True)
class Pitch:
    """Of a voice: mean and deviation of the logarithm of its hertz, over `voiced` moments."""

    mean: float
    spread: float
    voiced: int

    @classmethod
    def of(cls, hertz_P: Array) -> Pitch | None:
        """None of what is never voiced."""
        log_P = np.log(hertz_P[hertz_P > 0])
        return cls(float(log_P.mean()), float(log_P.std()), len(log_P)) if len(log_P) else None


@dataclass(frozen=True)
class Excitation:
    """hertz_P: pitch, 0 where nothing is voiced. breath_PB: the share of noise in each bin, between 0 and 1."""

    hertz: Array
    breath: Array


def pyworld() -> Any:
    """The package. Raises UserError where it is not installed."""
    try:
        import pyworld as package
    except ImportError as error:
        raise UserError("the package pyworld is not installed", way_out="pip install 'halfseen[speech]'") from error
    return package


def pitch_of(x_N: Array, rate: int) -> Array:
    """hertz_P by Harvest."""
    found, _ = pyworld().harvest(x_N.astype(np.float64), rate, *PITCH_HZ, frame_period=MOMENT_MS)
    return np.asarray(found)


def excitation(x_N: Array, rate: int) -> Excitation:
    hertz_P = pitch_of(x_N, rate)
    bins = pyworld().get_cheaptrick_fft_size(rate) // 2 + 1
    wide = max(rate, WORLD_RATE)
    wide_N = x_N if wide == rate else soxr.resample(x_N, rate, wide)
    moment_P = np.arange(len(hertz_P)) * MOMENT_MS / 1000
    breath_PB = pyworld().d4c(wide_N.astype(np.float64), hertz_P, moment_P, wide)
    kept = 1 + round((breath_PB.shape[1] - 1) * rate / wide)
    return Excitation(hertz_P, np.ascontiguousarray(breath_PB[:, np.linspace(0, kept - 1, bins).round().astype(int)]))


def moved(hertz_P: Array, own: Pitch | None, wanted: Pitch | None) -> Array:
    """The pitch with the wanted mean and spread; as it is where either is not known."""
    if own is None or wanted is None:
        return hertz_P
    factor = float(np.clip(wanted.spread / own.spread, *SPREADS)) if own.spread > 0 else 1.0
    log_P = np.log(np.maximum(hertz_P, 1.0))
    high_P = np.exp(np.clip((log_P - own.mean) * factor + wanted.mean, *np.log(PITCH_HZ)))
    return np.where(hertz_P > 0, high_P, 0.0)


def world(raw_TF: Array, heard: LogMel, spoken: Excitation, samples: int) -> Array:
    """x_N of so many samples: pitch and breath of `spoken`, the envelope of the frames."""
    bins = spoken.breath.shape[1]
    at_T = (np.arange(len(raw_TF)) + 0.5) / FRAMES_PER_SECOND
    moment_P = np.arange(len(spoken.hertz)) * MOMENT_MS / 1000
    log_BT = np.log(resolved(power_spectra(raw_TF, heard), bins)).T
    power_PB = np.exp(interpolated(log_BT, at_T, moment_P).T) if len(raw_TF) > 1 else np.exp(log_BT.T).repeat(len(moment_P), 0)
    return fitted(synthesised(power_PB, spoken, heard.rate), samples)


def synthesised(power_PB: Array, spoken: Excitation, rate: int) -> Array:
    return np.asarray(pyworld().synthesize(spoken.hertz, np.ascontiguousarray(power_PB), spoken.breath, rate, MOMENT_MS))


def griffin_lim(raw_TF: Array, heard: LogMel, samples: int) -> Array:
    """x_N whose spectra's sizes are as the frames say; phases are found by going to and fro, from random ones that never change."""
    from scipy.signal import istft, stft

    rate = heard.rate
    size, hop = round(rate * 0.025), round(rate * 0.005)
    fft = 1 << int(np.ceil(np.log2(size)))
    bins_B = resolved(power_spectra(raw_TF, heard), fft // 2 + 1)
    kind = {"window": "hann", "nperseg": size, "noverlap": size - hop, "nfft": fft}
    x_N = np.random.default_rng(0).normal(size=max(samples, size))
    at_T = (np.arange(len(raw_TF)) + 0.5) / FRAMES_PER_SECOND
    _, moments, spectra_BP = stft(x_N, rate, **kind)
    power_BP = np.exp(interpolated(np.log(bins_B).T, at_T, moments)) if len(raw_TF) > 1 else bins_B.T.repeat(len(moments), 1)
    wide_B = np.square(np.hanning(size)).sum() / np.hanning(size).sum() ** 2  # scipy scales spectra by the window's sum
    size_BP = np.sqrt(power_BP * wide_B)
    for _ in range(ITERATIONS):
        phase_BP = spectra_BP / np.maximum(np.abs(spectra_BP), 1e-12)
        _, x_N = istft(size_BP * phase_BP, rate, **kind)
        x_N = fitted(x_N, max(samples, size))
        spectra_BP = stft(x_N, rate, **kind)[2]
    return x_N[:samples]


def fitted(x_N: Array, samples: int) -> Array:
    """Cut, or lengthened by silence."""
    return np.pad(x_N[:samples], (0, max(0, samples - len(x_N))))


def as_loud(x_N: Array) -> Array:
    """float32, quieter where it would clip."""
    top = float(np.abs(x_N).max(initial=0.0))
    return np.asarray(x_N * min(1.0, LOUDEST / max(top, 1e-9)), np.float32)
