"""Layer after layer: whose turn it is, that only its weights learn, and that all learn in the end."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from halfseen.contracts import Sample
from halfseen.data.draw import KeyedDraw
from halfseen.methods.array_recipes import LayerwiseRecipe, PairSize
from halfseen.methods.layerwise import AtDepth, Layerwise

RNG = np.random.default_rng(0)


def method(of: tuple[int, ...]) -> Layerwise:
    recipe = LayerwiseRecipe(net=PairSize(width=8, code=3), greedy=0.6)
    made = Layerwise(recipe, recipe.shape(of))
    made.initialise(0)
    return made


@pytest.mark.parametrize("of", [(5,), (1, 9, 12)])
def test_each_layer_has_its_turn(of: tuple[int, ...]) -> None:
    made = method(of)
    samples = [Sample(str(i), RNG.random(of).astype(np.float32)) for i in range(4)]
    depths, taught = [], []
    for progress in (0.0, 0.19, 0.21, 0.41, 0.59):
        made.zero_grad()
        split = made.splitter(progress)(samples, KeyedDraw(0, 0, samples))
        assert isinstance(split.seen, AtDepth)
        depths.append(split.seen.depth)
        made(split).per_item.sum().backward()
        taught.append({name for name, p in made.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0})
    assert depths == [1, 1, 2, 3, 3]
    assert all(len(names) == 4 for names in taught), "weights and biases of one layer down and of one up"
    assert not taught[0] & taught[2]
    assert not taught[2] & taught[3]
    assert taught[0] | taught[2] | taught[3] == {name for name, _ in made.named_parameters()}
    assert made.splitter(0.6) is made.split


def test_the_layers_are_the_net() -> None:
    made = method((1, 9, 12))
    x = torch.rand(2, 1, 9, 12)
    code = x
    for layer in made.down:
        for part in layer:
            code = part(code)
    torch.testing.assert_close(code, made.code(x))
