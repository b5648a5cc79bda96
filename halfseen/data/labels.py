"""Labelled files to samples: texts with a class or a number, words with tags, questions with answers.

The formats, all of them also as .gz, .xz and .zst, stand in `columns`, `tagged` and `squad`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

from halfseen.contracts import Sample, UserError
from halfseen.data import tagged
from halfseen.data.columns import Columns, first_words, is_lines, read_rows
from halfseen.data.faults import all_faults, brief, did_you_mean
from halfseen.data.parallel import read_pairs
from halfseen.data.schemes import SCHEMES, Learnt, Scheme, bear_labels
from halfseen.data.squad import Answer, read_questions

__all__ = ["Answer", "Kind", "Labelled", "Learnt", "Scheme", "check_known", "keep_apart", "overlap", "read_labelled"]

Kind = Literal["classify", "pair", "tag", "span", "regress", "seq2seq"]


@dataclass(frozen=True)
class Labelled:
    """The samples of one file.

    Sample.x and Sample.meta by kind: classify and seq2seq, str and {"label": str}; pair, (str, str) and {"label": str}; regress, str or
    (str, str) and {"label": float}; tag, the words and {"tags": tuple[str, ...]}; span, (question, passage) and
    {"answers": tuple[Answer, ...], "question_id": str}. Without labels, all but "question_id" is missing.
    Sample.id is the file's name and the row (for tag, the sentence's first row; for span, the question's id).
    """

    kind: Kind
    samples: tuple[Sample, ...]
    labels: tuple[str, ...]
    """Names of classes or tags, sorted; empty for the other kinds."""
    path: str
    skipped: int = 0
    """Answers left out because they do not stand at their offset."""
    scheme: Scheme | None = None
    """How a file of kind classify or tag is laid out."""


def read_labelled(
    path: Path,
    kind: Kind,
    *,
    text: str | None = None,
    second: str | None = None,
    label: str | None = None,
    scheme: Scheme | None = None,
    labelled: bool = True,
    learnt: Learnt | None = None,
    skip_bad: bool = False,
) -> Labelled:
    """Reads one file. text, second, label: columns, by name or by number from 0, if the usual names are not there.

    scheme: the layout, if it cannot be told from suffix and content. labelled: False for a file to predict; its labels, if
    it has any, are not read. learnt: what the predicting model learnt from, for the file may look like that and bear labels.
    skip_bad: for span, leave out answers that are not in their passage.
    Raises UserError for what is wrong with the file, all faults of one sort at once.
    """
    if scheme is not None and scheme not in (fitting := SCHEMES.get(kind, ())):
        way_out = f"take one of {', '.join(fitting)}" if fitting else "leave out --scheme"
        raise UserError(f"scheme {scheme!r} is not for {kind}", where=str(path), way_out=way_out)
    if skip_bad and kind != "span":
        raise UserError(f"--skip-bad is not for {kind}", where=str(path), way_out="leave it out; span's answers alone have offsets")
    if second is not None and kind == "seq2seq":
        raise UserError(f"--second is not for {kind}", where=str(path), way_out="name the target's column with --label")
    skipped = 0
    if kind == "span":
        samples, skipped = read_questions(path, labelled=labelled, skip_bad=skip_bad)
    elif kind == "seq2seq":
        found = read_pairs(path, text=text, label=label, labelled=labelled)
        samples = [Sample(f"{path.name}#{row.number}", row.texts[0], {"label": row.label} if labelled else {}) for row in found]
    elif kind == "tag":
        sentences, scheme = tagged.read_sentences(path, scheme, labelled=labelled, learnt=learnt)
        samples = [Sample(f"{path.name}#{number}", words, {"tags": tags} if labelled else {}) for number, words, tags in sentences]
    else:
        if kind == "classify":
            scheme = scheme or ("label-first" if text is None and _is_label_first(path, learnt) else "table")
        texts = {"classify": 1, "pair": 2}.get(kind)
        columns = Columns(texts=texts, text=text, second=second, label=label, labelled=labelled, numbers=kind == "regress")
        samples = [
            Sample(
                f"{path.name}#{row.number}", row.texts[0] if len(row.texts) == 1 else row.texts, {"label": row.label} if labelled else {}
            )
            for row in read_rows(path, columns, label_first=scheme == "label-first")
        ]
        if kind == "regress" and labelled:
            samples = _with_numbers(samples, path)
    return Labelled(kind, tuple(samples), _names(samples, kind) if labelled else (), str(path), skipped, scheme)


def _is_label_first(path: Path, learnt: Learnt | None) -> bool:
    """Told only of a file to predict, whose model learnt from such lines."""
    if learnt is None or learnt.scheme != "label-first" or not is_lines(path):
        return False
    return bear_labels(first_words(path), learnt, "table", str(path))


def _with_numbers(samples: list[Sample], path: Path) -> list[Sample]:
    numbers = [_number(sample.meta["label"]) for sample in samples]
    faults = [
        f"row {sample.id.rsplit('#', 1)[1]}: score {brief(sample.meta['label'])} is not a number"
        for sample, number in zip(samples, numbers, strict=True)
        if not math.isfinite(number)
    ]
    if faults:
        raise all_faults(faults, where=str(path), way_out="write finite numbers with a decimal point")
    return [Sample(sample.id, sample.x, {"label": number}) for sample, number in zip(samples, numbers, strict=True)]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _labels_of(sample: Sample, kind: Kind) -> tuple[str, ...]:
    if kind == "tag":
        return cast(tuple[str, ...], sample.meta["tags"])
    return (sample.meta["label"],) if kind in ("classify", "pair") else ()


def _names(samples: list[Sample], kind: Kind) -> tuple[str, ...]:
    return tuple(sorted({name for sample in samples for name in _labels_of(sample, kind)}))


def overlap(train: Labelled, dev: Labelled) -> int:
    """How many of dev's samples stand in train, too: the same words, whatever stands between them."""
    known = {_words(sample.x) for sample in train.samples}
    return sum(_words(sample.x) in known for sample in dev.samples)


