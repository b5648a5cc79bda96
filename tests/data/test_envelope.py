"""Log-mel frames back to spectra, held against Kaldi's frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfseen.contracts import Array
from halfseen.data.envelope import EMPHASIS, emphasised, fft_size, interpolated, mel_bank, power_spectra, resolved, window
from halfseen.data.logmel import SCALE, LogMel


def noise(rate: int, seconds: float = 0.5, seed: int = 0) -> Array:
    """Noise that is louder in some places and pitches than in others."""
    x = np.random.default_rng(seed).normal(size=round(rate * seconds))
    return (0.05 * np.convolve(x, [1, 0.9, 0.4], "same") * (1.2 + np.sin(np.arange(len(x)) / 700))).astype(np.float32)


def spectra(x_N: Array, heard: LogMel, frames: int) -> Array:
    """power_TB frame by frame, as Kaldi's documentation has it: mirrored ends, mean away, emphasis, window."""
    size, hop, found = len(window(heard.rate)), heard.rate // 100, []
    for t in range(frames):
        at = np.arange(size) + t * hop + hop // 2 - size // 2
        at = np.where(at < 0, -at - 1, at)
        piece = SCALE * x_N[np.where(at >= len(x_N), 2 * len(x_N) - 1 - at, at)].astype(np.float64)
        piece -= piece.mean()
        piece -= EMPHASIS * np.concatenate([piece[:1], piece[:-1]])
        found.append(np.abs(np.fft.rfft(piece * window(heard.rate), fft_size(heard.rate))) ** 2)
    return np.array(found)


@pytest.mark.parametrize(("rate", "bands"), [(8000, 40), (16_000, 80), (8000, 24)])
def test_the_bands_are_kaldis(rate: int, bands: int) -> None:
    heard = LogMel(rate, bands)
    x_N = noise(rate)
    raw_TF = heard.raw(x_N)
    np.testing.assert_allclose(np.log(spectra(x_N, heard, len(raw_TF)) @ mel_bank(heard).T), raw_TF, atol=2e-3)


@pytest.mark.parametrize(("rate", "bands"), [(8000, 40), (16_000, 80)])
def test_spectra_have_the_bands_they_were_made_from(rate: int, bands: int) -> None:
    heard = LogMel(rate, bands)
    raw_TF = heard.raw(noise(rate))
    again_TF = np.log(power_spectra(raw_TF, heard) * emphasised(heard) @ mel_bank(heard).T)
    assert np.abs(again_TF - raw_TF).max() < 0.2
    assert np.abs(again_TF - raw_TF).mean() < 0.02


def test_white_noise_has_its_variance_in_every_bin() -> None:
    heard = LogMel(8000, 40)
    x_N = np.random.default_rng(0).normal(0, 0.1, 40_000).astype(np.float32)
    density_B = power_spectra(heard.raw(x_N), heard).mean(0)
    np.testing.assert_allclose(density_B[4:-4], 0.01, rtol=0.25)


def test_frames_of_silence_are_not_the_logarithm_of_nothing() -> None:
    heard = LogMel(8000, 40)
    assert np.isfinite(power_spectra(np.full((3, 40), -100.0), heard)).all()


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=8), st.integers(0, 5))
def test_lines_pass_through_their_points_and_are_flat_beyond(values: list[float], seed: int) -> None:
    at = np.cumsum(np.random.default_rng(seed).random(len(values)) + 0.1)
    to = np.concatenate([at, [at[0] - 1, at[-1] + 1], (at[:-1] + at[1:]) / 2])
    found = interpolated(np.array([values]), at, to)[0]
    np.testing.assert_allclose(found, np.interp(to, at, values), atol=1e-9)


def test_more_bins_keep_those_that_were_there() -> None:
    power = np.exp(np.random.default_rng(0).normal(size=(3, 129)))
    np.testing.assert_allclose(resolved(power, 257)[:, ::2], power, rtol=1e-9)


def test_standard_frames_and_back() -> None:
    heard = LogMel(8000, 2, (1.0, -2.0), (0.5, 3.0))
    raw_TF = np.array([[3.0, 4.0], [0.0, -1.0]], np.float32)
    np.testing.assert_allclose(heard.standard(raw_TF), [[4.0, 2.0], [-2.0, 1 / 3]], atol=1e-6)
    np.testing.assert_allclose(heard.unstandard(heard.standard(raw_TF)), raw_TF, atol=1e-6)
    assert LogMel(8000, 2).unstandard(raw_TF) is raw_TF
