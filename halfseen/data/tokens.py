"""A batch of token sequences laid end to end, and how attention lays them into rows.

Shapes: S samples of N tokens in all; R rows of L places, each row holding whole samples side by side.
Linear layers, norms and heads run on the N tokens, so no padding is computed there; only attention sees rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from halfseen.contracts import Array

ROW_LENGTH = 128
"""Rows are at least this long, so that short samples share one."""

Rows = tuple[Array, Array, int]
"""row_S and column_S of each sample, and the length of a row."""


class Segment(NamedTuple):
    """A piece of text without special tokens: ids_n, and starts_n, true where a word begins."""

    ids: Array
    starts: Array


@dataclass(frozen=True)
class Tokens:
    """What a transformer sees: ids_N, position_N of each token in its sample, types_N (or None), lengths_S.

    place_N is each token's place in the R x L grid, None when the grid has no gap; owner_RL says which sample holds a
    place, -1 for a gap. causal_S: samples whose tokens see only those before them, or None.
    """

    ids: Tensor
    position: Tensor
    types: Tensor | None
    lengths: Tensor
    place: Tensor | None
    owner: Tensor
    causal: Tensor | None = None

    @classmethod
    def of(
        cls, ids_N: Array, lengths_S: Array, types_N: Array | None = None, *, causal_S: Array | None = None, rows: Rows | None = None
    ) -> Tokens:
        """Lays samples into rows in the order given, each row filled until the next sample no longer fits, or as `rows` says."""
        lengths_S = np.asarray(lengths_S, dtype=np.int64)
        row_S, column_S, length = rows or lay_rows(lengths_S)
        row_count = int(row_S[-1]) + 1
        starts_S = np.cumsum(lengths_S) - lengths_S
        position_N = np.arange(len(ids_N)) - np.repeat(starts_S, lengths_S)
        place_N = np.repeat(row_S * length + column_S, lengths_S) + position_N
        owner = np.full(row_count * length, -1, dtype=np.int32)
        owner[place_N] = np.repeat(np.arange(len(lengths_S), dtype=np.int32), lengths_S)
        full = len(ids_N) == row_count * length
        return cls(
            ids=torch.from_numpy(np.ascontiguousarray(ids_N, dtype=np.int64)),
            position=torch.from_numpy(position_N),
            types=None if types_N is None else torch.from_numpy(np.ascontiguousarray(types_N, dtype=np.int64)),
            lengths=torch.from_numpy(lengths_S),
            place=None if full else torch.from_numpy(place_N),
            owner=torch.from_numpy(owner.reshape(row_count, length)),
            causal=None if causal_S is None else torch.from_numpy(causal_S),
        )

    @property
    def sample(self) -> Tensor:
        """sample_N: which sample each token belongs to."""
        return torch.repeat_interleave(self.lengths)

    @property
    def first(self) -> Tensor:
        """first_S: where each sample starts among the N tokens."""
        return self.lengths.cumsum(0) - self.lengths

    def rounded(self, least_rows: int = 0) -> Tokens:
        """The same with padding at the end of the N tokens, in the grid's gaps, so that few different shapes occur.

        least_rows: the grid has so many rows at least.

        oneDNN keeps code for each shape that it meets, and the allocator's pieces fit only their own: batches of all sizes filled
        gigabytes after a few hundred steps, batches of few sizes do not grow.
        """
        tokens = len(self.ids)
        return self.padded(round_up(tokens, 64, 32) - tokens, least_rows)

    def padded(self, extra: int, least_rows: int = 0) -> Tokens:
        """The same with so many tokens at the end, in the grid's gaps, and a round number of rows, `least_rows` at least."""
        tokens, (rows, length) = len(self.ids), self.owner.shape
        gaps = rows * length - tokens
        more = max(least_rows, round_up(rows + -(-max(0, extra - gaps) // length), 8, 1)) - rows
        if extra == more == 0:
            return self
        owner_RL = F.pad(self.owner, (0, 0, 0, more), value=-1)
        place_N = torch.arange(tokens, device=owner_RL.device) if self.place is None else self.place
        return replace(
            self,
            ids=F.pad(self.ids, (0, extra)),
            position=F.pad(self.position, (0, extra)),
            types=None if self.types is None else F.pad(self.types, (0, extra)),
            place=torch.cat((place_N, torch.nonzero(owner_RL.flatten() < 0).flatten()[:extra])),
            owner=owner_RL,
        )

    def to(self, device: torch.device) -> Tokens:
        moved: dict[str, Any] = {name: value.to(device) for name, value in vars(self).items() if isinstance(value, Tensor)}
        return replace(self, **moved)


@dataclass(frozen=True)
class TwoTexts:
    """What an encoder-decoder sees: texts to read, and what the decoder has written so far of each, in the same rows.

    Row r of both grids holds the same samples, so that a place of the one can look at places of the other.
    """

    source: Tokens
    target: Tokens

    @classmethod
    def of(cls, source_K: Array, lengths_S: Array, target_N: Array, target_lengths_S: Array, *, offset_S: Array | None = None) -> TwoTexts:
        """offset_S: the position of each target's first token, by default 0."""
        rows, target_rows = lay_rows_of_two(np.asarray(lengths_S, dtype=np.int64), np.asarray(target_lengths_S, dtype=np.int64))
        target = Tokens.of(target_N, target_lengths_S, rows=target_rows)
        if offset_S is not None:
            target = replace(target, position=target.position + torch.from_numpy(np.repeat(offset_S, target_lengths_S)))
        return cls(Tokens.of(source_K, lengths_S, rows=rows), target)

    @property
    def lengths(self) -> Tensor:
        """Tokens of each sample, on both sides."""
        return self.source.lengths + self.target.lengths

    def rounded(self) -> TwoTexts:
        """Both rounded, to as many rows."""
        source, target = self.source.rounded(), self.target.rounded()
        most = max(len(source.owner), len(target.owner))
        return TwoTexts(source.rounded(most), target.rounded(most))

    def to(self, device: torch.device) -> TwoTexts:
        return TwoTexts(self.source.to(device), self.target.to(device))


def round_up(count: int, parts: int, least: int) -> int:
    """To a multiple of a power of two: the largest that is at most count / parts, and at least `least`."""
    step = max(least, 2 ** max(0, (count // parts).bit_length() - 1))
    return -(-count // step) * step


def lay_rows(lengths_S: Array, length: int | None = None) -> Rows:
    """Next-fit: row_S, column_S, and the length of a row, by default ROW_LENGTH or the longest sample's, rounded up."""
    if len(lengths_S) == 0 or lengths_S.min() < 1:
        raise ValueError("every sample of a batch needs at least one token")
    if length is None:
        length = max(ROW_LENGTH, round_up(int(lengths_S.max()), 8, 16))
        if lengths_S.sum() <= length:
            length = round_up(int(lengths_S.sum()), 8, 16)
    row_S, column_S = np.zeros_like(lengths_S), np.zeros_like(lengths_S)
    row = column = 0
    for s, n in enumerate(lengths_S.tolist()):
        if column + n > length:
            row, column = row + 1, 0
        row_S[s], column_S[s] = row, column
        column += n
    return row_S, column_S, length


def lay_rows_of_two(lengths_S: Array, other_S: Array) -> tuple[Rows, Rows]:
    """Next-fit of both texts of each sample into the same rows: a row is full when either text no longer fits."""
    if len(lengths_S) == 0 or min(lengths_S.min(), other_S.min()) < 1:
        raise ValueError("every sample of a batch needs at least one token on each side")
    room = [max(ROW_LENGTH, round_up(int(sizes_S.max()), 8, 16)) for sizes_S in (lengths_S, other_S)]
    row_S, column_S, other_column_S = (np.zeros_like(lengths_S) for _ in range(3))
    row, used = 0, [0, 0]
    widest = [0, 0]
    for s, sizes in enumerate(zip(lengths_S.tolist(), other_S.tolist(), strict=True)):
        if any(u + n > most for u, n, most in zip(used, sizes, room, strict=True)):
            row, used = row + 1, [0, 0]
        row_S[s], column_S[s], other_column_S[s] = row, *used
        used = [u + n for u, n in zip(used, sizes, strict=True)]
        widest = [max(pair) for pair in zip(widest, used, strict=True)]
    lengths = [round_up(n, 8, 16) for n in widest]  # no longer than needed: the target may be short in every row
    return (row_S, column_S, lengths[0]), (row_S, other_column_S, lengths[1])


def order_for_rows(lengths_S: Array, length: int = ROW_LENGTH) -> Array:
    """An order of samples (best-fit decreasing) in which `lay_rows` leaves few gaps."""
    length = max(length, int(lengths_S.max(initial=1)))
    rows: list[list[int]] = []
    open_rows: list[list[int]] = [[] for _ in range(length + 1)]  # open_rows[free places] -> row numbers
    for s in np.argsort(-lengths_S, kind="stable").tolist():
        need = int(lengths_S[s])
        free = next((f for f in range(need, length + 1) if open_rows[f]), None)
        if free is None:
            rows.append([])
            row, free = len(rows) - 1, length
        else:
            row = open_rows[free].pop()
        rows[row].append(s)
        open_rows[free - need].append(row)
    return np.array([s for row in rows for s in row], dtype=np.int64)
