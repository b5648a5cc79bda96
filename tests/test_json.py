"""What `--json` prints has the keys that were promised, no more and no fewer; and Python takes text where the command line does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import halfseen
from halfseen import cli
from halfseen.contracts import UserError
from tests.tiny import ENGLISH, model_folder

ROW = {"task", "arm", "name", "value", "n", "stderr", "seeds", "labels", "unit", "higher_is_better"}
Captured = pytest.CaptureFixture[str]


def said(words: list[str], capsys: Captured) -> dict[str, Any]:
    assert cli.main([*words, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return model_folder(tmp_path / "model")


def entities(folder: Path) -> Path:
    path = folder / "names.bio"
    lines = [f"{name}\tB-PER\n{verb}\tO\nhome\tO\n\n" for name in ("Ann", "Bob", "Cid", "Dan") for verb in ("walks", "runs")]
    path.write_text("".join(lines))
    return path


def test_pretrain(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "texts.txt").write_text("\n".join(f"{text} {i}" for i, text in enumerate(ENGLISH)))
    small = ["--net.layers=1", "--net.width=32", "--vocabulary=300", "--steps=2"]
    found = said(["pretrain", "bert", str(tmp_path / "texts.txt"), f"--out={tmp_path / 'run'}", *small], capsys)
    assert found.keys() == {"dir", "tokens", "tokens_per_s", "seconds", "heldout", "net"}
    assert {"loss", "accuracy", "unigram_loss", "unigram_accuracy"} <= found["heldout"].keys()
    assert {"layers", "width", "parameters"} <= found["net"].keys()


def test_finetune_by_entities(model: Path, tmp_path: Path, capsys: Captured) -> None:
    """BIO tags are judged by entity F1 first, and by the accuracy of tags."""
    path = entities(tmp_path)
    dev = tmp_path / "dev.bio"
    dev.write_text(path.read_text().replace("home", "away"))
    files = [f"--train={path}", f"--dev={dev}", f"--out={tmp_path / 'out'}"]
    found = said(["finetune", "tag", f"--model={model}", *files, "--seeds=1", "--controls", "--learning-rates=0.003"], capsys)
    assert {"scores", "seconds"} <= found.keys()
    assert all(row.keys() == ROW for row in found["scores"])
    assert {row["arm"] for row in found["scores"]} == {"pretrained", "scratch", "baseline", "most-frequent"}
    assert [row["name"] for row in found["scores"] if row["arm"] == "baseline"] == ["entity_f1", "tag_accuracy"]
    assert next(row["value"] for row in found["scores"] if row["arm"] == "baseline") == 1.0, "each name stands in training, too"


def test_score(model: Path, tmp_path: Path, capsys: Captured) -> None:
    folder = tmp_path / "glue" / "SST-2"
    folder.mkdir(parents=True)
    for part in ("train", "dev"):
        (folder / f"{part}.tsv").write_text("sentence\tlabel\n" + "a warm film\t1\na dull mess\t0\n" * 4)
    words = ["score", "glue", f"--model={model}", f"--data={folder.parent}", "--seeds=1", "--learning-rates=0.001"]
    found = said(words, capsys)
    assert {"scores", "mean", "missing", "seconds"} <= found.keys()
    assert all(row.keys() == ROW for row in found["scores"])
    made = halfseen.score("glue", model=str(model), data=str(folder.parent), out=str(tmp_path / "out"), seeds=1, learning_rates=(1e-3,))
    assert [row["value"] for row in made["scores"]] == [row["value"] for row in found["scores"]]
    with pytest.raises(UserError, match=r"GLUE has no task 'sst3'; did you mean 'sst2'\?"):
        halfseen.score("glue", model=str(model), data=str(folder.parent), tasks="sst2,sst3", out=str(tmp_path / "other"))
    assert not (tmp_path / "other").exists(), "names are looked at before anything is made"


def test_fill_and_errors(model: Path, capsys: Captured) -> None:
    found = said(["fill", f"--model={model}", "the [MASK] film", "--top=2"], capsys)
    assert found.keys() == {"text", "blanks"}
    assert [candidate.keys() for candidate in found["blanks"][0]] == [{"token", "probability"}] * 2
    assert cli.main(["fill", f"--model={model}", "the [MASK] film", "--top=0", "--json"]) == 2
    assert json.loads(capsys.readouterr().out) == {"error": {"what": "--top is 0, but must be at least 1", "where": "", "way_out": ""}}
