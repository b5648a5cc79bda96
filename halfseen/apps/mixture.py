"""How unlikely rows are under a mixture of normal distributions fitted to usual ones.

Shapes: R rows of F numbers, scaled; T training rows; K normals. Higher is odder.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from halfseen.contracts import Array

Numbers = NDArray[np.float64]
MOST_ROWS = 5000
"""That a mixture is fitted to."""
COUNTS = (1, 2, 4, 8, 16)
LEAST_VARIANCE = 1e-3
"""Added to each number's: rows are scaled to about 1."""
AT_ONCE = 16_384


class Mixture:
    """-log of the density. Of COUNTS normals, with whole covariances or with variances alone, those that the training rows pay best for by
    the Bayesian information criterion (Schwarz 1978)."""

    def __init__(self, share_K: Numbers, mean_KF: Numbers, root_KFF: Numbers) -> None:
        """root_KFF: of each normal's precision, upper triangular, so that (x - mean) @ root is standard normal."""
        self.share_K, self.mean_KF, self.root_KFF = share_K, mean_KF, root_KFF

    @classmethod
    def fit(cls, train_TF: Array, *, seed: int = 0) -> tuple[Mixture, Numbers]:
        """Also the training rows' own scores, which are a little lower than those of other usual rows."""
        from sklearn.mixture import GaussianMixture

        rows = np.sort(np.random.default_rng(seed).permutation(len(train_TF))[:MOST_ROWS])
        some_TF = np.asarray(train_TF[rows], np.float64)
        tried = [
            GaussianMixture(count, covariance_type=kind, reg_covar=LEAST_VARIANCE, max_iter=50, random_state=seed)
            for kind in ("full", "diag")
            for count in COUNTS
            if 2 * count <= len(some_TF)
        ]
        best = min((one.fit(some_TF) for one in tried), key=lambda one: float(one.bic(some_TF)))
        root = best.precisions_cholesky_
        found = cls(best.weights_, best.means_, root if root.ndim == 3 else np.stack([np.diag(row_F) for row_F in root]))
        return found, found.score(train_TF)

    def score(self, x_RF: Array) -> Numbers:
        """Nats."""
        from scipy.special import logsumexp

        width = self.mean_KF.shape[1]
        level_K = (
            np.log(self.share_K) + np.log(np.abs(np.diagonal(self.root_KFF, axis1=1, axis2=2))).sum(1) - width / 2 * math.log(2 * math.pi)
        )
        found = []
        for at in range(0, len(x_RF), AT_ONCE):
            x_CF = np.asarray(x_RF[at : at + AT_ONCE], np.float64)
            squares_CK = np.stack(
                [np.square((x_CF - mean_F) @ root_FF).sum(1) for mean_F, root_FF in zip(self.mean_KF, self.root_KFF, strict=True)], 1
            )
            found.append(-logsumexp(level_K - squares_CK / 2, axis=1))
        return np.concatenate(found or [np.empty(0)])

    def state(self) -> dict[str, Array]:
        return {"share": self.share_K, "mean": self.mean_KF, "root": self.root_KFF}

    @classmethod
    def of(cls, state: Mapping[str, Array]) -> Mixture:
        return cls(state["share"], state["mean"], state["root"])
