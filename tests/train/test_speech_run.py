"""Runs on speech from start to end: learnt, resumed, reported, refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from safetensors.torch import load_file

import halfseen
from halfseen.cli import main
from halfseen.contracts import InterruptedRunError
from halfseen.data.speech_corpus import open_speech
from halfseen.train.run import Run
from tests.processes import by_one_and_by_two

RATE = 8000
SMALL = {"net": {"layers": 1, "width": 64}}


def spoken(rng: np.random.Generator, seconds: float = 1.0) -> np.ndarray:
    """A tone that wanders, so that what comes can be told from where it goes, and not from where it is."""
    hertz = 300 + 1200 * (0.5 + 0.5 * np.sin(2 * np.pi * (rng.random() + 3 * np.arange(round(seconds * RATE)) / RATE)))
    return (0.3 * np.sin(2 * np.pi * np.cumsum(hertz) / RATE)).astype(np.float32)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    rng = np.random.default_rng(0)
    for i in range(30):
        soundfile.write(folder / f"{i:02}.wav", spoken(rng), RATE)
    return folder


def test_what_comes_is_told_better_than_by_copying(recordings: Path, tmp_path: Path) -> None:
    found = halfseen.pretrain("apc", recordings, out=tmp_path / "run", steps=120, batch_frames=1000, **SMALL)
    heldout = found["heldout"]
    assert heldout["loss"] < 0.8 * heldout["guess_loss"]
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["model_type"] == "halfseen-speech"
    assert config["intake"]["rate"] == RATE, "that of the first recording"
    assert len(config["intake"]["spread"]) == config["intake"]["bands"] == 40
    tensors = load_file(tmp_path / "run" / "model.safetensors")
    assert tensors["net.into.weight"].shape == (64, 40)
    card = (tmp_path / "run" / "README.md").read_text()
    assert "30 recordings, 0.5 minutes" in card
    assert main(["report", str(tmp_path / "run")]) == 0
    page = (tmp_path / "run" / "report.html").read_text()
    assert "30 s of speech" in page
    assert "in frames to come that it never heard (to say that nothing changes:" in re.sub("<[^>]*>", "", page)
    assert "frames read" in page


def test_a_vocoder_is_told_beside_a_hum(recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = halfseen.pretrain("vocoder", recordings, out=tmp_path / "run", steps=60, **SMALL)
    heldout = found["heldout"]
    assert heldout["loss"] < 0.8 * heldout["guess_loss"]
    assert {"logarithms", "sizes"} < heldout.keys()
    tally = open_speech(tmp_path / "run" / "corpus").tally
    assert tally.hop == 80
    assert "| held out | distance of spectra |" in (tmp_path / "run" / "README.md").read_text()
    assert main(["report", str(tmp_path / "run")]) == 0
    page = re.sub("<[^>]*>", "", (tmp_path / "run" / "report.html").read_text())
    assert "in spectra of sound that it never heard (to say a hum or a hiss, as loud:" in page
    assert "The dashed line says a hum or a hiss, as loud." in page
    assert "What that is worth shows in use: halfseen score voice" in page
    capsys.readouterr()
    assert main(["pretrain", "vocoder", str(recordings), "--out", str(tmp_path / "odd"), "--rate", "11025"]) == 2
    assert "--rate is 11025, but a vocoder's must be a multiple of 400, e.g. 8000, 16000 or 24000" in capsys.readouterr().err


@pytest.mark.parametrize("method", ["apc", "vocoder"])
def test_an_interrupted_run_goes_on_to_the_same_weights(
    method: str, recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"steps": 6, "batch_frames": 500, "checkpoint_steps": 2, **SMALL}
    halfseen.pretrain(method, recordings, out=tmp_path / "straight", **options)
    wrote = Run.write

    def interrupted(self: Run, line: dict[str, object]) -> None:
        wrote(self, line)
        if line["step"] == 3:
            self.checkpoint()
            raise InterruptedRunError("stopped by the test")

    monkeypatch.setattr(Run, "write", interrupted)
    with pytest.raises(InterruptedRunError):
        halfseen.pretrain(method, recordings, out=tmp_path / "broken", **options)
    monkeypatch.setattr(Run, "write", wrote)
    assert main(["resume", str(tmp_path / "broken")]) == 0
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("straight", "broken"))
    assert all((one[name] == other[name]).all() for name in one)


def test_what_cannot_be_read_is_named_and_left_out_when_asked(recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "some bad"
    folder.mkdir()
    for file in sorted(recordings.glob("0*.wav")):
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "cut.wav").write_bytes((recordings / "10.wav").read_bytes()[:5000])
    soundfile.write(folder / "silent.wav", np.zeros(4000), RATE)
    words = ["pretrain", "apc", str(folder), "--steps", "2", "--net.layers", "1", "--net.width", "32"]
    assert main([*words, "--out", str(tmp_path / "a")]) == 2
    said = capsys.readouterr().err
    assert "2 faults: cut.wav: cut short: its header promises 1.00 s, 0.31 s are there" in said
    assert "silent.wav: 0.50 s of silence" in said
    assert "or leave them out with --skip-bad" in said
    assert main([*words, "--out", str(tmp_path / "b"), "--skip-bad"]) == 0
    assert "left out: cut.wav: cut short" in capsys.readouterr().err
    recipe = json.loads((tmp_path / "b" / "recipe.json").read_text())
    assert recipe["data"]["recordings"] == 10
    assert recipe["data"]["left_out"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rate", "10"], "--rate is 10, but must be at least 1000"),
        (["--bands", "2"], "--bands is 2, but must be at least 8"),
        (["--shift", "0"], "--shift is 0, but must be at least 1"),
        (["--batch-frames", "5"], "--batch-frames is 5, but must be at least 100"),
        (["--net.width", "65", "--net.heads", "2"], "net.heads is 2, which does not divide net.width 65"),
    ],
)
def test_wrong_options_are_said(words: list[str], said: str, recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pretrain", "apc", str(recordings), "--out", str(tmp_path / "run"), *words]) == 2
    assert said in capsys.readouterr().err


def test_silence_at_the_ends_is_kept_when_asked(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    folder = tmp_path / "said"
    folder.mkdir()
    for i in range(4):
        soundfile.write(folder / f"{i}.wav", np.concatenate([np.zeros(RATE), spoken(rng)]), RATE)
    for name, trim, frames in (("cut", True, 400), ("whole", False, 800)):
        halfseen.pretrain("apc", folder, out=tmp_path / name, steps=1, trim=trim, **SMALL)
        tally = open_speech(tmp_path / name / "corpus").tally
        assert abs(tally.frames + tally.heldout_frames - frames) <= 8


def test_two_processes_cluster_again_as_one_does(recordings: Path, tmp_path: Path) -> None:
    words = ["hubert", str(recordings), "--steps=6", "--first=0.5", "--clusters=8", "--units=12", "--net.layers=2", "--net.width=64"]
    (alone, _), _ = by_one_and_by_two([*words, "--batch-frames=800"], tmp_path)
    assert alone["heldout"]["round"] == 2


def test_a_page_names_what_comes_next(recordings: Path, tmp_path: Path) -> None:
    for method, said in (("apc", "when somebody has labels: halfseen score speech."), ("disentangle", "in use: halfseen score voice, ")):
        halfseen.pretrain(method, recordings, out=tmp_path / method, steps=1, batch_frames=500, **SMALL)
        assert main(["report", str(tmp_path / method)]) == 0
        page = re.sub("<[^>]*>", "", (tmp_path / method / "report.html").read_text())
        assert f"What that is worth shows {said}" in page
