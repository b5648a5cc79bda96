"""No verb writes over what is there, and none computes before it knows that it can write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from halfseen import cli
from tests.tiny import model_folder


@pytest.fixture
def words(tmp_path: Path) -> dict[str, list[str]]:
    """Every verb that writes, without its --out."""
    model = f"--model={model_folder(tmp_path / 'model')}"
    texts, rows, glue = tmp_path / "texts.txt", tmp_path / "rows.tsv", tmp_path / "glue" / "SST-2"
    texts.write_text("the warm film moves us all .\n" * 40)
    rows.write_text("text\tlabel\na warm film\tgood\na dull mess\tbad\n" * 4)
    glue.mkdir(parents=True)
    for part in ("train", "dev"):
        (glue / f"{part}.tsv").write_text("sentence\tlabel\n" + "a warm film\t1\na dull mess\t0\n" * 4)
    return {
        "pretrain": ["pretrain", "bert", str(texts), "--steps=1"],
        "finetune": ["finetune", "classify", model, f"--train={rows}", f"--dev={rows}"],
        "score": ["score", "glue", model, f"--data={glue.parent}"],
        "encode": ["encode", model, str(rows)],
        "export": ["export", model],
        "demo": ["demo"],
    }


@pytest.mark.parametrize("verb", ["pretrain", "finetune", "score", "encode", "export", "demo"])
def test_a_folder_that_cannot_be_written(
    verb: str, words: dict[str, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    out = tmp_path / "file" / "out"
    assert cli.main([*words[verb], f"--out={out}", "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["what"].startswith("cannot be written")
    assert str(out) in error["where"]
    assert error["way_out"] == "choose another --out"
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("verb", ["pretrain", "finetune", "score", "export"])
def test_a_folder_that_holds_something(verb: str, words: dict[str, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    assert cli.main([*words[verb], f"--out={out}"]) == 2
    assert f"{out}: is not empty; choose another --out" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


def test_encode_leaves_no_half_file(words: dict[str, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "vectors.npz"
    assert cli.main(["encode", "--model=nowhere", str(tmp_path / "rows.tsv"), f"--out={out}"]) == 2
    assert not out.exists()
    out.write_text("mine")
    assert cli.main([*words["encode"], f"--out={out}"]) == 2
    assert "is there already; choose another --out" in capsys.readouterr().err
    assert out.read_text() == "mine"
