"""Every command and every Python block of README.md and docs/ runs, on small files and with few steps.

What is shortened: budgets become two steps, nets one layer, and fine-tuning one epoch. Everything else is as it stands there.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

import halfseen
from halfseen import cli
from halfseen.methods import METHODS
from halfseen.tasks.seq2seq import Seq2Seq
from halfseen.tasks.task import Task
from tests.suites.speech_tasks.small_sets import write_small_sets

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TINY = ["--net.layers", "1", "--net.width", "32", "--vocabulary", "400"]
GOOD, BAD = "a warm and moving film", "a dull and lifeless mess"


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[list[str]]:
    lines = [line for block in blocks(page, "console") for line in block.splitlines()]
    assert all(line.startswith("$ halfseen ") for line in lines), "console blocks hold commands alone, each behind '$ '"
    return [shlex.split(line)[2:] for line in lines]


def shortened(words: list[str]) -> list[str]:
    """The command with a budget of two steps, pieces of small photographs, and of the corruptions three."""
    if words[0] == "show" or (words[0] == "reduce" and "--model" not in words):
        return [*words, "--steps", "2"]
    if words[0] not in ("pretrain", "compare"):
        return words
    given = shlex.split(re.sub(r"--(minutes|steps|tokens) \S+", "--steps 2", shlex.join(words)))
    if words[0] == "pretrain" and METHODS[words[1]][1].modality == "array":
        return ["32" if word == "256" else word for word in [*given, "--net.width", "4"]]
    if words[0] == "pretrain" and METHODS[words[1]][1].modality == "speech":
        return [*given, "--net.layers", "1", "--net.width", "32"]
    if words[0] == "compare":
        return [*given, "--corruptions", "infill,mass,replace", *TINY]
    return given if "--from" in given or "--net.layers" in given else given + TINY


def shortened_code(code: str) -> str:
    return re.sub(r"minutes=\d+", "steps=2, vocabulary=400", re.sub(r"steps=\d+", "steps=2", code))


def write_files(folder: Path) -> None:
    """What the pages suppose to be there."""
    texts = folder / "texts"
    texts.mkdir()
    for i in range(60):
        sentences = [f"{(GOOD, BAD)[(i + j) % 2]} number {i * 7 + j} in the town of {'abcdefgh'[j]}{i} ." for j in range(8)]
        (texts / f"{i}.txt").write_text(" ".join(sentences) + "\n", encoding="utf-8")
    for part, first in (("train", 0), ("dev", 100)):
        numbers = range(first, first + 24)
        reviews = [f"{(GOOD, BAD)[i % 2]} {i}\t{('good', 'bad')[i % 2]}" for i in numbers]
        pairs = [f"{GOOD} {i}\t{(GOOD, BAD)[i % 2]} {i}\t{('same', 'other')[i % 2]}" for i in numbers]
        scores = [f"{GOOD} {i}\t{(GOOD, BAD)[i % 2]} {i}\t{5.0 * (i % 2) + i / 100}" for i in numbers]
        tags = ["".join(f"{j}\t{w}\t{w}\t{t}" + "\t_" * 6 + "\n" for j, (w, t) in enumerate(sentence(i), 1)) for i in numbers]
        (folder / f"{part}.tsv").write_text("\n".join(["text\tlabel", *reviews]) + "\n")
        (folder / f"pairs-{part}.tsv").write_text("\n".join(["premise\thypothesis\tlabel", *pairs]) + "\n")
        (folder / f"{part}.en").write_text("".join(f"{(GOOD, BAD)[i % 2]} {i}\n" for i in numbers))
        (folder / f"{part}.fr").write_text("".join(f"{('un bon film', 'un mauvais film')[i % 2]} {i}\n" for i in numbers))
        translated = [f"{(GOOD, BAD)[i % 2]} {i}\t{('un bon film', 'un mauvais film')[i % 2]} {i}\n" for i in numbers]
        (folder / f"translated-{part}.tsv").write_text("".join(translated))
        (folder / f"sts-{part}.tsv").write_text("\n".join(["sentence1\tsentence2\tscore", *scores]) + "\n")
        (folder / f"tags-{part}.conllu").write_text("\n".join(tags) + "\n")
        (folder / f"trec-{part}.txt").write_text("".join(f"{('LOC', 'HUM')[i % 2]} {('where', 'who')[i % 2]} is {i} ?\n" for i in numbers))
        (folder / f"qa-{part}.json").write_text(json.dumps(questions(1900 + first)))
        (folder / f"squad-it-{part}.json").write_text(
            json.dumps(questions(1900 + first)).replace('"1905"', '"1805"').replace('"2005"', '"2105"')
        )
    (folder / "new.txt").write_text(f"{GOOD}\n{BAD}\n")
    (folder / "sentences.txt").write_text(f"{GOOD}\n{BAD}\n")
    facts = [{"context": f"Film {i} is", "completion": (GOOD, BAD)[i % 2], "choices": [GOOD, BAD]} for i in range(12)]
    (folder / "films.jsonl").write_text("".join(json.dumps(fact) + "\n" for fact in facts))
    (folder / "usual.csv").write_text("a,b,kind\n" + "".join(f"{i % 7 / 7},{i % 11 / 11},{'xy'[i % 2]}\n" for i in range(80)))
    (folder / "new.csv").write_text("kind,a,b,fault\nx,0.1,0.2,no\ny,0.3,0.4,no\nx,0.2,9,yes\n")
    digits = np.random.default_rng(0).integers(0, 2, (60, 10, 10)).astype(np.uint8) * 255
    np.savez(folder / "new-digits.npz", images=digits[:20])
    np.savez(folder / "digits.npz", images=digits, labels=np.arange(60) % 3)
    write_images(folder)
    write_recordings(folder / "recordings")
    write_glue(folder / "GLUE")
    write_small_sets(folder / "sets")


def write_images(folder: Path) -> None:
    """Photographs, the same with noise, faces of one size, and new ones of which some are odd."""
    rng = np.random.default_rng(0)
    down, across = np.mgrid[:70, :90, :3][:2]
    for i in range(3):
        photograph = 128 + 90 * np.sin((down + 9 * i) / 7) * np.cos(across / 9)
        for name, deviation in (("photographs", 0), ("noisy", 25)):
            (folder / name).mkdir(exist_ok=True)
            pixels = (photograph + rng.normal(0, deviation, photograph.shape)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    shutil.copy(folder / "photographs" / "0.png", folder / "photo.png")
    for part, count in (("faces", 20), ("new-faces/usual", 4), ("new-faces/odd", 4)):
        (folder / part).mkdir(parents=True)
        for i in range(count):
            pixels = (120 + rng.normal(0, 9, (12, 12)) + (100 * np.eye(12) if "odd" in part else 0)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / part / f"{i}.png")


def write_recordings(folder: Path) -> None:
    """And a manifest of them, words.csv."""
    folder.mkdir()
    rows = ["path,word,speaker"]
    for i in range(16):
        soundfile.write(folder / f"{i}.wav", 0.3 * np.sin(np.arange(8000) ** 1.1 / (4 + i)), 16_000)
        rows.append(f"{folder.name}/{i}.wav,{('yes', 'no')[i % 2]},{'abcd'[i // 4]}")
    (folder.parent / "words.csv").write_text("\n".join(rows) + "\n")


def sentence(i: int) -> list[tuple[str, str]]:
    return [("the", "DET"), (f"film{i}", "NOUN"), (("moves", "bores")[i % 2], "VERB"), (".", "PUNCT")]


def questions(first: int) -> dict[str, object]:
    years = range(first, first + 12)
    asked = [{"id": str(year), "question": "When ?", "answers": [{"text": str(year), "answer_start": 21}]} for year in years]
    passages = [f"The film was made in {year} by a friend ." for year in years]
    return {"data": [{"paragraphs": [{"context": passage, "qas": [one]} for passage, one in zip(passages, asked, strict=True)]}]}


def write_glue(folder: Path) -> None:
    (folder / "SST-2").mkdir(parents=True)
    (folder / "RTE").mkdir()
    for part in ("train", "dev"):
        rows = [f"{(GOOD, BAD)[i % 2]} {i}\t{1 - i % 2}" for i in range(20)]
        (folder / "SST-2" / f"{part}.tsv").write_text("\n".join(["sentence\tlabel", *rows]) + "\n")
        rows = [f"{i}\t{GOOD} {i}\t{(GOOD, BAD)[i % 2]}\t{('entailment', 'not_entailment')[i % 2]}" for i in range(20)]
        (folder / "RTE" / f"{part}.tsv").write_text("\n".join(["index\tsentence1\tsentence2\tlabel", *rows]) + "\n")


def one_epoch(patch: pytest.MonkeyPatch) -> None:
    for task in (Task, Seq2Seq):
        patch.setattr(task, "epochs_for", lambda self, count: 1)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files, a pre-trained `model` and a fine-tuned `reviews`."""
    folder = tmp_path_factory.mktemp("docs")
    write_files(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        one_epoch(patch)
        assert cli.main(["pretrain", "bert", "texts", "--out", "model", "--steps", "2", *TINY]) == 0
        halfseen.finetune("classify", model="model", train="train.tsv", dev="dev.tsv", out="reviews", seeds=1)
    return folder


@pytest.fixture
def here(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    shutil.copytree(prepared, folder)
    monkeypatch.chdir(folder)
    one_epoch(monkeypatch)
    return folder


def clear(folder: Path, text: str) -> None:
    """What the page itself makes must not be there yet."""
    for name in ("model", "reviews"):
        if re.search(rf"--out {name}\b|out=\"{name}\"", text):
            shutil.rmtree(folder / name)


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.stem)
def test_commands(page: Path, here: Path) -> None:
    clear(here, "\n".join(blocks(page, "console")))
    for words in commands(page):
        assert cli.main(shortened(words)) == 0, words


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.stem)
def test_python(page: Path, here: Path) -> None:
    for block in blocks(page, "python"):
        clear(here, block)
        exec(compile(shortened_code(block), page.name, "exec"), {})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_every_verb_stands_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [verb for verb in cli.VERBS if f"`halfseen {verb}" not in text] == []
    assert [kind for kind in cli.KINDS if f"| `{kind}` |" not in text] == []
    assert [method for method in cli.choices("method") if f"| `{method}` |" not in text] == []
