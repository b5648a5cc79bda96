"""How well a sample's code tells its neighbour from the neighbours of others.

Shapes: S samples; code_SE.
"""

from __future__ import annotations

import torch
from torch import Tensor


def neighbour_nats(code_SE: Tensor, near_SE: Tensor) -> Tensor:
    """-log of the share that a sample's own neighbour has of all similarities 1 / (1 + squared distance), (S,): InfoNCE (van den Oord et
    al. 2018, arXiv:1807.03748) with t-SNE's similarity (arXiv:2206.01816, section 4). The items of a batch are coupled: the neighbours of
    the others are what repels.
    """
    with torch.autocast(code_SE.device.type, enabled=False):  # what is near would be the same place in bfloat16
        squares_SS = code_SE.square().sum(1)[:, None] + near_SE.square().sum(1) - 2 * code_SE @ near_SE.T
    logit_SS = -torch.log1p(squares_SS.clamp(min=0))
    return torch.logsumexp(logit_SS, 1) - logit_SS.diagonal()
