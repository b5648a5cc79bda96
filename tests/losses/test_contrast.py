"""Losses between views: the slow loop's figures, chance, and what is not scored."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from halfseen.losses.contrast import info_nce, view_regression


def views(samples: int = 7, size: int = 5) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(samples, size, generator=generator), torch.randn(samples, size, generator=generator)


def cosine(a: Tensor, b: Tensor) -> float:
    return float(a @ b / (a.norm() * b.norm()))


def slow_nats(view: list[Tensor], i: int, other: int, temperature: float) -> float:
    """Equation 1 of arXiv:2002.05709 as it stands there."""
    below = sum(math.exp(cosine(view[i], view[k]) / temperature) for k in range(len(view)) if k != i)
    return -math.log(math.exp(cosine(view[i], view[other]) / temperature) / below)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_it_is_equation_1(temperature: float) -> None:
    a, b = views()
    view = [*a, *b]
    wanted = [(slow_nats(view, i, i + 7, temperature) + slow_nats(view, i + 7, i, temperature)) / 2 for i in range(7)]
    found = info_nce(a, b, torch.ones(7, dtype=torch.bool), temperature)
    torch.testing.assert_close(found.per_item, torch.tensor(wanted))
    assert float(found.mean()) == pytest.approx(sum(wanted) / 7, rel=1e-5)


def test_views_that_are_all_alike_are_found_by_chance() -> None:
    one = torch.ones(6, 4)
    found = info_nce(one, one, torch.ones(6, dtype=torch.bool), 0.2)
    torch.testing.assert_close(found.per_item, torch.full((6,), math.log(11)))


def test_views_of_a_sample_that_stand_alone_are_found() -> None:
    a = torch.eye(6)
    found = info_nce(a, 3 * a, torch.ones(6, dtype=torch.bool), 0.05)
    assert float(found.per_item.max()) < 1e-6
    assert (found.parts["right"] == 1).all()


def test_regression_is_the_distance_of_directions() -> None:
    a, b = views()
    wanted = [float((a[i] / a[i].norm() - b[i] / b[i].norm()).square().sum()) for i in range(7)]
    torch.testing.assert_close(view_regression(a, b, torch.ones(7, dtype=torch.bool)).per_item, torch.tensor(wanted))
    torch.testing.assert_close(view_regression(a, 2 * a, torch.ones(7, dtype=torch.bool)).per_item, torch.zeros(7), atol=1e-6, rtol=0)


@pytest.mark.parametrize("loss", [lambda a, b, s: info_nce(a, b, s, 0.5), view_regression])
def test_what_is_not_scored_counts_nothing(loss) -> None:  # type: ignore[no-untyped-def]
    a, b = views()
    scored = torch.tensor([True] * 4 + [False] * 3)
    found = loss(a, b, scored)
    assert (found.per_item[4:] == 0).all()
    assert float(found.weight.sum()) == 4
    assert all((part[4:] == 0).all() for part in found.parts.values())
