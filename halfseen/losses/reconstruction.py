"""How well a sample was rebuilt, sample by sample.

Shapes: S samples of shape X, (F,) for rows, (C, H, W) for images.
"""

from __future__ import annotations

from torch import Tensor

from halfseen.contracts import Loss


def squared_error(rebuilt_SX: Tensor, target_SX: Tensor, scored_SX: Tensor) -> Loss:
    """(rebuilt - target)^2 where it is scored, added up by sample; weight_S counts the scored numbers."""
    error_SX = (rebuilt_SX.float() - target_SX.float()).square()
    per_item_S = (error_SX * scored_SX).flatten(1).sum(1)
    return Loss(per_item_S, scored_SX.flatten(1).sum(1).to(per_item_S.dtype), {"squared_error": per_item_S.detach()})
