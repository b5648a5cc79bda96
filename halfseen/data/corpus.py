"""Documents to tokenised segments on disk: memory-mapped Arrow streams, which `datasets` opens as they are.

A segment is a document, or a piece of it if it is longer than the net takes; segments never cross documents.
Some text is held out: blocks of BLOCK segments whose content hashes below a threshold, so that a text is on the same side
for ever. Most documents are one block; a book is many, so that few books are enough to learn from and to hold some out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa

from halfseen.contracts import Array, Sample, UserError
from halfseen.data.draw import permutation
from halfseen.data.files import sync, write_atomically, writing
from halfseen.data.tokenizers import Pieces, Tokenizer, batched
from halfseen.data.tokens import Segment, order_for_rows

SCHEMA = pa.schema([("ids", pa.list_(pa.uint32())), ("starts", pa.list_(pa.bool_()))])

HELDOUT_TOKENS = 30_000
"""About as many tokens are held out, but at most a twentieth of the corpus."""

BLOCK = 8
"""Segments that stay together on one side."""

TRAIN, HELDOUT, TALLY = "train.arrow", "heldout.arrow", "tally.json"


class Segments:
    """The segments of one file, read where they lie on disk. `lengths` are in tokens, without special ones.

    longest: where longer documents were cut.
    """

    def __init__(self, path: Path, longest: int) -> None:
        self.name, self._longest = path.stem, longest
        table = pa.ipc.open_stream(pa.memory_map(str(path))).read_all()
        self._ids, self._starts, self._offsets = [], [], []
        for batch in table.to_batches():
            ids, starts = batch.column("ids"), batch.column("starts")
            self._ids.append(ids.values.to_numpy())
            self._starts.append(starts.values)
            self._offsets.append(ids.offsets.to_numpy())
        counts = [len(offsets) - 1 for offsets in self._offsets]
        self._ends = np.cumsum(counts)
        self.lengths: Array = np.concatenate([np.diff(offsets) for offsets in self._offsets] or [np.empty(0, np.int64)]).astype(np.int64)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, i: int) -> Segment:
        batch = int(np.searchsorted(self._ends, i, side="right"))
        row = i - (int(self._ends[batch - 1]) if batch else 0)
        a, b = (int(n) for n in self._offsets[batch][row : row + 2])
        starts = self._starts[batch].slice(a, b - a).to_numpy(zero_copy_only=False)
        return Segment(self._ids[batch][a:b].astype(np.int64), starts)

    def sample(self, i: int) -> Sample:
        """meta: whether its document `ends` with it; of one that just fills its last segment that is not seen."""
        return Sample(f"{self.name}:{i}", self[i], {"ends": bool(self.lengths[i] < self._longest)})

    def elsewhere(self, where: float) -> Segment:
        """The segment at a share `where` of the file."""
        return self[int(where * len(self))]


@dataclass(frozen=True)
class Tally:
    """What was read and what of it is kept."""

    documents: int
    """Documents that were read."""
    duplicates: int
    """Of these, exact copies of an earlier one, dropped."""
    kept_share: float
    """Share of the documents that was used: below 1 where the corpus is larger than the budget can read."""
    tokens: int
    heldout_tokens: int
    heldout_bytes: int
    longest: int
    """Tokens of a segment at most."""


@dataclass(frozen=True)
class Corpus:
    """train and heldout segments of one folder, and how they came about."""

    train: Segments
    heldout: Segments
    tally: Tally


def content_hash(text: str, block: int = 0) -> float:
    """A document's content, or a block of it, as a number in [0, 1)."""
    salt = block.to_bytes(8, "big")
    return int.from_bytes(blake2b(text.encode(), digest_size=8, salt=salt).digest(), "big") / 2.0**64


def write_corpus(
    folder: Path,
    documents: Callable[[], Iterable[str]],
    keep: Array,
    tokenizer: Tokenizer,
    *,
    length: int,
    tokens_expected: float,
    share: float = 1.0,
) -> Corpus:
    """Tokenises documents into `folder`/train.arrow and heldout.arrow, in segments of at most `length` tokens.

    documents() starts reading anew; keep says for each whether it is the first of its kind; share < 1 takes only that
    share of them, chosen by content. Raises UserError if nothing is left to learn from.
    """
    heldout_share = min(0.05, HELDOUT_TOKENS / max(1.0, tokens_expected))
    limit = heldout_share + share * (1 - heldout_share)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)

    def wanted() -> Iterator[tuple[str, Pieces]]:
        for batch in batched(text for text, first in zip(documents(), keep, strict=True) if first):
            texts = [text for text in batch if content_hash(text) < limit]
            yield from zip(texts, tokenizer.encode_batch(texts), strict=True)

    divide = partial(_divide, folder, wanted, length, limit)
    tokens, heldout_tokens, heldout_bytes, _ = divide(BLOCK, heldout_share)
    if heldout_tokens == 0 or tokens == 0:  # a small corpus: its segments apart, and at least one of them held out
        *_, lowest = divide(1, heldout_share)
        tokens, heldout_tokens, heldout_bytes, _ = divide(1, max(lowest, heldout_share))
    tally = Tally(len(keep), int(len(keep) - keep.sum()), share, tokens, heldout_tokens, heldout_bytes, length)
    if tally.tokens == 0 or tally.heldout_tokens == 0:
        raise UserError(
            f"only {int(keep.sum())} different documents with {tally.tokens + tally.heldout_tokens} tokens; "
            "too few to learn from and to hold some out",
            way_out="give more text",
        )
    write_atomically(folder / TALLY, (json.dumps(asdict(tally), indent=1) + "\n").encode())
    return open_corpus(folder)


