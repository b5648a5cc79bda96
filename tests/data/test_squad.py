"""SQuAD's JSON: answers that do not say where they begin are named, or left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from halfseen.contracts import UserError
from halfseen.data.squad import read_questions

PASSAGE = "the film of 1950 moves us"


def written(folder: Path, *answers: dict[str, Any]) -> Path:
    questions = [{"id": str(i), "question": "when ?", "answers": [answer]} for i, answer in enumerate(answers)]
    path = folder / "questions.json"
    path.write_text(json.dumps({"data": [{"paragraphs": [{"context": PASSAGE, "qas": questions}]}]}))
    return path


GOOD = {"text": "1950", "answer_start": 12}


@pytest.mark.parametrize(
    "bad", [{"text": "1950"}, *({"text": "1950", "answer_start": start} for start in (None, "twelve", [12], float("inf")))]
)
def test_an_answer_without_its_place_is_named(bad: dict[str, Any], tmp_path: Path) -> None:
    path = written(tmp_path, GOOD, bad)
    with pytest.raises(UserError) as told:
        read_questions(path)
    assert str(told.value) == (
        f"{path}: question '1': answer '1950' has no answer_start; "
        "mend these questions, or leave out answers that are not in their passage (--skip-bad)"
    )
    samples, skipped = read_questions(path, skip_bad=True)
    assert ([sample.meta["question_id"] for sample in samples], skipped) == (["0"], 1)
    assert len(read_questions(path, labelled=False)[0]) == 2


def test_an_answer_that_stands_elsewhere_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, {"text": "1950", "answer_start": 3})
    with pytest.raises(UserError, match="question '0': answer '1950' does not stand at 3 in its passage"):
        read_questions(path)
