"""Translation with a dictionary that is new in every prompt: words of one language and of another stand in pairs, then a word is to be
translated (the few-shot translation of GPT-3, arXiv:2005.14165, figure 1.2, with words that mean nothing elsewhere).

Pairs and the word that is asked for are drawn from the prompt's own dictionary, so that it may stand among the examples or not.

Shapes: S samples of P pairs each; K words in a dictionary; V words in each language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from halfseen.contracts import Array, Draw, Method, Sample, Split
from halfseen.lens.copy import symbols_table
from halfseen.lens.study import BEST, SCRATCH, Points, Study, laid, measuring, row_of
from halfseen.methods.gpt import Gpt
from halfseen.methods.recipes import GptRecipe, NetSize
from halfseen.report.results import ScoreRow
from halfseen.train.options import OptimOptions

WORDS, KNOWN = 32, 8
"""Words of each language, and of one dictionary."""
SHOTS = (0, 1, 2, 4, 8, 16)
PAIRS = SHOTS[-1] + 1


@dataclass(frozen=True)
class NewDictionary:
    """seen: <BOS> and P pairs but the last word. target, scored: every pair's second word, where its first is the newest token.

    to_learn_from: every word is scored. Those of the first language can only be guessed; but a net that was not asked for them still named
    any word of the second that it had seen after 800 steps, where the same net, asked for all, translated after 500.
    """

    begin: int
    to_learn_from: bool

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        source_SP, target_SP = pairs(samples, draw)
        word_SN = np.stack((source_SP, WORDS + target_SP), -1).reshape(len(samples), -1)
        ids_SN = np.concatenate((np.full((len(samples), 1), self.begin), word_SN[:, :-1]), 1)
        scored_M = np.arange(ids_SN.size) if self.to_learn_from else np.arange(1, ids_SN.size, 2)
        return Split(laid(ids_SN), torch.from_numpy(word_SN.ravel()[scored_M]), torch.from_numpy(scored_M))


def pairs(samples: Sequence[Sample], draw: Draw) -> tuple[Array, Array]:
    """source_SP and target_SP, both from 0 to V - 1: pairs of each prompt's dictionary, drawn with replacement."""
    sources_SK, targets_SK = (np.argsort(draw(WORDS).reshape(len(samples), WORDS), axis=1)[:, :KNOWN] for _ in range(2))
    which_SP = (draw(PAIRS).reshape(len(samples), PAIRS) * KNOWN).astype(np.int64)
    return np.take_along_axis(sources_SK, which_SP, 1), np.take_along_axis(targets_SK, which_SP, 1)


def best_possible(shots: int) -> float:
    """The accuracy of a reader who forgets nothing: a word that stood among the examples is known, for any other each word that is not
    yet taken is as likely."""
    share_K = np.zeros(KNOWN + 1)  # of prompts whose examples hold so many different words
    share_K[0] = 1.0
    for _ in range(shots):
        again_K = share_K * np.arange(KNOWN + 1) / KNOWN
        new_K = share_K - again_K
        share_K = again_K + np.concatenate(([0.0], new_K[:-1]))
    seen_K = np.arange(KNOWN + 1) / KNOWN
    return float((share_K * (seen_K + (1 - seen_K) / (WORDS - np.arange(KNOWN + 1)))).sum())


class Dictionary(Study):
    name = "dictionary"
    counted = "shots"
    units: ClassVar[Mapping[str, str]] = {"accuracy": ""}
    arms = ("trained", SCRATCH)
    steps = 800
    optim = OptimOptions(kind="muon", learning_rate=3e-4)
    """Ten times less than elsewhere for the word table: from 3e-3 on, words moved faster than the layers learnt to look them up, and nets
    named any word of the second language that they had seen for a thousand steps and more."""
    table = symbols_table(2 * WORDS)
    prompts = NewDictionary(table.cls, to_learn_from=True)
    asked = NewDictionary(table.cls, to_learn_from=False)

    def method(self, arm: str) -> Gpt:
        recipe = GptRecipe(net=NetSize(heads=4, max_length=2 * PAIRS))
        return Gpt(recipe, recipe.shape(layers=2, width=64), self.table)

    @torch.no_grad()
    def follow(self, method: Method, seed: int, steps: int, *, train: bool = True) -> Points:
        assert isinstance(method, Gpt)
        if train:
            with torch.enable_grad():
                list(self.trained(method, seed=seed, stops=[steps]))
        method.eval()
        split = self.asked(*measuring())
        right_P = (method.logits(split).argmax(-1) == split.target).view(-1, PAIRS).float().mean(0)
        return {shots: {"accuracy": float(right_P[shots])} for shots in SHOTS}

    def controls(self, steps: int) -> dict[str, Points]:
        best: Points = {shots: {"accuracy": best_possible(shots)} for shots in SHOTS}
        return {BEST: best, "chance": {shots: {"accuracy": 1 / WORDS} for shots in SHOTS}}

    def notes(self) -> list[str]:
        met = 1 - (1 - 1 / KNOWN) ** SHOTS[-1]
        return [
            f"Each prompt has a dictionary of its own: {KNOWN} of {WORDS} words, each with another of {WORDS}. Examples and question are "
            f"drawn from it with replacement: after {SHOTS[-1]} examples the word stood among them in {100 * met:.0f} % of the prompts.",
        ]

    def verdict(self, rows: Sequence[ScoreRow]) -> str:
        none, most = (row_of(rows, self.arms[0], shots) for shots in (SHOTS[0], SHOTS[-1]))
        best = row_of(rows, BEST)
        return (
            f"With a dictionary that is new in every prompt, {100 * none.value:.0f} % of the words are translated right without examples "
            f"and {100 * most.value:.0f} % after {SHOTS[-1]}, where no reader could do better than {100 * best.value:.0f} %."
        )
