"""The text and the labels that the benchmarks read, from the folder given by --data."""

from __future__ import annotations

import lzma
import re
from pathlib import Path

import numpy as np

from halfseen.contracts import Sample
from halfseen.data.sources import open_sources
from halfseen.data.tokenizers import Tokenizer, train
from halfseen.data.tokens import Segment

SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
VOCABULARY = 8192
SHORTEST, LONGEST = 10, 126
"""Tokens of a sentence, without [CLS] and [SEP]."""


def news(data: Path) -> list[str]:
    """BBC and ABC news, whole documents."""
    paths = [str(data / "text_en" / f"{name}.tar.xz") for name in ("bbc_news", "abc_news")]
    return [document.x for document in open_sources(paths).documents()]


def sentences(texts: list[str], tokenizer: Tokenizer) -> list[Sample]:
    """Sentences of natural length."""
    cut = [" ".join(sentence.split()) for text in texts for sentence in SENTENCE_END.split(text)]
    pieces = tokenizer.encode_batch(cut)
    return [Sample(str(i), Segment(p.ids, p.starts)) for i, p in enumerate(pieces) if SHORTEST <= len(p.ids) <= LONGEST]


def packed(samples: list[Sample]) -> list[Sample]:
    """The same tokens in full rows."""
    ids = np.concatenate([sample.x.ids for sample in samples])
    starts = np.concatenate([sample.x.starts for sample in samples])
    edges = range(0, len(ids) - LONGEST, LONGEST)
    return [Sample(str(a), Segment(ids[a : a + LONGEST], starts[a : a + LONGEST])) for a in edges]


def tokenizer_for(texts: list[str]) -> Tokenizer:
    return train(texts, kind="bpe", size=VOCABULARY)


def tsv(path: Path) -> list[list[str]]:
    """A GLUE file's rows, without its header."""
    with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file][1:]
