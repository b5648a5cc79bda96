"""Voices as units: how well they agree with phones, their bits, and where phones begin."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from halfseen.cli import main
from halfseen.contracts import UserError
from halfseen.report.results import ScoreRow
from halfseen.suites import units
from halfseen.suites.alignment import aligned, best_cut, lexicon
from halfseen.suites.units import agreement, bits_of, joint_counts, perplexity, unit_means


def agreed(unit_N: np.ndarray, phone_N: np.ndarray) -> dict[str, float]:
    """Over two recordings."""
    cut = len(unit_N) // 2
    return agreement(joint_counts([unit_N[:cut], unit_N[cut:]], [phone_N[:cut], phone_N[cut:]]).sum(0))


def test_agreement_of_extremes() -> None:
    phone_N = np.array(["A", "B", "C", "D"] * 50)
    same = agreed(np.unique(phone_N, return_inverse=True)[1], phone_N)
    assert same == pytest.approx({"pnmi": 1.0, "phone_purity": 1.0, "cluster_purity": 1.0})
    apart = agreed(np.repeat(np.arange(2), 100), phone_N)
    assert apart == pytest.approx({"pnmi": 0.0, "phone_purity": 0.25, "cluster_purity": 0.5}, abs=1e-9)
    finer = agreed(np.arange(200), phone_N)
    assert finer["pnmi"] == pytest.approx(1.0)
    assert finer["cluster_purity"] == pytest.approx(4 / 200)
    half = agreed(np.array([0, 0, 1, 1] * 50), phone_N)
    assert half["pnmi"] == pytest.approx(0.5)


def test_bits() -> None:
    assert perplexity(np.array([5, 5, 5, 5, 0])) == pytest.approx(4)
    learnt = [np.array([0, 1] * 500)]
    # begins with 0: 2 of 3; then 1 after 0 in 501 of 502, and 0 after 1 in 500 of 501
    expected = -(np.log2(2 / 3) + np.log2(501 / 502) + np.log2(500 / 501))
    assert bits_of(learnt, [np.array([0, 1, 0]), np.array([0])], 2) == pytest.approx([expected, -np.log2(2 / 3)])
    means = unit_means(np.array([0, 0, 2]), np.array([[1.0], [3.0], [5.0]]), 3)
    assert means[:, 0].tolist() == [2, 3, 5]


def test_a_unit_is_told_once_for_all_frames_that_share_it() -> None:
    code_Q = np.random.default_rng(0).integers(0, 4, 60)
    frames = [code_Q.repeat(2)[:-1]]
    assert units.Told(4, 2, frames, frames).bits == pytest.approx(bits_of([code_Q], [code_Q], 4))
    assert units.Told(4, 1, frames, frames).bits > 1.2 * bits_of([code_Q], [code_Q], 4)


def test_cuts_are_the_best_of_all() -> None:
    for seed in range(8):
        rng = np.random.default_rng(seed)
        frames_TF, means_QF = rng.normal(size=(7, 2)), rng.normal(size=(3, 2))
        tried = []
        for cut in combinations(range(1, 7), 2):
            place = np.repeat(np.arange(3), np.diff([0, *cut, 7]))
            tried.append((np.square(frames_TF - means_QF[place]).sum(), place.tolist()))
        assert best_cut(frames_TF, means_QF).tolist() == min(tried)[1]


def test_phones_are_found_where_they_are() -> None:
    rng = np.random.default_rng(0)
    means = {phone: rng.normal(size=6) * 3 for phone in "ABCD"}
    frames, phones, truth = [], [], []
    for _ in range(40):
        said = rng.permutation(list("ABCD"))[:3].tolist()
        name_T = np.repeat(said, rng.integers(3, 9, 3))
        frames.append(np.stack([means[name] for name in name_T]) + 0.5 * rng.normal(size=(len(name_T), 6)))
        phones.append(said)
        truth.append(name_T)
    found = aligned(frames, phones)
    assert np.mean(np.concatenate(found) == np.concatenate(truth)) > 0.97
    with pytest.raises(UserError, match="a recording of 2 frames, but its word has 3 phones"):
        aligned([np.zeros((2, 6))], [["A", "B", "C"]])


def test_lexicons(tmp_path: Path) -> None:
    assert lexicon(None, ["7", "seven"]) == {"7": ["S", "EH", "V", "AH", "N"], "seven": ["S", "EH", "V", "AH", "N"]}
    (tmp_path / "words.txt").write_text("up AH P\n\ndown D AW N\n")
    assert lexicon(tmp_path / "words.txt", ["down"]) == {"down": ["D", "AW", "N"]}
    with pytest.raises(UserError, match="no phones of 'left'"):
        lexicon(tmp_path / "words.txt", ["left", "up"])


def test_units_stand_beside_frames_and_random_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "RESYNTHESISED", 6)
    import soundfile

    import halfseen
    from tests.spoken import GLIDES, said

    rows = ["path,word,speaker"]
    for who, hertz, throat in (("low", 100, 0.9), ("high", 200, 1.15)):
        for word in GLIDES:
            for i in range(6):
                soundfile.write(tmp_path / f"{who}-{word}-{i}.wav", said(hertz + 3 * i, throat, word, seed=i), 8000)
                rows.append(f"{who}-{word}-{i}.wav,{word},{who}")
    (tmp_path / "words.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "lexicon.txt").write_text("up A B C\ndown C B A\nflat D D\n")
    halfseen.pretrain("apc", tmp_path / "words.csv", out=tmp_path / "heard", steps=20, batch_frames=500, net={"layers": 1, "width": 32})
    words = ["--data", str(tmp_path / "words.csv"), "--lexicon", str(tmp_path / "lexicon.txt"), "--units", "4", "12"]
    assert main(["score", "units", "--model", str(tmp_path / "heard"), *words, "--out", str(tmp_path / "out"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    value = {(row["arm"], row["labels"], row["name"]): row["value"] for row in found["scores"]}
    assert {arm for arm, _, _ in value} == {"fbank", "model", "scratch"}
    assert value["fbank", 12, "pnmi"] > value["fbank", 4, "pnmi"] > 0.2
    assert 0 < value["model", 4, "bits_a_second"] < 200 < 100 * np.log2(12)
    assert value["fbank", 12, "word_recognised"] >= 0.5
    assert 1 <= value["model", 12, "units_used_alike"] <= 12
    assert all(row["stderr"] > 0 for row in found["scores"] if row["name"] != "word_recognised")
    assert "units tell" in (tmp_path / "out" / "report.html").read_text()
    small = {"layers": 1, "width": 32, "code": 2, "speaker": 8}
    halfseen.pretrain("disentangle", tmp_path / "words.csv", out=tmp_path / "parted", steps=20, batch_frames=500, levels=3, net=small)
    assert main(["score", "units", "--model", str(tmp_path / "parted"), *words, "--json"]) == 0
    value = {(row["arm"], row["labels"], row["name"]): row["value"] for row in json.loads(capsys.readouterr().out)["scores"]}
    own = "model, its own units"
    assert {arm for arm, _, _ in value} == {"fbank", "model", "scratch", own, "scratch, its own units"}
    assert {labels for arm, labels, _ in value if arm == own} == {9}
    assert 1 <= value[own, 9, "units_used_alike"] <= 9
    assert 0 < value[own, 9, "bits_a_second"] < 50 * np.log2(10), "a unit is told once, and stands for two frames"
    monkeypatch.setattr(units, "MOST_UNITS", 8)
    assert main(["score", "units", "--model", str(tmp_path / "parted"), *words]) == 2
    assert "9 units of its own; at most 8 are measured" in capsys.readouterr().err.replace("\n", " ")
    assert main(["score", "units", "--model", str(tmp_path / "heard"), *words[:2], "--units", "1"]) == 2
    assert "--units: 1 is below 2" in capsys.readouterr().err


def test_the_verdict_is_of_the_models_units_that_line_up_best() -> None:
    def rows(arm: str, count: int, pnmi: float) -> list[ScoreRow]:
        values = {"pnmi": pnmi, "bits_a_second": 10.0 * count, "word_recognised": 0.5}
        return [
            ScoreRow(task="units", arm=arm, name=name, value=value, n=9, stderr=0.1, seeds=1, labels=count, unit="", higher_is_better=True)
            for name, value in values.items()
        ]

    plain, random = rows("fbank", 50, 0.52), [*rows("scratch", 50, 0.9), *rows("scratch, its own units", 9, 0.1)]
    said = units.verdict([*plain, *random, *rows("model", 50, 0.56), *rows("model", 20, 0.4)], ["model"])
    assert said.startswith(
        "model: 50 units tell 56 % of what there is to know of phones (with random weights: 90 %; as many of log-mel frames: 52 %)"
    )
    assert said.endswith(", in 500 bits a second, and by them alone 50 % of the words are still recognised.")
    own = units.verdict([*plain, *random, *rows("model", 50, 0.56), *rows("model, its own units", 9, 0.6)], ["model"])
    assert own.startswith(
        "model, its own units: 9 units tell 60 % of what there is to know of phones (with random weights: 10 %), in 90 bits"
    )
    two = [*rows("one", 50, 0.5), *rows("one, random weights", 50, 0.3), *rows("two", 50, 0.6), *rows("two, random weights", 50, 0.4)]
    assert units.verdict([*plain, *two], ["one", "two"]).startswith(
        "two: 50 units tell 60 % of what there is to know of phones (with random weights: 40 %;"
    )
