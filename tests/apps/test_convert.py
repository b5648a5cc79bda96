"""A voice's words in another's voice: both roads, both vocoders, and what is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import halfseen
from halfseen.apps import converter
from halfseen.apps.convert import road_of
from halfseen.apps.converter import AROUND, FLAT, NEAREST, Neighbours, nearest, voice_of
from halfseen.cli import main
from halfseen.contracts import Sample, UserError
from halfseen.data.logmel import LogMel
from halfseen.data.speech_batch import Frames
from halfseen.methods import make
from halfseen.methods.apc import Apc
from halfseen.methods.speech_recipes import ApcRecipe, SpeechSize
from halfseen.nets.shape import TransformerShape
from tests.spoken import said

RATE = 8000
SMALL = {"layers": 1, "width": 32}


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of a low voice, a.wav, and of a high one, b.wav, and more of each; models `codes` and `heard`, and a vocoder, `sounds`."""
    folder = tmp_path_factory.mktemp("voices")
    (folder / "all").mkdir()
    soundfile.write(folder / "a.wav", said(110, 1.0), RATE)
    soundfile.write(folder / "b.wav", said(220, 1.15), RATE)
    for i in range(6):
        soundfile.write(folder / "all" / f"{i}.wav", said(100 + 30 * i, 0.9 + 0.05 * i), RATE)
    halfseen.pretrain("disentangle", folder / "all", out=folder / "codes", steps=30, batch_frames=200, net=SMALL)
    halfseen.pretrain("apc", folder / "all", out=folder / "heard", steps=5, net=SMALL)
    halfseen.pretrain("vocoder", folder / "all", out=folder / "sounds", steps=100, net=SMALL)
    return folder


