"""How odd rows are beside training rows: nearest neighbours near and far, an isolation forest, and the odds of several scores together.

Shapes: R rows of F numbers, scaled; T training rows. Everywhere higher is odder. State is arrays alone, so that no pickle is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from halfseen.contracts import Array
from halfseen.data.nearest import index_of, nearest

Numbers = NDArray[np.float64]
CHUNK_NUMBERS = 1 << 22
"""Distances in memory at once: 32 MB."""
TAIL = 0.1
"""Share of the training rows that tell how scores fall off beyond the highest."""


class Neighbours:
    """Distance to the mean of the k nearest training rows, over the root of how far these are from their own.

    The first alone is large wherever training rows are few; divided by the whole of the second, as the local outlier factor is (Breunig et
    al. 2000), what is odd far out looks as usual as its neighbours.
    """

    def __init__(self, train_TF: Array, k: int, own_T: Array | None = None) -> None:
        """own_T: how far the training rows are from their own neighbours, if it is known."""
        self.train_TF, self.k, self.index = train_TF, k, index_of(train_TF)
        self.own_T = nearest(train_TF, self.index, k, itself=np.arange(len(train_TF)))[0].mean(1) if own_T is None else own_T

    @classmethod
    def fit(
        cls, train_TF: Array, *, k: int = 5, most: int = 10_000, seed: int = 0, among: Array | None = None
    ) -> tuple[Neighbours, Numbers]:
        """Of at most `most` rows, and the scores of all training rows, none of which is its own neighbour. among: those that may be one."""
        may = np.arange(len(train_TF)) if among is None else np.flatnonzero(among)
        chosen = np.sort(np.random.default_rng(seed).permutation(may)[:most])
        kept_TF = np.ascontiguousarray(train_TF[chosen], np.float32)
        found = cls(kept_TF, max(1, min(k, len(kept_TF) - 1)))
        itself_R = np.full(len(train_TF), -1)
        itself_R[chosen] = np.arange(len(chosen))
        return found, found.score(train_TF, itself=itself_R)

    def score(self, x_RF: Array, *, itself: Array | None = None) -> Numbers:
        """itself: for each row which training row it is, -1 for none."""
        distance_Rk, which_Rk = nearest(np.ascontiguousarray(x_RF, np.float32), self.index, self.k, itself=itself)
        from_middle_R = np.linalg.norm(x_RF - self.train_TF[which_Rk].mean(1), axis=1)
        floor = 0.1 * float(self.own_T.mean()) + 1e-9
        return np.asarray((distance_Rk.mean(1) + from_middle_R) / np.sqrt(self.own_T[which_Rk].mean(1) + floor), np.float64)

    def rebuilt(self, x_RF: Array) -> Array:
        """The means of the k nearest training rows."""
        if not len(x_RF):
            return x_RF
        _, which_Rk = nearest(np.ascontiguousarray(x_RF, np.float32), self.index, self.k)
        return np.asarray(self.train_TF[which_Rk].mean(1))

    def errors(self, x_RF: Array) -> Numbers:
        """Squared distance to the mean of the k nearest training rows, of each number, (R, F)."""
        return np.square(x_RF - self.rebuilt(x_RF)).astype(np.float64)

    def state(self) -> dict[str, Array]:
        return {"train": self.train_TF, "own": self.own_T, "k": np.array(self.k)}

    @classmethod
    def of(cls, state: Mapping[str, Array]) -> Neighbours:
        return cls(state["train"], int(state["k"]), state["own"])


class Far:
    """Mean distance to the nearest of a few random training rows, over many draws of them.

    Odd rows that stand together, in training too, have each other as nearest neighbours; of a few random rows hardly one is odd (LeSiNN,
    Pang et al. 2015).
    """

    FEW, DRAWS = 8, 100

    def __init__(self, drawn_UF: Array, few: int) -> None:
        """drawn_UF: the rows of all draws, one draw after the other, `few` each."""
        self.drawn_UF, self.few = drawn_UF, few

    @classmethod
    def fit(cls, train_TF: Array, *, seed: int = 0) -> tuple[Far, Numbers]:
        rng = np.random.default_rng(seed)
        few = min(cls.FEW, max(1, len(train_TF) - 1))
        which_U = np.concatenate([rng.choice(len(train_TF), few, replace=False) for _ in range(cls.DRAWS)])
        found = cls(np.ascontiguousarray(train_TF[which_U], np.float32), few)
        return found, found.score(train_TF, itself=which_U)

    def score(self, x_RF: Array, *, itself: Array | None = None) -> Numbers:
        """itself: which row of x_RF each of the U drawn ones is: nobody is far from himself."""
        squares_U = np.square(self.drawn_UF).sum(1)
        found = []
        at_once = max(1, CHUNK_NUMBERS // len(squares_U))
        for at in range(0, len(x_RF), at_once):
            x_CF = np.asarray(x_RF[at : at + at_once], np.float32)
            square_CU = np.square(x_CF).sum(1)[:, None] + squares_U - 2 * x_CF @ self.drawn_UF.T
            if itself is not None:
                here_U = itself - at
                inside = np.flatnonzero((here_U >= 0) & (here_U < len(x_CF)))
                square_CU[here_U[inside], inside] = np.inf
            nearest_CD = np.sqrt(np.maximum(square_CU.reshape(len(x_CF), -1, self.few).min(2), 0))
            found.append(np.where(np.isfinite(nearest_CD), nearest_CD, 0).mean(1))  # infinite: a draw of this row alone
        return np.concatenate(found or [np.empty(0)]).astype(np.float64)

    def state(self) -> dict[str, Array]:
        return {"drawn": self.drawn_UF, "few": np.array(self.few)}

    @classmethod
    def of(cls, state: Mapping[str, Array]) -> Far:
        return cls(state["drawn"], int(state["few"]))


class Forest:
    """An isolation forest (Liu et al. 2008) as arrays: the fewer random cuts part a row from the others, the odder it is.

    Nodes N of all trees stand side by side; a leaf is its own child. depth_N: cuts down to a leaf, and those that its rows still need.
    """

    def __init__(self, nodes: Mapping[str, Array]) -> None:
        self.nodes = dict(nodes)

    @classmethod
    def fit(cls, train_TF: Array, *, seed: int = 0) -> tuple[Forest, Numbers]:
        from sklearn.ensemble import IsolationForest

        grown = IsolationForest(random_state=seed).fit(train_TF)
        parts: dict[str, list[Array]] = {name: [] for name in ("feature", "cut", "left", "right", "depth")}
        roots, deepest, start = [], 0, 0
        for tree in (member.tree_ for member in grown.estimators_):
            left_N, right_N = tree.children_left, tree.children_right
            leaf_N, here_N = left_N < 0, np.arange(tree.node_count)
            level_N = np.zeros(tree.node_count, np.int64)
            for node in here_N[~leaf_N]:  # parents stand before their children
                level_N[left_N[node]] = level_N[right_N[node]] = level_N[node] + 1
            parts["feature"].append(np.where(leaf_N, 0, tree.feature))
            parts["cut"].append(tree.threshold)
            parts["left"].append(start + np.where(leaf_N, here_N, left_N))
            parts["right"].append(start + np.where(leaf_N, here_N, right_N))
            parts["depth"].append(level_N + cuts_needed(tree.n_node_samples))
            roots.append(start)
            deepest, start = max(deepest, int(level_N.max())), start + tree.node_count
        nodes = {name: np.concatenate(arrays) for name, arrays in parts.items()}
        usual = cuts_needed(np.array([grown.max_samples_]))
        found = cls(nodes | {"roots": np.array(roots), "deepest": np.array(deepest), "usual": usual})
        return found, found.score(train_TF)

    def score(self, x_RF: Array) -> Numbers:
        """2^-(mean depth / usual depth), between 0 and 1."""
        n, x_RF = self.nodes, np.asarray(x_RF, np.float32)
        depth_R, every_R = np.zeros(len(x_RF)), np.arange(len(x_RF))
        for root in n["roots"]:
            node_R = np.full(len(x_RF), root)
            for _ in range(int(n["deepest"])):
                node_R = np.where(x_RF[every_R, n["feature"][node_R]] <= n["cut"][node_R], n["left"][node_R], n["right"][node_R])
            depth_R += n["depth"][node_R]
        return np.asarray(2.0 ** (-depth_R / len(n["roots"]) / float(n["usual"][0])))

    def state(self) -> dict[str, Array]:
        return self.nodes

    @classmethod
    def of(cls, state: Mapping[str, Array]) -> Forest:
        return cls(state)


def cuts_needed(rows_N: Array) -> Array:
    """Mean number of random cuts that part one of so many rows from the others (Liu et al. 2008, equation 1)."""
    n_N = np.maximum(rows_N.astype(np.float64), 1)
    many_N = 2 * (np.log(np.maximum(n_N - 1, 1)) + np.euler_gamma) - 2 * (n_N - 1) / n_N
    return np.where(n_N <= 1, 0.0, np.where(n_N <= 2, 1.0, many_N))


@dataclass(frozen=True)
class Odds:
    """A score to -log of the share of training rows that are at least as odd, going on beyond the highest as an exponential tail does."""

    scores: Numbers
    """The training rows' scores, rising."""

    @classmethod
    def fit(cls, score_T: Numbers) -> Odds:
        return cls(np.sort(score_T))

    def __call__(self, score_R: Numbers) -> Numbers:
        count = len(self.scores)
        at_least_R = count - np.searchsorted(self.scores, score_R, side="left")
        within_R = -np.log((at_least_R + 1) / (count + 1))
        tail_T = self.scores[-max(2, round(TAIL * count)) :]
        fall = float((tail_T - tail_T[0]).mean())
        beyond_R = np.maximum(score_R - self.scores[-1], 0)
        return within_R + (beyond_R / fall if fall > 0 else np.sign(beyond_R))
