"""What a voice is made of before a throat shapes it: overtones and noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from halfseen.contracts import Sample
from halfseen.data.draw import KeyedDraw
from halfseen.split.sounding import HIGHEST, SoundOfFrames, overtones

HOP, RATE = 80, 8000


def test_overtones_are_all_there_equally_loud_and_together_of_variance_one() -> None:
    rng = np.random.default_rng(0)
    hertz_T = rng.uniform(90, 300, 12)
    at_P = (np.arange(12 * HOP) + 0.5) / HOP - 0.5
    hertz_P = np.interp(at_P, np.arange(12), hertz_T)
    phase_P, count_P = 2 * np.pi * np.cumsum(hertz_P) / RATE, np.floor(HIGHEST * RATE / 2 / hertz_P)
    slowly = [np.sqrt(2 / count) * np.cos(np.arange(1, count + 1) * phase).sum() for phase, count in zip(phase_P, count_P, strict=True)]
    np.testing.assert_allclose(overtones(hertz_T, HOP).flatten(), slowly, atol=1e-6)
    steady = overtones(np.full(400, 125.0), HOP)
    assert steady.var() == pytest.approx(1, abs=0.01)
    assert np.isfinite(overtones(np.full(4, 400.0), 4)).all(), "where a phase is a whole turn, and above half the rate"


def test_what_is_not_voiced_has_none() -> None:
    hertz_T = np.array([0, 100, 110, 0, 0, 120, 0.0])
    found_TH = overtones(hertz_T, HOP)
    assert ((np.abs(found_TH).max(1) > 0) == (hertz_T > 0)).all()
    assert not overtones(np.zeros(3), HOP).any()


def test_the_target_is_the_sound_and_noise_is_keyed() -> None:
    rng = np.random.default_rng(0)
    samples = [
        Sample(f"s{n}", rng.normal(size=(n, 5)), {"hertz": np.full(n, 100.0), "sound": rng.normal(size=(n, HOP)).astype(np.float32)})
        for n in (3, 1, 6)
    ]
    splitter = SoundOfFrames(HOP)
    split = splitter(samples, KeyedDraw(0, 0, samples))
    assert torch.equal(split.target, torch.from_numpy(np.concatenate([sample.meta["sound"] for sample in samples])))
    assert split.scored.all()
    assert split.seen.noise.std() == pytest.approx(1, abs=0.1)
    alone = splitter(samples[2:], KeyedDraw(0, 0, samples[2:]))
    for name in ("x", "hertz", "overtones", "noise"):
        assert torch.equal(getattr(alone.seen, name), getattr(split.seen, name)[4:]), name
    assert not torch.equal(splitter(samples, KeyedDraw(0, 1, samples)).seen.noise, split.seen.noise)
