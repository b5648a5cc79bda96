"""The loop and its optimizers: the schedule rises and falls, Muon's updates are orthogonal."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from halfseen.contracts import Sample, UserError
from halfseen.data.tokens import Segment
from halfseen.methods.bert import Bert
from halfseen.methods.recipes import BertRecipe
from halfseen.nets.transformer import initialise
from halfseen.train.loop import Loop
from halfseen.train.optim import Muon, make_optimizers, orthogonalise
from halfseen.train.options import OptimOptions
from tests.tiny import ENGLISH, SHAPE, net, tokenizer


@pytest.mark.parametrize("shape", [(8, 8), (16, 4), (4, 16)])
def test_muon_makes_updates_orthogonal(shape: tuple[int, int]) -> None:
    grads = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    found = orthogonalise(grads, torch.float32)
    u, _, v = torch.linalg.svd(grads, full_matrices=False)
    singular = torch.linalg.svdvals(found)
    assert singular.min() > 0.3
    assert singular.max() < 1.3
    assert torch.nn.functional.cosine_similarity(found.flatten(1), (u @ v).flatten(1)).min() > 0.9


def test_matrices_of_layers_go_to_muon_and_the_rest_to_adamw() -> None:
    module = net(len(tokenizer().table))
    adamw, muon = make_optimizers(module, OptimOptions(kind="muon"), torch.float32)
    assert isinstance(muon, Muon)
    counted = [sum(p.numel() for group in o.param_groups for p in group["params"]) for o in (adamw, muon)]
    assert sum(counted) == sum(p.numel() for p in module.parameters())
    assert counted[1] == sum(p.numel() for p in module.layers.parameters() if p.ndim == 2)
    assert len(make_optimizers(module, OptimOptions(kind="adamw"), torch.float32)) == 1


def test_the_learning_rate_rises_stays_and_falls() -> None:
    options = OptimOptions(warmup=0.1, decay=0.5)
    factors = [options.factor(step, 100, 50) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9:50] == [1.0] * 41
    assert all(a > b for a, b in pairwise(factors[50:]))
    assert 0 < factors[-1] <= 0.02


def a_loop(width: int = SHAPE.width) -> tuple[Loop, list[Sample]]:
    words = tokenizer()
    method = Bert(BertRecipe(), replace(SHAPE, width=width), words.table)
    initialise(method, 0)
    samples = [Sample(str(i), Segment(p.ids, p.starts)) for i, p in enumerate(words.encode_batch(ENGLISH[:4]))]
    return Loop(method, lambda step: (0, samples), method.splitter, steps=4, optim=OptimOptions(), seed=0, bfloat16=False), samples


def test_a_gradient_that_is_not_finite_changes_nothing() -> None:
    loop, _ = a_loop()
    with torch.no_grad():
        loop.method.net.embedding.weight[5:] = torch.inf  # type: ignore[union-attr, index]
    before = {name: value.clone() for name, value in loop.method.state_dict().items()}
    with pytest.raises(UserError, match="the gradient is not finite at step 0; take a lower learning rate, or float32"):
        loop.step()
    assert all(torch.equal(value, before[name]) for name, value in loop.method.state_dict().items())


def test_a_checkpoint_of_another_net_is_refused() -> None:
    with pytest.raises(UserError, match=r"the checkpoint is of another net: .* weights in all do not fit"):
        a_loop()[0].restore(a_loop(width=64)[0].state(), 1)


def test_a_new_plan_leaves_the_learning_rate_where_it_is() -> None:
    words = tokenizer()
    method = Bert(BertRecipe(), SHAPE, words.table)
    loop = Loop(method, lambda step: (0, []), method.splitter, steps=100, optim=OptimOptions(warmup=0.1), seed=0, bfloat16=False)

    def factor(step: int) -> float:
        return loop.options.factor(step, loop.steps, loop.decay_start)

    loop.step_number = 50
    loop.decay_until(90)
    assert (loop.steps, factor(50), factor(70), factor(90)) == (90, 1.0, pytest.approx(0.5), 0.0)
    loop.step_number = 70
    loop.decay_until(120)
    assert (loop.steps, factor(70), factor(95), factor(120)) == (120, pytest.approx(0.5), pytest.approx(0.25), 0.0)
    loop.decay_until(3)
    assert loop.steps == 71, "at least one step more"
