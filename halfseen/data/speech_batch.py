"""A batch of frames of speech laid end to end, as a transformer sees them.

Shapes: N frames of S samples, F bands each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from halfseen.contracts import Sample
from halfseen.data.tokens import Tokens


@dataclass(frozen=True)
class Frames:
    """x_NF, and how the samples lie in rows where they attend to each other; `tokens` says nothing of what is in them."""

    x: Tensor
    tokens: Tokens

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Frames:
        x_NF = np.concatenate([sample.x for sample in samples])
        lengths_S = np.array([len(sample.x) for sample in samples])
        return cls(torch.from_numpy(np.ascontiguousarray(x_NF, np.float32)), Tokens.of(np.zeros(len(x_NF), np.int64), lengths_S))

    @property
    def lengths(self) -> Tensor:
        return self.tokens.lengths

    def to(self, device: torch.device) -> Frames:
        return replace(self, x=self.x.to(device), tokens=self.tokens.to(device))
