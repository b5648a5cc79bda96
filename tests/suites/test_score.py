"""A suite scored from end to end: every task's figures, the mean, both of MNLI's dev parts, and the submission files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import halfseen
from halfseen.contracts import UserError
from halfseen.data.draw import permutation
from tests.tiny import model_folder

GOOD, BAD = ["the warm film moves us all", "warm and moving"], ["a dull and lifeless mess", "a bore , dull"]
PARSES = "\t".join(["p"] * 7)
ENTAILMENT = ("entailment", "neutral", "contradiction")


def table(path: Path, header: str, rows: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SST-2, MNLI and STS-B in their official layout, small; the other six are missing."""
    folder = tmp_path_factory.mktemp("glue")
    mixed = [(GOOD[i % 2], 1) if i % 3 else (BAD[i % 2], 0) for i in permutation(60, 0, 0)]
    table(folder / "SST-2/train.tsv", "sentence\tlabel", [f"{text}\t{label}" for text, label in mixed])
    table(folder / "SST-2/dev.tsv", "sentence\tlabel", [f"{text}\t{label}" for text, label in mixed[:20]])
    table(folder / "SST-2/test.tsv", "index\tsentence", [f"{i}\t{text}" for i, (text, _) in enumerate(mixed[:5])])
    pairs = [f"{i}\t{PARSES}\t{GOOD[i % 2]}\t{BAD[i % 2]}\tx\t{ENTAILMENT[i % 3]}" for i in range(30)]
    table(folder / "MNLI/train.tsv", f"index\t{PARSES}\tsentence1\tsentence2\tlabel1\tgold_label", pairs)
    for part, count in (("matched", 9), ("mismatched", 12)):
        rows = [f"{i}\t{PARSES}\ta film\ta bore\tx\tx\t{ENTAILMENT[i % 3]}" for i in range(count)]
        table(folder / f"MNLI/dev_{part}.tsv", f"index\t{PARSES}\tsentence1\tsentence2\tlabel1\tlabel2\tgold_label", rows)
        table(folder / f"MNLI/test_{part}.tsv", f"index\t{PARSES}\tsentence1\tsentence2", [f"{i}\t{PARSES}\ta\tb" for i in range(3)])
    header = "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore"
    likeness = [f"{i}\tg\tf\ty\t1\tn\tn\t{GOOD[0]}\t{(GOOD if i % 2 else BAD)[i % 2]}\t{5.0 if i % 2 else 1.0}" for i in range(30)]
    table(folder / "STS-B/train.tsv", header, likeness)
    table(folder / "STS-B/dev.tsv", header, likeness[:10])
    return folder


@pytest.fixture(scope="module")
def scored(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("scored")
    model = model_folder(folder / "model")
    found = halfseen.score("glue", model=model, data=data, out=folder / "out", seeds=1, controls=True, learning_rates=(1e-3,))
    return found, folder / "out"


def test_every_task_and_arm_has_its_official_figures(scored: tuple[dict[str, Any], Path]) -> None:
    rows = scored[0]["scores"]
    assert {row["arm"] for row in rows} == {"pretrained", "scratch", "baseline"}
    figures = [(row["task"], row["name"], row["n"]) for row in rows if row["arm"] == "pretrained"]
    assert figures == [
        ("sst2", "accuracy", 20),
        ("stsb", "pearson", 10),
        ("stsb", "spearman", 10),
        ("mnli", "accuracy", 9),
        ("mnli", "accuracy, mismatched", 12),
    ]
    assert next(row["value"] for row in rows if row["arm"] == "baseline" and row["task"] == "sst2") == 1.0, "its words tell all"


def test_the_mean_says_what_is_behind_it_and_what_is_missing(scored: tuple[dict[str, Any], Path]) -> None:
    found = scored[0]
    assert found["missing"] == ["cola", "mrpc", "qqp", "qnli", "rte", "wnli"]
    mean = next(mean for mean in found["mean"] if mean["arm"] == "scratch")
    value = {row["name"] + row["task"]: row["value"] for row in found["scores"] if row["arm"] == "scratch"}
    mnli = (value["accuracymnli"] + value["accuracy, mismatchedmnli"]) / 2
    stsb = (value["pearsonstsb"] + value["spearmanstsb"]) / 2
    assert mean["value"] == pytest.approx((value["accuracysst2"] + mnli + stsb) / 3)
    assert mean["name"] == "mean of 3 of 9 tasks, reduced: sst2, stsb, mnli"


def test_official_data_are_left_as_they_are_and_told_of(scored: tuple[dict[str, Any], Path]) -> None:
    assert scored[0]["notes"] == [
        "sst2: 20 of 20 dev items stand in the official training items, too.",
        "stsb: 10 of 10 dev items stand in the official training items, too.",
    ]


def test_submissions_answer_every_test_item(scored: tuple[dict[str, Any], Path]) -> None:
    found, out = scored
    assert sorted(found["submissions"]) == ["MNLI-m", "MNLI-mm", "SST-2"]
    lines = Path(found["submissions"]["SST-2"]).read_text().splitlines()
    assert lines[0] == "index\tprediction"
    assert [line.split("\t")[0] for line in lines[1:]] == list("01234")
    answers = {line.split("\t")[1] for line in Path(found["submissions"]["MNLI-mm"]).read_text().splitlines()[1:]}
    assert answers <= set(ENTAILMENT)
    assert (out / "report.html").stat().st_size > 10_000
    assert len(json.loads((out / "results.json").read_text())["scores"]) == len(found["scores"])


def test_a_task_without_data_is_refused_and_a_taken_folder_too(data: Path, scored: tuple[dict[str, Any], Path]) -> None:
    with pytest.raises(UserError, match="no data for rte") as told:
        halfseen.score("glue", model=scored[1].parent / "model", data=data, tasks="sst2,rte")
    assert "it holds sst2, stsb, mnli" in str(told.value)
    with pytest.raises(UserError, match="holds other results; choose another --out"):
        halfseen.score("glue", model=scored[1].parent / "model", data=data, out=scored[1])
