"""The norms of a transformer: LayerNorm (Ba et al. 2016, arXiv:1607.06450), and RMSNorm (Zhang and Sennrich 2019, arXiv:1910.07467).

Shapes: N tokens of width D.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from halfseen.nets.shape import TransformerShape


def norm(shape: TransformerShape) -> nn.Module:
    if shape.norm == "rms":
        return RMSNorm(shape.width, eps=shape.norm_eps)
    return nn.LayerNorm(shape.width, eps=shape.norm_eps, bias=shape.bias)


def inverse_size(x_ND: Tensor, eps: Tensor) -> Tensor:
    """1 / sqrt(mean of squares + eps) of each token, N x 1."""
    length_N1 = torch.linalg.vector_norm(x_ND, dim=-1, keepdim=True)
    return torch.addcmul(eps, length_N1, length_N1, value=1 / x_ND.shape[-1]).rsqrt_()


class RMSNorm(nn.RMSNorm):
    """PyTorch's, whose steps on CPU have a backward pass each, five times as long together as that of `RootMeanSquare`."""

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu" or x.dtype != torch.float32 or x.ndim != 2 or not torch.is_grad_enabled():
            return super().forward(x)
        assert self.eps is not None
        return RootMeanSquare.apply(x, self.weight, self.eps)  # type: ignore[no-untyped-call]


class RootMeanSquare(torch.autograd.Function):
    """RMSNorm of x_ND in float32. Its gradient is LayerNorm's without a mean, for which PyTorch has one operation, and what that takes away
    from a gradient along the mean is given back."""

    @staticmethod
    def forward(ctx: Any, x_ND: Tensor, scale_D: Tensor, eps: float) -> Tensor:
        inverse_N1 = inverse_size(x_ND, x_ND.new_tensor(eps))
        ctx.save_for_backward(x_ND, scale_D, inverse_N1)
        return (x_ND * inverse_N1).mul_(scale_D)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        x_ND, scale_D, inverse_N1 = ctx.saved_tensors
        grad_ND, width = grads[0], x_ND.shape[-1]
        by_x_ND, by_scale_D, _ = torch.ops.aten.native_layer_norm_backward(
            grad_ND, x_ND, [width], torch.zeros_like(inverse_N1), inverse_N1, scale_D, None, [True, True, False]
        )
        with torch.autocast(x_ND.device.type, enabled=False):
            by_mean_N1 = (grad_ND @ scale_D)[:, None].mul_(inverse_N1)
        return by_x_ND.add_(by_mean_N1, alpha=1 / width), by_scale_D, None
