"""Corruptions side by side: what is trained once is kept, and what cannot be compared is refused before anything is trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import halfseen
from halfseen.contracts import UserError
from halfseen.suites import corruptions
from halfseen.suites.options import CORRUPTIONS, OBJECTIVES
from halfseen.tasks.seq2seq import Seq2Seq

SMALL: dict[str, Any] = {"steps": 2, "vocabulary": 320, "seeds": 1, "labels": "8", "learning_rates": (1e-3,)}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(Seq2Seq, "epochs_for", lambda self, count: 1)
    lines = [f"a {what} number {i} in the town" for i in range(200) for what in ("dog", "cat")]
    (tmp_path / "text.txt").write_text("\n".join(lines) + "\n")
    for part, begin in (("train", 0), ("dev", 60)):
        (tmp_path / f"{part}.tsv").write_text("".join(f"{line}\t{line.upper()}\n" for line in lines[begin : begin + 20]))
    return {"paths": str(tmp_path / "text.txt"), "train": tmp_path / "train.tsv", "dev": tmp_path / "dev.tsv"}


def small_net() -> Any:
    from halfseen.methods.recipes import NetSize

    return NetSize(layers=1, width=32, max_length=128)


def test_each_is_trained_once_and_all_stand_side_by_side(files: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    common = {**files, **SMALL, "out": out, "net": small_net()}
    wanted = "permute+infill,mass,rate-0.5"
    trained: list[str] = []
    real = corruptions.pretrain

    def stops_at_the_last(method: str, *given: Any, **options: Any) -> Any:
        trained.append(method)
        if len(trained) == 3:
            raise KeyboardInterrupt
        return real(method, *given, **options)

    monkeypatch.setattr(corruptions, "pretrain", stops_at_the_last)
    with pytest.raises(KeyboardInterrupt):
        halfseen.compare_corruptions(corruptions=wanted, **common)
    found = halfseen.compare_corruptions(corruptions=wanted, **common)
    assert trained == ["bart", "mass", "t5", "t5"], "what was trained is not trained again"
    arms = ["permute+infill", "mass", "rate-0.5", "scratch", "baseline"]
    assert [row["arm"] for row in found["scores"] if row["name"] == "bleu"] == arms
    assert (out / "report.html").exists()
    recipes = {name: json.loads((out / name / "recipe.json").read_text())["recipe"] for name in arms[:3]}
    assert recipes["permute+infill"]["corruptions"] == ["permute", "infill"]
    assert recipes["rate-0.5"]["rate"] == 0.5
    with pytest.raises(UserError, match="scores: holds other results; choose another --out, or take them away"):
        halfseen.compare_corruptions(corruptions=wanted, **common)
    (out / "scores").rename(out / "earlier")
    (out / "scores").mkdir()  # as a comparison leaves it that was interrupted while fine-tuning
    with pytest.raises(UserError, match=r"mass: holds another run; choose another --out, or take it away"):
        halfseen.compare_corruptions(corruptions="mass", **common | {"steps": 3})
    (out / "scores" / "fits.jsonl").write_text("{}\n")  # as a kill leaves it: the fine-tuning is begun, and refuses what is not its own
    with pytest.raises(UserError, match=r"fits.jsonl: holds fits of another comparison"):
        halfseen.compare_corruptions(corruptions=wanted, **common)


def test_what_cannot_be_compared_is_refused_at_once(files: dict[str, Any], tmp_path: Path) -> None:
    common = {**files, "out": tmp_path / "out"}
    with pytest.raises(UserError) as refused:
        halfseen.compare_corruptions(corruptions="infil,mass", minutes=1.0, steps=0, seeds=0, labels="x", **common)
    for fault in (
        "--corruptions: no 'infil'; did you mean 'infill'?",
        "--minutes and --steps are given; the budget is one of them",
        "--steps is 0, but must be above 0 and finite",
        "--seeds is 0, but must be at least 1",
        "--labels: 'x' is neither a number above 0 nor 'all'",
        "see `halfseen compare corruptions --help`",
    ):
        assert fault in str(refused.value)
    with pytest.raises(UserError, match="--corruptions names none"):
        halfseen.compare_corruptions(corruptions="", **common)
    files["dev"].write_text("one\t\n")
    with pytest.raises(UserError, match="row 1 has an empty target"):
        halfseen.compare_corruptions(**common)
    assert not (tmp_path / "out").exists()


def test_every_corruption_is_a_recipe() -> None:
    from halfseen.methods import METHODS

    for method, given in CORRUPTIONS.values():
        assert METHODS[method][1](**given).faults() == []
    assert len(OBJECTIVES) == 10
