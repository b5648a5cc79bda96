"""Attention in rows: tokens that lie end to end stand beside each other in rows, some whole samples in each, and mix there.

Where there are gradients it is one operation with its backward pass by hand: what goes between tokens and rows is moved once each way,
head by head, and results are written where they belong. PyTorch's own way through the same steps copies everything twice.

Shapes: N tokens; H heads of width E; R rows of L places, P = R H as the products want them; Q and K places of who asks and who is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from halfseen.data.tokens import Tokens


class Grid:
    """The R rows of L places that hold N tokens."""

    def __init__(self, seen: Tokens) -> None:
        self.place_N = seen.place
        self.rows, self.length = seen.owner.shape
        self.tokens, self.device = len(seen.ids), seen.owner.device
        self._moves: dict[int, Moves] = {}

    def to_rows(self, x_NX: Tensor) -> Tensor:
        """N tokens to R rows of L places, gaps filled with zeros."""
        if self.place_N is not None:
            grid = x_NX.new_zeros(self.rows * self.length, *x_NX.shape[1:])
            x_NX = grid.index_copy(0, self.place_N, x_NX)
        return x_NX.view(self.rows, self.length, *x_NX.shape[1:])

    def to_tokens(self, x_RLX: Tensor) -> Tensor:
        x_PX = x_RLX.reshape(self.rows * self.length, *x_RLX.shape[2:])
        return x_PX if self.place_N is None else x_PX[self.place_N]

    def moves(self, heads: int) -> Moves:
        """For this layout's every layer."""
        if heads not in self._moves:
            self._moves[heads] = Moves.of([self], heads)
        return self._moves[heads]


