"""What of an image can be told apart from where it stands: its edges, coarsely placed, and its spectrum, not placed at all.

Nearest neighbours among pixels know what stands where, and nothing of textures: a smooth image is near to any rough one.

Shapes: R images of C channels, H rows and W columns; laid out as rows of F numbers between 0 and 1. T training images.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from halfseen.apps.outliers import Neighbours
from halfseen.contracts import Array

Numbers = NDArray[np.float64]
WAYS, CELLS = 8, 4
"""Directions of an edge, and into how many parts height and width are cut."""
FLOOR = 0.003
"""Of the spectrum's sizes: about a level of 256."""
AT_ONCE = 1024


class OnFeatures:
    """Nearest neighbours (`Neighbours`) among what `features` tells of images."""

    def __init__(self, shape: tuple[int, ...], inner: Neighbours) -> None:
        self.shape, self.inner = shape, inner

    @staticmethod
    @abstractmethod
    def features(x_RCHW: Array) -> Array:
        """(R, number of features), float32."""

    @classmethod
    def fit(
        cls, train_TF: Array, *, shape: tuple[int, ...], seed: int = 0, among: Array | None = None, **more: Any
    ) -> tuple[Self, Numbers]:
        """Also the training images' own scores, none of which is its own neighbour."""
        inner, own_T = Neighbours.fit(cls.of_rows(train_TF, shape), seed=seed, among=among, **more)
        return cls(shape, inner), own_T

    @classmethod
    def of_rows(cls, x_RF: Array, shape: tuple[int, ...]) -> Array:
        parts = [cls.features(x_RF[at : at + AT_ONCE].reshape(-1, *shape)) for at in range(0, max(1, len(x_RF)), AT_ONCE)]
        return np.concatenate(parts)

    def score(self, x_RF: Array) -> Numbers:
        return self.inner.score(self.of_rows(x_RF, self.shape)) if len(x_RF) else np.empty(0)

    def state(self) -> dict[str, Array]:
        return self.inner.state() | {"shape": np.array(self.shape)}

    @classmethod
    def of(cls, state: Mapping[str, Array]) -> Self:
        return cls(tuple(int(n) for n in state["shape"]), Neighbours.of(state))


class Edges(OnFeatures):
    """The root of how much changes in each of eight directions, in each of 4 x 4 cells, as histograms of oriented gradients tell it (Dalal
    and Triggs 2005)."""

    @staticmethod
    def features(x_RCHW: Array) -> Array:
        across = np.diff(x_RCHW, axis=3, append=x_RCHW[..., -1:])
        down = np.diff(x_RCHW, axis=2, append=x_RCHW[:, :, -1:])
        way = np.minimum((np.arctan2(down, across) % np.pi / np.pi * WAYS).astype(np.int64), WAYS - 1)
        size = np.hypot(across, down)
        height, width = (-(-n // CELLS) for n in x_RCHW.shape[2:])
        rows, columns = (np.arange(0, n, step) for n, step in zip(x_RCHW.shape[2:], (height, width), strict=True))
        sums = [
            np.add.reduceat(np.add.reduceat(np.where(way == i, size, 0), rows, axis=2), columns, axis=3).reshape(len(x_RCHW), -1)
            for i in range(WAYS)
        ]
        return np.sqrt(np.concatenate(sums, axis=1) / (height * width)).astype(np.float32)


class Spectrum(OnFeatures):
    """The logarithm of each wave's size: shifting an image round changes nothing."""

    @staticmethod
    def features(x_RCHW: Array) -> Array:
        size = np.abs(np.fft.rfft2(x_RCHW - x_RCHW.mean((2, 3), keepdims=True), norm="ortho"))
        return np.log(size + FLOOR).reshape(len(x_RCHW), -1).astype(np.float32)
