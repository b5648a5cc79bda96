"""The map that keeps neighbours together: no row may stand so far out that the others are a dot."""

from __future__ import annotations

import torch

from halfseen.methods import make
from halfseen.methods.array_recipes import NeighboursRecipe, PairSize
from halfseen.methods.neighbours import FARTHEST, SPREAD, NeighbourKeeping


def test_codes_have_an_end() -> None:
    recipe = NeighboursRecipe(net=PairSize(width=16, code=2))
    method: NeighbourKeeping = make("neighbours", recipe, recipe.shape((5,)))
    method.initialise(0)
    x_RF = torch.randn(20, 5, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        near, far, beyond = (method.code(scale * x_RF) for scale in (1e-3, 1e3, 1e6))
        torch.testing.assert_close(near, SPREAD * method.encoder(1e-3 * x_RF), rtol=1e-3, atol=0)
    assert 0.9 * SPREAD * FARTHEST < far.abs().max() <= 1.0001 * SPREAD * FARTHEST
    assert beyond.abs().max() <= 1.0001 * SPREAD * FARTHEST
