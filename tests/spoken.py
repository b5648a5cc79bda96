"""Something like a voice, made of pulses and resonances, for tests."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

GLIDES = {"up": ((300, 800), (2300, 1200)), "down": ((800, 300), (1100, 2300)), "flat": ((500, 500), (1500, 1500))}
PIECES = 24


def said(hertz: float, throat: float, word: str = "up", *, seconds: float = 0.6, rate: int = 8000, seed: int = 0) -> np.ndarray:
    """A word: two resonances, `throat` times as high as usual, that glide while a voice of `hertz` sounds."""
    rng = np.random.default_rng(seed)
    count = round(seconds * rate)
    phase = np.cumsum(hertz * (1 + 0.05 * np.sin(np.arange(count) / rate * 9 + seed)) / rate)
    pulses = np.diff(np.floor(phase), prepend=0.0) + 0.003 * rng.normal(size=count)
    made = []
    states = [np.zeros(2), np.zeros(2)]
    for piece, part in enumerate(np.array_split(pulses, PIECES)):
        x = part
        for i, (low, high) in enumerate(GLIDES[word]):
            turn = 2 * np.pi * throat * (low + (high - low) * piece / PIECES) / rate
            x, states[i] = lfilter([1.0], [1.0, -1.8 * np.cos(turn), 0.81], x, zi=states[i])
        made.append(x)
    y = np.concatenate(made)
    return (0.5 * y / np.abs(y).max()).astype(np.float32)
