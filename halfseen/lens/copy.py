"""Repeat-copy: a random text that begins again, and the induction head that goes on with it (Olsson et al. 2022, arXiv:2209.11895).

Each prompt has other symbols in random order and begins again after a number of symbols that is drawn, too: nothing but the
text itself tells what comes next, and no fixed distance does. A head that finds what stood behind the same symbol before needs a
layer below it that tells each place what stands before it: two layers learn it, one does not.

Shapes: S samples of T tokens each, N = S T in all; V symbols.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from halfseen.contracts import Array, Draw, Method, Sample, Split
from halfseen.data.tokenizers import TokenTable
from halfseen.lens.attention import attention_weights, induction_score
from halfseen.lens.study import BEST, SCRATCH, Points, Study, laid, measuring, row_of
from halfseen.methods.gpt import Gpt
from halfseen.methods.recipes import GptRecipe, NetSize
from halfseen.report.pictures import attention_map
from halfseen.report.results import ScoreRow

SYMBOLS, LENGTH = 64, 48
SHORTEST, LONGEST = 8, 24
"""After so many symbols a text begins again, at least and at most."""
TEXTS = 128
"""Texts that a net is measured on; each asks for some thirty symbols."""
STOPS = 12
"""How often a net is measured while it learns."""
SHOWN = 36
"""Tokens in the picture."""


def symbols_table(symbols: int) -> TokenTable:
    """Symbols 0 to `symbols` - 1, and behind them the special tokens, of which only what begins a text occurs."""
    special = range(symbols, symbols + 5)
    pad, unk, cls, sep, mask = special
    return TokenTable(size=symbols + 5, pad=pad, unk=unk, cls=cls, sep=sep, mask=mask, special=frozenset(special))


@dataclass(frozen=True)
class Repeated:
    """seen: <BOS> and all symbols but the last. target: all symbols, and all are scored."""

    begin: int

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        symbols_ST, _ = texts(samples, draw)
        ids_ST = np.concatenate((np.full((len(samples), 1), self.begin), symbols_ST[:, :-1]), 1)
        return Split(laid(ids_ST), torch.from_numpy(symbols_ST.ravel()), torch.arange(ids_ST.size))


def stops_of(steps: int) -> list[int]:
    """Where a net is measured, denser at the beginning."""
    return sorted({max(1, round(steps * (i / STOPS) ** 1.5)) for i in range(1, STOPS + 1)})


def texts(samples: Sequence[Sample], draw: Draw) -> tuple[Array, Array]:
    """symbols_ST, and period_S, after which each text begins again."""
    period_S = SHORTEST + (draw(1) * (LONGEST - SHORTEST + 1)).astype(np.int64)
    order_SV = np.argsort(draw(SYMBOLS).reshape(len(samples), SYMBOLS), axis=1)
    return np.take_along_axis(order_SV, np.arange(LENGTH) % period_S[:, None], 1), period_S


class Copy(Study):
    name = "copy"
    counted = "steps"
    units: ClassVar[Mapping[str, str]] = {"accuracy": "", "induction_score": "", "loss": "nats a symbol"}
    lower = frozenset({"loss"})
    arms = ("2 layers", "1 layer", SCRATCH)
    steps = 600
    table = symbols_table(SYMBOLS)
    prompts = Repeated(table.cls)

    def method(self, arm: str) -> Gpt:
        recipe = GptRecipe(net=NetSize(heads=4, max_length=LENGTH))
        return Gpt(recipe, recipe.shape(layers=1 if arm == "1 layer" else 2, width=64), self.table)

    def follow(self, method: Method, seed: int, steps: int, *, train: bool = True) -> Points:
        assert isinstance(method, Gpt)
        if not train:
            return dict.fromkeys(stops_of(steps), self.measure(method.eval()))
        return {stop: self.measure(method) for stop in self.trained(method, seed=seed, stops=stops_of(steps))}

    @torch.no_grad()
    def measure(self, method: Gpt) -> dict[str, float]:
        """accuracy and loss: of the symbols whose predecessor stood in the text before. induction_score: of the best head."""
        split, (_, period_S) = self.prompts(*measuring(TEXTS)), texts(*measuring(TEXTS))
        told_N = (torch.arange(LENGTH) > torch.from_numpy(period_S)[:, None]).flatten()
        logits_MV, target_M = method.logits(split)[told_N].float(), split.target[told_N]
        scores = [induction_score(weights, split.seen, period_S) for weights in attention_weights(method.net, split.seen)]
        return {
            "accuracy": float((logits_MV.argmax(-1) == target_M).float().mean()),
            "induction_score": float(torch.cat(scores).max()),
            "loss": float(cross_entropy(logits_MV, target_M)),
        }

    def controls(self, steps: int) -> dict[str, Points]:
        """Chance: one of the symbols that the text has, each as likely. The best: a text that has begun again leaves nothing open."""
        _, period_S = texts(*measuring(TEXTS))
        told_S = LENGTH - 1 - period_S
        chance = {
            "accuracy": float((told_S / period_S).sum() / told_S.sum()),
            "loss": float((told_S * np.log(period_S)).sum() / told_S.sum()),
        }
        best = {"accuracy": 1.0, "loss": 0.0}
        return {"chance": dict.fromkeys(stops_of(steps), chance), BEST: dict.fromkeys(stops_of(steps), best)}

    def notes(self) -> list[str]:
        return [
            f"Each text has {SHORTEST} to {LONGEST} of {SYMBOLS} symbols in random order and begins again until it is {LENGTH} long. "
            "Accuracy counts the symbols whose predecessor stood there before; chance names one of the text's own symbols.",
            "The loss is that of the same symbols; once a text has begun again nothing is open, so that the best is 0.",
            "The induction score is the mean attention from a symbol to what stood behind it the last time, of the head that gives most.",
        ]

    def verdict(self, rows: Sequence[ScoreRow]) -> str:
        two, one = (row_of(rows, arm) for arm in self.arms[:2])
        score = row_of(rows, self.arms[0], name="induction_score")
        return (
            f"Two layers go on with a text that begins again: {100 * two.value:.0f} % right, one layer {100 * one.value:.0f} %; "
            f"a head of the two gives {100 * score.value:.0f} % of its attention to what stood behind the same symbol."
        )

    def pictures(self, methods: Mapping[str, Method]) -> list[dict[str, str]]:
        """One text under the best head of each arm."""
        split, (symbols_ST, period_S) = self.prompts(*measuring(8)), texts(*measuring(8))
        chosen = int(np.argmin(abs(period_S - SHOWN // 2)))
        found = []
        for arm, method in methods.items():
            assert isinstance(method, Gpt)
            layers = attention_weights(method.net, split.seen)
            scores_LH = torch.stack([induction_score(weights, split.seen, period_S) for weights in layers])
            layer, head = divmod(int(scores_LH.argmax()), scores_LH.shape[1])
            place = int(split.seen.first[chosen]) if split.seen.place is None else int(split.seen.place[split.seen.first[chosen]])
            row, column = divmod(place, split.seen.owner.shape[1])
            part = slice(column, column + SHOWN)
            title = f"{arm}: layer {layer + 1}, head {head + 1}"
            caption = (
                "What each token of a new text looks at, by the head of the highest induction score. "
                f"The text begins again after {period_S[chosen]} symbols."
            )
            names = ["▸", *map(str, symbols_ST[chosen, : SHOWN - 1])]
            drawn = attention_map(layers[layer][row, head, part, part].numpy(), names, alt=f"attention, {title}")
            found.append({"title": title, "svg": drawn, "caption": caption})
        return found
