"""Frames of recordings on disk, memory-mapped, in pieces of some seconds: what speech becomes before it is learnt from.

Shapes: N frames of F bands in all, float16 on disk; P pieces, T frames each.
Pieces of one recording are on one side, to train on or held out, by a hash of what is in it: equal recordings for ever alike.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from halfseen.contracts import Array, Sample, UserError
from halfseen.data.files import sync, write_json, writing

FRAMES, PIECES, TALLY = "frames.bin", "pieces.bin", "tally.json"
PIECE = np.dtype([("frames", "<i4"), ("place", "<f8")])
LONGEST = 1000
"""Frames of a piece: ten seconds."""
HELDOUT_SHARE = 0.05
FEW = 20
"""With fewer recordings than this their pieces are held out one by one."""


class Pieces:
    """Some pieces of the frames. mean_F and spread_F bring each band to 0 and 1; ids are of the whole corpus."""

    def __init__(self, frames_NF: Array, starts_P: Array, lengths_P: Array, ids_P: Array, mean_F: Array, spread_F: Array) -> None:
        self._frames, self._starts, self.ids = frames_NF, starts_P, ids_P
        self._mean, self._spread = mean_F.astype(np.float32), spread_F.astype(np.float32)
        self.lengths = lengths_P

    def __len__(self) -> int:
        return len(self.lengths)

    def sample(self, i: int) -> Sample:
        """Sample(id, frames_TF)."""
        return Sample(f"piece:{self.ids[i]}", (self.raw(i) - self._mean) / self._spread)

    def raw(self, i: int) -> Array:
        """frames_TF as they were made."""
        start = int(self._starts[i])
        return np.asarray(self._frames[start : start + int(self.lengths[i])].astype(np.float32))


@dataclass(frozen=True)
class SpeechTally:
    """What is on disk: recordings, those that were read twice and dropped, frames on both sides, and each band's mean and deviation."""

    recordings: int
    duplicates: int
    frames: int
    heldout_frames: int
    bands: int
    mean: list[float]
    spread: list[float]
    heldout_below: float
    """Pieces whose place is below are held out."""


@dataclass(frozen=True)
class SpeechCorpus:
    train: Pieces
    heldout: Pieces
    tally: SpeechTally


def write_speech(folder: Path, recordings: Iterable[Array]) -> SpeechCorpus:
    """Each recording's frames_TF to `folder`. Raises UserError if there is too little to learn from and to hold some out."""
    seen: set[bytes] = set()
    lengths: list[int] = []
    of_clip: list[float] = []
    of_piece: list[float] = []
    duplicates, bands = 0, 0
    sums_2F = np.zeros(0)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / FRAMES).open("wb") as stream:
            for frames_TF in recordings:
                stored_TF = frames_TF.astype(np.float16)
                key = blake2b(stored_TF.tobytes(), digest_size=16).digest()
                if key in seen:
                    duplicates += 1
                    continue
                seen.add(key)
                bands = stored_TF.shape[1]
                sums_2F = np.stack([frames_TF, np.square(frames_TF)]).sum(1, dtype=np.float64) + (sums_2F if len(sums_2F) else 0)
                stream.write(stored_TF.tobytes())
                for i, at in enumerate(range(0, len(stored_TF), LONGEST)):
                    lengths.append(min(LONGEST, len(stored_TF) - at))
                    of_clip.append(place(key))
                    of_piece.append(place(key + i.to_bytes(8, "little")))
    if len(lengths) < 2:
        what = f"{len(seen)} different recordings, {sum(lengths)} frames; too few to learn from and to hold some out"
        raise UserError(what, way_out="give more of them")
    place_P = np.array(of_clip if len(seen) >= FEW else of_piece)
    below = max(HELDOUT_SHARE, float(np.nextafter(place_P.min(), 1.0)))
    if (place_P < below).all():
        below = float(np.nextafter(place_P.min(), 1.0))
    length_P = np.array(lengths)
    heldout_P = place_P < below
    mean_F, square_F = sums_2F / length_P.sum()
    spread_F = np.sqrt(np.maximum(0, square_F - mean_F**2))
    if not (spread_F > 0).all():
        raise UserError("a band of the mel scale never changes", way_out="give recordings of a rate near --rate")
    with writing(folder):
        (folder / PIECES).write_bytes(np.array(list(zip(lengths, place_P, strict=True)), PIECE).tobytes())
        for name in (FRAMES, PIECES):
            sync(folder / name)
    counts = (int(length_P[~heldout_P].sum()), int(length_P[heldout_P].sum()))
    write_json(folder / TALLY, asdict(SpeechTally(len(seen), duplicates, *counts, bands, mean_F.tolist(), spread_F.tolist(), below)))
    return open_speech(folder)


def place(key: bytes) -> float:
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "little") / 2.0**64


def open_speech(folder: Path) -> SpeechCorpus:
    """What `write_speech` left in a folder. Raises UserError if it is not there or damaged."""
    try:
        tally = SpeechTally(**json.loads((folder / TALLY).read_text()))
        piece_P = np.frombuffer((folder / PIECES).read_bytes(), PIECE)
        length_P = piece_P["frames"].astype(np.int64)
        total = int(length_P.sum())
        if total != tally.frames + tally.heldout_frames:
            raise ValueError(f"{total:,} frames, {tally.frames + tally.heldout_frames:,} were written")
        frames_NF = np.memmap(folder / FRAMES, np.float16, mode="r", shape=(total, tally.bands))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"missing or damaged ({error})", where=str(folder), way_out="start the run anew") from error
    start_P, heldout_P = np.cumsum(length_P) - length_P, piece_P["place"] < tally.heldout_below
    train, heldout = (
        Pieces(frames_NF, start_P[side_P], length_P[side_P], np.flatnonzero(side_P), np.array(tally.mean), np.array(tally.spread))
        for side_P in (~heldout_P, heldout_P)
    )
    return SpeechCorpus(train, heldout, tally)
