"""The pitch of a recording, by WORLD (Morise et al. 2016).

Shapes: N samples; P moments of WORLD, a two-hundredth of a second each; T frames, a hundredth each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from halfseen.contracts import Array, UserError

MOMENT_MS = 5.0
PITCH_HZ = (60.0, 500.0)


@dataclass(frozen=True)
class Pitch:
    """Of a voice: mean and deviation of the logarithm of its hertz, over `voiced` moments."""

    mean: float
    spread: float
    voiced: int

    @classmethod
    def of(cls, hertz_P: Array) -> Pitch | None:
        """None of what is never voiced."""
        log_P = np.log(hertz_P[hertz_P > 0])
        return cls(float(log_P.mean()), float(log_P.std()), len(log_P)) if len(log_P) else None


def pyworld() -> Any:
    """The package. Raises UserError where it is not installed."""
    try:
        import pyworld as package
    except ImportError as error:
        raise UserError("the package pyworld is not installed", way_out="pip install 'halfseen[speech]'") from error
    return package


def pitch_of(x_N: Array, rate: int) -> Array:
    """hertz_P by Harvest, 0 where nothing is voiced."""
    found, _ = pyworld().harvest(x_N.astype(np.float64), rate, *PITCH_HZ, frame_period=MOMENT_MS)
    return np.asarray(found)


def quick_pitch_of(x_N: Array, rate: int) -> Array:
    """hertz_P by DIO and StoneMask: some fifty times faster than Harvest, and fewer moments count as voiced."""
    x_N = x_N.astype(np.float64)
    rough, moments = pyworld().dio(x_N, rate, *PITCH_HZ, frame_period=MOMENT_MS)
    return np.asarray(pyworld().stonemask(x_N, rough, moments, rate))


def at_frames(hertz_P: Array, frames: int) -> Array:
    """hertz_T in the middle of each frame."""
    hertz_T = hertz_P[1::2][:frames]
    return np.pad(hertz_T, (0, frames - len(hertz_T)))
