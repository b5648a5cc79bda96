"""How unlikely a sample is, given what a decoder says of it, in nats.

Shapes: S samples of shape X, (F,) for rows, (C, H, W) for images of 256 levels between 0 and 1.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

LEVELS = 255
FAR = 1e4
"""A logistic function so far out is 0 or 1."""
STEEP = 1e9
"""What makes a step of a slope: 0 or 1 but for a billionth around the edge."""
LEAST = -80.0
"""Beside 1 the exponential of less is nothing; where it underflows it is slow."""


def normal_nats(x_SX: Tensor, mean_SX: Tensor, log_scale: Tensor) -> Tensor:
    """-log of a normal density, number by number."""
    return 0.5 * ((x_SX - mean_SX) * torch.exp(-log_scale)).square() + log_scale + 0.5 * math.log(2 * math.pi)


def logistic_level_nats(x_SX: Tensor, mean_SX: Tensor, log_scale: Tensor) -> Tensor:
    """-log of what a logistic distribution gives to a pixel's level (Salimans et al. 2017, arXiv:1701.05517, section 2.1); the lowest level
    takes all that lies below it, the highest all above. log_scale: one for all pixels.

    A level between a and b has s(b) - s(a) = s(b) s(-a) (1 - exp(a - b)), s the logistic function, which is exact however far out it lies.
    """
    nats_SX: Tensor = LogisticLevels.apply(x_SX, mean_SX, log_scale)  # type: ignore[no-untyped-call]
    return nats_SX


class LogisticLevels(torch.autograd.Function):
    """`logistic_level_nats` and its gradients in one go: one by one its steps took a third of a small net's training step."""

    @staticmethod
    def forward(ctx: Any, x_SX: Tensor, mean_SX: Tensor, log_scale: Tensor) -> Tensor:
        half = 0.5 / LEVELS
        slope = math.exp(-float(log_scale))
        lowest_SX = (half - x_SX).mul_(STEEP).clamp_(0, 1)
        highest_SX = (x_SX - (1 - half)).mul_(STEEP).clamp_(0, 1)
        out_SX = (x_SX - mean_SX).mul_(slope)
        above_SX = out_SX.neg().sub_(half * slope).sub_(highest_SX, alpha=FAR)
        below_SX = out_SX.sub_(half * slope).sub_(lowest_SX, alpha=FAR)
        inner_SX = lowest_SX.add_(highest_SX).neg_().add_(1)
        # softplus(a) + softplus(b) with one logarithm
        nats_SX = one_and_exp(below_SX).mul_(one_and_exp(above_SX)).log_().add_(below_SX.relu()).add_(above_SX.relu())
        nats_SX.sub_(inner_SX, alpha=math.log(-math.expm1(-2 * half * slope)))

        above_share_SX, below_share_SX = above_SX.sigmoid(), below_SX.sigmoid()
        by_scale_SX = below_SX.mul_(below_share_SX).addcmul_(above_SX, above_share_SX).neg_()
        by_scale_SX.add_(inner_SX, alpha=2 * half * slope / math.expm1(2 * half * slope))
        ctx.scale_shape = log_scale.shape
        ctx.save_for_backward(above_share_SX.sub_(below_share_SX).mul_(slope), by_scale_SX)
        return nats_SX

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, Tensor, Tensor]:
        by_mean_SX, by_scale_SX = ctx.saved_tensors
        return None, by_mean_SX * grads[0], (by_scale_SX * grads[0]).sum().reshape(ctx.scale_shape)


def one_and_exp(x: Tensor) -> Tensor:
    """1 + exp(-|x|)."""
    return x.abs().neg_().clamp_(min=LEAST).exp_().add_(1)


def kl_to_standard_normal(mean_SE: Tensor, log_variance_SE: Tensor) -> Tensor:
    """Of a normal distribution with a diagonal covariance, number by number, in nats (arXiv:1312.6114, appendix B)."""
    return 0.5 * (mean_SE.square() + log_variance_SE.exp() - 1 - log_variance_SE)
