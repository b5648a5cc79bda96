"""How unlikely a sample is, given what a decoder says of it, in nats.

Shapes: S samples of shape X, (F,) for rows, (C, H, W) for images of 256 levels between 0 and 1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

LEVELS = 255
LEAST_SHARE = 1e-6
"""Of the probability; a level with less has its density's, so that gradients do not vanish far from the mean."""


def normal_nats(x_SX: Tensor, mean_SX: Tensor, log_scale: Tensor) -> Tensor:
    """-log of a normal density, number by number."""
    return 0.5 * ((x_SX - mean_SX) * torch.exp(-log_scale)).square() + log_scale + 0.5 * math.log(2 * math.pi)


def logistic_level_nats(x_SX: Tensor, mean_SX: Tensor, log_scale: Tensor) -> Tensor:
    """-log of what a logistic distribution gives to a pixel's level (Salimans et al. 2017, arXiv:1701.05517, section 2.1); the lowest level
    takes all that lies below it, the highest all above."""
    off_SX, slope = x_SX - mean_SX, torch.exp(-log_scale)
    above, below = (off_SX + 0.5 / LEVELS) * slope, (off_SX - 0.5 / LEVELS) * slope
    share_SX = torch.sigmoid(above) - torch.sigmoid(below)
    middle = off_SX * slope
    density = middle - log_scale - 2 * F.softplus(middle) - math.log(LEVELS)
    log_share = torch.where(share_SX > LEAST_SHARE, share_SX.clamp(min=LEAST_SHARE).log(), density)
    log_share = torch.where(x_SX < 0.5 / LEVELS, F.logsigmoid(above), log_share)
    return -torch.where(x_SX > 1 - 0.5 / LEVELS, F.logsigmoid(-below), log_share)


def kl_to_standard_normal(mean_SE: Tensor, log_variance_SE: Tensor) -> Tensor:
    """Of a normal distribution with a diagonal covariance, number by number, in nats (arXiv:1312.6114, appendix B)."""
    return 0.5 * (mean_SE.square() + log_variance_SE.exp() - 1 - log_variance_SE)
