"""A fine-tuned model answers for files with labels and without, and never takes a label for a word of the text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import halfseen
from halfseen import cli
from halfseen.contracts import UserError
from halfseen.data.labels import read_labelled
from halfseen.data.schemes import SCHEMES
from halfseen.tasks.saved import FILE, load_learnt
from halfseen.tasks.task import Task
from tests.tiny import model_folder

TAGGED = [(("the", "DET"), ("film", "NOUN"), (("moves", "bores")[i % 2], "VERB"), (f"us{i}", "PRON")) for i in range(12)]
TEXTS = [f"{('the warm film', 'a dull mess')[i % 2]} {i}" for i in range(12)]
CLASSES = [("good", "bad")[i % 2] for i in range(12)]


def conllu() -> str:
    return "\n".join("".join(f"{j}\t{w}\t{w}\t{t}" + "\t_" * 6 + "\n" for j, (w, t) in enumerate(s, 1)) for s in TAGGED)


def squad(bad: int = 0) -> str:
    asked = []
    for year in range(1950, 1962):
        answer = {"text": str(year), "answer_start": 4 if year < 1950 + bad else 12}
        passage = f"the film of {year} moves us"
        asked.append({"context": passage, "qas": [{"id": str(year), "question": "when ?", "answers": [answer]}]})
    return json.dumps({"data": [{"paragraphs": asked}]})


WORDS = "".join(" ".join(word for word, _ in s) + "\n" for s in TAGGED)
LINES = "".join(f"{text}\n" for text in TEXTS)

FORMATS: dict[str, tuple[Any, str, dict[str, Any], str, str]] = {
    "conllu": ("tag", "a.conllu", {}, conllu(), WORDS),
    "conllu in txt": ("tag", "a.txt", {}, conllu(), WORDS),
    "columns": ("tag", "a.txt", {}, "\n".join("".join(f"{w} {t}\n" for w, t in s) for s in TAGGED), WORDS),
    "columns, untagged too": (
        "tag",
        "a.txt",
        {},
        "\n".join("".join(f"{w}\t{t}\n" for w, t in s) for s in TAGGED),
        "\n".join("".join(f"{w}\n" for w, _ in s) for s in TAGGED),
    ),
    "bio": ("tag", "a.bio", {}, "\n".join("".join(f"{w} {t}\n" for w, t in s) for s in TAGGED), WORDS),
    "word/tag": ("tag", "a.txt", {}, "".join(" ".join(f"{w}/{t}" for w, t in s) + "\n" for s in TAGGED), WORDS),
    "label-first": (
        "classify",
        "a.txt",
        {"scheme": "label-first"},
        "".join(f"{c} {t}\n" for c, t in zip(CLASSES, TEXTS, strict=True)),
        LINES,
    ),
    "tsv": ("classify", "a.tsv", {}, "text\tlabel\n" + "".join(f"{t}\t{c}\n" for t, c in zip(TEXTS, CLASSES, strict=True)), LINES),
    "csv": ("classify", "a.csv", {}, "label,text\n" + "".join(f"{c},{t}\n" for t, c in zip(TEXTS, CLASSES, strict=True)), LINES),
    "jsonl": (
        "classify",
        "a.jsonl",
        {},
        "".join(json.dumps({"text": t, "label": c}) + "\n" for t, c in zip(TEXTS, CLASSES, strict=True)),
        LINES,
    ),
    "pair": (
        "pair",
        "a.tsv",
        {},
        "premise\thypothesis\tlabel\n" + "".join(f"{t}\tit is {t}\t{c}\n" for t, c in zip(TEXTS, CLASSES, strict=True)),
        "".join(f"{t}\tit is {t}\n" for t in TEXTS),
    ),
    "regress": ("regress", "a.tsv", {}, "text\tscore\n" + "".join(f"{t}\t{i}\n" for i, t in enumerate(TEXTS)), LINES),
    "squad": ("span", "a.json", {}, squad(), squad().replace('"answers"', '"hints"')),
}
"""Kind, the training file's name, options, its content, and the same without labels."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_folder(tmp_path_factory.mktemp("predict") / "model")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Task, "epochs_for", lambda self, count: 1)


def other(content: str) -> str:
    """The same with other words, as what is scored on is left out of the training."""
    return content.replace("film", "book").replace("mess", "bore")


def learn(model: Path, folder: Path, kind: Any, name: str, content: str, **options: Any) -> tuple[Path, dict[str, Any]]:
    """The folder of what was learnt, and what was printed."""
    folder.mkdir(exist_ok=True)
    train, dev = folder / name, folder / f"dev-{name}"
    train.write_text(content, encoding="utf-8")
    dev.write_text(options.pop("dev", other(content)), encoding="utf-8")
    options = {"seeds": 1, "learning_rates": (1e-3,), **options}
    return folder / "out", halfseen.finetune(kind, model=str(model), train=train, dev=dev, out=folder / "out", **options)


