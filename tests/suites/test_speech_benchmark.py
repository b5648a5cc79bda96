"""`halfseen score speech` on the tasks: rows, gains, the page, and a scoring that was killed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import halfseen
from halfseen.cli import main
from halfseen.contracts import InterruptedRunError, UserError
from halfseen.suites import speech_benchmark, speech_head
from halfseen.suites.speech_tasks import asr, joined, ks, pr, sf
from halfseen.suites.speech_tasks.sequence import Schedule
from halfseen.train.lanes import must_go_on
from tests.cores import cores
from tests.suites.speech_tasks.small_sets import write_small_sets

OURS = "pr,asr,ks,qbe,ic,sf"
ARMS = ("fbank", "fbank-normalised", "scratch", "pretrained")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_sets(tmp_path_factory.mktemp("sets"))


@pytest.fixture(scope="module")
def model(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("model") / "run"
    halfseen.pretrain("apc", data / "fsdd", out=out, rate=8000, steps=5, batch_frames=1000, net={"layers": 1, "width": 32})
    return out


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined, "PARTS_OF_COMMANDS", {"train": 20, "dev": 8, "test": 8})
    monkeypatch.setattr(speech_head, "STEPS", 10)
    for task in (pr, asr, sf):
        monkeypatch.setattr(task, "SCHEDULE", Schedule(rates=(0.01,), epochs=1))


def scored(model: Path, data: Path, *words: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["score", "speech", "--model", str(model), "--data", str(data), *words, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_every_task_has_every_arm(model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = scored(model, data, "--tasks", OURS, "--out", str(tmp_path / "out"), capsys=capsys)
    assert {(row["task"], row["arm"]) for row in found["scores"]} == {(task, arm) for task in OURS.split(",") for arm in ARMS}
    assert [row["name"] for row in found["scores"] if row["task"] == "sf" and row["arm"] == "fbank"] == ["slot_f1", "slot_cer"]
    assert all(task["stands_in_for"] not in (None, task["material"]) for task in found["tasks"].values())
    assert found["tasks"]["ks"]["speakers"] == {"train": 5, "dev": 1, "test": 2}
    assert 0.3 <= found["tasks"]["ks"]["chance"] <= 0.4
    assert [(fit["arm"], fit["task"]) for fit in found["fits"]] == [(arm, task) for arm in ARMS for task in OURS.split(",")]
    by_key = {(row["task"], row["arm"]): row["value"] for row in found["scores"] if row["task"] == "pr"}
    gained = found["gains"]["pretrained"]["pr"][0]["value"]
    assert gained == pytest.approx(1 - by_key["pr", "pretrained"] / by_key["pr", "fbank"])
    mean = {row["arm"]: row for row in found["mean"]}["pre-trained"]
    each = {task: sum(one["value"] for one in some) / len(some) for task, some in found["gains"]["pretrained"].items()}
    assert mean["value"] == pytest.approx(sum(each.values()) / len(each))
    assert found["notes"][0].startswith("Stand-ins: digit strings (pr, asr) for LibriSpeech; words (ks) for Speech Commands v1; ")
    assert found["notes"][1] == "By chance, in %: ks 33.3, ic 25.0."
    assert "of what FBANK leaves to be won, in the mean over" in found["verdict"]
    page = (tmp_path / "out" / "report.html").read_text()
    for words in (
        "Gain over FBANK",
        "<svg",
        "FBANK",
        "random weights",
        "digit strings",
        "Chosen on dev, never on test",
        "<br><span><i>ks</i>",
    ):
        assert words in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_on_the_benchmarks_own_material_its_own_fbank_is_gained_over(
    model: Path, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    three_words = ks.three_words

    def called_official(*given: Any) -> Any:
        material = three_words(*given)
        assert material is not None
        return replace(material, official=True)

    monkeypatch.setattr(ks, "three_words", called_official)
    found = scored(model, data, "--tasks", "ks", "--no-controls", capsys=capsys)
    by_arm = {row["arm"]: row["value"] for row in found["scores"]}
    assert list(by_arm) == ["fbank", "fbank-normalised", "pretrained"]
    own, best = by_arm["fbank-normalised"], 0.9786
    assert own != by_arm["fbank"]
    assert set(found["gains"]) == {"fbank", "pretrained"}
    for arm, gains in found["gains"].items():
        assert gains["ks"][0]["value"] == pytest.approx((by_arm[arm] - own) / (best - own))
    mixed = scored(model, data, "--tasks", "ks,ic", "--no-controls", capsys=capsys)
    assert {arm: set(gains) for arm, gains in mixed["gains"].items()} == {
        "fbank": {"ks"}, "fbank-normalised": {"ic"}, "pretrained": {"ks", "ic"},
    }  # fmt: skip
    assert not [note for note in mixed["notes"] if "leaves nothing to gain" in note]


def test_the_terminal_shows_gains(model: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "speech", "--model", str(model), "--data", str(data), "--tasks", "ks", "--no-controls"]) == 0
    said = capsys.readouterr().out
    assert "gain over FBANK" in said
    assert "words" in said
    assert "random weights" not in said


def test_figures_are_the_same_on_any_number_of_cores(model: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("halfseen.suites.speech_tasks.arm.TOGETHER", 5)
    found = []
    for count in (1, 3):
        with cores(count):
            found.append(halfseen.score("speech", model=model, data=data, tasks="pr,asr,ks,qbe,ic"))
    assert found[0]["scores"] == found[1]["scores"]
    one, three = ([(fit["arm"], fit["task"], fit["value"]) for fit in each["fits"]] for each in found)
    assert one == three, "in the order of the tasks, whichever ends first"


def test_a_killed_scoring_goes_on(model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"model": model, "data": data, "tasks": "ks,ic", "out": tmp_path / "out", "seeds": 2}
    whole = halfseen.score("speech", **{**asked, "out": None})
    judged = speech_benchmark.judged

    def killed(cell: Any, *given: Any) -> Any:
        if (cell.arm, cell.task.name, cell.seed) == ("fbank-normalised", "ic", 0):
            raise KeyboardInterrupt
        while cell.arm == "fbank-normalised" and cell.seed == 1:
            must_go_on()
        return judged(cell, *given)

    with monkeypatch.context() as patch:
        patch.setattr(speech_benchmark, "judged", killed)
        with pytest.raises(InterruptedRunError, match="interrupted after 5 scores; they are kept; give the same command again"):
            halfseen.score("speech", **asked)
    scored: list[str] = []
    for task in (speech_benchmark.TASKS["ks"], speech_benchmark.TASKS["ic"]):
        score = type(task).score
        patched = lambda self, arm, *rest, score=score: scored.append(arm.name) or score(self, arm, *rest)  # noqa: E731
        monkeypatch.setattr(type(task), "score", patched)
    with pytest.raises(UserError, match="holds fits of another comparison"):
        halfseen.score("speech", **{**asked, "seeds": 1})
    again = halfseen.score("speech", **asked)
    assert scored == ["fbank-normalised"] * 3 + ["scratch"] * 4 + ["pretrained"] * 4
    assert again["scores"] == whole["scores"]
    assert again["scores"][0]["seeds"] == 2
    with pytest.raises(UserError, match="holds other results; choose another --out"):
        halfseen.score("speech", **asked)


def test_seeds_may_have_unlike_numbers_of_recordings(model: Path, tmp_path: Path) -> None:
    data = write_small_sets(tmp_path / "sets")
    sorted(data.glob("speech_commands3/**/*.wav"))[0].unlink()
    found = halfseen.score("speech", model=model, data=data, tasks="ks", seeds=4, controls=False, out=tmp_path / "out")
    counts = [fit["labels"] for fit in found["fits"]]
    assert len(set(counts)) == 1, "a point of the curve, whoever is learnt from"
    assert (tmp_path / "out" / "report.html").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tasks", "kss"], "no task of speech is called 'kss'; did you mean 'ks'?"),
        (["--tasks", "er"], "no data for er (IEMOCAP); name a folder that holds these, or the small sets"),
        (["--speaker", "s"], "--speaker is given without --label"),
        (["--label", "word", "--tasks", "ks"], "--tasks is for the tasks, not for --label"),
        (["--label", "word", "--no-controls"], "--no-controls is for the tasks, not for --label"),
        (["--seeds", "0"], "--seeds is 0, but must be at least 1"),
    ],
)
def test_what_is_wrong_is_said(words: list[str], said: str, model: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "speech", "--model", str(model), "--data", str(data), *words]) == 2
    assert said in capsys.readouterr().err


def test_folders_without_data(model: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no data for pr .LibriSpeech., asr .*; name a folder that holds these, or the small sets"):
        halfseen.score("speech", model=model, data=tmp_path)
