"""HuBERT hears each recording both ways: as it is, and less what its frames have in common."""

from __future__ import annotations

from dataclasses import replace

import torch

from halfseen.data.speech_batch import Frames
from halfseen.methods.hubert import Hubert
from halfseen.methods.speech_recipes import HubertRecipe

LAYERS, BANDS = 2, 8


def hubert(recipe: HubertRecipe) -> Hubert:
    recipe = replace(recipe, net=replace(recipe.net, layers=LAYERS, width=32))
    method = Hubert(recipe, recipe.shape(rate=8000), BANDS)
    method.initialise(0)
    return method.eval()


@torch.no_grad()
def test_layers_are_of_both() -> None:
    x_NF = torch.randn(900, BANDS, generator=torch.Generator().manual_seed(0))
    seen, louder = (Frames(x_NF + up, torch.tensor([500, 400])) for up in (0.0, 2.0))
    method = hubert(HubertRecipe())
    layers, of_louder = method.layers(seen), method.layers(louder)
    assert len(layers) == 2 * (LAYERS + 1)
    for own, plain in zip(layers, method.net(seen, every_layer=True).layers, strict=False):
        assert torch.equal(own, plain)
    moved = [float((one - other).abs().mean()) for one, other in zip(layers, of_louder, strict=True)]
    assert all(2 * less < whole for whole, less in zip(moved[: LAYERS + 1], moved[LAYERS + 1 :], strict=True))
    other = method.middle(louder) - method.middle(seen)
    assert 2 * float(other.abs().mean()) < moved[1], "what is clustered is heard less what is in common"


@torch.no_grad()
def test_who_never_heard_so_is_not_asked() -> None:
    method = hubert(HubertRecipe(centred=0.0))
    seen = Frames(torch.randn(30, BANDS, generator=torch.Generator().manual_seed(1)), torch.tensor([30]))
    assert len(method.layers(seen)) == LAYERS + 1
