"""The small sets in their layout, synthesised: each digit and word a sweep of its own between two pitches, each speaker a shift of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

RATE = 8000
SPEAKERS = ("anna", "bert", "carl", "dora", "emil", "fred")
WORDS = ("bed", "cat", "happy")


def sweep(kind: int, speaker: int, take: int, seconds: float = 0.2) -> np.ndarray:
    rng = np.random.default_rng([kind, speaker, take])
    begin, end = 300 + 250 * (kind % 7), 300 + 250 * ((3 * kind + 1 + kind // 7) % 7)
    hertz = np.linspace(begin, end, int(seconds * RATE)) * (1 + speaker / 40)
    return 0.3 * np.sin(2 * np.pi * np.cumsum(hertz) / RATE) + 0.005 * rng.normal(size=len(hertz))


def write_small_sets(folder: Path, *, takes: int = 2) -> Path:
    for place in ("fsdd", *(f"speech_commands3/speech_commands/{word}" for word in WORDS)):
        (folder / place).mkdir(parents=True)
    for digit in range(10):
        for speaker, name in enumerate(SPEAKERS):
            for take in range(takes):
                soundfile.write(folder / "fsdd" / f"{digit}_{name}_{take}.wav", sweep(digit, speaker, take), RATE)
    for kind, word in enumerate(WORDS, 10):
        for speaker in range(8):
            for take in range(2):
                path = folder / "speech_commands3" / "speech_commands" / word / f"{speaker:08x}_nohash_{take}.wav"
                soundfile.write(path, sweep(kind, speaker, take), RATE)
    return folder