@pytest.mark.parametrize("name", FORMATS)
def test_the_training_file_and_the_same_without_labels_get_the_same_answers(name: str, model: Path, tmp_path: Path) -> None:
    kind, file, options, labelled, plain = FORMATS[name]
    out, _ = learn(model, tmp_path, kind, file, labelled, **options)
    unlabelled = tmp_path / ("plain.json" if kind == "span" else "plain.txt")
    unlabelled.write_text(plain, encoding="utf-8")
    first = halfseen.predict(tmp_path / file, model=out)
    second = halfseen.predict(unlabelled, model=out)
    seen = [
        [s.x for s in read_labelled(path, kind, labelled=False, learnt=load_learnt(out)).samples] for path in (tmp_path / file, unlabelled)
    ]
    assert seen[0] == seen[1]
    assert first["kind"] == kind
    answers = [one["prediction"] for one in first["predictions"]]
    assert answers == [one["prediction"] for one in second["predictions"]]
    assert len(answers) == 12
    if kind == "tag":
        assert [len(tags) for tags in answers] == [len(sentence) for sentence in TAGGED]


def test_a_file_that_bears_labels_on_some_lines_is_refused(model: Path, tmp_path: Path) -> None:
    kind, file, options, content, _ = FORMATS["label-first"]
    out, _ = learn(model, tmp_path, kind, file, content, **options)
    mixed = tmp_path / "mixed.txt"
    mixed.write_text("good the warm film\nthe dull mess\nbad a mess\n")
    with pytest.raises(UserError) as caught:
        halfseen.predict(mixed, model=out)
    assert str(caught.value) == (
        f"{mixed}: of its first 3 lines, 2 bear a label that the model knows, the others do not; "
        "say how it is laid out: --scheme label-first or --scheme table"
    )
    assert [len(halfseen.predict(mixed, model=out, scheme=s)["predictions"]) for s in SCHEMES["classify"]] == [3, 3]
    assert cli.main(["predict", "--model", str(out), str(mixed)]) == 2
    assert cli.main(["predict", "--model", str(out), str(mixed), "--scheme", "table"]) == 0


def test_words_that_are_tags_on_some_lines_are_refused(model: Path, tmp_path: Path) -> None:
    kind, file, options, content, _ = FORMATS["columns"]
    out, _ = learn(model, tmp_path, kind, file, content, **options)
    mixed = tmp_path / "mixed.txt"
    mixed.write_text("the film moves\nwhat is a NOUN\n")
    with pytest.raises(UserError, match="say how it is laid out: --scheme columns or --scheme words"):
        halfseen.predict(mixed, model=out)
    assert [len(one["prediction"]) for one in halfseen.predict(mixed, model=out, scheme="words")["predictions"]] == [3, 4]


def test_the_scheme_is_kept_and_may_be_missing(model: Path, tmp_path: Path) -> None:
    kind, file, options, content, plain = FORMATS["label-first"]
    out, _ = learn(model, tmp_path, kind, file, content, **options)
    path = out / "model" / FILE
    facts = json.loads(path.read_text())
    assert facts["scheme"] == "label-first"
    del facts["scheme"]
    path.write_text(json.dumps(facts))
    assert load_learnt(out).scheme is None
    (tmp_path / "plain.txt").write_text(plain)
    assert len(halfseen.predict(tmp_path / "plain.txt", model=out)["predictions"]) == 12
    path.write_text(json.dumps({**facts, "scheme": "columns"}))
    with pytest.raises(UserError, match=r"damaged .*'columns' is not for classify.*; fine-tune again"):
        halfseen.predict(tmp_path / "plain.txt", model=out)


def test_answers_that_are_skipped_are_counted(model: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="2 faults"):
        learn(model, tmp_path / "a", "span", "a.json", squad(bad=2))
    _, found = learn(model, tmp_path / "b", "span", "a.json", squad(bad=2), dev=other(squad()), skip_bad=True)
    assert found["notes"] == [f"2 answers of {tmp_path}/b/a.json do not stand at their offset in the passage and were left out."]
    with pytest.raises(UserError, match="--skip-bad is not for classify"):
        learn(model, tmp_path / "c", "classify", "a.tsv", FORMATS["tsv"][3], skip_bad=True)


@pytest.mark.parametrize(("file", "options"), [("a.csv", {}), ("a.txt", {"text": "0"})])
def test_label_first_is_for_lines_alone(file: str, options: dict[str, str], model: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--scheme label-first is for lines of a label, a space and a text; leave out --"):
        learn(model, tmp_path, "classify", file, "good a film\nbad a mess\n", scheme="label-first", **options)