@dataclass(frozen=True)
class Moves:
    """Where heads of tokens are in rows, some blocks of them behind each other. there: for each place the head of a token, in a gap of any;
    back: for each head of a token its place; gaps: places without a token; blocks: P rows of L places each."""

    there: Tensor
    back: Tensor
    gaps: Tensor
    blocks: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, grids: Sequence[Grid], heads: int) -> Moves:
        """Of grids whose tokens lie behind each other."""
        there, back, gaps, blocks = [], [], [], []
        tokens = places = 0
        head_H = torch.arange(heads, device=grids[0].device)
        for grid in grids:
            rows, length = grid.rows, grid.length
            token_N = torch.arange(grid.tokens, device=grid.device)
            place_N = token_N if grid.place_N is None else grid.place_N
            token_RL = token_N.new_full((rows * length,), -1).index_copy_(0, place_N, token_N).view(rows, 1, length).expand(-1, heads, -1)
            there.append(((token_RL.clamp(min=0) + tokens) * heads + head_H[:, None]).flatten())
            gaps.append(torch.nonzero(token_RL.flatten() < 0).flatten() + places)
            back.append((((place_N // length)[:, None] * heads + head_H) * length + (place_N % length)[:, None]).flatten() + places)
            blocks.append((rows * heads, length))
            tokens, places = tokens + grid.tokens, places + rows * heads * length
        return cls(torch.cat(there), torch.cat(back), torch.cat(gaps), tuple(blocks))

    def to_rows(self, x_NHE: Tensor) -> Tensor:
        """x_QE, all blocks' places; gaps hold what some token has."""
        return x_NHE.reshape(-1, x_NHE.shape[-1]).index_select(0, self.there)

    def to_tokens(self, x_QE: Tensor, heads: int) -> Tensor:
        """x_NHE."""
        return x_QE.index_select(0, self.back).view(-1, heads, x_QE.shape[-1])

    def parts(self, x_QE: Tensor) -> list[Tensor]:
        """x_PLE of each block, where they lie."""
        parts = torch.split(x_QE, [rows * length for rows, length in self.blocks])
        return [part.view(rows, length, -1) for part, (rows, length) in zip(parts, self.blocks, strict=True)]


class MixInRows(torch.autograd.Function):
    """softmax(q k / sqrt(E)) v of every block. hidden: a hidden_PQK for each, added to the scores."""

    @staticmethod
    def forward(ctx: Any, q_NHE: Tensor, k_NHE: Tensor, v_NHE: Tensor, asking: Moves, asked: Moves, hidden: Sequence[Tensor]) -> Tensor:
        heads, scale = q_NHE.shape[1], q_NHE.shape[-1] ** -0.5
        q_QE, k_KE, v_KE = asking.to_rows(q_NHE), asked.to_rows(k_NHE), asked.to_rows(v_NHE)
        mixed_QE = torch.empty_like(q_QE)
        weights = []
        blocks = zip(asking.parts(q_QE), asked.parts(k_KE), asked.parts(v_KE), asking.parts(mixed_QE), hidden, strict=True)
        for q, k, v, mixed, hidden_PQK in blocks:
            weights.append(torch.baddbmm(hidden_PQK, q, k.mT, alpha=scale).softmax(-1))
            torch.bmm(weights[-1], v, out=mixed)
        ctx.save_for_backward(q_QE, k_KE, v_KE, *weights)
        ctx.moves, ctx.heads, ctx.scale = (asking, asked), heads, scale
        return asking.to_tokens(mixed_QE, heads).flatten(1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        q_QE, k_KE, v_KE, *weights = ctx.saved_tensors
        asking, asked = ctx.moves
        grad_QE = asking.to_rows(grads[0].view(len(grads[0]), ctx.heads, -1)).index_fill_(0, asking.gaps, 0.0)
        by_q, by_k, by_v = torch.empty_like(q_QE), torch.empty_like(k_KE), torch.empty_like(v_KE)
        of_asking = zip(asking.parts(q_QE), asking.parts(grad_QE), asking.parts(by_q), strict=True)
        of_asked = zip(asked.parts(k_KE), asked.parts(v_KE), asked.parts(by_k), asked.parts(by_v), strict=True)
        for (q, grad, into_q), (k, v, into_k, into_v), weight_PQK in zip(of_asking, of_asked, weights, strict=True):
            torch.bmm(weight_PQK.mT, grad, out=into_v)
            score_PQK = torch._softmax_backward_data(torch.bmm(grad, v.mT), weight_PQK, -1, weight_PQK.dtype)
            torch.baddbmm(into_q, score_PQK, k, beta=0, alpha=ctx.scale, out=into_q)
            torch.baddbmm(into_k, score_PQK.mT, q, beta=0, alpha=ctx.scale, out=into_k)
        return asking.to_tokens(by_q, ctx.heads), asked.to_tokens(by_k, ctx.heads), asked.to_tokens(by_v, ctx.heads), None, None, None


def mix_in_rows(q_NHE: Tensor, k_NHE: Tensor, v_NHE: Tensor, asking: Moves, asked: Moves, hidden: Sequence[Tensor]) -> Tensor:
    mixed_ND: Tensor = MixInRows.apply(q_NHE, k_NHE, v_NHE, asking, asked, hidden)  # type: ignore[no-untyped-call]
    return mixed_ND


def attend_in_rows(q_NHE: Tensor, k_KGE: Tensor, v_KGE: Tensor, *, asking: Grid, asked: Grid, hidden_PQK: Tensor) -> Tensor:
    """Every query's mix of the values of its row that are not hidden from it, N x (H E)."""
    heads, kv_heads = q_NHE.shape[1], k_KGE.shape[1]
    if kv_heads != heads:
        k_KGE, v_KGE = (x.repeat_interleave(heads // kv_heads, dim=1) for x in (k_KGE, v_KGE))
    if torch.is_grad_enabled():
        return mix_in_rows(q_NHE, k_KGE, v_KGE, asking.moves(heads), asked.moves(heads), [hidden_PQK])
    # Without gradients in plain steps, which an exported graph can take.
    q, k, v = (grid.to_rows(x).transpose(1, 2).flatten(0, 1) for grid, x in ((asking, q_NHE), (asked, k_KGE), (asked, v_KGE)))  # P L E
    # Written out: on CPU this is faster than scaled_dot_product_attention at these lengths, fourfold in bfloat16.
    score_PQK = torch.baddbmm(hidden_PQK, q, k.mT, alpha=q.shape[-1] ** -0.5)
    mixed_PQE = score_PQK.softmax(-1) @ v
    mixed_RQHE = mixed_PQE.view(asking.rows, heads, asking.length, -1).transpose(1, 2)
    return asking.to_tokens(mixed_RQHE.flatten(2))
