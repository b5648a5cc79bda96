"""Log-mel frames to sound, by WORLD (Morise et al. 2016), by Griffin and Lim (1984), or by a net.

WORLD takes pitch and breath from the source and the envelope from the frames; a net, the pitch from the source and the rest from the
frames; Griffin and Lim's way knows the frames alone.

Shapes: N samples; T frames of F bands, a hundredth of a second each; P moments of WORLD, a two-hundredth each, B bins.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import soxr
import torch

from halfseen.apps.convert_options import GRIFFIN_LIM, WORLD
from halfseen.apps.speech_model import open_vocoder
from halfseen.contracts import Array, Sample, UserError
from halfseen.data.draw import KeyedDraw
from halfseen.data.envelope import interpolated, power_spectra, resolved
from halfseen.data.logmel import FRAMES_PER_SECOND, LogMel
from halfseen.data.pitch import MOMENT_MS, PITCH_HZ, Pitch, at_frames, pitch_of, pyworld
from halfseen.data.sound import fitted
from halfseen.methods.vocoder import Vocoder as VocoderMethod

WORLD_RATE = 16_000
"""WORLD's analysis of breath looks for bands up to 7.9 kHz: what has fewer is brought to this rate for it."""
SPREADS = (0.5, 2.0)
"""A source's pitch is never spread less or more than this for the target's sake: short recordings say little of it."""
ITERATIONS = 32
LOUDEST = 0.99


@dataclass(frozen=True, eq=False)
class Source:
    """A recording x_N whose tune is kept. What is not asked for is not looked for."""

    x: Array
    rate: int

    @cached_property
    def hertz(self) -> Array:
        """hertz_P: pitch, 0 where nothing is voiced."""
        return pitch_of(self.x, self.rate)

    @cached_property
    def breath(self) -> Array:
        """breath_PB: the share of noise in each bin, between 0 and 1."""
        bins = pyworld().get_cheaptrick_fft_size(self.rate) // 2 + 1
        wide = max(self.rate, WORLD_RATE)
        wide_N = self.x if wide == self.rate else soxr.resample(self.x, self.rate, wide)
        moment_P = np.arange(len(self.hertz)) * MOMENT_MS / 1000
        breath_PB = pyworld().d4c(wide_N.astype(np.float64), self.hertz, moment_P, wide)
        kept = 1 + round((breath_PB.shape[1] - 1) * self.rate / wide)
        return np.ascontiguousarray(breath_PB[:, np.linspace(0, kept - 1, bins).round().astype(int)])

    def sung(self, wanted: Pitch | None) -> Array:
        """hertz_P moved to the wanted pitch, if any."""
        return moved(self.hertz, Pitch.of(self.hertz), wanted)


class Vocoder(Protocol):
    """Frames raw_TF to x_N, as long as the source and with its tune, moved to the wanted pitch if there is one."""

    @property
    def name(self) -> str: ...

    def __call__(self, raw_TF: Array, source: Source, wanted: Pitch | None) -> Array: ...


@dataclass(frozen=True)
class World:
    heard: LogMel
    name: str = WORLD

    def __call__(self, raw_TF: Array, source: Source, wanted: Pitch | None) -> Array:
        return as_loud(world(raw_TF, self.heard, source.sung(wanted), source.breath, len(source.x)))


@dataclass(frozen=True)
class GriffinLim:
    heard: LogMel
    name: str = GRIFFIN_LIM

    def __call__(self, raw_TF: Array, source: Source, wanted: Pitch | None) -> Array:
        return as_loud(griffin_lim(raw_TF, self.heard, len(source.x)))


@dataclass(frozen=True)
class NeuralVocoder:
    """heard: with the mean and spread that its net is fed with."""

    method: VocoderMethod
    heard: LogMel
    name: str = "neural"

    @torch.no_grad()
    def __call__(self, raw_TF: Array, source: Source, wanted: Pitch | None) -> Array:
        hertz_T = at_frames(source.sung(wanted), len(raw_TF))
        one = [Sample("source", self.heard.standard(raw_TF), {"hertz": hertz_T})]
        sound_TH = self.method.net.sound(self.method.split.seen(one, KeyedDraw(0, 0, one)))
        return as_loud(fitted(sound_TH.flatten().numpy(), len(source.x)))


def vocoder_of(told: str, heard: LogMel) -> Vocoder:
    """By its name, or by the folder of a net. Raises UserError for neither, and for a net that hears otherwise than `heard`."""
    if told == WORLD:
        return World(heard)
    if told == GRIFFIN_LIM:
        return GriffinLim(heard)
    folder = Path(told)
    if not folder.is_dir():
        raise UserError(f"no vocoder {told!r}", way_out=f"take {WORLD}, {GRIFFIN_LIM}, or a folder of `halfseen pretrain vocoder`")
    method, own = open_vocoder(folder)
    if (own.rate, own.bands) != (heard.rate, heard.bands):
        what = f"hears {own.bands} bands at {own.rate:,} Hz, the model {heard.bands} at {heard.rate:,}"
        raise UserError(what, where=told, way_out=f"train a vocoder with --rate {heard.rate} --bands {heard.bands}")
    return NeuralVocoder(method, own)


def moved(hertz_P: Array, own: Pitch | None, wanted: Pitch | None) -> Array:
    """The pitch with the wanted mean and spread; as it is where either is not known."""
    if own is None or wanted is None:
        return hertz_P
    factor = float(np.clip(wanted.spread / own.spread, *SPREADS)) if own.spread > 0 else 1.0
    log_P = np.log(np.maximum(hertz_P, 1.0))
    high_P = np.exp(np.clip((log_P - own.mean) * factor + wanted.mean, *np.log(PITCH_HZ)))
    return np.where(hertz_P > 0, high_P, 0.0)


def world(raw_TF: Array, heard: LogMel, hertz_P: Array, breath_PB: Array, samples: int) -> Array:
    """x_N of so many samples: this pitch and breath, the envelope of the frames."""
    at_T = (np.arange(len(raw_TF)) + 0.5) / FRAMES_PER_SECOND
    moment_P = np.arange(len(hertz_P)) * MOMENT_MS / 1000
    log_BT = np.log(resolved(power_spectra(raw_TF, heard), breath_PB.shape[1])).T
    power_PB = np.exp(interpolated(log_BT, at_T, moment_P).T) if len(raw_TF) > 1 else np.exp(log_BT.T).repeat(len(moment_P), 0)
    x_N = pyworld().synthesize(hertz_P, np.ascontiguousarray(power_PB), breath_PB, heard.rate, MOMENT_MS)
    return fitted(np.asarray(x_N), samples)


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


def as_loud(x_N: Array) -> Array:
    """float32, quieter where it would clip."""
    top = float(np.abs(x_N).max(initial=0.0))
    return np.asarray(x_N * min(1.0, LOUDEST / max(top, 1e-9)), np.float32)
