"""What is hidden from a head while it learns: spans of frames and of features (SpecAugment, Park et al. 2019, arXiv:1904.08779), in the
benchmark's amounts for slots, without the warping of time.

Shapes: B sequences of T frames, of width D.
"""

from __future__ import annotations

import torch
from torch import Tensor

FRAME_SPANS, FRAME_SHARE, MOST_FRAME_SPANS = 0.04, 0.04, 20
"""So many spans a frame, each of at most this share of the sequence's frames."""
FEATURE_SPANS, FEATURE_SHARE = 4, 1 / 16
"""So many spans, each of at most this share of the features."""


def spared(x_BTD: Tensor, lengths_B: Tensor, draw: torch.Generator) -> Tensor:
    """x_BTD with zeros where it is hidden."""
    samples, longest, width = x_BTD.shape
    counts_B = (FRAME_SPANS * lengths_B).long().clamp(max=MOST_FRAME_SPANS)
    frames_BT = spans(counts_B, (FRAME_SHARE * lengths_B).long(), lengths_B, longest, draw)
    each_B = torch.ones(samples, dtype=torch.long)
    features_BD = spans(FEATURE_SPANS * each_B, int(FEATURE_SHARE * width) * each_B, width * each_B, width, draw)
    return x_BTD * ~(frames_BT[:, :, None] | features_BD[:, None])


def spans(counts_B: Tensor, widest_B: Tensor, sizes_B: Tensor, longest: int, draw: torch.Generator) -> Tensor:
    """hidden_BN, N = longest: of each sequence so many spans, as wide as they are drawn (from nothing on), anywhere in its size."""
    shape = len(counts_B), int(counts_B.max())
    width_BK = (torch.rand(shape, generator=draw) * (widest_B[:, None] + 1)).floor()
    begin_BK = (torch.rand(shape, generator=draw) * (sizes_B[:, None] - width_BK + 1)).floor()
    width_BK[torch.arange(shape[1]) >= counts_B[:, None]] = 0
    place_N = torch.arange(longest)
    return ((place_N >= begin_BK[..., None]) & (place_N < (begin_BK + width_BK)[..., None])).any(1)
