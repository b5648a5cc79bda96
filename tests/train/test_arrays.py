"""Runs on tables and images from start to end: learnt, interrupted, opened again, refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import halfseen
from halfseen.apps.array_model import open_array_model
from halfseen.cli import main
from halfseen.contracts import InterruptedRunError, UserError
from halfseen.data.intake import ImageIntake, TableIntake, intake_from_json, open_data
from halfseen.train.run import Run


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six columns that two numbers decide, a colour, and a label that is nobody's business."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 2)) @ rng.normal(size=(2, 6)) + 0.05 * rng.normal(size=(400, 6))
    path = tmp_path_factory.mktemp("table") / "rows.csv"
    rows = [",".join([*(f"{value:.4f}" for value in row), ["red", "blue"][i % 2], str(i % 3)]) for i, row in enumerate(x)]
    path.write_text("\n".join(["a,b,c,d,e,f,colour,kind", *rows]) + "\n")
    return path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for i in range(40):
        dark = np.full((10 + i % 2, 12), 255, np.uint8)
        dark[rng.integers(0, 9) :, : rng.integers(2, 12)] = 0
        Image.fromarray(dark).save(folder / f"{i}.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


def learnt(path: Path, out: Path, method: str = "autoencoder", **options: object) -> dict[str, object]:
    return halfseen.pretrain(method, path, out=out, **({"steps": 120, "batch": 64} | options))


def test_a_run_shows_some_held_out_images_above_what_it_makes_of_them(pictures: Path, table: Path, tmp_path: Path) -> None:
    learnt(pictures, tmp_path / "run", size=12, steps=2, batch=8)
    shown = np.asarray(Image.open(tmp_path / "run" / "rebuilt.png"))
    heldout = json.loads((tmp_path / "run" / "recipe.json").read_text())["data"]["heldout"]
    larger = shown.shape[1] // (13 * min(10, heldout) + 1)
    assert shown.shape[:2] == (larger * 27, larger * (13 * min(10, heldout) + 1))
    learnt(table, tmp_path / "rows", label="kind", steps=2)
    assert not (tmp_path / "rows" / "rebuilt.png").exists()


def test_a_table_is_learnt_better_than_by_components(table: Path, tmp_path: Path) -> None:
    summary = learnt(table, tmp_path / "run", label="kind", net={"code": 2}, steps=400)
    heldout = summary["heldout"]
    assert isinstance(heldout, dict)
    assert heldout["squared_error"] < 0.5 * heldout["mean_squared_error"]
    assert "pca_squared_error" in heldout
    method, intake = open_array_model(tmp_path / "run")
    assert isinstance(intake, TableIntake)
    assert intake.scaler.names == ("a", "b", "c", "d", "e", "f", "colour=blue", "colour=red", "colour=(other)")
    _, x = intake.read(table, label="kind")
    with torch.no_grad():
        assert method.code(torch.from_numpy(x)).shape == (400, 2)
    card = (tmp_path / "run" / "README.md").read_text()
    assert "400 rows of 7 columns" in card
    assert "principal components" in card


def test_pictures_are_brought_to_one_size(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    words = ["pretrain", "vae", str(pictures), "--out", str(out), "--steps", "60", "--size", "16", "--batch", "16", "--net.width", "4"]
    assert main([*words, "--net.code", "3", "--json"]) == 0
    said = capsys.readouterr()
    assert "passed over: 1 .txt" in said.err
    heldout = json.loads(said.out)["heldout"]
    assert heldout["bits_per_dimension"] == pytest.approx((heldout["likelihood"] + heldout["rate"]) / np.log(2))
    assert heldout["bits_per_dimension"] < 8
    method, intake = open_array_model(out)
    assert intake == ImageIntake(1, 16, 16)
    assert method.shape.of == (1, 16, 16)


def test_killed_and_gone_on_with_gives_the_same_weights(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learnt(table, tmp_path / "straight", noise="gaussian")
    write = Run.write

    def interrupted(self: Run, line: dict[str, object]) -> None:
        write(self, line)
        if line["step"] == 60:
            self.checkpoint()
            raise InterruptedRunError("stopped by the test")

    monkeypatch.setattr(Run, "write", interrupted)
    with pytest.raises(InterruptedRunError):
        learnt(table, tmp_path / "halves", noise="gaussian")
    monkeypatch.setattr(Run, "write", write)
    halfseen.resume(tmp_path / "halves")
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("straight", "halves"))
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_what_a_run_refuses(table: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*words: str) -> str:
        assert main(["pretrain", "autoencoder", *words, "--out", str(tmp_path / "run")]) == 2
        return " ".join(capsys.readouterr().err.split())

    assert "2 paths are given; name one table, or one folder of images" in refused(str(table), str(pictures))
    said = refused(str(table), "--batch", "1", "--size", "4", "--amount", "2", "--net.code", "0")
    for words in ("--batch is 1, but must be at least 2", "--size is 4, but must be at least 8", "--amount is 2.0", "--net.code is 0"):
        assert words in said
    assert "--size is given, but this is a table; leave --size away" in refused(str(table), "--size", "32")
    assert "convolutions need images, and these are rows; choose other --net options" in refused(str(table), "--net.kind", "conv")
    assert "--minutes and --steps are given; the budget is one of them" in refused(str(table), "--steps", "3", "--minutes", "1")


def test_a_strange_model_is_told(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    learnt(table, out, steps=2)
    config = json.loads((out / "config.json").read_text())
    for change, words in (
        ({"method": "bert"}, "no method of tables or images is called 'bert'; take a newer halfseen"),
        ({"shape": {**config["shape"], "width": 10**9}}, "weights do not fit the net that config.json tells of; get the folder again"),
        ({"shape": {**config["shape"], "of": [3]}}, "the net is for"),
        ({"intake": {}}, "says of neither a table nor images"),
        ({"shape": {"of": [1]}}, "damaged .*; take the file that training wrote"),
        ({"model_type": "bert"}, "holds no model of tables or images; name a folder of `halfseen pretrain autoencoder`"),
    ):
        (out / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(UserError, match=words):
            open_array_model(out)
    (out / "config.json").write_text(json.dumps(config))
    (out / "model.safetensors").write_bytes(b"short")
    with pytest.raises(UserError, match=r"missing or damaged .*; name a folder that a finished run left"):
        open_array_model(out)


def test_what_feeds_a_model_is_written_and_read(table: Path, pictures: Path) -> None:
    for path in (table, pictures):
        found = open_data(str(path))
        assert intake_from_json(json.loads(json.dumps(found.intake.to_json())), "here") == found.intake
        assert sum(len(chunk) for chunk in found.chunks) == found.count
    with pytest.raises(UserError, match=r"here: says of neither a table nor images .*; take the file that training wrote"):
        intake_from_json({"images": {"channels": 2, "height": 3, "width": 3}}, "here")
