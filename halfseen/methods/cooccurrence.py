"""Where an embedding table may start: from which tokens stand near which (Levy and Goldberg 2014; LSA and CBOW's kin).

Positive pointwise mutual information of token pairs within a window, factorised by a truncated SVD. It takes seconds, sees
the whole corpus, and gives a masked language model the words' kinds before its first step.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from halfseen.contracts import Array
from halfseen.data.tokens import Segment

WINDOW = 5
LARGEST_SAMPLE = 20_000_000
"""Tokens that are counted at most."""


def count_pairs(segments: Callable[[int], Segment], count: int, vocabulary: int, offsets: tuple[int, ...]) -> object:
    """A sparse V x V matrix: how often b stands at one of the offsets after a, in the same segment, nearer ones weighing more."""
    from scipy.sparse import csr_matrix

    ids, owner, read = [], [], 0
    for i in range(count):
        segment = segments(i)
        ids.append(segment.ids)
        owner.append(np.full(len(segment.ids), i))
        read += len(segment.ids)
        if read > LARGEST_SAMPLE:
            break
    ids_N, owner_N = np.concatenate(ids), np.concatenate(owner)
    total = csr_matrix((vocabulary, vocabulary), dtype=np.float64)
    for offset in offsets:
        same_N = owner_N[offset:] == owner_N[:-offset]
        a, b = ids_N[:-offset][same_N], ids_N[offset:][same_N]
        total = total + csr_matrix((np.full(len(a), 1.0 / offset), (a, b)), shape=(vocabulary, vocabulary))
    return total


def positive_pmi(counts: object) -> object:
    """max(0, log p(a, b) / p(a) p(b)^0.75), sparse; the power tames rare contexts (Levy et al. 2015)."""
    from scipy.sparse import coo_matrix

    pairs = coo_matrix(counts)
    total = pairs.data.sum()
    row_V = np.bincount(pairs.row, pairs.data, minlength=pairs.shape[0])
    column_V = np.bincount(pairs.col, pairs.data, minlength=pairs.shape[1]) ** 0.75
    column_V /= column_V.sum()
    value = np.log(np.maximum(1e-12, pairs.data / total / (row_V[pairs.row] / total * column_V[pairs.col])))
    keep = value > 0
    return coo_matrix((value[keep], (pairs.row[keep], pairs.col[keep])), shape=pairs.shape).tocsr()


def start_table(segments: Callable[[int], Segment], count: int, vocabulary: int, width: int, *, spread: float, seed: int) -> Array:
    """A table of V x width float32 whose entries have standard deviation `spread`; rows of tokens that never occur are zero."""
    from sklearn.utils.extmath import randomized_svd

    ahead = count_pairs(segments, count, vocabulary, tuple(range(1, WINDOW + 1)))
    both = ahead + ahead.T  # type: ignore[operator, attr-defined]
    u, s, _ = randomized_svd(positive_pmi(both), n_components=width, n_iter=2, random_state=seed)
    table = u * np.sqrt(s)
    return (table * (spread / max(1e-12, table.std()))).astype(np.float32)
