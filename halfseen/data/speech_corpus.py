"""Frames of recordings on disk, memory-mapped, in pieces of some seconds: what speech becomes before it is learnt from.

Shapes: N frames of F bands in all, float16 on disk; P pieces, T frames each; H sound samples a frame.
Pieces of one recording are on one side, to train on or held out, by a hash of what is in it: equal recordings for ever alike.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from halfseen.contracts import Array, Sample, UserError
from halfseen.data.files import sync, write_json, writing

FRAMES, PIECES, SOUND, TALLY = "frames.bin", "pieces.bin", "sound.bin", "tally.json"
PIECE = np.dtype([("frames", "<i4"), ("place", "<f8")])
FULL = 32767
"""A sample of 1, on disk."""
HELDOUT_SHARE = 0.05
FEW = 20
"""With fewer recordings than this their pieces are held out one by one."""


@dataclass(frozen=True)
class Heard:
    """A recording's frames_TF and, if its sound is kept beside them, what `sound_rows` makes of it."""

    frames: Array
    sound: Array | None = None


def sound_rows(samples_TH: Array, hertz_T: Array) -> Array:
    """sound_T, a row a frame: samples between -1 and 1, what is beyond cut off, and the pitch, 0 where nothing is voiced."""
    sound_T = np.empty(len(hertz_T), sound_row(samples_TH.shape[1]))
    sound_T["samples"], sound_T["hertz"] = np.rint(FULL * np.clip(samples_TH, -1, 1)), hertz_T
    return sound_T


def sound_row(hop: int) -> np.dtype[Any]:
    return np.dtype([("samples", "<i2", (hop,)), ("hertz", "<f4")])


class Pieces:
    """Some pieces of the frames. mean_F and spread_F bring each band to 0 and 1; ids are of the whole corpus."""

    def __init__(
        self,
        frames_NF: Array,
        starts_P: Array,
        lengths_P: Array,
        ids_P: Array,
        mean_F: Array,
        spread_F: Array,
        sound_N: Array | None = None,
    ) -> None:
        self._frames, self._sound, self._starts, self.ids = frames_NF, sound_N, starts_P, ids_P
        self._mean, self._spread = mean_F.astype(np.float32), spread_F.astype(np.float32)
        self.lengths = lengths_P

    def __len__(self) -> int:
        return len(self.lengths)

    def sample(self, i: int) -> Sample:
        """Sample(id, frames_TF), with `sound` (T, H) and `hertz` if they are kept."""
        of_it: dict[str, Array] = {}
        if self._sound is not None:
            sound_T = self._sound[self._place(i)]
            of_it = {"sound": sound_T["samples"].astype(np.float32) / FULL, "hertz": sound_T["hertz"]}
        return Sample(f"piece:{self.ids[i]}", (self.raw(i) - self._mean) / self._spread, of_it)

    def raw(self, i: int) -> Array:
        """frames_TF as they were made."""
        return np.asarray(self._frames[self._place(i)].astype(np.float32))

    def _place(self, i: int) -> slice:
        start = int(self._starts[i])
        return slice(start, start + int(self.lengths[i]))


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
    hop: int = 0
    """Sound samples that are kept of a frame."""


@dataclass(frozen=True)
class SpeechCorpus:
    train: Pieces
    heldout: Pieces
    tally: SpeechTally


def write_speech(folder: Path, recordings: Iterable[Heard], *, longest: int) -> SpeechCorpus:
    """Recordings, all with their sound or all without, to `folder`. longest: frames of a piece at most. Raises UserError if there is too
    little to learn from and to hold some out."""
    seen: set[bytes] = set()
    lengths: list[int] = []
    of_clip: list[float] = []
    of_piece: list[float] = []
    duplicates, bands, hop = 0, 0, 0
    sums_2F = np.zeros(0)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / FRAMES).open("wb") as stream, (folder / SOUND).open("wb") as sounds:
            for heard in recordings:
                frames_TF, sound_T = heard.frames, heard.sound
                stored_TF = frames_TF.astype(np.float16)
                key = blake2b(stored_TF.tobytes(), digest_size=16).digest()
                if key in seen:
                    duplicates += 1
                    continue
                seen.add(key)
                bands = stored_TF.shape[1]
                sums_2F = np.stack([frames_TF, np.square(frames_TF)]).sum(1, dtype=np.float64) + (sums_2F if len(sums_2F) else 0)
                stream.write(stored_TF.tobytes())
                if sound_T is not None:
                    hop = sound_T["samples"].shape[1]
                    sounds.write(sound_T.tobytes())
                for i, at in enumerate(range(0, len(stored_TF), longest)):
                    lengths.append(min(longest, len(stored_TF) - at))
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
        for name in files_of(hop > 0):
            sync(folder / name)
        if not hop:
            (folder / SOUND).unlink()
    counts = (int(length_P[~heldout_P].sum()), int(length_P[heldout_P].sum()))
    write_json(folder / TALLY, asdict(SpeechTally(len(seen), duplicates, *counts, bands, mean_F.tolist(), spread_F.tolist(), below, hop)))
    return open_speech(folder)


def files_of(sounds: bool) -> tuple[str, ...]:
    """What stands in the folder beside the tally."""
    return (FRAMES, PIECES, SOUND) if sounds else (FRAMES, PIECES)


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
        sound_N = np.memmap(folder / SOUND, sound_row(tally.hop), mode="r", shape=(total,)) if tally.hop else None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"missing or damaged ({error})", where=str(folder), way_out="start the run anew") from error
    start_P, heldout_P = np.cumsum(length_P) - length_P, piece_P["place"] < tally.heldout_below
    train, heldout = (
        Pieces(frames_NF, start_P[side_P], length_P[side_P], np.flatnonzero(side_P), np.array(tally.mean), np.array(tally.spread), sound_N)
        for side_P in (~heldout_P, heldout_P)
    )
    return SpeechCorpus(train, heldout, tally)
