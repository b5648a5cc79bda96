"""Scores that say together how odd rows are: each learnt from the same training rows, and read by what it says of these.

Shapes: R rows of F numbers, scaled; T training rows. Higher is odder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from halfseen.apps.confidence import Confidence
from halfseen.apps.image_features import Edges, Spectrum
from halfseen.apps.mixture import Mixture
from halfseen.apps.outliers import Far, Forest, Neighbours, Odds
from halfseen.apps.reconstruction import Reconstruction
from halfseen.contracts import Array

Numbers = NDArray[np.float64]
UNKNOWN_SHARE = 0.35
"""Left out of the neighbours where nobody knows how many training rows are odd (docs/results.md)."""
FAR_WEIGHT = 2.0
"""How much distance from random rows counts beside all others where training rows may be odd."""

MEMBERS: dict[str, Any] = {
    "neighbours": Neighbours,
    "far": Far,
    "forest": Forest,
    "reconstruction": Reconstruction,
    "mixture": Mixture,
    "confidence": Confidence,
}
"""What scores by itself, each made by its `fit`."""
BESIDE: dict[str, Any] = {"edges": Edges, "spectrum": Spectrum}
"""What scores images beside neighbours."""
ALL = MEMBERS | BESIDE
NEAREST = ("neighbours", *BESIDE)
"""What looks for nearest neighbours, of which odd training rows shall be none."""


@dataclass(frozen=True)
class Panel:
    """members: a score's model by its name. odds: what each score means. weights: how much it counts. usual: each training row's own
    oddness, as if it had not been there."""

    members: Mapping[str, Any]
    odds: Mapping[str, Odds]
    weights: Mapping[str, float]
    usual: Numbers

    @classmethod
    def fit(
        cls, x_TF: Array, by: Sequence[str], odd_share: float | Literal["unknown"], seed: int, more: Mapping[str, Mapping[str, Any]]
    ) -> Self:
        """by: scores that count alike. odd_share: of the training rows: those farthest from random ones are then no neighbours.
        more: what a score's `fit` wants besides, by its name."""
        share = UNKNOWN_SHARE if odd_share == "unknown" else float(odd_share)
        members: dict[str, Any] = {}
        own: dict[str, Numbers] = {}
        among: dict[str, Any] = {}
        if share and not set(by).isdisjoint(NEAREST):
            far_T = Far.fit(x_TF, seed=seed)[1]
            among = {"among": far_T <= np.quantile(far_T, 1 - share)}
        for name in by:
            members[name], own[name] = ALL[name].fit(x_TF, seed=seed, **(among if name in NEAREST else {}), **more.get(name, {}))
        weights = {name: FAR_WEIGHT if name == "far" and len(by) > 1 else 1.0 / max(1, len(set(by) - {"far"})) for name in by}
        odds = {name: Odds.fit(score_T) for name, score_T in own.items()}
        return cls(members, odds, weights, together(odds, weights, own))

    def __call__(self, x_RF: Array) -> Numbers:
        """The mean over scores of -log of the share of training rows that are as odd, (R,)."""
        return together(self.odds, self.weights, {name: member.score(x_RF) for name, member in self.members.items()})

    @property
    def telling(self) -> Neighbours | Reconstruction | None:
        """The score that looks at numbers apart, if there is one."""
        return next((member for member in self.members.values() if isinstance(member, Neighbours | Reconstruction)), None)

    def state(self) -> dict[str, Array]:
        arrays: dict[str, Array] = {"usual": self.usual}
        for name, member in self.members.items():
            arrays |= {f"{name}.{key}": np.asarray(value, order="C") for key, value in member.state().items()}
            arrays[f"{name}.odds"] = self.odds[name].scores
        return arrays

    @classmethod
    def of(cls, arrays: Mapping[str, Array], weights: Mapping[str, float]) -> Self:
        """Raises KeyError for a score that is not known, or arrays that are not there."""
        members, odds = {}, {}
        for name in weights:
            state = {key.removeprefix(f"{name}."): value for key, value in arrays.items() if key.startswith(f"{name}.")}
            odds[name] = Odds(state.pop("odds"))
            members[name] = ALL[name].of(state)
        return cls(members, odds, dict(weights), arrays["usual"])


def together(odds: Mapping[str, Odds], weights: Mapping[str, float], scores: Mapping[str, Numbers]) -> Numbers:
    whole = sum(weights.values())
    return np.asarray(sum(weights[name] / whole * odds[name](score_R) for name, score_R in scores.items()), np.float64)
