"""Cross-entropy through the vocabulary layer, a few rows at a time: the M x V logits of a batch never stand in memory.

Where every token is scored, writing and reading them again took a tenth of a step. The gradient needs the logits once more; it is
taken while they are there, for a sum of all losses, which is what the loop asks for.
Shapes: M scored positions of S samples; D width; V vocabulary.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from halfseen.contracts import Loss
from halfseen.losses.tokens import by_sample, cross_entropy
from halfseen.nets.heads import NextHead, rounded

ROWS, LAST = 512, 64
"""Rows at a time: 16 MB of float32 logits for a vocabulary of 8,192, which a processor's cache can hold; the last ones are filled up
to a multiple of LAST with zeros, for the reason that `Tokens.rounded` gives."""


class Judged(NamedTuple):
    """Each row's loss, and the gradients of their weighted sum."""

    loss: Tensor
    grad_hidden: Tensor
    grad_table: Tensor


def judge(hidden_MD: Tensor, table_VD: Tensor, bias_V: Tensor | None, target_M: Tensor, weight_M: Tensor | None) -> Judged:
    """-log softmax(hidden table^T + bias)[target], products in the type of hidden_MD, sums in float32. weight_M: None for ones."""
    scored, table = len(hidden_MD), table_VD.to(hidden_MD.dtype)
    bias = None if bias_V is None else bias_V.to(hidden_MD.dtype)
    filled = -scored % LAST
    hidden_MD, target_M = F.pad(hidden_MD, (0, 0, 0, filled)), F.pad(target_M, (0, filled))
    weight_M = None if weight_M is None else F.pad(weight_M, (0, filled))
    loss_M = hidden_MD.new_empty(len(hidden_MD), dtype=torch.float32)
    grad_hidden_MD = torch.empty_like(hidden_MD)
    grad_table_VD = torch.zeros_like(table_VD, dtype=torch.float32)
    for begin in range(0, len(hidden_MD), ROWS):
        rows = slice(begin, begin + ROWS)
        hidden, target = hidden_MD[rows], target_M[rows, None]
        share = F.linear(hidden, table, bias).float()
        whole = share.logsumexp(-1, keepdim=True)
        loss_M[rows] = (whole - share.gather(1, target)).squeeze(1)
        share.sub_(whole).exp_().scatter_add_(1, target, share.new_full(target.shape, -1.0))
        if weight_M is not None:
            share.mul_(weight_M[rows, None])
        step = share.to(hidden.dtype)
        torch.mm(step, table, out=grad_hidden_MD[rows])
        if step.dtype == torch.float32:
            grad_table_VD.addmm_(step.t(), hidden)
        else:
            grad_table_VD += step.t() @ hidden
    return Judged(loss_M[:scored], grad_hidden_MD[:scored], grad_table_VD)


class VocabularyLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden_MD: Tensor, table_VD: Tensor, bias_V: Tensor | None, target_M: Tensor) -> Tensor:
        found = judge(hidden_MD, table_VD, bias_V, target_M, None)
        ctx.save_for_backward(hidden_MD, table_VD, bias_V, target_M, found.grad_hidden, found.grad_table)
        return found.loss

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_M: Tensor) -> tuple[Tensor, Tensor, None, None]:
        hidden_MD, table_VD, bias_V, target_M, grad_hidden_MD, grad_table_VD = ctx.saved_tensors
        if bool((grad_M != grad_M[:1]).any()):  # not a sum, nor a multiple of one
            _, grad_hidden_MD, grad_table_VD = judge(hidden_MD, table_VD, bias_V, target_M, grad_M)
            return grad_hidden_MD, grad_table_VD.to(table_VD.dtype), None, None
        return grad_hidden_MD * grad_M[:1].to(hidden_MD.dtype), (grad_table_VD * grad_M[:1]).to(table_VD.dtype), None, None


def vocabulary_loss(hidden_MD: Tensor, table_VD: Tensor, target_M: Tensor, bias_V: Tensor | None = None) -> Tensor:
    """-log softmax(hidden_MD table_VD^T + bias_V)[target_M] of each position, float32, products in the type of autocast where it is on.

    bias_V is not learnt: it gets no gradient.
    """
    device = hidden_MD.device.type
    if torch.is_autocast_enabled(device):
        hidden_MD = hidden_MD.to(torch.get_autocast_dtype(device))
    with torch.autocast(device, enabled=False):
        found: Tensor = VocabularyLoss.apply(hidden_MD, table_VD, bias_V, target_M)  # type: ignore[no-untyped-call]
    return found


def written_loss(head: NextHead, states_MD: Tensor, target_M: Tensor, owner_M: Tensor, samples: int, *, training: bool) -> Loss:
    """The cross-entropy of every token that a decoder should have written, summed by the sample that owns it; out of training also, as
    the part `right`, how many it would have written."""
    if training:
        return by_sample(vocabulary_loss(states_MD, head.table, target_M, head.bias), owner_M, samples, part="tokens")
    return cross_entropy(rounded(head, states_MD), target_M, owner_M, samples, part="tokens", count_right=True)
