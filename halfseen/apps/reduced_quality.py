"""How much of what was near is near still: measures of few numbers against the many that they stand for.

Shapes: Q rows that are judged, of R; full_RF, and z_RE of each way. Memory grows with R, not with its square.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from halfseen.contracts import Array
from halfseen.data.draw import permutation

MOST_JUDGED = 2000
"""Rows: of more, these are drawn; who is near them is looked for among all."""
NEAR, VOTERS = 5, 10
CHUNK_NUMBERS = 1 << 23
"""Distances in memory at once: 64 MB."""


def judged_rows(rows: int) -> NDArray[np.int64]:
    return np.sort(permutation(rows, 0, 0)[:MOST_JUDGED])


def judge(full_RF: Array, ways: Mapping[str, Array], label_R: Array | None) -> dict[str, dict[str, float | None]]:
    """For each way, and for "full": trustworthiness, continuity (Venna and Kaski 2001), accuracy; None where there is nothing to say.

    label_R: whole numbers, -1 where nobody knows; accuracy is how often the ten nearest others of a row, as far as they are labelled, have
    its label in the majority.
    """
    rows = len(full_RF)
    near = min(NEAR, (rows - 1) // 2)
    if label_R is not None and len(np.unique(label_R[label_R >= 0])) < 2:
        label_R = None
    chosen_Q = judged_rows(rows)
    sums = {name: np.zeros(4) for name in ("full", *ways)}  # two sums of ranks, right votes, votes
    spaces = {name: centred(x) for name, x in {"full": full_RF, **ways}.items()}
    squares = {name: np.square(x).sum(1) for name, x in spaces.items()}
    for at in range(0, len(chosen_Q), max(1, CHUNK_NUMBERS // rows)):
        which_C = chosen_Q[at : at + max(1, CHUNK_NUMBERS // rows)]
        in_full_CR = distances(spaces["full"], squares["full"], which_C)
        if label_R is not None:
            sums["full"][2:] += votes(in_full_CR, label_R, which_C)
        for name in ways:
            in_way_CR = distances(spaces[name], squares[name], which_C)
            sums[name][0] += strangers(in_way_CR, in_full_CR, near)
            sums[name][1] += strangers(in_full_CR, in_way_CR, near)
            if label_R is not None:
                sums[name][2:] += votes(in_way_CR, label_R, which_C)
    worst = len(chosen_Q) * near * (2 * rows - 3 * near - 1) / 2
    return {
        name: {
            "trustworthiness": None if name == "full" else float(1 - found[0] / worst),
            "continuity": None if name == "full" else float(1 - found[1] / worst),
            "accuracy": float(found[2] / found[3]) if found[3] else None,
        }
        for name, found in sums.items()
    }


def centred(x_RF: Array) -> Array:
    """In float64 where that is small: what is far from 0 and near each other would be the same place."""
    x_RF = x_RF.astype(np.float64) if x_RF.size <= CHUNK_NUMBERS else x_RF
    return np.asarray(x_RF - x_RF.mean(0))


def distances(x_RF: Array, squares_R: Array, which_C: Array) -> Array:
    """Squared, (C, R); a row is infinitely far from itself."""
    found_CR = squares_R[which_C][:, None] + squares_R - 2 * (x_RF[which_C] @ x_RF.T)
    found_CR[np.arange(len(which_C)), which_C] = np.inf
    return np.asarray(found_CR)


def strangers(here_CR: Array, there_CR: Array, near: int) -> float:
    """How far beyond the `near` nearest there the nearest here are, as ranks, added up."""
    which_Ck = np.argpartition(here_CR, near - 1, axis=1)[:, :near]
    there_Ck = np.take_along_axis(there_CR, which_Ck, axis=1)
    rank_Ck = np.stack([(there_CR < there_C1).sum(1) + 1 for there_C1 in np.split(there_Ck, near, axis=1)], axis=1)
    return float(np.maximum(rank_Ck - near, 0).sum())


def votes(distance_CR: Array, label_R: Array, which_C: Array) -> Array:
    """How many rows their neighbours guess right, and of how many."""
    known_R = label_R >= 0
    known_C = known_R[which_C]
    among = np.flatnonzero(known_R)
    voters = min(VOTERS, len(among) - 1)
    near_Ck = np.argpartition(distance_CR[known_C][:, among], voters - 1, axis=1)[:, :voters]
    vote_Ck = label_R[among][near_Ck]
    count_CL = np.stack([(vote_Ck == label).sum(1) for label in range(int(label_R.max()) + 1)], axis=1)
    right = int((count_CL.argmax(1) == label_R[which_C][known_C]).sum()) if len(count_CL) else 0
    return np.array([right, len(count_CL)], np.float64)


def share_lost(x_RF: Array, rebuilt_RF: Array) -> float:
    """Squared error over the variance: 0 if all was rebuilt, 1 by the mean alone."""
    spread = float(np.square(x_RF - x_RF.mean(0)).sum())
    return float(np.square(rebuilt_RF - x_RF).sum()) / spread
