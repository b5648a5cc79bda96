"""Who judges a converted voice, what each code holds, and the verb that says both."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import soundfile
import torch

import halfseen
from halfseen.apps.vocoder import Source
from halfseen.cli import main
from halfseen.contracts import Array
from halfseen.data.logmel import LogMel
from halfseen.suites import voice, voice_judges
from halfseen.suites.voice import Recording, deal, vocoders_of
from halfseen.suites.voice_judges import (
    WordJudge,
    aligned_mean,
    brought,
    cepstra,
    distortion_db,
    drawn_batches,
    middle,
    pitch_correlation,
    varied,
)
from halfseen.suites.voice_probe import flat
from tests.spoken import GLIDES, said

RATE = 8000
HEARD = LogMel(RATE, 40)


def cheapest(cost: Array, t: int = 0, u: int = 0) -> list[float]:
    """Costs along the cheapest path from (t, u) on, by trying all."""
    if (t, u) == (cost.shape[0] - 1, cost.shape[1] - 1):
        return [cost[t, u]]
    on = [cheapest(cost, a, b) for a, b in ((t + 1, u + 1), (t + 1, u), (t, u + 1)) if a < cost.shape[0] and b < cost.shape[1]]
    return [cost[t, u], *min(on, key=sum)]


def test_alignment_is_the_cheapest_of_all_paths() -> None:
    for seed in range(10):
        cost = np.random.default_rng(seed).random((4, 5))
        assert aligned_mean(cost) == pytest.approx(float(np.mean(cheapest(cost))))


def test_distortion_has_no_loudness_and_no_tempo() -> None:
    raw_TF = HEARD.raw(said(120, 1.0))
    assert distortion_db(raw_TF, raw_TF + 3.0) == pytest.approx(0, abs=1e-5)
    assert distortion_db(raw_TF, raw_TF.repeat(2, 0)) == pytest.approx(0, abs=1e-5)
    ripple_F = 0.8 * np.cos(np.pi * 3 * (np.arange(40) + 0.5) / 40)  # a third cepstral coefficient of 0.2, in the amplitude's logarithm
    assert distortion_db(raw_TF, raw_TF + ripple_F) <= 10 / np.log(10) * np.sqrt(2) * 0.2 + 1e-5
    assert cepstra(ripple_F[None])[0, 2] == pytest.approx(0.2)


def test_a_tune_is_its_own_whatever_its_pitch() -> None:
    from halfseen.data.pitch import pitch_of

    x_N = said(120, 1.0)
    hertz_P = pitch_of(x_N, RATE)
    assert pitch_correlation(hertz_P, x_N, RATE) == pytest.approx(1.0)
    assert pitch_correlation(1.7 * hertz_P, x_N, RATE) == pytest.approx(1.0)
    assert pitch_correlation(np.zeros_like(hertz_P), x_N, RATE) is None


@pytest.fixture(autouse=True)
def quickly_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_judges, "STEPS", 60)


def test_words_are_told_whoever_says_them() -> None:
    words = list(GLIDES)
    made = [(i, HEARD.raw(said(90 + 25 * s, 0.85 + 0.05 * s, word, seed=s))) for s in range(8) for i, word in enumerate(words)]
    lesson, test = made[:18], made[18:]
    tell = WordJudge([raw_TF for _, raw_TF in lesson], np.array([i for i, _ in lesson]))
    assert [tell(raw_TF) for _, raw_TF in test] == [i for i, _ in test]
    ripple_F = np.sin(np.arange(40) / 5)
    assert [tell(raw_TF + ripple_F) for _, raw_TF in test] == [i for i, _ in test], "in another room"
    again = WordJudge([raw_TF for _, raw_TF in lesson], np.array([i for i, _ in lesson]))
    for one, other in zip(tell.net.parameters(), again.net.parameters(), strict=True):
        assert torch.equal(one, other)


def test_what_a_recogniser_hears_has_neither_loudness_nor_tempo() -> None:
    raw_TF = HEARD.raw(said(120, 1.0))
    heard_MF = brought(raw_TF)
    np.testing.assert_allclose(brought(raw_TF + 4), heard_MF, atol=1e-5)
    noise_TF, common_F = np.random.default_rng(0).uniform(-2, 2, (70, 40)), np.sin(np.arange(40))
    less_F = common_F / 2 - common_F.mean() / 2
    np.testing.assert_allclose(brought(noise_TF + common_F) - brought(noise_TF), np.tile(less_F / 2, (64, 1)), atol=1e-5)
    line_TF = np.linspace(0, 6, 31)[:, None].repeat(3, 1)
    np.testing.assert_allclose(brought(line_TF), brought(np.linspace(0, 6, 400)[:, None].repeat(3, 1)), atol=1e-5)
    assert brought(np.ones((1, 3))).shape == heard_MF[:, :3].shape


def test_recordings_are_varied_and_each_is_learnt_once_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    raw_TF, draw = HEARD.raw(said(120, 1.0)), np.random.default_rng(0)
    some = [varied(raw_TF, draw) for _ in range(20)]
    assert len({len(each) for each in some}) > 1
    assert all(len(raw_TF) * 3 / 4 <= len(each) <= len(raw_TF) for each in some)
    assert all(len(varied(raw_TF[:count], draw)) == count for count in (1, 7))
    monkeypatch.setattr(voice_judges, "STEPS", 5)
    monkeypatch.setattr(voice_judges, "BATCH", 4)
    batches = list(drawn_batches(10, draw))
    assert [len(batch) for batch in batches] == [4, 4, 2, 4, 4]
    assert sorted(np.concatenate(batches[:3])) == list(range(10))


def test_pieces_of_time() -> None:
    assert flat(np.arange(16.0)[:, None]).tolist() == [0.5 + 2 * i for i in range(8)]
    assert len(flat(np.ones((3, 2)))) == 16
    assert np.linalg.norm(middle([np.array([1.0, 0.0]), np.array([0.0, 1.0])])) == pytest.approx(1)


def test_recordings_are_dealt_out_once_each() -> None:
    made = [Recording(Source(np.zeros(1), RATE), np.zeros((1, 1)), who, word) for who, word, _ in product("ab", "xyz", range(10))]
    dealt = deal(made, 0)
    parts = [dealt.source, dealt.known, dealt.target, dealt.lesson]
    assert [len(part) for part in parts] == [6, 6, 24, 24]
    assert len({id(one) for part in parts for one in part}) == 60
    assert [id(one) for one in deal(made, 0).source] == [id(one) for one in dealt.source]
    assert [id(one) for one in deal(made, 1).source] != [id(one) for one in dealt.source]


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two voices say three words, ten times each: words.csv; and a model of other voices, `codes`."""
    folder = tmp_path_factory.mktemp("spoken")
    rows = ["path,word,speaker"]
    for who, hertz, throat in (("low", 100, 0.9), ("high", 200, 1.15)):
        for word, i in product(GLIDES, range(10)):
            soundfile.write(folder / f"{who}-{word}-{i}.wav", said(hertz + 2 * i, throat, word, seconds=0.4 + 0.02 * i, seed=i), RATE)
            rows.append(f"{who}-{word}-{i}.wav,{word},{who}")
    (folder / "words.csv").write_text("\n".join(rows) + "\n")
    (folder / "others").mkdir()
    for i, word in product(range(6), GLIDES):
        soundfile.write(folder / "others" / f"{i}-{word}.wav", said(90 + 30 * i, 0.85 + 0.06 * i, word, seed=i), RATE)
    halfseen.pretrain("disentangle", folder / "others", out=folder / "codes", steps=60, batch_frames=300, net={"layers": 1, "width": 32})
    halfseen.pretrain("vocoder", folder / "others", out=folder / "sounds", steps=30, net={"layers": 1, "width": 32})
    return folder