def _divide(
    folder: Path, documents: Callable[[], Iterable[tuple[str, Pieces]]], length: int, limit: float, block: int, heldout_share: float
) -> tuple[int, int, int, float]:
    """Writes both files. Returns each side's tokens, the held-out bytes, and the share at which just one block would be held out."""
    tokens, heldout_tokens, heldout_bytes, lowest = 0, 0, 0, 1.0
    with _Writer(folder / TRAIN) as train, _Writer(folder / HELDOUT) as heldout:
        for text, pieces in documents():
            for i, at in enumerate(range(0, len(pieces.ids), length * block)):
                # the first block is where its document is; the others spread over all places that are read
                place = content_hash(text) if i == 0 else limit * content_hash(text, i)
                part = slice(at, at + length * block)
                (heldout if place < heldout_share else train).add(pieces.ids[part], pieces.starts[part], length)
                lowest = min(lowest, float(np.nextafter(place, 1.0)))
                count = len(pieces.ids[part])
                if place < heldout_share:
                    heldout_tokens, heldout_bytes = heldout_tokens + count, heldout_bytes + bytes_of(text, pieces, part)
                else:
                    tokens += count
    return tokens, heldout_tokens, heldout_bytes, lowest


def bytes_of(text: str, pieces: Pieces, part: slice) -> int:
    """Of a part of a text's pieces, with what stands before its first piece if it is the text's first, and before the next part."""
    begin = int(pieces.offsets[part.start, 0]) if part.start else 0
    end = int(pieces.offsets[part.stop, 0]) if part.stop < len(pieces.ids) else len(text)
    return len(text[begin:end].encode())


def open_corpus(folder: Path) -> Corpus:
    """The corpus that `write_corpus` left in a folder. Raises UserError if it is not there or damaged."""
    try:
        tally = Tally(**json.loads((folder / TALLY).read_text()))
        return Corpus(Segments(folder / TRAIN, tally.longest), Segments(folder / HELDOUT, tally.longest), tally)
    except (OSError, ValueError, TypeError, pa.ArrowException) as error:
        raise UserError(f"missing or damaged ({error})", where=str(folder), way_out="start the run anew") from error


class _Writer:
    """Segments to an Arrow stream, a few thousand a record batch. Raises UnwritableError if the disk is full."""

    ROWS = 5000

    def __init__(self, path: Path) -> None:
        self._path = path
        with writing(path):
            self._file = pa.OSFile(str(path), "wb")
            self._stream = pa.ipc.new_stream(self._file, SCHEMA)
        self._rows: list[tuple[Array, Array]] = []

    def add(self, ids: Array, starts: Array, length: int) -> None:
        for at in range(0, len(ids), length):
            self._rows.append((ids[at : at + length], starts[at : at + length]))
        if len(self._rows) >= self.ROWS:
            with writing(self._path):
                self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        offsets = pa.array(np.cumsum([0, *(len(ids) for ids, _ in self._rows)]).astype(np.int32))
        ids = pa.array(np.concatenate([ids for ids, _ in self._rows]).astype(np.uint32))
        starts = pa.array(np.concatenate([starts for _, starts in self._rows]))
        columns = [pa.ListArray.from_arrays(offsets, ids), pa.ListArray.from_arrays(offsets, starts)]
        self._stream.write_batch(pa.record_batch(columns, schema=SCHEMA))
        self._rows = []

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                with writing(self._path):
                    self._flush()
                    self._stream.close()
        finally:
            with writing(self._path):
                self._file.close()
        if kind is None:
            with writing(self._path):
                sync(self._path)
                sync(self._path.parent)


class Lengthy(Protocol):
    """Samples of different lengths: segments of text, pieces of recordings."""

    @property
    def lengths(self) -> Array: ...

    def __len__(self) -> int: ...

    def sample(self, i: int) -> Sample: ...


class Batches:
    """Batches of about `tokens` tokens, special ones included, each epoch in a new order; any step can be had directly.

    every sample stands in exactly one batch of an epoch; extra: special tokens a sample.
    """

    def __init__(self, segments: Lengthy, *, tokens: int, seed: int, extra: int = 2) -> None:
        self.segments, self.seed = segments, seed
        self._lengths = segments.lengths + extra
        self.per_epoch = max(1, round(int(self._lengths.sum()) / tokens))
        self._epoch = -1
        self._order: Array = np.empty(0, np.int64)
        self._edges: Array = np.empty(0, np.int64)

    def __call__(self, step: int) -> tuple[int, list[Sample]]:
        """The epoch and the samples of a step."""
        epoch, i = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            self._order = permutation(len(self.segments), self.seed, epoch)
            ends = np.cumsum(self._lengths[self._order])
            self._edges = np.searchsorted(ends, np.linspace(0, ends[-1], self.per_epoch + 1), side="left")
            self._edges[-1] = len(self._order)
            self._epoch = epoch
        chosen_S = self._order[self._edges[i] : self._edges[i + 1]]
        chosen_S = chosen_S[order_for_rows(self._lengths[chosen_S])]
        return epoch, [self.segments.sample(int(s)) for s in chosen_S]


def in_order(segments: Lengthy, *, tokens: int) -> Iterator[list[Sample]]:
    """All segments once, by length so that rows have few gaps, in batches of about `tokens` tokens."""
    batch: list[Sample] = []
    size = 0
    for s in np.argsort(-segments.lengths, kind="stable"):
        batch.append(segments.sample(int(s)))
        size += int(segments.lengths[s]) + 2
        if size >= tokens:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
