"""Random numbers keyed on (seed, epoch, sample): a counter-based generator, vectorised over a ragged batch.

Each number is a hash of its coordinates (SplitMix64's finaliser, Steele et al. 2014), so nothing depends on the batch
around a sample, on the number of workers, or on where a run was resumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from halfseen.contracts import Array, Sample

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(x: Array) -> Array:
    """SplitMix64's finaliser: uint64 to well-scrambled uint64."""
    with np.errstate(over="ignore"):
        x = np.asarray(x, dtype=np.uint64) + GOLDEN
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(x ^ (x >> np.uint64(31)))


def uniform(bits: Array) -> Array:
    """uint64 to float64 in [0, 1)."""
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def keys_of(samples: Sequence[Sample]) -> Array:
    """Each sample's `key`, uint64; those of rows of an array are there already."""
    keys_S: Array | None = getattr(samples, "keys", None)
    return np.fromiter((sample.key for sample in samples), np.uint64, count=len(samples)) if keys_S is None else keys_S


class KeyedDraw:
    """The `Draw` of one batch. Every call gives fresh numbers; the n-th call gives the same ones in every batch."""

    def __init__(self, seed: int, epoch: int, samples: Sequence[Sample]) -> None:
        self._samples, self._run = samples, mix(mix(np.array(seed)) ^ np.uint64(epoch))
        self._calls = 0

    @cached_property
    def _base(self) -> Array:
        return mix(keys_of(self._samples) ^ self._run)

    def __call__(self, count_S: int | Array) -> Array:
        counts_S = np.broadcast_to(np.asarray(count_S, dtype=np.int64), self._base.shape)
        ends_S = np.cumsum(counts_S)
        position_N = np.arange(counts_S.sum()) - np.repeat(ends_S - counts_S, counts_S)
        call = np.uint64(self._calls << 40)
        self._calls += 1
        with np.errstate(over="ignore"):
            return uniform(mix(np.repeat(self._base, counts_S) + (position_N.astype(np.uint64) + call) * GOLDEN))


def permutation(n: int, seed: int, epoch: int) -> Array:
    """An order of 0..n-1 for one epoch, int64."""
    return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(n)
