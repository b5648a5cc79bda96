"""Linear regression in context (Garg et al. 2022, arXiv:2208.01066): x and y in turns, y = w . x with a w that is new in every prompt; the
net must say the last y.

Shapes: S samples of P pairs; F features of an x; N = 2 S P tokens; D width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from halfseen.contracts import Array, Draw, Encoded, Loss, Method, Sample, Split
from halfseen.data.tokens import Tokens
from halfseen.lens.study import SCRATCH, Points, Study, laid, measuring, row_of
from halfseen.losses.tokens import squared_error
from halfseen.nets.heads import pool
from halfseen.nets.shape import TransformerShape
from halfseen.nets.transformer import Stack, layouts_of
from halfseen.report.results import ScoreRow
from halfseen.train.options import OptimOptions

FEATURES = 5
SHOTS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 15)
PAIRS = SHOTS[-1] + 1
ROW = FEATURES + 3
"""Numbers of a token: an x, a y, and which of the two it is."""
LEAST_SQUARES = "least squares"
SURE = 0.03
LEFT_P = (1 - torch.arange(PAIRS) / FEATURES).clamp(min=SURE)
"""The error that is left to least squares after p examples; where it is exact, so little that a net comes near."""
WEIGHT_P = (1 / LEFT_P) / (1 / LEFT_P).mean()
"""How errors are weighed in training. With equal weights those after few examples, which no net can better, outweigh all others as
soon as these are small."""


@dataclass(frozen=True)
class Rows:
    """Tokens whose content is a row of numbers: row_NX."""

    tokens: Tokens
    rows: Tensor

    @property
    def lengths(self) -> Tensor:
        return self.tokens.lengths

    def to(self, device: torch.device) -> Rows:
        return Rows(self.tokens.to(device), self.rows.to(device))


@dataclass(frozen=True)
class NewWeights:
    """seen: x1, y1, x2, ... xP, each x as (x, 0, 1, 0) and each y as (0, y, 0, 1): what says which of the two a token is also keeps
    its size when the net brings all tokens to one length. target, scored: every y, where its x is the newest token."""

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        x_SPF, y_SP = problems(samples, draw)
        row_SNX = np.zeros((len(samples), 2 * PAIRS, ROW), np.float32)
        row_SNX[:, 0::2, :FEATURES], row_SNX[:, 0::2, FEATURES + 1] = x_SPF, 1.0
        row_SNX[:, 1::2, FEATURES], row_SNX[:, 1::2, FEATURES + 2] = y_SP, 1.0
        row_SNX = row_SNX[:, :-1]
        length = row_SNX.shape[1]
        scored_SP = np.arange(len(samples))[:, None] * length + 2 * np.arange(PAIRS)
        target_M = torch.from_numpy(y_SP.ravel().astype(np.float32))
        seen = Rows(laid(np.zeros(row_SNX.shape[:2])), torch.from_numpy(row_SNX.reshape(-1, ROW)))
        return Split(seen, target_M, torch.from_numpy(scored_SP.ravel()))


def problems(samples: Sequence[Sample], draw: Draw) -> tuple[Array, Array]:
    """x_SPF and w_SF of standard normal numbers; y_SP = w . x / sqrt(F), whose variance is 1."""
    from scipy.special import ndtri

    def normal(count: int) -> Array:
        return np.asarray(ndtri(np.clip(draw(count), 1e-12, 1 - 1e-12))).reshape(len(samples), count)

    w_SF = normal(FEATURES)
    x_SPF = normal(PAIRS * FEATURES).reshape(len(samples), PAIRS, FEATURES)
    return x_SPF, np.einsum("spf,sf->sp", x_SPF, w_SF) / FEATURES**0.5


class InContextRegression(Method):
    """A causal transformer that reads numbers; a linear layer tells y."""

    def __init__(self, shape: TransformerShape) -> None:
        super().__init__()
        self.into = nn.Linear(ROW, shape.width, bias=False)
        self.net = Stack(shape)
        self.head = nn.Linear(shape.width, 1)
        self.split = NewWeights()

    def states(self, seen: Rows) -> Tensor:
        return self.net.above(self.into(seen.rows), seen.tokens, layouts_of(seen.tokens, self.net.shape)).last

    def predict(self, split: Split) -> Tensor:
        """y_M."""
        return self.head(self.states(split.seen)[split.scored]).squeeze(-1)

    def forward(self, split: Split) -> Loss:
        owner_M = split.seen.tokens.sample[split.scored]
        scale_M = WEIGHT_P.to(split.target).sqrt().repeat(len(split.seen.lengths))
        return squared_error(
            scale_M * self.predict(split), scale_M * split.target, owner_M, len(split.seen.lengths), part="weighed_squared_error"
        )

    def encode(self, seen: Any) -> Encoded:
        states_ND = self.states(seen)
        return Encoded(states_ND, pool(states_ND, seen.tokens, "mean"), torch.ones(len(states_ND), dtype=torch.bool))


def least_squares(x_SPF: Array, y_SP: Array, shots: int) -> Array:
    """y_S of pair `shots`, by the shortest w that fits the pairs before it best."""
    if shots == 0:
        return np.zeros(len(x_SPF))
    w_SF = np.einsum("sfp,sp->sf", np.linalg.pinv(x_SPF[:, :shots]), y_SP[:, :shots])
    return np.asarray(np.einsum("sf,sf->s", x_SPF[:, shots], w_SF))


class Regression(Study):
    name = "regression"
    counted = "shots"
    units: ClassVar[Mapping[str, str]] = {"squared_error": "of the variance of y"}
    lower = frozenset({"squared_error"})
    arms = ("trained", SCRATCH)
    steps = 1200
    optim = OptimOptions(kind="muon", learning_rate=6e-3, decay=0.8)
    prompts = NewWeights()

    def method(self, arm: str) -> InContextRegression:
        """More layers with narrow feed-forward parts: for the same time they come nearer to least squares than fewer, wider ones."""
        shape = TransformerShape(layers=6, width=64, heads=2, ffn=64, causal=True, norm="rms", max_length=2 * PAIRS)
        return InContextRegression(shape)

    @torch.no_grad()
    def follow(self, method: Method, seed: int, steps: int, *, train: bool = True) -> Points:
        assert isinstance(method, InContextRegression)
        if train:
            with torch.enable_grad():
                list(self.trained(method, seed=seed, stops=[steps]))
        method.eval()
        split = self.prompts(*measuring())
        off_P = (method.predict(split) - split.target).square().view(-1, PAIRS).mean(0)
        return {shots: {"squared_error": float(off_P[shots])} for shots in SHOTS}

    def controls(self, steps: int) -> dict[str, Points]:
        """Always saying 0, the mean, stands as the baseline."""
        x_SPF, y_SP = problems(*measuring())
        fitted: Points = {s: {"squared_error": float(np.mean((least_squares(x_SPF, y_SP, s) - y_SP[:, s]) ** 2))} for s in SHOTS}
        return {LEAST_SQUARES: fitted, "baseline": {s: {"squared_error": float(np.mean(y_SP[:, s] ** 2))} for s in SHOTS}}

    def notes(self) -> list[str]:
        return [
            f"x has {FEATURES} features, y = w . x without noise, w is new in every prompt: from {FEATURES} examples on, least squares "
            "(the shortest w that fits) is exact. The plain baseline always says 0.",
        ]

    def verdict(self, rows: Sequence[ScoreRow]) -> str:
        at = 2 * FEATURES
        mine, exact = row_of(rows, self.arms[0], at), row_of(rows, LEAST_SQUARES, FEATURES - 1)
        return (
            f"After {at} examples of a new linear function the net is off by {100 * mine.value:.1f} % of the variance of y; "
            f"least squares is by {100 * exact.value:.0f} % after {FEATURES - 1}, and exact from {FEATURES} on."
        )
