"""Frames to sound: what was in them is in it, at the pitch that was asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

import halfseen
from halfseen.apps.vocoder import GriffinLim, Source, World, as_loud, griffin_lim, moved, vocoder_of
from halfseen.contracts import UserError
from halfseen.data.logmel import LogMel
from halfseen.data.pitch import Pitch, pitch_of
from halfseen.data.sound import fitted
from tests.spoken import said


@pytest.mark.parametrize("rate", [8000, 16_000])
def test_copies_keep_the_frames(rate: int) -> None:
    x_N, heard = said(120, 1.0, rate=rate), LogMel(rate, 40)
    raw_TF = heard.raw(x_N)
    loud_TF = raw_TF > raw_TF.max() - 8
    for vocoder, bias, off in ((World(heard), 0.3, 1.0), (GriffinLim(heard), 0.3, 0.5)):
        copy_N = vocoder(raw_TF, Source(x_N, rate), None)
        assert len(copy_N) == len(x_N)
        wrong_TF = (heard.raw(copy_N) - raw_TF)[loud_TF]
        assert abs(wrong_TF.mean()) < bias
        assert np.abs(wrong_TF).mean() < off


def test_a_net_learns_to_make_sound_of_frames_at_any_pitch(tmp_path: Path) -> None:
    """Of voices that it heard, at a pitch that it did not."""
    (tmp_path / "all").mkdir()
    for i in range(12):
        soundfile.write(tmp_path / "all" / f"{i}.wav", said(90 + 15 * i, 0.85 + 0.03 * i, seed=i), 8000)
    found = halfseen.pretrain("vocoder", tmp_path / "all", out=tmp_path / "sounds", steps=200, net={"layers": 2, "width": 48})
    assert found["heldout"]["loss"] < 0.5 * found["heldout"]["guess_loss"]
    heard, x_N = LogMel(8000, 40), said(120, 1.0)
    raw_TF, vocoder = heard.raw(x_N), vocoder_of(str(tmp_path / "sounds"), heard)
    copy_N = vocoder(raw_TF, Source(x_N, 8000), None)
    assert len(copy_N) == len(x_N)
    wrong_TF = (heard.raw(copy_N) - raw_TF)[raw_TF > raw_TF.max() - 8]
    assert abs(wrong_TF.mean()) < 0.5
    assert np.abs(wrong_TF).mean() < 1.0
    again = Pitch.of(pitch_of(vocoder(raw_TF, Source(x_N, 8000), Pitch(float(np.log(170)), 0.05, 9)), 8000))
    assert again is not None
    assert np.exp(again.mean) == pytest.approx(170, rel=0.05)
    config = tmp_path / "sounds" / "config.json"
    config.write_text(config.read_text().replace('"rate": 8000', '"rate": 8400', 1))
    with pytest.raises(
        UserError, match=r"config.json: damaged \(frames of 8,[04]00 Hz, but a net of 8,[04]00\); take the file that training"
    ):
        vocoder_of(str(tmp_path / "sounds"), heard)
    short_N = x_N[:100]
    assert len(vocoder(heard.raw(short_N), Source(short_N, 8000), None)) == 100


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
    source = Source(x_N, 8000)
    own = Pitch.of(source.hertz)
    assert own is not None
    assert np.exp(own.mean) == pytest.approx(110, rel=0.05)
    again = Pitch.of(pitch_of(World(heard)(heard.raw(x_N), source, Pitch(float(np.log(190)), own.spread, 9)), 8000))
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
