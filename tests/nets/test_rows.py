"""Attention in rows beside a slow loop over samples."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from halfseen.contracts import Array
from halfseen.data.tokens import Tokens, TwoTexts, lay_rows
from halfseen.nets.rows import attend_in_rows
from halfseen.nets.seq2seq import Reading
from halfseen.nets.shape import TransformerShape
from halfseen.nets.speech import GroupedLayout
from halfseen.nets.transformer import Layout

LENGTHS = np.array([5, 3, 9, 1, 4])
SHAPE = TransformerShape(width=12, layers=1, heads=3, max_length=64)


def drawn(tokens: int, heads: int, seed: int) -> Tensor:
    made = torch.randn(tokens, heads, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return made.requires_grad_()


def one_by_one(q_NHE: Tensor, k_NHE: Tensor, v_NHE: Tensor, asking_S: Array, asked_S: Array, *, causal: bool) -> Tensor:
    found = []
    for q, k, v in zip(q_NHE.split(asking_S.tolist()), k_NHE.split(asked_S.tolist()), v_NHE.split(asked_S.tolist()), strict=True):
        score_HQK = torch.einsum("qhe,khe->hqk", q, k) / 2
        if causal:
            score_HQK = score_HQK.masked_fill(torch.ones(score_HQK.shape[1:], dtype=torch.bool).triu(1), -torch.inf)
        found.append(torch.einsum("hqk,khe->qhe", score_HQK.softmax(-1), v).flatten(1))
    return torch.cat(found)


def same_with_gradients(one: Tensor, other: Tensor, given: list[Tensor]) -> None:
    torch.testing.assert_close(one, other)
    upon = torch.randn(one.shape, generator=torch.Generator().manual_seed(9), dtype=one.dtype)
    for found, wanted in zip(torch.autograd.grad(one, given, upon), torch.autograd.grad(other, given, upon), strict=True):
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kv_heads", [3, 1])
@pytest.mark.parametrize("row", [9, 12, 22])
def test_each_sample_attends_to_itself(causal: bool, kv_heads: int, row: int) -> None:
    shape = TransformerShape(width=12, layers=1, heads=3, kv_heads=kv_heads, max_length=64, causal=causal)
    seen = Tokens.of(np.zeros(LENGTHS.sum(), np.int64), LENGTHS, rows=lay_rows(LENGTHS, row))
    layout = Layout(seen, shape)
    given = [drawn(22, 3, 0), drawn(22, kv_heads, 1), drawn(22, kv_heads, 2)]
    q, k, v = given
    wide = [x.repeat_interleave(3 // kv_heads, 1) for x in (k, v)]
    wanted = one_by_one(q, *wide, LENGTHS, LENGTHS, causal=causal)
    layout.hidden_PLL = layout.hidden_PLL.double()
    same_with_gradients(layout.attend(q, k, v), wanted, given)
    with torch.no_grad():
        torch.testing.assert_close(layout.attend(q, k, v), wanted)


def test_places_without_a_token_get_no_gradient() -> None:
    """Tokens that only fill a grid's gaps: whatever comes back, nothing of it reaches them or goes on from them."""
    seen = Tokens.of(np.zeros(LENGTHS.sum(), np.int64), LENGTHS, rows=lay_rows(LENGTHS, 12)).padded(3)
    layout = Layout(seen, SHAPE)
    layout.hidden_PLL = layout.hidden_PLL.double()
    given = [drawn(25, 3, seed) for seed in range(3)]
    upon = torch.ones(25, 12, dtype=torch.float64)
    upon[22:] = 0
    for found in torch.autograd.grad(layout.attend(*given), given, upon):
        assert (found[22:] == 0).all()
        assert (found[:22] != 0).any()


def test_who_asks_may_be_others_than_who_is_asked() -> None:
    source_S, target_S = np.array([4, 7, 2]), np.array([3, 1, 5])
    texts = TwoTexts.of(np.zeros(13, np.int64), source_S, np.zeros(9, np.int64), target_S)
    reading = Reading(texts, torch.zeros(13, 12), SHAPE)
    given = [drawn(9, 3, 0), drawn(13, 3, 1), drawn(13, 3, 2)]
    asking, asked, hidden_PQK = reading.own.grid, reading.source_grid, reading.hidden_PQK.double()
    found = attend_in_rows(*given, asking=asking, asked=asked, hidden_PQK=hidden_PQK)
    same_with_gradients(found, one_by_one(*given, target_S, source_S, causal=False), given)


def test_groups_of_rows_of_different_lengths() -> None:
    lengths_S = np.array([5, 3, 9, 30, 28])
    layout = GroupedLayout(lengths_S, [3, 2], SHAPE, torch.device("cpu"))
    for one in layout.layouts:
        one.hidden_PLL = one.hidden_PLL.double()
    steps = int(lengths_S.sum())
    given = [drawn(steps + layout.padding, 3, seed) for seed in range(3)]
    found = layout.attend(*given)[:steps]
    same_with_gradients(found, one_by_one(*(x[:steps] for x in given), lengths_S, lengths_S, causal=False), given)
    with torch.no_grad():
        torch.testing.assert_close(layout.attend(*given)[:steps], found)
