"""A run from start to end on text that the test writes: killed, damaged, interrupted, refused."""

from __future__ import annotations

import errno
import io
import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

import halfseen
from halfseen.cli import main
from halfseen.contracts import InterruptedRunError, UserError
from halfseen.data import corpus
from halfseen.methods.recipes import BertRecipe, NetSize
from halfseen.train.checkpoint import load_checkpoint, read_checkpoint, save_checkpoint
from halfseen.train.run import catch_interrupt
from tests.processes import by_one_and_by_two

WORDS = [
    "the",
    "a",
    "cat",
    "dog",
    "house",
    "tree",
    "sees",
    "eats",
    "under",
    "over",
    "green",
    "small",
    "old",
    "new",
    "and",
    "never",
    "walks",
    "sleeps",
    "day",
    "night",
]
SMALL = ["--net.layers", "1", "--net.width", "64", "--vocabulary", "400", "--batch-tokens", "512"]


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    lines = [" ".join(rng.choice(WORDS, rng.integers(6, 30))) + "." for _ in range(1500)]
    path = tmp_path_factory.mktemp("texts") / "text.txt"
    path.write_text("\n".join(lines))
    return path


def pretrain(texts: Path, out: Path, **options: Any) -> dict[str, Any]:
    recipe = BertRecipe(net=NetSize(layers=1, width=64))
    return halfseen.pretrain("bert", texts, out=out, recipe=recipe, vocabulary=400, batch_tokens=512, **options)


def test_killed_ten_times_gives_the_same_weights(texts: Path, tmp_path: Path) -> None:
    steps = ["--steps", "800", "--checkpoint-steps", "10", "--precision", "float32", *SMALL]
    pretrain(texts, tmp_path / "straight", steps=800, checkpoint_steps=10, precision="float32")
    out, rng = tmp_path / "killed", np.random.default_rng(1)
    command, kills = ["pretrain", "bert", str(texts), "--out", str(out), *steps], 0
    while True:
        known = len(read_lines(out))
        process = subprocess.Popen([sys.executable, "-m", "halfseen.cli", *command], stderr=subprocess.DEVNULL)
        while process.poll() is None and len(read_lines(out)) in (0, known):
            time.sleep(0.01)
        time.sleep(float(rng.uniform(0.0, 0.35)))
        if kills == 10 or process.poll() is not None:
            assert process.wait() == 0
            break
        process.kill()
        process.wait()
        kills += 1
        command = ["resume", str(out)]
    assert kills == 10
    straight, killed = (load_file(tmp_path / name / "model.safetensors") for name in ("straight", "killed"))
    assert all((straight[name] == killed[name]).all() for name in straight)
    numbers = [line["step"] for line in read_lines(out)]
    assert numbers == sorted(set(numbers))


def read_lines(out: Path) -> list[dict[str, Any]]:
    """The whole lines of metrics.jsonl."""
    path = out / "metrics.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")] if path.exists() else []


