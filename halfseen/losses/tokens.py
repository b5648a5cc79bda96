"""Cross-entropy over scored positions, summed sample by sample.

Shapes: M scored positions of S samples; V classes.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from halfseen.contracts import Loss


def cross_entropy(logits_MV: Tensor, target_M: Tensor, owner_M: Tensor, samples: int, *, part: str, count_right: bool = False) -> Loss:
    """-log softmax(logits)[target] of each position, added up by the sample that owns it; weight_S counts positions.

    count_right: also count, as the part `right`, the positions whose likeliest class is the target.
    """
    loss_M = F.cross_entropy(logits_MV.float(), target_M, reduction="none")
    loss = by_sample(loss_M, owner_M, samples, part=part)
    if not count_right:
        return loss
    right_M = (logits_MV.argmax(-1) == target_M).float()
    return replace(loss, parts={**loss.parts, "right": right_M.new_zeros(samples).index_add(0, owner_M, right_M)})


def binary_cross_entropy(logit_M: Tensor, truth_M: Tensor, owner_M: Tensor, samples: int, *, part: str) -> Loss:
    """-log of the probability that the logistic function of each logit gives to the truth, added up by sample."""
    loss_M = F.binary_cross_entropy_with_logits(logit_M.float(), truth_M.float(), reduction="none")
    return by_sample(loss_M, owner_M, samples, part=part)


def squared_error(prediction_M: Tensor, target_M: Tensor, owner_M: Tensor, samples: int, *, part: str) -> Loss:
    """(prediction - target)^2 of each position, added up by sample."""
    return by_sample((prediction_M.float() - target_M.float()).square(), owner_M, samples, part=part)


def by_sample(loss_M: Tensor, owner_M: Tensor, samples: int, *, part: str) -> Loss:
    per_item_S = loss_M.new_zeros(samples).index_add(0, owner_M, loss_M)
    weight_S = loss_M.new_zeros(samples).index_add(0, owner_M, torch.ones_like(loss_M))
    return Loss(per_item_S, weight_S, {part: per_item_S.detach()})


def beside(first: Loss, second: Loss) -> Loss:
    """Two losses of the same samples as one: the mean of the first plus a weighted mean of the second.

    Each sample's second loss counts as much as the sample has scored positions in the first, so that one sum of weights
    still reduces both.
    """
    share_S = first.weight / second.weight.clamp(min=1)
    extra_S = second.per_item * share_S
    parts = {**first.parts, **{name: value * share_S for name, value in second.parts.items()}}
    return Loss(first.per_item + extra_S, first.weight, parts)
