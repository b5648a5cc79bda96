"""What codes are worth, figure by figure. What has to be chosen is chosen on a fifth of the training items.

Shapes: N training items and M test items; code_NE, code_ME; label_N, label_M.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from halfseen.contracts import Array

NEIGHBOURS = (1, 3, 5, 10)
PENALTIES = (0.01, 0.1, 1.0)
"""Inverse strengths of the logistic regression's penalty."""


def fifth(count: int, seed: int) -> tuple[Array, Array]:
    """Places to learn from and to choose by."""
    order = np.random.default_rng(seed).permutation(count)
    return order[count // 5 :], order[: count // 5]


def neighbour_accuracy(code_NE: Array, label_N: Array, code_ME: Array, label_M: Array, seed: int) -> float:
    """The share of test items whose nearest training items have their label, by vote; how many vote, and whether distance is Euclid's
    or the cosine's, is chosen."""
    number_N, number_M = numbered(label_N, label_M)
    fit, choose = fifth(len(code_NE), seed)
    best, found = -1.0, 0.0
    for unit in (False, True):
        train, test = (scaled(code, unit) for code in (code_NE, code_ME))
        shares = votes(train[fit], number_N[fit], train[choose], number_N[choose])
        at = int(np.argmax(shares))
        if shares[at] > best:
            best, found = shares[at], votes(train, number_N, test, number_M)[at]
    return found


def scaled(code_NE: Array, unit: bool) -> Array:
    return code_NE / np.maximum(np.linalg.norm(code_NE, axis=1, keepdims=True), 1e-12) if unit else code_NE


def votes(code_NE: Array, number_N: Array, code_ME: Array, number_M: Array) -> list[float]:
    """How often so many neighbours are right, for each of NEIGHBOURS; of labels with equal votes the nearest one's counts."""
    from sklearn.neighbors import NearestNeighbors

    most = min(max(NEIGHBOURS), len(code_NE))
    near_MK = number_N[NearestNeighbors(n_neighbors=most, algorithm="brute").fit(code_NE).kneighbors(code_ME, return_distance=False)]
    found = []
    for count in NEIGHBOURS:
        some_MK = near_MK[:, :count]
        times_MK = (some_MK[:, :, None] == some_MK[:, None, :]).sum(2)
        said_M = some_MK[np.arange(len(some_MK)), times_MK.argmax(1)]
        found.append(float((said_M == number_M).mean()))
    return found


def linear_accuracy(code_NE: Array, label_N: Array, code_ME: Array, label_M: Array, seed: int) -> float:
    """The share of test items that logistic regression on standardised codes says right; the penalty is chosen."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def fitted(places: Array, penalty: float) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # what changes after so many rounds is no label
            return make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=200)).fit(code_NE[places], label_N[places])

    fit, choose = fifth(len(code_NE), seed)
    best = max(PENALTIES, key=lambda penalty: fitted(fit, penalty).score(code_NE[choose], label_N[choose]))
    return float(fitted(np.arange(len(code_NE)), best).score(code_ME, label_M))


def cluster_scores(cluster_R: Array, label_R: Array, train: Array, test: Array) -> tuple[float, float]:
    """Accuracy, each cluster standing for one label at most and each label for one cluster, as fits the training items best (Kuhn 1955);
    normalised mutual information. Both on test items."""
    from scipy.optimize import linear_sum_assignment
    from sklearn.metrics import normalized_mutual_info_score

    cluster_R, number_R = (np.unique(values, return_inverse=True)[1] for values in (cluster_R, label_R))
    count = np.zeros((cluster_R.max() + 1, number_R.max() + 1))
    np.add.at(count, (cluster_R[train], number_R[train]), 1)
    meaning = np.full(len(count), -1)
    clusters, numbers = linear_sum_assignment(-count)
    meaning[clusters] = numbers
    accuracy = float((meaning[cluster_R[test]] == number_R[test]).mean())
    return accuracy, float(normalized_mutual_info_score(number_R[test], cluster_R[test]))


def numbered(label_N: Array, label_M: Array) -> tuple[Array, Array]:
    """Labels as numbers, the same in both."""
    number_R = np.unique(np.concatenate([label_N, label_M]), return_inverse=True)[1]
    return number_R[: len(label_N)], number_R[len(label_N) :]
