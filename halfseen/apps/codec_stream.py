"""Whole numbers to bits and back, by tables: an arithmetic coder that both sides walk through in the same order.

Shapes: N numbers, and for each which of the T tables tells of it.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from halfseen.contracts import Array, UserError
from halfseen.losses.rate import PRECISION, reach

FAR = 1 << 16
"""Numbers without a count of their own lie within half of this on both sides."""


class Coder(Protocol):
    def __call__(self, scale_N: Array, wanted_N: Array | None) -> Array:
        """The numbers: those wanted, which are written, or those that are read."""
        ...


class Tables:
    """The coder's models, made when they are first used. counts_TN: as `laplace_tables` gives them."""

    def __init__(self, counts_TN: Array) -> None:
        """Raises UserError for what are no tables."""
        whole = counts_TN[:, 0].astype(np.int64) + 2 * counts_TN[:, 1:-1].sum(1, dtype=np.int64) + counts_TN[:, -1]
        if (counts_TN < 0).any() or (counts_TN[:, [0, -1]] < 1).any() or (whole != 2**PRECISION).any():
            raise UserError("its tables of probabilities are damaged", way_out="get the codec's folder again")
        self.counts_TN = counts_TN
        self.most_T = [reach(row) for row in counts_TN]
        self._models: dict[int, Any] = {}

    def __getitem__(self, table: int) -> Any:
        if table not in self._models:
            from constriction import stream

            row, most = self.counts_TN[table], self.most_T[table]
            one_by_one = np.concatenate([row[most:0:-1], row[: most + 1], row[-1:]])
            self._models[table] = stream.model.Categorical(one_by_one / 2.0**PRECISION, perfect=False)
        return self._models[table]


class Writer:
    """Numbers to bytes."""

    def __init__(self, tables: Tables) -> None:
        from constriction import stream

        self.tables, self.encoder, self.far = tables, stream.queue.RangeEncoder(), stream.model.Uniform(FAR)

    def __call__(self, scale_N: Array, wanted_N: Array | None) -> Array:
        assert wanted_N is not None
        for table in np.unique(scale_N):
            most = self.tables.most_T[table]
            number = wanted_N[scale_N == table].astype(np.int32)
            beyond = np.abs(number) > most
            self.encoder.encode(np.where(beyond, 2 * most + 1, number + most).astype(np.int32), self.tables[table])
            if beyond.any():
                self.encoder.encode(number[beyond] + np.int32(FAR // 2), self.far)
        return wanted_N

    def bytes(self) -> bytes:
        return bytes(self.encoder.get_compressed().astype("<u4").tobytes())


class Reader:
    """Bytes to the numbers that were written. Raises UserError where no numbers can be read of them."""

    def __init__(self, tables: Tables, content: bytes) -> None:
        from constriction import stream

        self.tables, self.far = tables, stream.model.Uniform(FAR)
        self.decoder = stream.queue.RangeDecoder(np.frombuffer(content, "<u4").astype(np.uint32))

    def __call__(self, scale_N: Array, wanted_N: Array | None) -> Array:
        number_N = np.zeros(len(scale_N), np.int64)
        try:
            for table in np.unique(scale_N):
                most = self.tables.most_T[table]
                place = np.flatnonzero(scale_N == table)
                letter = self.decoder.decode(self.tables[table], len(place))
                number_N[place] = letter - most
                beyond = place[letter == 2 * most + 1]
                if len(beyond):
                    number_N[beyond] = self.decoder.decode(self.far, len(beyond)) - FAR // 2
        except AssertionError as error:  # what constriction raises for impossible bytes
            raise UserError("its content cannot be read", way_out="get the file again") from error
        return number_N
