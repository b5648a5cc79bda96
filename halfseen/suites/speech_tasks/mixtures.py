"""Two voices at once, mixed from recordings of one voice each: who speaks when is known, because each was alone before.

Shapes: N samples; H hundredths of a second; T frames; K speakers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from halfseen.contracts import Array

Turn = tuple[float, float]
"""Beginning and end, in seconds."""
BELOW_DB = 35.0
"""A voice is silent where its power is so far below its loudest hundredth of a second,"""
PAUSE_S = 0.25
"""unless for less than this."""
LOUDER_DB = 5.0
"""One voice may be up to so much louder than the other."""
PEAK = 0.9


@dataclass(frozen=True, eq=False)
class Mixture:
    """first, second: x_N of a voice at so many samples a second. later_h: hundredths of a second before the second begins. gain: of the
    second's loudness over the first's."""

    first: Callable[[int], Array]
    second: Callable[[int], Array]
    later_h: int
    gain: float

    def sound(self, rate: int) -> Array:
        """x_N."""
        first_N, second_N = self.first(rate), self.second(rate)
        later = self.later_h * rate // 100
        x_N = np.zeros(max(len(first_N), later + len(second_N)), np.float32)
        x_N[: len(first_N)] += first_N / loudness(first_N)
        x_N[later : later + len(second_N)] += self.gain * second_N / loudness(second_N)
        return x_N * np.float32(PEAK / np.abs(x_N).max())

    def turns(self, rate: int) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
        """Of both voices, as they are heard at a rate."""
        later_s = self.later_h / 100
        of_second = tuple((begin + later_s, end + later_s) for begin, end in spoken(self.second(rate), rate))
        return spoken(self.first(rate), rate), of_second


def drawn(first: Callable[[int], Array], second: Callable[[int], Array], draw: np.random.Generator, rate: int) -> Mixture:
    """The second voice begins somewhere in the first's recording, about as loud."""
    later_h = int(draw.integers(len(first(rate)) * 100 // rate))
    return Mixture(first, second, later_h, float(10 ** (draw.uniform(-LOUDER_DB, LOUDER_DB) / 20)))


def loudness(x_N: Array) -> float:
    return float(np.sqrt(np.square(x_N, dtype=np.float64).mean()))


def spoken(x_N: Array, rate: int) -> tuple[Turn, ...]:
    """Where a lone voice is heard; pauses shorter than PAUSE_S belong to a turn."""
    step = rate // 100
    power_H = np.square(np.pad(x_N, (0, -len(x_N) % step)).reshape(-1, step)).mean(1)
    loud = np.flatnonzero(power_H > power_H.max() * 10 ** (-BELOW_DB / 10))
    breaks = np.flatnonzero(np.diff(loud) > round(PAUSE_S * 100))
    begins, ends = loud[[0, *(breaks + 1)]], loud[[*breaks, -1]] + 1
    return tuple((begin / 100, end / 100) for begin, end in zip(begins.tolist(), ends.tolist(), strict=True))


def speaking(turns: Sequence[Sequence[Turn]], frames: int, frame_s: float, speakers: int) -> Array:
    """speaks_TK, bool: a frame belongs to a turn if its middle does. Turns of one speaker that overlap count once; who has no turn is
    silent."""
    middle_T = (np.arange(frames) + 0.5) * frame_s
    found_TK = np.zeros((frames, speakers), bool)
    for who, some in enumerate(turns):
        for begin, end in some:
            found_TK[:, who] |= (begin <= middle_T) & (middle_T < end)
    return found_TK
