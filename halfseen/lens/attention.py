"""What the heads of a net look at: attention weights, worked out beside the net from its own layers.

Shapes: S samples of N tokens in all; R rows of L places; H heads.
"""

from __future__ import annotations

import torch
from torch import Tensor

from halfseen.contracts import Array
from halfseen.data.tokens import Tokens
from halfseen.nets.transformer import Layer, Transformer, layouts_of, rotate


@torch.no_grad()
def attention_weights(net: Transformer, seen: Tokens) -> list[Tensor]:
    """weights_RHLL of each layer: row r, head h, from the place that asks to the place that is asked. Rows of places sum to one."""
    found: list[Tensor] = []
    states = net.run(seen, every_layer=True).layers
    rows, length = seen.owner.shape
    for layer, layout, x_ND in zip(net.layers, layouts_of(seen, net.shape), states, strict=False):
        assert isinstance(layer, Layer)
        attention = layer.attention
        given_ND = layer.attention_norm(x_ND) if layer.pre else x_ND
        q_NHE, (k_NGE, _) = attention.queries(given_ND), attention.keys_and_values(given_ND)
        if layout.turns is not None:
            q_NHE, k_NGE = rotate(q_NHE, *layout.turns), rotate(k_NGE, *layout.turns)
        k_NHE = k_NGE.repeat_interleave(attention.heads // attention.kv_heads, dim=1)
        q, k = (layout.grid.to_rows(x).transpose(1, 2).flatten(0, 1) for x in (q_NHE, k_NHE))
        score_PLL = torch.baddbmm(layout.hidden_PLL, q, k.mT, alpha=q.shape[-1] ** -0.5)
        found.append(score_PLL.softmax(-1).view(rows, attention.heads, length, length))
    return found


def induction_score(weights_RHLL: Tensor, seen: Tokens, period_S: Array) -> Tensor:
    """score_H: the mean weight from a token of a repetition to the token that stood behind the same one before (Olsson et al. 2022,
    arXiv:2209.11895): from place t to place t - period + 1 of the same sample, for all t from the period on.

    period_S: how long each sample is before it begins again, its special tokens not counted; place 0 of a sample is special.
    """
    rows, _, length, _ = weights_RHLL.shape
    place_N = torch.arange(rows * length) if seen.place is None else seen.place
    period_N = torch.from_numpy(period_S)[seen.sample]
    asks_N = seen.position > period_N  # position 0 is special: position p holds symbol p - 1
    from_K = place_N[asks_N]
    to_K = from_K - period_N[asks_N] + 1
    return weights_RHLL[from_K // length, :, from_K % length, to_K % length].mean(0)