def test_a_damaged_checkpoint_is_passed_over(texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    pretrain(texts, out, steps=12, checkpoint_steps=6)
    before = (out / "model.safetensors").read_bytes()
    newest, older = sorted((out / "checkpoints").iterdir(), reverse=True)
    data = (newest / "state.safetensors").read_bytes()
    (newest / "state.safetensors").write_bytes(data[: len(data) // 2])
    halfseen.resume(out)
    assert "step-00000012: damaged checkpoint (its checksum is wrong)" in " ".join(capsys.readouterr().err.split())
    assert (out / "model.safetensors").read_bytes() == before
    for folder in (out / "checkpoints").iterdir():
        (folder / "state.json").write_text("{")
    with pytest.raises(UserError, match="damaged checkpoint"):
        halfseen.resume(out)
    assert older.exists()


def test_a_full_disk_leaves_the_last_checkpoint(texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    pretrain(texts, out, steps=6)
    kept = sorted(path.name for path in (out / "checkpoints").iterdir())
    from halfseen.data import files

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    found = load_checkpoint(out / "checkpoints")
    assert found is not None
    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(UserError, match=r"state.safetensors: cannot be written \(No space left on device\); make room"):
        save_checkpoint(out / "checkpoints", 7, found[1], {})
    monkeypatch.undo()
    assert sorted(path.name for path in (out / "checkpoints").iterdir()) == kept
    assert load_checkpoint(out / "checkpoints") is not None


def fill_disk(monkeypatch: pytest.MonkeyPatch, name: str, checkpoints: Path, step: int) -> None:
    """From a checkpoint on, half of a write to a file whose name holds `name` gets through, then there is no space left."""
    opened = Path.open

    class Full(io.FileIO):
        def write(self, data: Any) -> int:
            super().write(bytes(data)[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")

    def open_(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        reached = any(found.name >= f"step-{step:08d}" for found in checkpoints.glob("step-*"))
        if reached and name in path.name and mode[0] in "wa":
            return io.BufferedWriter(Full(path, mode), 1)
        return opened(path, mode, *rest, **more)

    monkeypatch.setattr(Path, "open", open_)


@pytest.fixture(scope="module")
def straight(texts: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A run that nothing disturbs; its checkpoints stand between two lines of its metrics."""
    out = tmp_path_factory.mktemp("runs") / "straight"
    return out, pretrain(texts, out, steps=24, checkpoint_steps=7, precision="float32")


@pytest.mark.parametrize(
    "name", ["metrics.jsonl", "state.safetensors", "state.json", "tokenizer.json", "model.safetensors", "summary.json"]
)
def test_a_run_whose_disk_gets_full_goes_on_when_there_is_room(
    texts: Path, tmp_path: Path, straight: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    out = tmp_path / "run"
    fill_disk(monkeypatch, name, out / "checkpoints", 7)
    with pytest.raises(UserError, match=rf"{name}: cannot be written \(No space left on device\); make room, .* halfseen resume {out}"):
        pretrain(texts, out, steps=24, checkpoint_steps=7, precision="float32")
    monkeypatch.undo()
    assert load_checkpoint(out / "checkpoints") is not None
    summary = halfseen.resume(out)
    assert (out / "model.safetensors").read_bytes() == (straight[0] / "model.safetensors").read_bytes()
    assert summary["tokens"] == straight[1]["tokens"]
    assert summary["heldout"] == straight[1]["heldout"]
    lines = [[(line["step"], line["tokens"], line.get("loss")) for line in read_lines(run)] for run in (out, straight[0])]
    assert lines[0] == lines[1]


def test_a_full_disk_while_the_corpus_is_written(texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __init__(self, path: str, mode: str) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(corpus.pa, "OSFile", Full)
    with pytest.raises(UserError, match=r"train.arrow: cannot be written \(No space left on device\); make room"):
        pretrain(texts, tmp_path / "run", steps=2)
    monkeypatch.undo()
    assert pretrain(texts, tmp_path / "run", steps=2)["tokens"] > 0, "the same command again"


def test_a_damaged_checkpoint_is_not_counted_among_the_kept(texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    checkpoints = out / "checkpoints"
    pretrain(texts, out, steps=12, checkpoint_steps=6)
    (checkpoints / "step-00000012" / "state.json").write_text("{")
    (checkpoints / ".writing-00000003").mkdir()
    facts = json.loads((out / "recipe.json").read_text())
    (out / "recipe.json").write_text(json.dumps(facts | {"checkpoint_steps": 1}))
    fill_disk(monkeypatch, "state.safetensors", checkpoints, 7)
    with pytest.raises(UserError, match="halfseen resume"):
        halfseen.resume(out)
    monkeypatch.undo()
    assert sorted(path.name for path in checkpoints.iterdir()) == ["step-00000006", "step-00000007"]
    assert [read_checkpoint(path)[0] for path in sorted(checkpoints.iterdir())] == [6, 7]


def test_ctrl_c_saves_and_says_how_to_go_on(texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = ["pretrain", "bert", str(texts), "--out", str(out), "--steps", "100000", *SMALL]
    process = subprocess.Popen([sys.executable, "-m", "halfseen.cli", *command], stderr=subprocess.PIPE, text=True)
    while not (out / "metrics.jsonl").exists() or len((out / "metrics.jsonl").read_text().splitlines()) < 3:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"go on with: halfseen resume {out}" in said


def test_ctrl_c_twice_stops_at_once_and_says_how_to_go_on(tmp_path: Path) -> None:
    with catch_interrupt(tmp_path) as noted:
        signal.raise_signal(signal.SIGINT)
        assert noted == [signal.SIGINT]
        with pytest.raises(InterruptedRunError, match=f"go on from its newest checkpoint with: halfseen resume {tmp_path}"):
            signal.raise_signal(signal.SIGINT)


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(words) == 2
    return " ".join(capsys.readouterr().err.split())


def test_what_is_refused(texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(*words: str) -> str:
        return refused(["pretrain", "bert", *words], capsys)

    out = str(tmp_path / "run")
    assert "--minutes is 0, but must be above 0" in said(str(texts), "--out", out, "--minutes", "0")
    assert "--minutes and --steps are given" in said(str(texts), "--out", out, "--minutes", "1", "--steps", "2")
    assert "rate is 1.5, but must be above 0 and below 1" in said(str(texts), "--out", out, "--rate", "1.5")
    assert "no PATH is given" in said("--out", out)
    assert "no such file or folder" in said(str(tmp_path / "nothing"), "--out", out)
    (tmp_path / "file").write_text("x")
    assert "cannot be written" in said(str(texts), "--out", str(tmp_path / "file" / "run"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    assert "is not empty; choose another --out" in said(str(texts), "--out", str(tmp_path / "full"))
    assert "did you mean 'bert'?" in refused(["pretrain", "bort"], capsys)
    assert "did you mean 'pretrain'?" in refused(["pretain"], capsys)


def test_what_was_chosen_is_said_and_why(texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (texts.parent / "picture.png").touch()
    pretrain(texts.parent, tmp_path / "asked", steps=2, precision="float32")
    said = capsys.readouterr().err
    assert "net: 1 layers x 64 (layers and width as asked)\n" in said
    assert "batches: 512 tokens (as asked)\n" in said
    assert "steps: 2 (as asked)\n" in said
    assert "precision: float32 (as asked)\n" in said
    assert "passed over in folders: 1 .png\n" in said
    facts = json.loads((tmp_path / "asked" / "recipe.json").read_text())
    assert facts["data"]["ignored"] == {".png": 1}
    assert facts["budget"]["reason"].startswith("net: 1 layers x 64 (layers and width as asked); batches: 512")

    halfseen.pretrain("bert", texts, out=tmp_path / "on", from_=str(tmp_path / "asked"), tokens=5000.0)
    said = capsys.readouterr().err
    rates = [json.loads((tmp_path / name / "recipe.json").read_text())["optim"]["learning_rate"] for name in ("asked", "on")]
    assert rates == [1e-3, 1e-4]
    assert f"net: 1 layers x 64 (as in {tmp_path / 'asked'})\n" in said
    assert "batches: 8,192 tokens (by the time there is)\n" in said
    assert "steps: 1 (for 5,000 tokens as asked)\n" in said
    assert re.search(r"precision: (b?float\d\d) \(measured here, GFLOP/s of products: float32 [\d,]+, bfloat16 [\d,]+\)\n", said)


def test_the_fields_of_a_recipe_are_keywords(texts: Path, tmp_path: Path) -> None:
    small = {"layers": 1, "width": 64}
    asked = {"rate": 0.3, "final_rate": 0.1, "units": "word", "pairs": "order", "start": "random"}
    halfseen.pretrain("bert", str(texts), out=str(tmp_path / "run"), steps=1, vocabulary=400, net=small, optim={"kind": "adamw"}, **asked)
    facts = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert {name: facts["recipe"][name] for name in asked} == asked
    assert {name: facts["net"][name] for name in small} == small
    assert facts["optim"]["kind"] == "adamw"
    assert {field.name for field in fields(BertRecipe)} == {*asked, "net"}
    with pytest.raises(TypeError, match="rat"):
        halfseen.pretrain("bert", str(texts), out=str(tmp_path / "none"), rat=0.3)


FAULTY: list[tuple[dict[str, Any], str]] = [
    ({"vocabulary": -5}, "--vocabulary is -5, but must be at least 261"),
    ({"batch_tokens": 0}, "--batch-tokens is 0, but must be at least twice --length, 256"),
    ({"batch_tokens": -1}, "--batch-tokens is -1, but must be at least twice --length"),
    ({"checkpoint_steps": -1}, "--checkpoint-steps is -1, but must be at least 1"),
    ({"checkpoint_steps": 0}, "--checkpoint-steps is 0, but must be at least 1"),
    ({"seed": -1}, "--seed is -1, but must be between 0 and"),
    ({"seed": 2**32}, "--seed is 4294967296, but must be between 0 and"),
    ({"minutes": float("inf")}, "--minutes is inf, but must be above 0 and finite"),
    ({"minutes": float("nan")}, "--minutes is nan, but must be above 0 and finite"),
    ({"tokens": float("inf")}, "--tokens is inf, but must be above 0 and finite"),
    ({"steps": 0}, "--steps is 0, but must be above 0"),
    ({"length": 4}, "--length is 4, but must be at least 8"),
    ({"length": 600}, "--length is 600, but the net takes at most 512 tokens"),
    ({"optim": {"learning_rate": 0.0}}, "--optim.learning-rate is 0, but must be above 0"),
    ({"optim": {"matrix_rate": -1.0}}, "--optim.matrix-rate is -1, but must be above 0"),
    ({"optim": {"clip": float("nan")}}, "--optim.clip is nan, but must be above 0"),
    ({"optim": {"weight_decay": -0.1}}, "--optim.weight-decay is -0.1, but must be 0 or more"),
    ({"optim": {"warmup": 1.5}}, "--optim.warmup is 1.5, but must be between 0 and 1"),
    ({"optim": {"decay": 0.0}}, "--optim.decay is 0, but must be above 0 and at most 1"),
    ({"from_": "x", "vocabulary": 400}, "--vocabulary is given beside --from, whose model has its own"),
    ({"from_": "x", "tokenizer": "bpe"}, "--tokenizer is given beside --from, whose model has its own"),
    ({"from_": "x", "net": {"layers": 2}}, "--net is given beside --from, whose model has its own size"),
    ({"from_": "x", "start": "random"}, "--start is given beside --from, whose model has its own start"),
]


@pytest.mark.parametrize(("options", "message"), FAULTY, ids=lambda value: value if isinstance(value, str) else "")
def test_options_that_cannot_be(texts: Path, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as error:
        halfseen.pretrain("bert", texts, out=tmp_path / "run", **options)
    assert message in str(error.value)
    assert not (tmp_path / "run").exists(), "before anything is read or written"


def test_a_run_is_not_overwritten_and_keeps_its_tokenizer(texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    pretrain(texts, out, steps=2)
    with pytest.raises(UserError, match=r"holds another run; .* halfseen resume"):
        pretrain(texts, out, steps=2)
    from halfseen.data.tokenizers import train

    train(["other words"], kind="bpe", size=300).save(out)
    with pytest.raises(UserError, match="is not the tokenizer that the run was started with"):
        halfseen.resume(out)


def test_what_cannot_be_resumed(texts: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no recipe\.json; name a folder that `halfseen pretrain` wrote"):
        halfseen.resume(tmp_path)
    (tmp_path / "preparing").touch()
    with pytest.raises(UserError, match="was interrupted before its training began; give the same `halfseen pretrain` command again"):
        halfseen.resume(tmp_path)
    pretrain(texts, tmp_path / "run", steps=2)
    for checkpoint in (tmp_path / "run" / "checkpoints").iterdir():
        checkpoint.rename(tmp_path / checkpoint.name)
    with pytest.raises(UserError, match="no checkpoint; start the run anew"):
        halfseen.resume(tmp_path / "run")


def test_a_run_of_an_older_version_is_refused(texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    pretrain(texts, out, steps=2)
    facts = json.loads((out / "recipe.json").read_text())
    del facts["corpus"]
    (out / "recipe.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match="run: was written by an older halfseen; start the run anew"):
        halfseen.resume(out)


def test_a_corpus_that_is_not_the_same_is_named(texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    pretrain(texts, out, steps=2)
    path = out / "corpus" / "heldout.arrow"
    data = path.read_bytes()
    path.write_bytes(data[:-8] + bytes(8))
    with pytest.raises(UserError, match=r"corpus/heldout\.arrow: is not what the run was started with; start the run anew"):
        halfseen.resume(out)
    path.unlink()
    with pytest.raises(UserError, match=r"corpus/heldout\.arrow: cannot be read \(No such file or directory\); start the run anew"):
        halfseen.resume(out)
    path.write_bytes(data)
    (out / "corpus" / "tally.json").unlink()
    with pytest.raises(UserError, match=r"corpus: missing or damaged .*tally\.json.*; start the run anew"):
        halfseen.resume(out)


def test_two_processes_give_what_one_gives(texts: Path, tmp_path: Path) -> None:
    (alone, metrics), (together, _) = by_one_and_by_two(["bert", str(texts), "--steps=4", *SMALL], tmp_path)
    assert alone["tokens"] == together["tokens"]
    assert metrics[-1]["loss"] < metrics[1]["loss"]


def test_two_processes_say_a_mistake_once(texts: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "-m", "halfseen.cli", "pretrain", "bert", str(texts)]
    done = subprocess.run([*command, f"--out={tmp_path / 'taken'}", *SMALL], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stderr.count("taken: is not empty; choose another --out") == 1
    assert "halfseen/train" not in done.stderr, "no traceback"
