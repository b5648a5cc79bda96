"""How unlikely a sample is, given what a decoder says of it, in nats.

Shapes: S samples of shape X, (F,) for rows, (C, H, W) for images of 256 levels between 0 and 1.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

LEVELS = 255
FAR = 60.0
"""Scales out, where a logistic function is 0 or 1, and the exponential and its inverse can still be told in float32."""
STEEPEST = 10_200.0
"""A smaller scale than this one's inverse, a fortieth of a level, is taken as that: all of a level's probability is within it."""
STEEP = 1e9
"""What makes a step of a slope: 0 or 1 but for a billionth around the edge."""


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
    """`logistic_level_nats` and its gradients in one go: one by one its steps took a third of a small net's training step.

    With u = exp((x - mean) / scale) and c = exp(half a level / scale), the two softplus are the logarithm of (1 + u / c) (1 + 1 / (u c)):
    one exponential and one logarithm for both. At the lowest level the first factor is 1, at the highest the second.
    """

    @staticmethod
    def forward(ctx: Any, x_SX: Tensor, mean_SX: Tensor, log_scale: Tensor) -> Tensor:
        half = 0.5 / LEVELS
        slope = min(math.exp(-float(log_scale)), STEEPEST)
        width = half * slope
        out_SX = (x_SX - mean_SX).mul_(slope)
        far_SX = None if float(out_SX.abs().max()) <= FAR else out_SX.abs().sub_(FAR).clamp_(min=0)
        u_SX = out_SX.clamp(-FAR, FAR).exp_()
        inner_SX = (x_SX - half).mul_(STEEP).clamp_(0, 1)  # not the lowest
        below_SX = inner_SX * u_SX
        not_highest_SX = ((1 - half) - x_SX).mul_(STEEP).clamp_(0, 1)
        above_SX = not_highest_SX / u_SX.mul_(math.exp(width))
        below_SX.mul_(math.exp(-width))
        one_below_SX, one_above_SX = below_SX + 1, above_SX + 1
        nats_SX = (one_below_SX * one_above_SX).log_()
        inner_SX.mul_(not_highest_SX)
        nats_SX.sub_(inner_SX, alpha=math.log(-math.expm1(-2 * width)))

        share_below_SX, share_above_SX = below_SX.div_(one_below_SX), above_SX.div_(one_above_SX)
        both_SX = torch.add(share_below_SX, share_above_SX, out=one_below_SX)
        by_out_SX = share_below_SX.sub_(share_above_SX)
        if far_SX is not None:  # out there both are straight lines
            nats_SX.addcmul_(by_out_SX.abs(), far_SX)
        by_scale_SX = both_SX.mul_(width).addcmul_(out_SX, by_out_SX, value=-1)
        by_scale_SX.add_(inner_SX, alpha=2 * width / math.expm1(2 * width)).mul_(slope < STEEPEST)
        ctx.scale_shape = log_scale.shape
        ctx.save_for_backward(by_out_SX.mul_(-slope), by_scale_SX)
        return nats_SX

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, Tensor, Tensor]:
        by_mean_SX, by_scale_SX = ctx.saved_tensors
        return None, by_mean_SX * grads[0], (by_scale_SX * grads[0]).sum().reshape(ctx.scale_shape)


def kl_to_standard_normal(mean_SE: Tensor, log_variance_SE: Tensor) -> Tensor:
    """Of a normal distribution with a diagonal covariance, number by number, in nats (arXiv:1312.6114, appendix B)."""
    return 0.5 * (mean_SE.square() + log_variance_SE.exp() - 1 - log_variance_SE)
