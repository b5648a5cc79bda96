"""How well a sample's code tells its neighbour from the neighbours of others.

Shapes: S samples; code_SE.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def neighbour_nats(code_SE: Tensor, near_SE: Tensor) -> Tensor:
    """-log of the share that a sample's own neighbour has of all similarities 1 / (1 + squared distance), (S,): InfoNCE (van den Oord et
    al. 2018, arXiv:1807.03748) with t-SNE's similarity (arXiv:2206.01816, section 4). The items of a batch are coupled: the neighbours of
    the others are what repels.
    """
    nats_S: Tensor = NeighbourNats.apply(code_SE, near_SE)  # type: ignore[no-untyped-call]
    return nats_S


class NeighbourNats(torch.autograd.Function):
    """`neighbour_nats` and its gradients. With a_ij = 1 / (1 + d_ij^2) of sample i and neighbour j it is log sum_j a_ij - log a_ii, and
    the a_ij alone are kept. What is near would be the same place in bfloat16, so nothing is computed in it."""

    @staticmethod
    def forward(ctx: Any, code_SE: Tensor, near_SE: Tensor) -> Tensor:
        code_SE, near_SE = code_SE.float(), near_SE.float()
        with torch.autocast(code_SE.device.type, enabled=False):
            squares_SS = torch.addmm(near_SE.square().sum(1), code_SE, near_SE.T, alpha=-2)
        alike_SS = squares_SS.add_(code_SE.square().sum(1)[:, None] + 1).clamp_(min=1).reciprocal_()
        whole_S = alike_SS.sum(1)
        ctx.save_for_backward(code_SE, near_SE, alike_SS, whole_S)
        return whole_S.log() + (code_SE - near_SE).square().sum(1).log1p()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        code_SE, near_SE, alike_SS, whole_S = ctx.saved_tensors
        apart_SE = code_SE - near_SE
        pull_SE = apart_SE * (2 * grads[0] / (1 + apart_SE.square().sum(1)))[:, None]
        push_SS = alike_SS.square().mul_((2 * grads[0] / whole_S)[:, None])
        by_code_SE = pull_SE - push_SS.sum(1)[:, None] * code_SE + push_SS @ near_SE
        by_near_SE = -pull_SE - push_SS.sum(0)[:, None] * near_SE + push_SS.T @ code_SE
        return by_code_SE, by_near_SE
