"""Frames to sound: what was in them is in it, at the pitch that was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from halfseen.apps.vocoder import Excitation, Pitch, as_loud, excitation, fitted, griffin_lim, moved, pitch_of, world
from halfseen.data.logmel import LogMel
from tests.spoken import said


@pytest.mark.parametrize("rate", [8000, 16_000])
def test_copies_keep_the_frames(rate: int) -> None:
    x_N, heard = said(120, 1.0, rate=rate), LogMel(rate, 40)
    raw_TF = heard.raw(x_N)
    loud_TF = raw_TF > raw_TF.max() - 8
    for copy_N, bias, off in (
        (world(raw_TF, heard, excitation(x_N, rate), len(x_N)), 0.3, 1.0),
        (griffin_lim(raw_TF, heard, len(x_N)), 0.3, 0.5),
    ):
        assert len(copy_N) == len(x_N)
        wrong_TF = (heard.raw(copy_N) - raw_TF)[loud_TF]
        assert abs(wrong_TF.mean()) < bias
        assert np.abs(wrong_TF).mean() < off


def test_pitch_moves_to_the_targets_mean_and_spread() -> None:
    rng = np.random.default_rng(0)
    hertz_P = np.where(rng.random(200) < 0.3, 0.0, 100 * np.exp(0.1 * rng.normal(size=200)))
    own, wanted = Pitch.of(hertz_P), Pitch(float(np.log(200)), 0.15, 50)
    assert own is not None
    found_P = moved(hertz_P, own, wanted)
    assert ((found_P == 0) == (hertz_P == 0)).all(), "what is not voiced stays so"
    log_P = np.log(found_P[found_P > 0])
    assert log_P.mean() == pytest.approx(np.log(200), abs=1e-6)
    assert log_P.std() == pytest.approx(0.15, abs=1e-6)
    assert moved(hertz_P, own, None) is hertz_P
    assert Pitch.of(np.zeros(5)) is None
    flat_P = moved(np.full(4, 100.0), Pitch.of(np.full(4, 100.0)), wanted)
    np.testing.assert_allclose(flat_P, 200)
    wide = Pitch(wanted.mean, 10.0, 9)
    assert np.log(moved(hertz_P, own, wide)[hertz_P > 0]).std() < 2.01 * own.spread, "never more than doubled"


def test_the_moved_pitch_is_heard() -> None:
    x_N, heard = said(110, 1.0), LogMel(8000, 40)
    source = excitation(x_N, 8000)
    own = Pitch.of(source.hertz)
    assert own is not None
    assert np.exp(own.mean) == pytest.approx(110, rel=0.05)
    high = Excitation(moved(source.hertz, own, Pitch(float(np.log(190)), own.spread, 9)), source.breath)
    again = Pitch.of(pitch_of(world(heard.raw(x_N), heard, high, len(x_N)), 8000))
    assert again is not None
    assert np.exp(again.mean) == pytest.approx(190, rel=0.05)


def test_lengths_and_levels() -> None:
    assert fitted(np.ones(5), 3).tolist() == [1, 1, 1]
    assert fitted(np.ones(2), 4).tolist() == [1, 1, 0, 0]
    assert np.abs(as_loud(np.array([0.5, -4.0]))).max() == pytest.approx(0.99)
    assert as_loud(np.array([0.5, -0.2])).tolist() == pytest.approx([0.5, -0.2])
    one = LogMel(8000, 40).raw(said(120, 1.0)[:100])
    assert len(one) == 1
    assert np.isfinite(griffin_lim(one, LogMel(8000, 40), 100)).all()
