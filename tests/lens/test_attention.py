"""Attention weights are the net's own, and the induction score is what its definition says."""

from __future__ import annotations

import numpy as np
import torch

from halfseen.data.tokens import Tokens
from halfseen.lens.attention import attention_weights, induction_score
from halfseen.methods.recipes import BertRecipe, GptRecipe, NetSize, TextRecipe
from halfseen.nets.transformer import Transformer, initialise, layouts_of

LENGTHS = np.array([9, 4, 12, 7])


def net_of(recipe: TextRecipe, layers: int = 2) -> Transformer:
    net = Transformer(recipe.shape(layers=layers, width=32), vocabulary=40).eval()
    initialise(net, 1, spread=0.5)
    return net


def some_tokens(lengths: np.ndarray = LENGTHS) -> Tokens:
    return Tokens.of(np.random.default_rng(0).integers(0, 40, lengths.sum()), lengths)


def test_the_weights_mix_the_values_to_what_the_layer_gives() -> None:
    """Of each layer: weights @ values, through its last product, is what its attention adds."""
    for recipe in (GptRecipe(net=NetSize(heads=4)), BertRecipe(net=NetSize(heads=4))):
        net, seen = net_of(recipe), some_tokens()
        with torch.no_grad():
            states = net.run(seen, every_layer=True).layers
            layouts = layouts_of(seen, net.shape)
            for layer, layout, x_ND, weights in zip(net.layers, layouts, states, attention_weights(net, seen), strict=False):
                given_ND = layer.attention_norm(x_ND)
                _, v_NGE = layer.attention.keys_and_values(given_ND)
                v_RHLE = layout.grid.to_rows(v_NGE).transpose(1, 2)
                mixed_ND = layout.grid.to_tokens((weights @ v_RHLE).transpose(1, 2).flatten(2))
                torch.testing.assert_close(layer.attention.out(mixed_ND), layer.attention(given_ND, layout), atol=1e-5, rtol=1e-5)
                places = seen.owner.flatten() >= 0
                sums = weights.sum(-1).transpose(1, 2).reshape(-1, 4)[places]
                torch.testing.assert_close(sums, torch.ones_like(sums))


def test_a_causal_net_looks_back_alone_and_never_at_another_sample() -> None:
    seen = some_tokens()
    for weights in attention_weights(net_of(GptRecipe(net=NetSize(heads=4))), seen):
        length = weights.shape[-1]
        later = ~torch.ones(length, length, dtype=torch.bool).tril()
        same = seen.owner[:, :, None] == seen.owner[:, None, :]
        real = (seen.owner >= 0)[:, None, :, None]
        assert float((weights * real)[:, :, later].abs().max()) == 0
        assert float((weights * real * ~same[:, None]).abs().max()) == 0


def test_the_induction_score_of_attention_made_by_hand() -> None:
    """Two texts in one row: <BOS> a b c a b c (period 3) and <BOS> a b a b a (period 2)."""
    lengths, period_S = np.array([7, 6]), np.array([3, 2])
    seen = Tokens.of(np.zeros(13), lengths)
    length = seen.owner.shape[1]
    weights = torch.zeros(len(seen.owner), 3, length, length)
    first = 0 if seen.place is None else int(seen.place[7])
    row, column = divmod(first, length)
    perfect = [(0, 4, 2), (0, 5, 3), (0, 6, 4), (row, column + 3, column + 2), (row, column + 4, column + 3), (row, column + 5, column + 4)]
    for r, asks, answers in perfect:
        weights[r, 0, asks, answers] = 1.0
        weights[r, 1, asks, answers - 1] = 1.0  # the symbol itself, the time before
    weights[0, 2, 4, 2] = 0.5
    torch.testing.assert_close(induction_score(weights, seen, period_S), torch.tensor([1.0, 0.0, 0.5 / 6]))
