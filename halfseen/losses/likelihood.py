"""How unlikely a sample is, given what a decoder says of it, in nats.

Shapes: S samples of shape X, (F,) for rows, (C, H, W) for images of 256 levels between 0 and 1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

LEVELS = 255
NOTHING = -1e4
"""Its softplus is zero, and so is that of what comes near."""


def normal_nats(x_SX: Tensor, mean_SX: Tensor, log_scale: Tensor) -> Tensor:
    """-log of a normal density, number by number."""
    return 0.5 * ((x_SX - mean_SX) * torch.exp(-log_scale)).square() + log_scale + 0.5 * math.log(2 * math.pi)


def logistic_level_nats(x_SX: Tensor, mean_SX: Tensor, log_scale: Tensor) -> Tensor:
    """-log of what a logistic distribution gives to a pixel's level (Salimans et al. 2017, arXiv:1701.05517, section 2.1); the lowest level
    takes all that lies below it, the highest all above. log_scale: one for all pixels.

    A level between a and b has s(b) - s(a) = s(b) s(-a) (1 - exp(a - b)), s the logistic function, which is exact however far out it lies.
    """
    off_SX, slope, half = x_SX - mean_SX, torch.exp(-log_scale), 0.5 / LEVELS
    lowest_SX, highest_SX = x_SX < half, x_SX > 1 - half
    below_SX = F.softplus(((off_SX - half) * slope).masked_fill(lowest_SX, NOTHING))
    above_SX = F.softplus(((off_SX + half) * -slope).masked_fill(highest_SX, NOTHING))
    between = torch.log(-torch.expm1(-2 * half * slope))
    return below_SX + above_SX - torch.where(lowest_SX | highest_SX, 0.0, between)


def kl_to_standard_normal(mean_SE: Tensor, log_variance_SE: Tensor) -> Tensor:
    """Of a normal distribution with a diagonal covariance, number by number, in nats (arXiv:1312.6114, appendix B)."""
    return 0.5 * (mean_SE.square() + log_variance_SE.exp() - 1 - log_variance_SE)
