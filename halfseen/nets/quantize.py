"""Numbers to few values, with gradients that pass as if nothing had been done (straight-through, Bengio et al. 2013, arXiv:1308.3432).

Shapes: code_SE of S samples, E numbers each.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def straight_through(hard: Tensor, soft: Tensor) -> Tensor:
    """The value of `hard` with the gradient of `soft`."""
    return soft + (hard - soft).detach()


def binary(logit_SE: Tensor) -> Tensor:
    """Each number to 0 or 1, whichever is likelier."""
    share_SE = torch.sigmoid(logit_SE)
    return straight_through((share_SE > 0.5).to(share_SE.dtype), share_SE)


def one_hot(logit_SE: Tensor) -> Tensor:
    """1 where a sample's highest number is, 0 elsewhere."""
    share_SE = logit_SE.softmax(1)
    return straight_through(F.one_hot(logit_SE.argmax(1), logit_SE.shape[1]).to(share_SE.dtype), share_SE)


def finite_levels(number_SE: Tensor, levels: int) -> Tensor:
    """Each number to one of `levels` evenly spaced ones from -1 to 1 (FSQ, Mentzer et al. 2023, arXiv:2309.15505, section 3.1)."""
    bounded_SE = torch.tanh(number_SE)
    half = (levels - 1) / 2
    return straight_through(torch.round((bounded_SE + 1) * half) / half - 1, bounded_SE)