class Tone:
    """A judge that knows voices by where their energy lies, in place of the package that judges."""

    def __call__(self, x_N: Array, rate: int) -> Array:
        spectrum = np.abs(np.fft.rfft(x_N, 4096))[:1024].reshape(32, -1).mean(1)
        return np.asarray(spectrum / np.linalg.norm(spectrum))


def test_all_arms_are_judged_and_can_be_heard(
    spoken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(voice, "VoiceJudge", Tone)
    words = ["--model", str(spoken / "codes"), "--data", str(spoken / "words.csv"), "--each", "1", "--recordings", "1,2"]
    assert main(["score", "voice", *words, "--vocoders", "world", str(spoken / "sounds"), "--out", str(tmp_path / "out"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    scores = {(row["task"], row["arm"], row["labels"], row["name"]): row for row in found["scores"]}
    judged = [row for (task, _, _, name), row in scores.items() if (task, name) == ("voice", "target_voice_chosen")]
    assert {(row["arm"], row["labels"]) for row in judged} == {
        ("source as it is", 2), ("source, world", 2), ("target itself", 2), ("target, world", 2),
        ("codes, world", 1), ("neighbours, world", 1), ("codes, world", 2), ("neighbours, world", 2),
        ("source, neural", 2), ("target, neural", 2),
        ("codes, neural", 1), ("neighbours, neural", 1), ("codes, neural", 2), ("neighbours, neural", 2),
    }  # fmt: skip
    assert all(row["n"] == 6 for row in judged), "two pairs of speakers, three words"
    value = {(arm, name): row["value"] for (_, arm, labels, name), row in scores.items() if labels == 2}
    assert value["source as it is", "target_voice_chosen"] == 0
    assert value["target itself", "target_voice_chosen"] == 1
    assert value["target itself", "mel-cepstral_distortion"] == pytest.approx(0, abs=1e-6)
    assert value["source as it is", "pitch_correlation"] == pytest.approx(1)
    assert value["neighbours, world", "target_voice_chosen"] > 0.5
    tasks = {(row["task"], row["arm"]): row["value"] for row in found["scores"] if row["name"] == "accuracy"}
    assert tasks["which word, told from", "log-mel frames"] > 0.9
    assert tasks["which speaker, told from", "model: speaker code"] > 0.9
    assert "its voice is chosen over the source's in" in found["verdict"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("<audio") == 3 * 10
    assert "data:audio/wav;base64," in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_vocoders_are_called_by_what_they_are_or_where(spoken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = str(spoken / "sounds"), str(tmp_path / "other")
    copytree(one, other)
    assert list(vocoders_of(("griffin-lim", one), HEARD)) == ["griffin-lim", "neural"]
    assert list(vocoders_of((one, "world", other), HEARD)) == [one, "world", other]
    words = ["score", "voice", "--model", str(spoken / "codes"), "--data", str(spoken / "words.csv"), "--vocoders"]
    for given, told in ((["world", "world"], "--vocoders names one twice; name each once"), (["vinyl"], "no vocoder 'vinyl'")):
        assert main([*words, *given]) == 2
        assert told in capsys.readouterr().err


def test_real_judges_know_voices(spoken: Path) -> None:
    pytest.importorskip("resemblyzer")
    from halfseen.suites.voice_judges import VoiceJudge

    judge = VoiceJudge()
    low, low_again, high = (
        judge(soundfile.read(spoken / f"{name}-up-{i}.wav", dtype="float32")[0], RATE) for name, i in (("low", 1), ("low", 5), ("high", 2))
    )
    assert low @ low_again > low @ high
    assert np.linalg.norm(low) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("rows", "words", "told"),
    [
        ("path,word,speaker\nlow-up-0.wav,up,\n", [], "low-up-0.wav has no 'speaker'"),
        ("path,word,speaker\nlow-up-0.wav,up,low\n", [], "fewer than two speakers, or than two words"),
        (
            "path,word,speaker\nlow-up-0.wav,up,low\nlow-down-0.wav,down,low\nhigh-up-0.wav,up,high\n", [],
            "low says 'up' 1 times, low says 'down' 1 times, high says 'up' 1 times; give 4 recordings of each word of each speaker",
        ),
        ("path,word,speaker\nlow-up-0.wav,up,low\n", ["--each", "0"], "--each is 0, but must be at least 1"),
        ("path,word,speaker\nlow-up-0.wav,up,low\n", ["--recordings", "few"], "--recordings: 'few' is neither a number above 0 nor 'all'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(rows: str, words: list[str], told: str, spoken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (spoken / "some.csv").write_text(rows)
    assert main(["score", "voice", "--model", str(spoken / "codes"), "--data", str(spoken / "some.csv"), *words]) == 2
    assert told in capsys.readouterr().err