@pytest.mark.parametrize(
    ("model", "more", "by"), [("codes", [], "codes"), ("codes", ["--by", "neighbours"], "neighbours"), ("heard", [], "neighbours")]
)
@pytest.mark.parametrize("vocoder", ["world", "griffin-lim", "neural"])
def test_both_roads_and_vocoders_write_sound(
    model: str, more: list[str], by: str, vocoder: str, voices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--source", str(voices / "a.wav"), "--target", str(voices / "b.wav"), str(voices / "all"), "--out", str(tmp_path / "c.wav")]
    told = str(voices / "sounds") if vocoder == "neural" else vocoder
    assert main(["convert", "--model", str(voices / model), *words, *more, "--vocoder", told, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["by"], found["vocoder"], found["rate"], found["target_recordings"]) == (by, vocoder, RATE, 7)
    assert found["target_seconds"] == pytest.approx(7 * 0.6, abs=0.2)
    x, rate = soundfile.read(tmp_path / "c.wav")
    assert (rate, len(x)) == (RATE, round(0.6 * RATE))
    assert 0.01 < np.abs(x).max() < 1


def test_what_is_wrong_is_said(voices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b, model = str(voices / "a.wav"), str(voices / "b.wav"), str(voices / "codes")
    soundfile.write(tmp_path / "silent.wav", np.zeros(4000), RATE)
    soundfile.write(tmp_path / "short.wav", said(110, 1.0)[:400], RATE)
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "there.wav").write_bytes(b"x")
    halfseen.pretrain("apc", voices / "all", out=voices / "wide", steps=1, bands=20, net=SMALL)
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "config.json").write_text('{"model_type": "modernbert"}')
    here = str(tmp_path)
    for model_, source, target, out, more, told in (
        (model, f"{here}/no.wav", b, "c.wav", [], "no.wav: no such file; name a recording with --source"),
        (model, f"{here}/silent.wav", b, "c.wav", [], "0.50 s of silence"),
        (model, f"{here}/empty.wav", b, "c.wav", [], "empty.wav: cannot be read as sound"),
        (model, f"{here}/short.wav", b, "c.wav", [], "0.05 s of source, but 0.1 s to 600 s can be converted; give a longer one"),
        (model, a, f"{here}/short.wav", "c.wav", [], "0.05 s of target in all; give more recordings of the voice"),
        (model, a, f"{here}/silent.wav", "c.wav", [], "--target: silent.wav: 0.50 s of silence"),
        (model, a, f"{here}/none", "c.wav", [], "none"),
        (model, a, b, "there.wav", [], "there.wav: is there already; choose another --out"),
        (model, a, b, "c.mp3", [], "--out is c.mp3; name a .wav file"),
        (model, a, b, "no/c.wav", [], "its folder is not there"),
        (f"{here}/text", a, b, "c.wav", [], "holds no model of speech"),
        (str(voices / "heard"), a, b, "c.wav", ["--by", "codes"], "has no speaker code; take a model of `halfseen pretrain disentangle`"),
        (str(voices / "sounds"), a, b, "c.wav", [], "sounds: holds a vocoder; take a model of another method"),
        (model, a, b, "c.wav", ["--vocoder", "vinyl"], "no vocoder 'vinyl'; take world, griffin-lim, or a folder of"),
        (model, a, b, "c.wav", ["--vocoder", str(voices / "heard")], "heard: holds no vocoder; take a folder of"),
        (
            str(voices / "wide"), a, b, "c.wav", ["--vocoder", str(voices / "sounds")],
            "sounds: hears 40 bands at 8,000 Hz, the model 20 at 8,000; train a vocoder with --rate 8000 --bands 20",
        ),
    ):  # fmt: skip
        words = ["--model", model_, "--source", source, "--target", target, "--out", str(tmp_path / out), *more]
        assert main(["convert", *words]) == 2, told
        assert told in capsys.readouterr().err
    assert not (tmp_path / "c.wav").exists()


def test_other_rates_are_brought_to_the_models(voices: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a16.wav", said(110, 1.0, rate=16_000), 16_000)
    soundfile.write(tmp_path / "b44.wav", np.stack([said(220, 1.15, rate=44_100)] * 2, 1), 44_100)
    found = halfseen.convert(model=voices / "codes", source=tmp_path / "a16.wav", target=tmp_path / "b44.wav", out=tmp_path / "c.wav")
    assert found["rate"] == RATE
    assert soundfile.info(tmp_path / "c.wav").frames == round(0.6 * RATE)


def test_without_the_package_the_way_out_is_said(voices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyworld", None)
    with pytest.raises(UserError, match=r"the package pyworld is not installed; pip install 'halfseen\[speech\]'"):
        halfseen.convert(model=voices / "codes", source=voices / "a.wav", target=voices / "b.wav", out=tmp_path / "c.wav")


def test_frames_of_the_voice_itself_stay_as_they_are(voices: Path) -> None:
    """Where the target is the source, each frame's nearest is itself and its like."""
    x_N = said(110, 1.0)
    for name in ("codes", "heard"):
        road = road_of(voices / name, "neighbours")
        raw_TF = road.heard.raw(x_N)
        wrong = np.abs(road(raw_TF, voice_of([x_N], road.heard)) - raw_TF).mean()
        other = np.abs(road(raw_TF, voice_of([said(220, 1.15)], road.heard)) - raw_TF).mean()
        assert wrong < 0.5 * other


def test_neighbours_are_of_what_the_middle_layer_says() -> None:
    recipe = ApcRecipe(net=SpeechSize(layers=3, width=32))
    method: Apc = make("apc", recipe, recipe.shape(rate=8000), 5)
    method.initialise(0)
    raw_TF = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    seen = Frames.of([Sample("0", (raw_TF - raw_TF.mean(0)) / (raw_TF.std(0) + FLAT))])
    layers = method.net(seen, every_layer=True).layers
    found_TD = Neighbours(method, LogMel(RATE, 5)).states([raw_TF])
    near = [bool(torch.allclose(found_TD, layer - layer.mean(0), atol=1e-5)) for layer in layers]
    assert near == [False, False, True, False], "what goes into the first layer, and what three say"


def test_the_middle_of_layers() -> None:
    assert [TransformerShape(width=32, layers=n, heads=1, max_length=8).middle for n in range(1, 6)] == [1, 1, 2, 2, 3]


@pytest.mark.parametrize("at_once", [1, 100, converter.AT_ONCE])
def test_neighbours_are_alike_with_the_frames_around(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converter, "AT_ONCE", at_once)
    rng = np.random.default_rng(0)
    source_TD, target_RD = (rng.normal(size=(count, 6)).astype(np.float32) for count in (11, 23))
    own, other = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (source_TD, target_RD))
    alike_TR = np.array([
        [sum(own[t + i] @ other[r + i] for i in range(-AROUND, AROUND + 1) if 0 <= t + i < 11 and 0 <= r + i < 23) for r in range(23)]
        for t in range(11)
    ])  # fmt: skip
    found_TK = nearest(torch.from_numpy(source_TD), torch.from_numpy(target_RD))
    np.testing.assert_array_equal(np.sort(found_TK, 1), np.sort(np.argsort(-alike_TR, 1)[:, :NEAREST], 1))
    assert nearest(torch.from_numpy(source_TD), torch.from_numpy(target_RD[:2])).shape == (11, 2), "of two frames there are no four"
