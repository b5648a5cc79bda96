"""What frozen layers tell of recordings, and the head that judges them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import halfseen
from halfseen.apps.speech_model import open_speech_model
from halfseen.cli import main
from halfseen.contracts import Sample, UserError
from halfseen.data.speech_batch import Frames
from halfseen.suites.code_scores import fifth
from halfseen.suites.speech import Told, pooled_layers
from halfseen.suites.speech_head import accuracy

RATE = 8000


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve speakers, each with a pitch, say a rising and a falling word twice: mean and deviation of bands do not tell them."""
    folder = tmp_path_factory.mktemp("words")
    rng = np.random.default_rng(0)
    rows = ["path,word,speaker"]
    for i in range(48):
        rising, speaker = i % 2 == 0, f"s{i // 4}"
        hertz = np.linspace(300, 1500, 4000)[:: 1 if rising else -1] * (1 + (i // 4) / 40)
        x = 0.3 * np.sin(2 * np.pi * np.cumsum(hertz) / RATE) + 0.01 * rng.normal(size=4000)
        soundfile.write(folder / f"{i}.wav", x, RATE)
        rows.append(f"{i}.wav,{'up' if rising else 'down'},{speaker}")
    (folder / "words.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def model(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("model") / "run"
    halfseen.pretrain("apc", data, out=out, rate=RATE, steps=40, batch_frames=1000, net={"layers": 2, "width": 64})
    return out


def test_layers_tell_what_pooled_frames_do_not(data: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", str(data / "words.csv"), "--label", "word", "--speaker", "speaker", "--seeds", "2"]
    assert main(["score", "speech", "--model", str(model), *words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    scores = {row["arm"]: row for row in found["scores"]}
    assert list(scores) == ["fbank", "model", "scratch"]
    assert scores["model"]["value"] > 0.9
    assert scores["model"]["value"] > scores["fbank"]["value"] + 0.1
    assert scores["model"]["n"] == 12, "a quarter of the speakers, four recordings each"
    assert scores["model"]["seeds"] == 2
    assert found["commonest_label"] == 0.5
    assert all(sum(mix) == pytest.approx(1, abs=0.01) for mix in found["layers"].values())
    assert len(found["layers"]["model"]) == 3, "what goes into the first layer, and what each gives"


def test_each_model_hears_by_its_own_mean_and_spread(data: Path, model: Path, tmp_path: Path) -> None:
    (tmp_path / "loud").mkdir()
    for file in sorted(data.glob("*.wav"))[:12]:
        soundfile.write(tmp_path / "loud" / file.name, np.clip(20 * soundfile.read(file)[0], -1, 1), RATE)
    halfseen.pretrain("apc", tmp_path / "loud", out=tmp_path / "other", steps=5, net={"layers": 1, "width": 64})
    asked = {"data": data / "words.csv", "label": "word", "seeds": 1}
    alone = halfseen.score("speech", model=tmp_path / "other", **asked)
    both = halfseen.score("speech", model=(str(model), str(tmp_path / "other")), **asked)
    assert both["layers"]["other"] == alone["layers"]["model"]
    assert [row["arm"] for row in both["scores"]] == ["fbank", "run", "run, random weights", "other", "other, random weights"]
    with pytest.raises(UserError, match="--model names a folder twice"):
        halfseen.score("speech", model=(str(model), str(model)), **asked)


def test_no_speaker_is_on_both_sides() -> None:
    speakers = np.repeat(np.arange(8), 5)
    told = Told([], np.array(["a", "b", "a", "b", "b"] * 8), speakers)
    for train, test in told.parts(4):
        assert not set(speakers[train]) & set(speakers[test])
    alone = Told([], np.array([f"l{s}" for s in speakers]), speakers)
    with pytest.raises(UserError, match="said by nobody that is learnt from, where speakers are kept apart"):
        alone.parts(1)


def test_pooling_does_not_hang_on_who_is_heard_beside(model: Path) -> None:
    method, frames = open_speech_model(model)
    rng = np.random.default_rng(0)
    samples = [Sample(str(i), rng.normal(size=(n, frames.bands)).astype(np.float32)) for i, n in enumerate((30, 7, 120))]
    together = pooled_layers(method, samples)
    assert together.shape == (3, 3, 128)
    for i, sample in enumerate(samples):
        np.testing.assert_allclose(pooled_layers(method, [sample])[0], together[i], atol=1e-5)
    states = method.net(Frames.of([samples[2]]), every_layer=True).layers[1]
    np.testing.assert_allclose(together[2, 1, :64], states.detach().mean(0).numpy(), atol=1e-5)


def test_the_head_finds_the_layer_that_knows() -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 300)
    layers = rng.normal(size=(300, 4, 6)).astype(np.float32)
    layers[:, 2, :3] += 3 * np.eye(3)[label]
    train, test = np.arange(200), np.arange(200, 300)
    right, mix = accuracy(layers, label, train, test, fifth(200, 0))
    assert right > 0.9
    assert int(mix.argmax()) == 2
    assert mix[2] > 0.5
    shuffled = rng.permutation(label)
    assert accuracy(layers[:, [0, 1, 3]], shuffled, train, test, fifth(200, 0))[0] < 0.5, "what nobody knows is not told"


@pytest.mark.parametrize(
    ("rows", "words", "said"),
    [
        ("path,word\n0.wav,up\n", ["--label", "mood"], "0.wav has no 'mood'; let the manifest say it"),
        ("path,word\n0.wav,up\n1.wav,up\n", ["--label", "word"], "one label alone, 'up'"),
        ("path,word\n0.wav,up\n1.wav,down\n2.wav,up\n", ["--label", "word"], "label 'down' has 1 recordings; give two labels or more"),
        ("path,word,speaker\n0.wav,up,s\n1.wav,down,s\n2.wav,up,s\n", ["--label", "word", "--speaker", "speaker"], "has 1 speakers"),
        ("path,word\n0.wav,up\n", ["--label", "word", "--seeds", "0"], "--seeds is 0, but must be at least 1"),
    ],
)
def test_what_is_wrong_is_said(
    rows: str, words: list[str], said: str, data: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for i in range(3):
        (tmp_path / f"{i}.wav").write_bytes((data / f"{i}.wav").read_bytes())
    (tmp_path / "m.csv").write_text(rows)
    assert main(["score", "speech", "--model", str(model), "--data", str(tmp_path / "m.csv"), *words]) == 2
    assert said in capsys.readouterr().err


def test_models_of_other_kinds_and_damaged_ones_are_told(data: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="missing or damaged"):
        open_speech_model(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(UserError, match="holds no model of speech; name a folder of `halfseen pretrain apc`"):
        open_speech_model(tmp_path)
    (tmp_path / "model.safetensors").write_bytes((model / "model.safetensors").read_bytes())
    config = json.loads((model / "config.json").read_text())
    for broken, words in (
        ({**config, "method": "magic"}, "no method of speech is called 'magic'"),
        ({**config, "shape": {**config["shape"], "width": 128}}, "weights do not fit"),
        ({**config, "shape": {"size": 3}}, "damaged"),
        ({**config, "intake": {}}, "damaged"),
        ({name: config[name] for name in config if name != "recipe"}, "no recipe"),
    ):
        (tmp_path / "config.json").write_text(json.dumps(broken))
        with pytest.raises(UserError, match=words):
            open_speech_model(tmp_path)


def test_a_model_opened_again_says_what_it_said(data: Path, tmp_path: Path) -> None:
    from halfseen.train.run import Run

    kept: list[torch.Tensor] = []
    finish = Run.finish
    sample = Sample("x", np.random.default_rng(0).normal(size=(50, 40)).astype(np.float32))

    def remembered(run: Run) -> dict[str, object]:
        found = finish(run)
        with torch.no_grad():
            kept.append(run.opened.method.eval().encode(Frames.of([sample])).pooled)  # type: ignore[attr-defined]
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "finish", remembered)
        halfseen.pretrain("apc", data, out=tmp_path / "run", rate=RATE, steps=3, net={"layers": 1, "width": 64})
    method, _ = open_speech_model(tmp_path / "run")
    with torch.no_grad():
        torch.testing.assert_close(method.encode(Frames.of([sample])).pooled, kept[0])
