"""`halfseen convert`: the content of one recording in the voice of others."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from halfseen.apps.convert_options import By, ConvertOptions
from halfseen.apps.converter import Codes, Neighbours, Road, Voice, convert_sound, voice_of
from halfseen.apps.speech_model import open_speech_model
from halfseen.apps.vocoder import vocoder_of
from halfseen.contracts import Array, UserError
from halfseen.data.clips import clips
from halfseen.data.faults import all_faults
from halfseen.data.files import write_atomically
from halfseen.data.sound import read_sound, trimmed, wav_bytes
from halfseen.methods.disentangle import Disentangle

SHORTEST_S = 0.1
"""Of a source, and of all of a target together."""
LONGEST_S = 600.0
"""Of a source: all of it is in memory at once."""


def convert(*, model: str | Path, source: str | Path, target: Any, out: str | Path, **options: Any) -> dict[str, Any]:
    """What `halfseen convert --json` prints. target: a path or several. options: the fields of `ConvertOptions`."""
    targets = (str(target),) if isinstance(target, str | Path) else tuple(map(str, target))
    return run(ConvertOptions(model=Path(model), source=Path(source), target=targets, out=Path(out), **options))


def run(options: ConvertOptions) -> dict[str, Any]:
    """Raises UserError for a fault in the model, a recording or the options."""
    claim_file(options.out)
    road = road_of(options.model, options.by)
    rate, vocoder = road.heard.rate, vocoder_of(options.vocoder, road.heard)
    x_N = read_source(options.source, rate)
    voice, seconds, count = read_target(options.target, road)
    started = time.perf_counter()
    y_N = convert_sound(x_N, voice, road, vocoder)
    took = time.perf_counter() - started
    write_atomically(options.out, wav_bytes(y_N, rate))
    return {
        "out": str(options.out),
        "by": road.name,
        "vocoder": vocoder.name,
        "rate": rate,
        "source_seconds": round(len(x_N) / rate, 3),
        "target_recordings": count,
        "target_seconds": round(seconds, 3),
        "seconds": round(took, 3),
        "times_real_time": round(len(x_N) / rate / took, 1),
    }


def claim_file(out: Path) -> None:
    """Raises UserError before anything is computed if the file is there already or no sound file can be written there."""
    if out.suffix.lower() != ".wav":
        raise UserError(f"--out is {out.name}", where=str(out), way_out="name a .wav file")
    if out.exists():
        raise UserError("is there already", where=str(out), way_out="choose another --out")
    if not out.parent.is_dir():
        raise UserError("its folder is not there", where=str(out), way_out=f"make {out.parent}, or choose another --out")


def road_of(folder: Path, by: By | None) -> Road:
    """Raises UserError for what is no model of speech, and for codes asked of a model that has none."""
    method, heard = open_speech_model(folder)
    if by == "codes" and not isinstance(method, Disentangle):
        raise UserError(
            "has no speaker code", where=str(folder), way_out="take a model of `halfseen pretrain disentangle`, or --by neighbours"
        )
    if isinstance(method, Disentangle) and by != "neighbours":
        return Codes(method, heard)
    return Neighbours(method, heard)


def read_source(path: Path, rate: int) -> Array:
    """x_N at the model's rate. Raises UserError for what cannot be read, or is too short or too long."""
    if not path.is_file():
        raise UserError("no such file", where=str(path), way_out="name a recording with --source")
    x_N = read_sound(path, str(path), rate)
    seconds = len(x_N) / rate
    if not SHORTEST_S <= seconds <= LONGEST_S:
        what = f"{seconds:.2f} s of source, but {SHORTEST_S:g} s to {LONGEST_S:g} s can be converted"
        raise UserError(what, where=str(path), way_out="give a longer one" if seconds < SHORTEST_S else "cut it into several")
    return x_N


def read_target(paths: tuple[str, ...], road: Road) -> tuple[Voice, float, int]:
    """The voice, how many seconds of it there were without silence at the ends, and how many recordings.

    Raises UserError for all that cannot be read, and where there is too little in all.
    """
    rate, faults, sounds = road.heard.rate, [], []
    for clip in clips(paths):
        try:
            sounds.append(trimmed(read_sound(clip.content, clip.id, rate), rate))
        except UserError as fault:
            faults.append(f"{fault.where}: {fault.what}")
    if faults:
        raise all_faults(faults, where="--target", way_out="leave out what cannot be read")
    seconds = sum(map(len, sounds)) / rate
    if seconds < SHORTEST_S:
        raise UserError(f"{seconds:.2f} s of target in all", where="--target", way_out="give more recordings of the voice")
    return voice_of(sounds, road.heard), seconds, len(sounds)