def keep_apart(train: Labelled, dev: Labelled) -> tuple[Labelled, int]:
    """train without the samples that stand in dev, too, and how many were left out. Raises UserError if none is left."""
    scored = {_words(sample.x) for sample in dev.samples}
    samples = [sample for sample in train.samples if _words(sample.x) not in scored]
    if not samples:
        raise UserError("every training item is scored on, too", where=train.path, way_out=f"give other rows than those of {dev.path}")
    return replace(train, samples=tuple(samples), labels=_names(samples, train.kind)), len(train.samples) - len(samples)


def _words(x: str | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in ((x,) if isinstance(x, str) else x))


def check_known(train: Labelled, dev: Labelled) -> None:
    """Raises UserError if `train` holds one label only, or `dev` one that `train` has not: nothing can be learnt of it."""
    if train.kind in ("span", "regress", "seq2seq"):
        if train.kind == "regress" and len({sample.meta["label"] for sample in train.samples}) < 2:
            raise UserError("all scores are equal", where=train.path, way_out="give training rows with different scores")
        return
    if len(train.labels) < 2:
        raise UserError(f"only one label, {train.labels[0]!r}", where=train.path, way_out="give training rows of at least two labels")
    places: dict[str, list[str]] = defaultdict(list)
    for sample in dev.samples:
        for name in _labels_of(sample, dev.kind):
            if name not in train.labels:
                places[name].append(sample.id.rsplit("#", 1)[1])
    if not places:
        return
    known = ", ".join(train.labels[:20]) + (f" and {len(train.labels) - 20} more" if len(train.labels) > 20 else "")
    if len(places) == 1:
        (name, rows), *_ = places.items()
        count = f" ({len(rows)} times)" if len(rows) > 1 else ""
        way_out = did_you_mean(name, train.labels) or f"label it so in {train.path}, too"
        raise UserError(f"label {name!r}{count} is not one of {known}", where=f"{dev.path}, row {rows[0]}", way_out=way_out)
    faults = []
    for name, rows in places.items():
        hint = did_you_mean(name, train.labels)
        faults.append(f"label {name!r} (row {rows[0]}, {len(rows)} in all{'; ' + hint if hint else ''})")
    raise all_faults(faults, where=dev.path, way_out=f"use the labels of {train.path}: {known}")
