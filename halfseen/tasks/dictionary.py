"""The plain baseline of writing one text from another: word by word, by a dictionary learnt from the pairs alone (IBM model 1, Brown et al.
1993, ACL J93-2003, section 4).

Shapes: P pairs of a source's and a target's word in the same sample; W different such pairs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from halfseen.contracts import Array, Sample

ROUNDS = 5
"""Rounds of expectation and maximisation."""
NOBODY = ""
"""A source's word that is in every text, for what belongs to none of the others."""
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|\w+(?:['’]\w+)*['’]?|[^\w\s]")
"""A word with its apostrophes, one character of a script without spaces, or a mark."""


class WordByWord:
    """Each word becomes its likeliest translation, in the source's order; a word that was never seen stays as it is."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.options: dict[str, Any] = {"rounds": ROUNDS}
        number: dict[str, int] = {NOBODY: 0}
        names: dict[str, int] = {}
        source = [np.array([0, *(number.setdefault(word.lower(), len(number)) for word in WORD.findall(sample.x))]) for sample in samples]
        target = [np.array([names.setdefault(word, len(names)) for word in WORD.findall(sample.meta["label"])]) for sample in samples]
        best_F = likeliest(source, target, len(number), len(names))
        words = list(names)
        self._of = {word: words[best_F[i]] for word, i in number.items() if i and best_F[i] >= 0}

    def predict(self, samples: Sequence[Sample]) -> list[Any]:
        return [" ".join(self._of.get(word.lower(), word) for word in WORD.findall(sample.x)) for sample in samples]


def likeliest(source: Sequence[Array], target: Sequence[Array], sources: int, targets: int) -> Array:
    """best_F: each source word's target word of the highest t(e | f), -1 for a word without any."""
    f_P = np.concatenate([np.repeat(f, len(e)) for f, e in zip(source, target, strict=True)])
    e_P = np.concatenate([np.tile(e, len(f)) for f, e in zip(source, target, strict=True)])
    place_P = np.concatenate([[0], np.cumsum([len(e) for e in target])])[:-1]
    place_P = np.concatenate([np.tile(np.arange(len(e)), len(f)) + at for f, e, at in zip(source, target, place_P, strict=True)])
    pair_W, which_P = np.unique(f_P.astype(np.int64) * targets + e_P, return_inverse=True)
    f_W = pair_W // targets
    t_W = np.ones(len(pair_W))
    for _ in range(ROUNDS):
        t_P = t_W[which_P]
        share_P = t_P / np.bincount(place_P, t_P)[place_P]  # of the target's word, which each source word of its text has a part in
        count_W = np.bincount(which_P, share_P, len(pair_W))
        t_W = count_W / np.bincount(f_W, count_W, sources)[f_W]
    best_F = np.full(sources, -1, dtype=np.int64)
    order_W = np.lexsort((-pair_W, t_W))
    best_F[f_W[order_W]] = (pair_W % targets)[order_W]
    return best_F
