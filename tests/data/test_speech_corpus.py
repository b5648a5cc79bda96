"""Log-mel frames, and what of them is on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from halfseen.contracts import UserError
from halfseen.data.logmel import LogMel
from halfseen.data.speech_corpus import FRAMES, SOUND, Heard, open_speech, sound_rows, write_speech

RNG = np.random.default_rng(0)


LONGEST = 1000


def recording(frames: int) -> Heard:
    return Heard(RNG.normal(size=(frames, 5)).astype(np.float32))


def test_a_tone_is_loudest_in_its_band() -> None:
    x = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000).astype(np.float32)
    rising = np.linspace(0.1, 1, 8000, dtype=np.float32) * x
    frames = LogMel(8000, 40)(rising)
    assert frames.shape == (100, 40)

    def mel(hertz: float) -> float:
        return 1127 * np.log(1 + hertz / 700)

    noise = RNG.normal(size=8000).astype(np.float32)
    louder = LogMel(8000, 40)(np.concatenate([noise, noise + 30 * x]))
    grown = louder[110:190].mean(0) - louder[10:90].mean(0)
    band = (mel(1000) - mel(20)) / ((mel(4000) - mel(20)) / 41) - 1
    assert abs(int(grown.argmax()) - band) <= 1, "bands are even on the mel scale, from 20 Hz to half the rate (Kaldi)"


def test_three_times_as_loud_is_the_logarithm_of_nine_more() -> None:
    x = 0.1 * RNG.normal(size=4000).astype(np.float32)
    np.testing.assert_allclose(LogMel(8000, 20)(3 * x) - LogMel(8000, 20)(x), np.log(9), atol=1e-3)


def test_bands_are_brought_to_what_training_says() -> None:
    x = 0.1 * RNG.normal(size=4000).astype(np.float32)
    frames = LogMel(8000, 20)(x)
    told = LogMel(8000, 20, tuple(frames.mean(0).tolist()), tuple(frames.std(0).tolist()))
    found = told(x)
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(found.std(0), 1, atol=1e-4)
    assert LogMel.from_json(told.to_json(), "x") == told
    for broken in ({}, told.to_json() | {"bands": 21}, told.to_json() | {"spread": [0.0] * 20}, told.to_json() | {"rate": "fast"}):
        with pytest.raises(UserError, match=r"x: damaged .*; take the file that training wrote"):
            LogMel.from_json(broken, "x")


def test_frames_come_back_in_pieces_each_on_one_side(tmp_path: Path) -> None:
    given = [recording(n) for n in (30, LONGEST + 40, 7, *[50] * 40)]
    corpus = write_speech(tmp_path, [*given, given[0]], longest=LONGEST)
    assert corpus.tally.recordings == 43
    assert corpus.tally.duplicates == 1
    assert len(corpus.train) + len(corpus.heldout) == 44
    assert len(corpus.heldout) >= 1
    whole_NF = np.concatenate([one.frames for one in given])
    mean, spread = whole_NF.mean(0), whole_NF.std(0)
    np.testing.assert_allclose(corpus.tally.mean, mean, atol=1e-5)
    np.testing.assert_allclose(corpus.tally.spread, spread, rtol=1e-5)
    found = {side.sample(i).id: side.sample(i).x for side in (corpus.train, corpus.heldout) for i in range(len(side))}
    whole = np.concatenate([found[f"piece:{i}"] for i in range(44)])
    np.testing.assert_allclose(whole, (whole_NF - mean) / spread, atol=5e-3)
    sides = [{int(side.sample(i).id.removeprefix("piece:")) for i in range(len(side))} for side in (corpus.train, corpus.heldout)]
    assert any({1, 2} <= side for side in sides), "both pieces of the long recording are on one side"
    again = write_speech(tmp_path / "again", given[::-1], longest=LONGEST)
    assert again.tally.heldout_frames == corpus.tally.heldout_frames, "the order changes nothing"


def test_of_few_recordings_pieces_are_held_out_and_of_one_piece_nothing(tmp_path: Path) -> None:
    corpus = write_speech(tmp_path / "one", [recording(5 * LONGEST)], longest=LONGEST)
    assert len(corpus.train) >= 1
    assert len(corpus.heldout) >= 1
    with pytest.raises(UserError, match=r"1 different recordings, 90 frames; too few to learn from"):
        write_speech(tmp_path / "short", [recording(90)], longest=LONGEST)


def test_a_damaged_corpus_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"missing or damaged .*; start the run anew"):
        open_speech(tmp_path)
    write_speech(tmp_path, [recording(40) for _ in range(4)], longest=LONGEST)
    raw = (tmp_path / FRAMES).read_bytes()
    (tmp_path / FRAMES).write_bytes(raw[:-10])
    with pytest.raises(UserError, match="missing or damaged"):
        open_speech(tmp_path)


def test_samples_and_pitch_stand_beside_their_frames(tmp_path: Path) -> None:
    lengths = (30, 25, 130)
    beside = {"sound": [RNG.uniform(-1, 1, (n, 8)) for n in lengths], "hertz": [RNG.uniform(80, 300, n) for n in lengths]}
    given = [Heard(recording(n).frames, sound_rows(*rows)) for n, *rows in zip(lengths, *beside.values(), strict=True)]
    corpus = write_speech(tmp_path, given, longest=50)
    assert corpus.tally.hop == 8
    found = {side.sample(i).id: side.sample(i) for side in (corpus.train, corpus.heldout) for i in range(len(side))}
    assert [len(found[f"piece:{i}"].x) for i in range(5)] == [30, 25, 50, 50, 30]
    for name, parts in beside.items():
        whole = np.concatenate([found[f"piece:{i}"].meta[name] for i in range(5)])
        np.testing.assert_allclose(whole, np.concatenate(parts), atol=2e-5)
    assert sound_rows(np.full((30, 8), -3.0), np.zeros(30))["samples"].min() == -32767, "what is beyond 1 is cut off"
    (tmp_path / SOUND).write_bytes((tmp_path / SOUND).read_bytes()[:-10])
    with pytest.raises(UserError, match="missing or damaged"):
        open_speech(tmp_path)
    write_speech(tmp_path / "plain", [recording(40) for _ in range(4)], longest=50)
    assert not (tmp_path / "plain" / SOUND).exists()
