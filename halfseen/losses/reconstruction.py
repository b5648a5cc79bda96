"""How well a sample was rebuilt, sample by sample.

Shapes: S samples of shape X, (F,) for rows, (C, H, W) for images.
"""

from __future__ import annotations

import torch
from torch import Tensor

from halfseen.contracts import Loss


def squared_error(rebuilt_SX: Tensor, target_SX: Tensor, scored_SX: Tensor) -> Loss:
    """(rebuilt - target)^2 where it is scored, added up by sample; weight_S counts the scored numbers."""
    error_S = scored_sum((rebuilt_SX.float() - target_SX.float()).square(), scored_SX)
    return Loss(error_S, scored_count(scored_SX).to(error_S.dtype), {"squared_error": error_S.detach()})


def scored_sum(value_SX: Tensor, scored_SX: Tensor) -> Tensor:
    """The values that are scored, added up by sample."""
    if alike(scored_SX):  # most methods score all; a product of all numbers with 1 takes as long as the rest of a small net's loss
        return value_SX.flatten(1).sum(1) * scored_SX.flatten(1)[:, 0]
    return (value_SX * scored_SX).flatten(1).sum(1)


def scored_count(scored_SX: Tensor) -> Tensor:
    """How many of each sample's numbers are scored."""
    if alike(scored_SX):
        return scored_SX.flatten(1)[:, 0] * scored_SX[0].numel()
    return scored_SX.flatten(1).sum(1)


def alike(scored_SX: Tensor) -> bool:
    """Whether it is one truth value, expanded to all numbers."""
    return not any(scored_SX.stride())


def absolute_error(told_NF: Tensor, target_NF: Tensor, scored_NF: Tensor, sample_N: Tensor, samples: int) -> Loss:
    """Of N frames of F numbers laid end to end: the mean of |told - target| over a frame's numbers that are scored, added up by sample;
    weight_S counts frames, of which a part may be scored. scored_NF may be scored_N1, of whole frames."""
    scored_NF = scored_NF.to(torch.float32).expand(target_NF.shape)
    error_N, weight_N = ((told_NF.float() - target_NF.float()).abs() * scored_NF).mean(1), scored_NF.mean(1)
    error_S = error_N.new_zeros(samples).index_add_(0, sample_N, error_N)
    weight_S = error_N.new_zeros(samples).index_add_(0, sample_N, weight_N)
    return Loss(error_S, weight_S, {"absolute_error": error_S.detach()})
