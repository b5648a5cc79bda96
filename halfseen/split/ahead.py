"""Frames of speech as they are, and those some steps later as the target.

Shapes: N frames of S samples laid end to end, F bands each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from halfseen.contracts import Array, Draw, Sample, Split
from halfseen.data.speech_batch import Frames


@dataclass(frozen=True)
class FramesAhead:
    """target: the frame `shift` later. The last `shift` frames of a sample have none, and are not scored."""

    shift: int

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        seen = Frames.of(samples)
        lengths_S = seen.lengths.numpy()
        ends_N = np.repeat(np.cumsum(lengths_S), lengths_S)
        later_N = np.arange(len(seen.x)) + self.shift
        scored_N: Array = later_N < ends_N
        target_NF = seen.x[torch.from_numpy(np.minimum(later_N, ends_N - 1))]
        return Split(seen, target_NF, torch.from_numpy(scored_N)[:, None])
