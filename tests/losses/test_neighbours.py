"""The loss of telling a neighbour, beside a slow loop and where its truth is known."""

from __future__ import annotations

import math

import pytest
import torch

from halfseen.losses.neighbours import neighbour_nats


def test_it_is_what_a_slow_loop_gives() -> None:
    generator = torch.Generator().manual_seed(0)
    code, near = (3 * torch.randn(6, 2, generator=generator) for _ in range(2))
    found = neighbour_nats(code, near)
    for i in range(6):
        alike = [1 / (1 + sum(float(a - b) ** 2 for a, b in zip(code[i], other, strict=True))) for other in near]
        assert float(found[i]) == pytest.approx(-math.log(alike[i] / sum(alike)), abs=1e-5)


def test_where_nothing_tells_them_apart_it_is_the_logarithm_of_how_many_there_are() -> None:
    assert neighbour_nats(torch.ones(8, 3), torch.ones(8, 3)).tolist() == pytest.approx([math.log(8)] * 8)


def test_pairs_that_are_far_from_each_other_cost_nothing() -> None:
    code = torch.tensor([[0.0, 0], [1e4, 0], [0, 1e4]])
    assert float(neighbour_nats(code, code).max()) < 1e-6


def test_codes_far_from_zero_are_compared_in_full_precision_in_bfloat16_runs() -> None:
    code, near = torch.tensor([[50.0, 0], [50.25, 0]]), torch.tensor([[50.0, 0.1], [50.25, 0.1]])
    plain = neighbour_nats(code, near)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(neighbour_nats(code, near), plain)


def test_its_gradients_are_those_of_the_formula() -> None:
    generator = torch.Generator().manual_seed(1)
    code, near = ((2 * torch.randn(7, 3, generator=generator)).requires_grad_() for _ in range(2))
    counts = torch.rand(7, generator=generator)
    alike = 1 / (1 + torch.cdist(code.double(), near.double()).square())
    slow = torch.autograd.grad((counts * (alike.sum(1).log() - alike.diagonal().log())).sum(), (code, near))
    found = torch.autograd.grad((counts * neighbour_nats(code, near)).sum(), (code, near))
    torch.testing.assert_close(found, slow, rtol=1e-5, atol=1e-6)
