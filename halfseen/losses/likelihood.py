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
    one exponential and one logarithm for both. At the lowest level the first factor is 1, at the highest the second. The fewer passes over
    the numbers the better: a pass takes as long as its numbers take to come and go.
    """

    @staticmethod
    def forward(ctx: Any, x_SX: Tensor, mean_SX: Tensor, log_scale: Tensor) -> Tensor:
        half = 0.5 / LEVELS
        slope = min(math.exp(-float(log_scale)), STEEPEST)
        width = half * slope
        not_lowest_SX, not_highest_SX = (x_SX - half).ceil_(), ((1 - half) - x_SX).ceil_()  # 0 or 1, as x lies between 0 and 1
        out_SX = (x_SX - mean_SX).mul_(slope)
        nearest, farthest = out_SX.aminmax()
        far_SX = None if max(-float(nearest), float(farthest)) <= FAR else out_SX.abs().sub_(FAR).clamp_(min=0)
        u_SX = out_SX.exp() if far_SX is None else out_SX.clamp(-FAR, FAR).exp_()
        one, level = out_SX.new_ones(()), math.exp(-width)
        below_SX = torch.addcmul(one, not_lowest_SX, u_SX, value=level)
        above_SX = torch.addcdiv(one, not_highest_SX, u_SX, value=level)
        nats_SX = torch.mul(below_SX, above_SX, out=u_SX).log_()
        within_SX = not_lowest_SX.mul_(not_highest_SX)
        nats_SX.sub_(within_SX, alpha=math.log(-math.expm1(-2 * width)))

        not_below_SX, not_above_SX = below_SX.reciprocal_(), above_SX.reciprocal_()
        by_out_SX = not_above_SX - not_below_SX
        if far_SX is not None:  # out there both are straight lines
            nats_SX.addcmul_(by_out_SX.abs(), far_SX)
        # d nats / d log_scale, less 2 width, which is added in the end
        by_scale_SX = within_SX.mul_(2 * width / math.expm1(2 * width)).add_(not_above_SX, alpha=-2 * width)
        by_scale_SX.add_(by_out_SX, alpha=width).addcmul_(out_SX, by_out_SX, value=-1)
        ctx.scale_shape, ctx.width, ctx.flat = log_scale.shape, width, slope >= STEEPEST
        ctx.save_for_backward(by_out_SX.mul_(-slope), by_scale_SX)
        return nats_SX

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, Tensor, Tensor]:
        by_mean_SX, by_scale_SX = ctx.saved_tensors
        by_mean_SX = by_mean_SX * grads[0]
        if ctx.flat:
            return None, by_mean_SX, grads[0].new_zeros(ctx.scale_shape)
        by_scale = (by_scale_SX * grads[0]).sum() + 2 * ctx.width * grads[0].sum()
        return None, by_mean_SX, by_scale.reshape(ctx.scale_shape)


def kl_to_standard_normal(mean_SE: Tensor, log_variance_SE: Tensor) -> Tensor:
    """Of a normal distribution with a diagonal covariance, number by number, in nats (arXiv:1312.6114, appendix B)."""
    return 0.5 * (mean_SE.square() + log_variance_SE.exp() - 1 - log_variance_SE)
