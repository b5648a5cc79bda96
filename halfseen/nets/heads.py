"""Heads: a net's states to a prediction, only at the positions that count.

Shapes: M scored positions; D width; V vocabulary; C classes; S samples.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from halfseen.data.tokens import Tokens, round_up
from halfseen.nets.norms import norm
from halfseen.nets.shape import TransformerShape
from halfseen.nets.transformer import ACTIVATIONS

Pooling = Literal["first", "mean", "parts"]


class TokenHead(nn.Module):
    """BERT's and ModernBERT's vocabulary layer: dense, activation, norm, then the embedding table itself, and a bias."""

    before = 0
    """How many places before a token its state tells it."""

    def __init__(self, shape: TransformerShape, tied_to: nn.Embedding) -> None:
        super().__init__()
        self.dense = nn.Linear(shape.width, shape.width, bias=shape.bias)
        self.activation = ACTIVATIONS[shape.activation]
        self.norm = norm(shape)
        self.bias = nn.Parameter(torch.zeros(tied_to.num_embeddings))
        self._embedding = [tied_to]  # in a list, so that the table is not counted as a parameter twice

    def forward(self, hidden_MD: Tensor) -> Tensor:
        return F.linear(self.norm(self.activation(self.dense(hidden_MD))), self._embedding[0].weight, self.bias)


def rounded(head: nn.Module, hidden_MD: Tensor) -> Tensor:
    """The head's answers, computed in one of few shapes, for the reason that `Tokens.rounded` gives."""
    scored = len(hidden_MD)
    logits_MV: Tensor = head(F.pad(hidden_MD, (0, 0, 0, round_up(scored, 64, 32) - scored)))
    return logits_MV[:scored]


class NextHead(nn.Module):
    """GPT's and Llama's vocabulary layer: the embedding table, or a matrix of its own."""

    before = 1

    def __init__(self, shape: TransformerShape, embedding: nn.Embedding) -> None:
        super().__init__()
        self.weight = None if shape.tied else nn.Parameter(torch.empty(embedding.num_embeddings, shape.width))
        self._embedding = [embedding]  # in a list, so that the table is not counted as a parameter twice

    @property
    def table(self) -> Tensor:
        """table_VD: each token's direction."""
        return self._embedding[0].weight if self.weight is None else self.weight

    @property
    def bias(self) -> Tensor | None:
        """bias_V: what is added to every logit, and never learnt."""
        return None

    def forward(self, hidden_MD: Tensor) -> Tensor:
        return F.linear(hidden_MD, self.table, self.bias)


def likeliest(logits_V: Tensor, top: int, *, without: Collection[int] = ()) -> list[tuple[int, float]]:
    """The tokens of the highest probability, with it, likeliest first; those left out have none."""
    share_V = logits_V.float().softmax(-1)
    share_V[sorted(without)] = 0
    best = share_V.topk(min(top, len(share_V)))
    return list(zip(best.indices.tolist(), best.values.tolist(), strict=True))


def pool(states_ND: Tensor, seen: Tokens, pooling: Pooling) -> Tensor:
    """One vector a sample, pooled_SD: the first position's state, or the mean of all.

    parts, for samples of two texts: the mean of each, how far they are apart and their product side by side, S x 4 D (Conneau et
    al. 2017, arXiv:1705.02364, section 3.1), so that one linear layer can compare them.
    """
    if pooling == "first":
        return states_ND[seen.first]
    if pooling == "parts":
        if seen.types is None:
            raise ValueError("to pool by parts, tokens need types")
        part_N, parts = 2 * seen.sample + seen.types, 2 * len(seen.lengths)
        total_PD = states_ND.new_zeros(parts, states_ND.shape[1]).index_add(0, part_N, states_ND)
        mean_PD = total_PD / torch.bincount(part_N, minlength=parts).clamp(min=1)[:, None].to(states_ND.dtype)
        one_SD, two_SD = mean_PD[0::2], mean_PD[1::2]
        return torch.cat((one_SD, two_SD, (one_SD - two_SD).abs(), one_SD * two_SD), -1)
    total_SD = states_ND.new_zeros(len(seen.lengths), states_ND.shape[1]).index_add(0, seen.sample, states_ND)
    return total_SD / seen.lengths[:, None].to(states_ND.dtype)
