"""What a fine-tuning leaves behind when it is interrupted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from halfseen import cli
from halfseen.tasks import compare as comparing
from tests.tiny import model_folder

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """A command line that would train three times."""
    model = model_folder(tmp_path / "model")
    for name in ("train", "dev"):
        rows = ["text\tlabel", *[f"the warm film moves {name}\tgood", f"a dull lifeless {name}\tbad"] * 8]
        (tmp_path / f"{name}.tsv").write_text("\n".join(rows) + "\n")
    files = [f"--{name}={tmp_path / name}.tsv" for name in ("train", "dev")]
    return ["finetune", "classify", f"--model={model}", *files, f"--out={tmp_path / 'out'}", "--learning-rates=0.001"]


def press_ctrl_c_at(training: int, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0
    real = comparing.fit

    def fit(*args: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        if count == training:
            raise KeyboardInterrupt
        return real(*args, **options)

    monkeypatch.setattr(comparing, "fit", fit)


def test_what_is_done_is_kept(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    press_ctrl_c_at(3, monkeypatch)
    assert cli.main(words) == 130
    said = capsys.readouterr().err
    assert f"{tmp_path / 'out'}: interrupted after 2 trainings; their results and report are written" in said
    assert "give the command again for the rest" in said
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [fit["seed"] for fit in results["fits"]] == [0, 1]
    assert "interrupted" not in (tmp_path / "out" / "report.html").read_text()


def without_seconds(folder: Path) -> dict[str, Any]:
    """A comparison's results but for how long they took, and where they stand."""
    found = json.loads((folder / "results.json").read_text())
    for fit in found["fits"]:
        del fit["seconds"]
    return {name: value for name, value in found.items() if name not in ("seconds", "command")}


def test_the_same_command_fits_only_the_rest(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    words = [*words, "--controls", "--labels=8", "--seeds=2"]  # four fits of nets
    out, whole = tmp_path / "out", tmp_path / "whole"
    assert cli.main([*words, f"--out={whole}"]) == 0
    for _ in range(2):  # each start does one
        with monkeypatch.context() as patched:
            press_ctrl_c_at(2, patched)
            assert cli.main(words) == 130
    assert "interrupted after 2 trainings" in capsys.readouterr().err
    (out / "results.json").unlink()  # a power cut in the midst of a line, before any results were written
    with (out / "fits.jsonl").open("a") as file:
        file.write('{"fit": {"task": "class')
    trained = 0
    real = comparing.fit

    def counting(*args: Any, **options: Any) -> Any:
        nonlocal trained
        trained += 1
        return real(*args, **options)

    monkeypatch.setattr(comparing, "fit", counting)
    assert cli.main(words) == 0
    assert trained == 2, "of four, the two that were done are not done again"
    assert without_seconds(out) == without_seconds(whole)
    assert (out / "model" / "task.json").exists()
    assert not (out / "fits.jsonl").exists()
    assert cli.main(words) == 2
    assert "holds other results; choose another --out" in capsys.readouterr().err


def test_fits_of_another_comparison_are_not_taken(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    press_ctrl_c_at(2, monkeypatch)
    assert cli.main(words) == 130
    with (tmp_path / "train.tsv").open("a") as file:
        file.write("one more\tgood\n")
    capsys.readouterr()
    assert cli.main(words) == 2
    fits = tmp_path / "out" / "fits.jsonl"
    assert f"{fits}: holds fits of another comparison; choose another --out, or take them away" in capsys.readouterr().err
    fits.write_text("{}\n{}\n")
    assert cli.main(words) == 2
    assert "holds fits of another comparison" in capsys.readouterr().err


def test_nothing_done_leaves_nothing(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    press_ctrl_c_at(1, monkeypatch)
    assert cli.main([*words, "--json"]) == 130
    error = json.loads(capsys.readouterr().out)["error"]
    assert error == {"what": "interrupted after 0 trainings; nothing is written", "where": "", "way_out": "give the command again"}
    assert list((tmp_path / "out").iterdir()) == []


def test_ctrl_c_elsewhere_has_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    def call(arguments: list[str], as_json: bool) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "call", call)
    assert cli.main(["encode"]) == 130
    assert capsys.readouterr().err == "halfseen: interrupted; give the command again\n"


def test_dev_items_are_never_learnt(words: list[str], tmp_path: Path, capsys: Captured) -> None:
    with (tmp_path / "train.tsv").open("a") as file:
        file.write("the warm  film moves dev\tgood\n" * 3)
    assert cli.main([*words, "--seeds=1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["notes"] == ["8 of 16 dev items stand in the training file, too; its 3 rows were left out."]
    assert found["scores"][0]["labels"] == 16
    assert found["notes"][0] in (tmp_path / "out" / "report.html").read_text()


def test_a_file_is_not_scored_on_itself(words: list[str], tmp_path: Path, capsys: Captured) -> None:
    same = [f"--dev={tmp_path / 'train.tsv'}" if word.startswith("--dev") else word for word in words]
    assert cli.main(same) == 2
    assert "train.tsv: every training item is scored on, too; give other rows than those of" in capsys.readouterr().err
