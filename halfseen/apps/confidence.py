"""How unsure a classifier of usual rows is: what is of none of the classes is said with less confidence (Hendrycks and Gimpel 2017,
arXiv:1610.02136).

Shapes: R rows of F numbers, scaled; T training rows of K classes. Higher is odder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from halfseen.contracts import Array

Numbers = NDArray[np.float64]
WIDTH, FOLDS = 64, 3


class Confidence:
    """1 - the highest probability that a small net gives to a class."""

    def __init__(self, weights: Sequence[Array], biases: Sequence[Array]) -> None:
        """Of each layer, (inputs, outputs) and (outputs,)."""
        self.weights, self.biases = list(weights), list(biases)

    @classmethod
    def fit(cls, train_TF: Array, *, classes: Array, seed: int = 0) -> tuple[Confidence, Numbers]:
        """Also the training rows' own scores, each by a net that did not learn from it. Raises ValueError for fewer than two classes."""
        if len(np.unique(classes)) < 2:
            raise ValueError(f"all rows are of the class {str(classes[0])!r}; a classifier's confidence needs two classes")
        fold_T = np.random.default_rng(seed).permutation(np.arange(len(train_TF)) % FOLDS)
        own_T = np.zeros(len(train_TF))  # a net that would know one class alone is sure of it
        for fold in range(FOLDS):
            learns_T = fold_T != fold
            if len(np.unique(classes[learns_T])) > 1:
                own_T[~learns_T] = cls.trained(train_TF[learns_T], classes[learns_T], seed).score(train_TF[~learns_T])
        return cls.trained(train_TF, classes, seed), own_T

    @classmethod
    def trained(cls, train_TF: Array, classes: Array, seed: int) -> Confidence:
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier

        net = MLPClassifier((WIDTH,), alpha=1e-2, max_iter=100, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a hundred rounds are meant to be enough
            net.fit(np.asarray(train_TF, np.float32), classes)
        return cls(net.coefs_, net.intercepts_)

    def score(self, x_RF: Array) -> Numbers:
        """As the sum of the other classes' probabilities, which is exact where the highest is almost 1."""
        from scipy.special import softmax

        hidden: Any = np.asarray(x_RF, np.float64)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = np.maximum(hidden @ weight + bias, 0)
        said_RK = hidden @ self.weights[-1] + self.biases[-1]
        if said_RK.shape[1] == 1:  # of two classes the net says one number
            said_RK = np.concatenate([np.zeros_like(said_RK), said_RK], axis=1)
        return np.asarray(np.sort(softmax(said_RK, axis=1), axis=1)[:, :-1].sum(1))

    def state(self) -> dict[str, Array]:
        layers = {f"weight.{i}": one for i, one in enumerate(self.weights)}
        return layers | {f"bias.{i}": one for i, one in enumerate(self.biases)}

    @classmethod
    def of(cls, state: Mapping[str, Array]) -> Confidence:
        count = len(state) // 2
        return cls([state[f"weight.{i}"] for i in range(count)], [state[f"bias.{i}"] for i in range(count)])
