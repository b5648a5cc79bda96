"""Where an embedding table may start: from which tokens stand near which (Levy and Goldberg 2014; LSA and CBOW's kin).

Positive pointwise mutual information of token pairs, factorised by a truncated SVD. Half of the width looks at the direct
neighbours, left and right kept apart (what kind of word it is), half at a window (what it is about). It takes seconds, sees
the whole corpus, and gives a masked language model the words' kinds before its first step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from halfseen.contracts import Array
from halfseen.data.corpus import Segments

WINDOW = 5
LARGEST_SAMPLE = 20_000_000
"""Tokens that are counted at most."""


def count_pairs(segments: Segments, vocabulary: int, window: int) -> Any:
    """Sparse V x V: how often b stands behind a within the window, in one segment; at distance d it counts 1 / d."""
    from scipy.sparse import csr_matrix

    count = int(np.searchsorted(np.cumsum(segments.lengths), LARGEST_SAMPLE)) + 1
    parts = [segments[i].ids for i in range(min(count, len(segments)))]
    ids_N = np.concatenate(parts)
    owner_N = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    total = csr_matrix((vocabulary, vocabulary), dtype=np.float64)
    for distance in range(1, window + 1):
        same_N = owner_N[distance:] == owner_N[:-distance]
        a, b = ids_N[:-distance][same_N], ids_N[distance:][same_N]
        total = total + csr_matrix((np.full(len(a), 1.0 / distance), (a, b)), shape=(vocabulary, vocabulary))
    return total


def positive_pmi(counts: Any) -> Any:
    """max(0, log p(a, b) / p(a) q(b)), sparse; q ~ p^0.75 tames rare contexts (Levy et al. 2015)."""
    from scipy.sparse import coo_matrix

    pairs = coo_matrix(counts)
    row_V = np.bincount(pairs.row, pairs.data, minlength=pairs.shape[0])
    column_V = np.bincount(pairs.col, pairs.data, minlength=pairs.shape[1]) ** 0.75
    column_V /= column_V.sum()
    value = np.log(pairs.data / (row_V[pairs.row] * column_V[pairs.col]))
    keep = value > 0
    return coo_matrix((value[keep], (pairs.row[keep], pairs.col[keep])), shape=pairs.shape).tocsr()


def factorise(matrix: Any, width: int, seed: int) -> Array:
    """U sqrt(S) of the truncated SVD, scaled to a standard deviation of 1."""
    from sklearn.utils.extmath import randomized_svd

    u, s, _ = randomized_svd(matrix, n_components=width, n_iter=2, random_state=seed)
    table = u * np.sqrt(s)
    return np.asarray(table / max(1e-12, table.std()))


def start_table(segments: Segments, vocabulary: int, width: int, *, spread: float, seed: int) -> Array:
    """V x width float32 of standard deviation `spread`; rows of tokens that never occur beside another are zero."""
    from scipy.sparse import hstack

    beside, near = count_pairs(segments, vocabulary, 1), count_pairs(segments, vocabulary, WINDOW)
    kind = hstack([positive_pmi(beside), positive_pmi(beside.T)]).tocsr()
    topic = positive_pmi(near + near.T)
    table = np.hstack([factorise(kind, width // 2, seed), factorise(topic, width - width // 2, seed)])
    table[np.diff(topic.indptr) == 0] = 0.0  # what the SVD's rounding leaves there would pass for a place to start
    return (table * spread).astype(np.float32)
