"""Questions whose answer is a span of a passage, in the JSON layout of SQuAD v1.1 (Rajpurkar et al. 2016, arXiv:1606.05250)."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halfseen.contracts import Sample, UserError
from halfseen.data.faults import all_faults, brief
from halfseen.data.files import UNREADABLE, decode_error, open_text


@dataclass(frozen=True)
class Answer:
    """start: the character of the passage where the answer begins. text: the answer itself."""

    start: int
    text: str


def read_questions(path: Path, *, labelled: bool = True, skip_bad: bool = False) -> tuple[list[Sample], int]:
    """Samples with x (question, passage), and how many answers were skipped because they do not stand at their offset.

    With `skip_bad` such answers are left out, and so is a question that has no other; else they are a fault.
    Raises UserError if the file cannot be read, has another layout, or has faults (all of them named).
    """
    found = _questions(path)
    faults = [f"question id {id_!r} occurs {n} times" for id_, n in Counter(str(q["id"]) for q, _ in found).items() if n > 1]
    samples, skipped = [], 0
    for question, passage in found:
        id_, meta = str(question["id"]), {}
        if labelled:
            listed = [(_start(answer), str(answer["text"])) for answer in question.get("answers", ())]
            answers = list(dict.fromkeys(Answer(start, text) for start, text in listed if start is not None))
            unplaced = [text for start, text in listed if start is None]
            good = [a for a in answers if a.text and passage[max(a.start, 0) :].startswith(a.text)]
            if not listed:
                faults.append(f"question {id_!r} has no answer")
            elif skip_bad:
                skipped += len(answers) - len(good) + len(unplaced)
            else:
                faults += [f"question {id_!r}: answer {brief(text)} has no answer_start" for text in unplaced]
                faults += [
                    f"question {id_!r}: answer {brief(a.text)} does not stand at {a.start} in its passage" for a in answers if a not in good
                ]
            if not good:
                continue
            meta = {"answers": tuple(good)}
        samples.append(Sample(f"{path.name}#{id_}", (str(question["question"]), passage), {**meta, "question_id": id_}))
    if faults:
        raise all_faults(
            faults, where=str(path), way_out="mend these questions, or leave out answers that are not in their passage (--skip-bad)"
        )
    if not samples:
        raise UserError("has no question", where=str(path), way_out="name a file with at least one")
    return samples, skipped


def _start(answer: dict[str, Any]) -> int | None:
    """Where an answer begins; None where that is missing, null or no number."""
    try:
        return int(answer["answer_start"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _questions(path: Path) -> list[tuple[dict[str, Any], str]]:
    """Each question with its passage."""
    with open_text(path) as file:
        try:
            text = file.read()
        except UNREADABLE as error:
            raise decode_error(path, error) from error
    if not text.strip():
        raise UserError("is empty", where=str(path), way_out="name a file with at least one question")
    try:
        articles = json.loads(text)["data"]
        found = [
            (question, paragraph["context"]) for article in articles for paragraph in article["paragraphs"] for question in paragraph["qas"]
        ]
        for question, passage in found:
            question["id"], question["question"], passage.startswith("")
            for answer in question.get("answers", ()):
                answer["text"], answer.get("answer_start")
    except json.JSONDecodeError as error:
        raise UserError(f"not JSON ({error})", where=str(path), way_out="give SQuAD's JSON layout") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"not SQuAD's layout ({type(error).__name__}: {error})",
            where=str(path),
            way_out="give data / paragraphs / context, qas / id, question, answers",
        ) from error
    return found
