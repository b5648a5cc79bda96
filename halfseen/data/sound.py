"""A recording's bytes to samples: WAV, FLAC, OGG or MP3 by libsndfile, one channel, one rate.

Shapes: N samples between -1 and 1, float32.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import soundfile
import soxr

from halfseen.contracts import Array, UserError

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
LONGEST_HOURS = 4
"""Of one recording: what is longer is refused before it fills the memory."""
RATES = (1_000, 384_000)
BLOCK = 1 << 18
"""Samples that are read at once: how many there are is not taken from the header."""
EXACT = ("WAV", "WAVEX", "FLAC")
"""Formats whose header says how many samples follow."""
QUIET_DB = 40.0
"""So far below the loudest hundredth of a second, the ends of a recording are silence."""


def read_sound(content: Path | bytes, name: str, rate: int) -> Array:
    """x_N at `rate` samples a second; several channels are averaged, 8-bit and clipped sound is taken as it is.

    It is brought to the rate piece by piece: an hour takes the memory of an hour at `rate`, whatever rate and channels the file has.
    name: what errors call it. Raises UserError for what is no sound, empty, silent, cut short, too long or not finite.
    """
    blocks: list[Array] = []
    found, finite, loud = 0, True, False
    try:
        with soundfile.SoundFile(io.BytesIO(content) if isinstance(content, bytes) else content) as file:
            own, promised = file.samplerate, file.frames if file.format in EXACT else 0
            if not RATES[0] <= own <= RATES[1]:
                raise UserError(f"{own:,} samples a second", where=name, way_out=f"these rates are read: {RATES[0]:,} to {RATES[1]:,}")
            stream = soxr.ResampleStream(own, rate, 1, dtype="float32")
            while len(block_NC := file.read(BLOCK, dtype="float32", always_2d=True)):
                block_N = block_NC.mean(1)
                finite, loud = finite and bool(np.isfinite(block_N).all()), loud or bool(block_N.any())
                blocks.append(block_N if own == rate else stream.resample_chunk(block_N))
                found += len(block_N)
                if found > LONGEST_HOURS * 3600 * own:
                    raise UserError(f"longer than {LONGEST_HOURS} hours", where=name, way_out="cut it into several")
    except (soundfile.LibsndfileError, OSError) as error:
        raise UserError(f"cannot be read as sound ({reason(error)})", where=name, way_out="get the file again, or remove it") from error
    promised = max(promised, promised_by_wav(content) if file.format in ("WAV", "WAVEX") else 0)
    if not found:
        raise UserError("holds no sound, not a single sample", where=name, way_out="remove it")
    if found < promised:
        what = f"cut short: its header promises {promised / own:.2f} s, {found / own:.2f} s are there"
        raise UserError(what, where=name, way_out="get the file again, or remove it")
    if not finite:
        raise UserError("holds numbers that are not finite", where=name, way_out="write it anew, or remove it")
    if not loud:
        raise UserError(f"{found / own:.2f} s of silence, every sample 0", where=name, way_out="remove it")
    if own != rate:
        blocks.append(stream.resample_chunk(np.zeros(0, np.float32), last=True))
    return np.concatenate(blocks)


def wav_bytes(x_N: Array, rate: int) -> bytes:
    """A WAV file of 16 bits; what is beyond 1 is cut off."""
    stream = io.BytesIO()
    soundfile.write(stream, np.clip(x_N, -1, 1), rate, format="WAV", subtype="PCM_16")
    return stream.getvalue()


def rate_of(content: Path | bytes) -> int | None:
    """Samples a second as its header says, or nothing where it cannot be read."""
    try:
        return int(soundfile.info(io.BytesIO(content) if isinstance(content, bytes) else content).samplerate)
    except (soundfile.LibsndfileError, OSError):
        return None


def reason(error: Exception) -> str:
    said = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    return str(said).strip().rstrip(".")


def promised_by_wav(content: Path | bytes) -> int:
    """Samples that a WAV's `data` chunk claims; libsndfile itself believes the file's end. 0 for a stream, which claims nothing."""
    stream = io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")
    with stream:
        head, bytes_a_sample = stream.read(12), 0
        while len(head := stream.read(8)) == 8:
            size = int.from_bytes(head[4:], "little")
            if head[:4] == b"data":
                return 0 if size in (0, 0xFFFFFFFF) or not bytes_a_sample else size // bytes_a_sample
            chunk = stream.read(min(size, 64))
            if head[:4] == b"fmt " and len(chunk) >= 14:
                bytes_a_sample = int.from_bytes(chunk[12:14], "little")
            stream.seek(size - len(chunk) + size % 2, io.SEEK_CUR)
    return 0


def trimmed(x_N: Array, rate: int) -> Array:
    """Without the silence at both ends, judged by hundredths of a second."""
    step = max(1, rate // 100)
    power_B = np.square(np.pad(x_N, (0, -len(x_N) % step)).reshape(-1, step)).mean(1)
    loud = np.flatnonzero(power_B > power_B.max() * 10 ** (-QUIET_DB / 10))
    return x_N[loud[0] * step : (loud[-1] + 1) * step]


def fitted(x_N: Array, samples: int) -> Array:
    """Cut, or lengthened by silence."""
    return np.pad(x_N[:samples], (0, max(0, samples - len(x_N))))
