"""A voice's words in another's voice: both roads, both vocoders, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

import halfseen
from halfseen.cli import main
from tests.spoken import said

RATE = 8000
SMALL = {"layers": 1, "width": 32}


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of a low voice, a.wav, and of a high one, b.wav, and more of each; models `codes` and `heard`."""
    folder = tmp_path_factory.mktemp("voices")
    (folder / "all").mkdir()
    soundfile.write(folder / "a.wav", said(110, 1.0), RATE)
    soundfile.write(folder / "b.wav", said(220, 1.15), RATE)
    for i in range(6):
        soundfile.write(folder / "all" / f"{i}.wav", said(100 + 30 * i, 0.9 + 0.05 * i), RATE)
    halfseen.pretrain("disentangle", folder / "all", out=folder / "codes", steps=30, batch_frames=200, net=SMALL)
    halfseen.pretrain("apc", folder / "all", out=folder / "heard", steps=5, net=SMALL)
    return folder


@pytest.mark.parametrize(
    ("model", "more", "by"), [("codes", [], "codes"), ("codes", ["--by", "neighbours"], "neighbours"), ("heard", [], "neighbours")]
)
@pytest.mark.parametrize("vocoder", ["world", "griffin-lim"])
def test_both_roads_and_vocoders_write_sound(
    model: str, more: list[str], by: str, vocoder: str, voices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--source", str(voices / "a.wav"), "--target", str(voices / "b.wav"), str(voices / "all"), "--out", str(tmp_path / "c.wav")]
    assert main(["convert", "--model", str(voices / model), *words, *more, "--vocoder", vocoder, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["by"], found["vocoder"], found["rate"], found["target_recordings"]) == (by, vocoder, RATE, 7)
    assert found["target_seconds"] == pytest.approx(7 * 0.6, abs=0.2)
    x, rate = soundfile.read(tmp_path / "c.wav")
    assert (rate, len(x)) == (RATE, round(0.6 * RATE))
    assert 0.01 < np.abs(x).max() < 1
