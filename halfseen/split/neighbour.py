"""A row or an image as seen, and beside it one of its nearest neighbours, drawn anew each epoch.

Shapes: S samples of shape X; A rows among which neighbours are found, F numbers each once they are laid flat; k neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from halfseen.contracts import Array, Draw, Sample, Split
from halfseen.data.array_corpus import ArrayData, stacked
from halfseen.data.draw import keys_of, permutation
from halfseen.data.nearest import index_of, nearest

MOST_ROWS, MOST_NUMBERS = 20_000, 1 << 26
"""Among which neighbours are found: of more rows these are drawn, so that the time grows linearly."""


@dataclass(frozen=True)
class WithNeighbour:
    """x_SX, and a neighbour of each."""

    x: Tensor
    near: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def to(self, device: torch.device) -> WithNeighbour:
        return WithNeighbour(self.x.to(device), self.near.to(device))


class Neighbourhood:
    """Each sample's k nearest among the training rows, by Euclidean distance; nobody is his own, unless he is alone.

    They are found when they are first asked for: a short run need not wait for those of all rows.
    """

    def __init__(self, data: ArrayData, k: int) -> None:
        width = int(np.prod(data.x.shape[1:]))
        chosen_A = np.sort(permutation(len(data), 0, 0)[: max(2, min(MOST_ROWS, MOST_NUMBERS // width))])
        self.among = ArrayData(data.name, np.asarray(data.x[chosen_A]))
        self.index = index_of(flat(stacked(self.among.take(np.arange(len(chosen_A))))))
        self.k = max(1, min(k, len(chosen_A) - 1))
        self._order_R = np.argsort(data.keys)
        self._keys_R = data.keys[self._order_R]
        self._itself_R = np.full(len(data), -1)
        self._itself_R[chosen_A] = np.arange(len(chosen_A))
        self._found_Rk = np.full((len(data), self.k), -1, np.int32)

    def of(self, samples: Sequence[Sample]) -> Array:
        """which_Sk, places in `among`."""
        key_S = keys_of(samples)
        at_S = np.minimum(np.searchsorted(self._keys_R, key_S), len(self._keys_R) - 1)
        place_S, known_S = self._order_R[at_S], self._keys_R[at_S] == key_S
        which_Sk = np.where(known_S[:, None], self._found_Rk[place_S], -1)
        new = np.flatnonzero(which_Sk[:, 0] < 0)
        if len(new):
            itself_N = np.where(known_S[new], self._itself_R[place_S[new]], -1)
            x_NF = flat(stacked([samples[int(i)] for i in new]))
            which_Sk[new] = nearest(x_NF, self.index, self.k, itself=itself_N if len(self.among) > 1 else None)[1]
            learnt = new[known_S[new]]
            self._found_Rk[place_S[learnt]] = which_Sk[learnt]
        return which_Sk


class BesideNeighbour:
    """seen: x, and one of its k nearest neighbours. target: x, all of it scored. `among` must be told before anything is split."""

    def __init__(self, k: int) -> None:
        self.k = k
        self.among: Neighbourhood | None = None

    def meet(self, data: ArrayData) -> None:
        """The training rows: neighbours are found among them."""
        self.among = Neighbourhood(data, self.k)

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        assert self.among is not None, "meet(data) comes first"
        x_SX = stacked(samples)
        which_Sk = self.among.of(samples)
        chosen_S = which_Sk[np.arange(len(x_SX)), (draw(1) * self.among.k).astype(np.int64)]
        near_SX = stacked(self.among.among.take(chosen_S))
        x = torch.from_numpy(x_SX)
        return Split(WithNeighbour(x, torch.from_numpy(near_SX)), x, torch.ones(1, dtype=torch.bool).expand(x_SX.shape))


def flat(x_SX: Array) -> Array:
    return np.ascontiguousarray(x_SX.reshape(len(x_SX), -1), np.float32)
