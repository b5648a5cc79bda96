"""Rows and images of one shape on disk, memory-mapped: what tables and pictures become before they are learnt from.

Shapes: R rows or images, each of shape X: (F,) for the rows of a table, (C, H, W) for images; S of them in a batch.
Some are held out: those whose content hashes below a threshold, so that equal rows are on the same side for ever.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np

from halfseen.contracts import Array, Sample, UserError
from halfseen.data.draw import mix, permutation
from halfseen.data.files import sync, write_json, writing

TRAIN, HELDOUT, TALLY = "train.bin", "heldout.bin", "tally.json"

HELDOUT_ROWS, HELDOUT_SHARE = 2000, 0.1
"""About as many rows are held out, but at most this share."""


class Rows(Sequence[Sample]):
    """Some rows of an array, without a Python object for each until one is asked for. x_SX, and keys_S as `Sample.key` gives them."""

    def __init__(self, of: ArrayData, index_S: Array) -> None:
        self._of, self._index_S = of, index_S

    @cached_property
    def x(self) -> Array:
        return np.asarray(self._of.x[self._index_S])

    @property
    def keys(self) -> Array:
        return np.asarray(self._of.keys[self._index_S])

    def __len__(self) -> int:
        return len(self._index_S)

    @overload
    def __getitem__(self, i: int) -> Sample: ...
    @overload
    def __getitem__(self, i: slice) -> Rows: ...
    def __getitem__(self, i: int | slice) -> Sample | Rows:
        if isinstance(i, slice):
            return Rows(self._of, self._index_S[i])
        return self._of.sample(int(self._index_S[i]))


class ArrayData:
    """All rows of one array: x_RX. name: what their ids begin with."""

    def __init__(self, name: str, x_RX: Array) -> None:
        self.name, self.x = name, x_RX

    def __len__(self) -> int:
        return len(self.x)

    def sample(self, i: int) -> Sample:
        return Sample(f"{self.name}:{i}", self.x[i])

    @cached_property
    def keys(self) -> Array:
        return np.fromiter((Sample(f"{self.name}:{i}", None).key for i in range(len(self))), np.uint64, count=len(self))

    def take(self, index_S: Array) -> Rows:
        return Rows(self, index_S)

    def in_order(self, batch: int) -> Iterator[Rows]:
        """All rows once, `batch` at a time."""
        for at in range(0, len(self), batch):
            yield self.take(np.arange(at, min(at + batch, len(self))))


class ArrayBatches:
    """Batches of about `batch` rows, each epoch in a new order; any step can be had directly. Every row stands in one batch of an epoch."""

    def __init__(self, data: ArrayData, *, batch: int, seed: int) -> None:
        self.data, self.seed = data, seed
        self.per_epoch = max(1, round(len(data) / batch))
        self._edges = np.linspace(0, len(data), self.per_epoch + 1).astype(np.int64)
        self._epoch, self._order = -1, np.empty(0, np.int64)

    def __call__(self, step: int) -> tuple[int, Rows]:
        """The epoch and the rows of a step."""
        epoch, i = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            self._order, self._epoch = permutation(len(self.data), self.seed, epoch), epoch
        return epoch, self.data.take(self._order[self._edges[i] : self._edges[i + 1]])


def stacked(samples: Sequence[Sample]) -> Array:
    """x_SX of a batch; of images in whole numbers, shares of the highest one."""
    x_SX = samples.x if isinstance(samples, Rows) else np.stack([sample.x for sample in samples])
    return x_SX.astype(np.float32) / 255 if x_SX.dtype == np.uint8 else x_SX.astype(np.float32, copy=False)


@dataclass(frozen=True)
class ArrayTally:
    """What is on disk: rows to learn from and held out, the shape of one, its type, and how many were read twice."""

    train: int
    heldout: int
    shape: tuple[int, ...]
    dtype: str
    duplicates: int


@dataclass(frozen=True)
class Arrays:
    """Both sides of one folder."""

    train: ArrayData
    heldout: ArrayData
    tally: ArrayTally


def content_hashes(x_RX: Array) -> Array:
    """Each row's bytes as a number in [0, 1)."""
    bytes_RB = np.ascontiguousarray(x_RX).reshape(len(x_RX), -1).view(np.uint8)
    words_RW = np.pad(bytes_RB, ((0, 0), (0, -bytes_RB.shape[1] % 8))).view(np.uint64)
    hash_R = np.full(len(x_RX), words_RW.shape[1], np.uint64)
    for word_R in words_RW.T:
        hash_R = mix(hash_R ^ word_R)
    return hash_R / 2.0**64


def write_arrays(folder: Path, chunks: Iterable[Array], *, expected: int) -> Arrays:
    """Chunks of rows, all of one shape and type, to `folder`. expected: about as many rows will come.

    Raises UserError if there are not two different rows, one to learn from and one to hold out.
    """
    share = min(HELDOUT_SHARE, HELDOUT_ROWS / max(1, expected))
    counts, seen, duplicates = {TRAIN: 0, HELDOUT: 0}, set[float](), 0
    shape: tuple[int, ...] = ()
    dtype = ""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / TRAIN).open("wb") as train, (folder / HELDOUT).open("wb") as heldout:
            for chunk_RX in chunks:
                shape, dtype = chunk_RX.shape[1:], str(chunk_RX.dtype)
                hash_R = content_hashes(chunk_RX)
                if not seen:  # the lowest of the first rows is held out, whatever the share
                    share = max(share, float(np.nextafter(hash_R.min(), 1.0)))
                duplicates += len(hash_R) - len(new := set(hash_R.tolist()) - seen)
                seen |= new
                for name, stream, chosen_R in ((TRAIN, train, hash_R >= share), (HELDOUT, heldout, hash_R < share)):
                    counts[name] += int(chosen_R.sum())
                    stream.write(np.ascontiguousarray(chunk_RX[chosen_R]).tobytes())
        for name in counts:
            sync(folder / name)
    if not counts[TRAIN]:
        raise UserError(
            f"only {len(seen)} different rows; too few to learn from and to hold some out", way_out="give more rows, or other columns"
        )
    write_json(folder / TALLY, asdict(ArrayTally(counts[TRAIN], counts[HELDOUT], shape, dtype, duplicates)))
    return open_arrays(folder)


def open_arrays(folder: Path) -> Arrays:
    """What `write_arrays` left in a folder. Raises UserError if it is not there or damaged."""
    try:
        told = json.loads((folder / TALLY).read_text())
        tally = ArrayTally(**(told | {"shape": tuple(told["shape"])}))
        train, heldout = (
            ArrayData(Path(name).stem, np.memmap(folder / name, dtype=tally.dtype, mode="r", shape=(rows, *tally.shape)))
            for name, rows in ((TRAIN, tally.train), (HELDOUT, tally.heldout))
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"missing or damaged ({error})", where=str(folder), way_out="start the run anew") from error
    return Arrays(train, heldout, tally)
