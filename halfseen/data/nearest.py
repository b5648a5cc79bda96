"""The nearest of some rows.

Shapes: R rows of F numbers; T rows among which the k nearest are found.
"""

from __future__ import annotations

from typing import Any

from halfseen.contracts import Array


def index_of(train_TF: Array) -> Any:
    """Rows, laid so that near ones are found fast."""
    from sklearn.neighbors import NearestNeighbors

    return NearestNeighbors().fit(train_TF)


def nearest(x_RF: Array, index: Any, k: int, *, itself: Array | None = None) -> tuple[Array, Array]:
    """distance_Rk and which_Rk of each row's k nearest, the nearest first. itself: which of the T each row is, -1 for none: left out."""
    distance_Rk, which_Rk = index.kneighbors(x_RF, min(k + (itself is not None), index.n_samples_fit_))
    if itself is None:
        return distance_Rk, which_Rk
    is_itself = which_Rk == itself[:, None]
    is_itself[~is_itself.any(1), -1] = True  # of a row that is none of them, or of one of many equals, the farthest goes
    return distance_Rk[~is_itself].reshape(len(x_RF), -1), which_Rk[~is_itself].reshape(len(x_RF), -1)
