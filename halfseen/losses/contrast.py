"""Losses between two views of the same samples. The first couples all samples of a batch: each is the others' counter-example.

Shapes: S samples; a_SD and b_SD, one view each.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from halfseen.contracts import Loss


def info_nce(a_SD: Tensor, b_SD: Tensor, scored_S: Tensor, temperature: float) -> Loss:
    """Cross-entropy of finding a view's other one among all 2 S - 1 other views by cosine (NT-Xent, arXiv:2002.05709, equation 1), in
    nats, the mean of a sample's two. right: how often it is the nearest."""
    view_VD = F.normalize(torch.cat([a_SD, b_SD]).float(), dim=1)
    count = len(a_SD)
    alike_VV = (view_VD @ view_VD.T).float() / temperature
    alike_VV.fill_diagonal_(-torch.inf)
    other_V = torch.arange(2 * count, device=a_SD.device).roll(count)
    nats_S = F.cross_entropy(alike_VV, other_V, reduction="none").reshape(2, -1).mean(0)
    right_S = (alike_VV.argmax(1) == other_V).float().reshape(2, -1).mean(0)
    return Loss(nats_S * scored_S, scored_S.to(nats_S.dtype), {"contrast": (nats_S * scored_S).detach(), "right": right_S * scored_S})


def view_regression(a_SD: Tensor, b_SD: Tensor, scored_S: Tensor) -> Loss:
    """Squared distance of directions, 2 - 2 cosine (BYOL, arXiv:2006.07733, equation 2), between predictions a and targets b."""
    off_S = (2 - 2 * F.cosine_similarity(a_SD.float(), b_SD.float(), dim=1)) * scored_S
    return Loss(off_S, scored_S.to(off_S.dtype), {"off": off_S.detach()})
