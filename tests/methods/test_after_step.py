"""What follows a step: BYOL's average of the net, and VQ-VAE's codebook."""

from __future__ import annotations

import numpy as np
import torch

from halfseen.contracts import Method, Sample
from halfseen.data.draw import KeyedDraw
from halfseen.methods.array_recipes import ByolRecipe, PairSize, VqvaeRecipe
from halfseen.methods.byol import Byol
from halfseen.methods.vqvae import Vqvae
from halfseen.nets.codebook import START
from halfseen.train.loop import Loop
from halfseen.train.options import OptimOptions

SAMPLES = [Sample(str(i), x) for i, x in enumerate(np.random.default_rng(0).random((16, 1, 8, 8)).astype(np.float32))]
NET = PairSize(width=4, code=6)


def loop_of(method: Method) -> Loop:
    optim = OptimOptions(learning_rate=1e-2)
    return Loop(method, lambda step: (0, SAMPLES), method.splitter, steps=50, optim=optim, seed=0, bfloat16=False)


def test_the_average_begins_at_the_net_and_follows_it() -> None:
    recipe = ByolRecipe(net=NET, kept=0.9)
    method = Byol(recipe, recipe.shape((1, 8, 8)))
    method.initialise(3)
    loop = loop_of(method)

    def both() -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        net = [p.detach().clone() for p in [*method.encoder.parameters(), *method.head.parameters()]]
        return net, [p.detach().clone() for p in method.average.parameters()]

    net, average = both()
    torch.testing.assert_close(net, average)
    for _ in range(3):
        before = average
        loop.step()
        net, average = both()
        torch.testing.assert_close(average, [0.9 * a + 0.1 * b for a, b in zip(before, net, strict=True)])
    assert not any(torch.equal(a, b) for a, b in zip(net, average, strict=True))
    assert all(p.grad is None for p in method.average.parameters())


def test_the_centre_follows_what_the_average_says() -> None:
    recipe = ByolRecipe(net=NET)
    method = Byol(recipe, recipe.shape((1, 8, 8)))
    method.initialise(0)
    assert not method.centre.any()
    split = method.splitter(0.0)(SAMPLES, KeyedDraw(0, 0, SAMPLES))
    with torch.no_grad():
        said = method.average[1](method.average[0](torch.cat([split.seen.b, split.seen.a])))
    loop = loop_of(method)
    loop.step()
    torch.testing.assert_close(method.centre, 0.1 * said.mean(0))
    torch.testing.assert_close(loop.state()["method.centre"], method.centre)
    method.eval()
    before = method.centre.clone()
    method(split)
    assert torch.equal(method.centre, before), "judging teaches nothing"
    loop.step()
    assert not torch.equal(method.centre, before)


def test_the_codebook_follows_every_step() -> None:
    recipe = VqvaeRecipe(net=NET, entries=8)
    method = Vqvae(recipe, recipe.shape((1, 8, 8)))
    method.initialise(0)
    loop = loop_of(method)
    for step in range(START + 2):
        before = method.codebook.entry.clone()
        loop.step()
        assert int(method.codebook.steps) == step + 1
        assert torch.equal(before, method.codebook.entry) == (step + 1 < START)
    method.eval()
    with torch.no_grad():
        code = method.code(torch.from_numpy(np.stack([sample.x for sample in SAMPLES])))
    words = method.words(code)
    assert words.letter.shape == (16, 4)
    assert len(words.letter.unique()) > 2
    torch.testing.assert_close(method.codebook.entry[words.letter].flatten(1), code)
