"""Reconstruction and likelihood against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from halfseen.losses.likelihood import kl_to_standard_normal, logistic_level_nats, normal_nats
from halfseen.losses.reconstruction import squared_error


def test_squared_error_counts_what_is_scored() -> None:
    rebuilt, target = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]), torch.tensor([[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    loss = squared_error(rebuilt, target, torch.tensor([[True, True, False], [True, True, True]]))
    assert loss.per_item.tolist() == [4.0, 3.0]
    assert loss.weight.tolist() == [2.0, 3.0]
    assert float(loss.mean()) == pytest.approx(7 / 5)


def test_one_truth_for_all_is_as_good_as_many() -> None:
    rebuilt, target = torch.rand(3, 2, 4), torch.rand(3, 2, 4)
    for truth in (True, False):
        expanded = torch.tensor([truth]).expand(3, 2, 4)
        short, long = squared_error(rebuilt, target, expanded), squared_error(rebuilt, target, expanded.contiguous())
        torch.testing.assert_close(short.per_item, long.per_item)
        assert short.weight.tolist() == long.weight.tolist() == [8.0 * truth] * 3


def test_the_levels_of_a_pixel_share_the_whole_probability() -> None:
    levels = torch.arange(256, dtype=torch.float64) / 255
    for mean, log_scale in ((0.3, -1.0), (0.0, -3.0), (1.0, -2.0), (0.5, -7.0)):
        nats = logistic_level_nats(levels, torch.full_like(levels, mean), torch.tensor(log_scale, dtype=torch.float64))
        assert float(torch.exp(-nats).sum()) == pytest.approx(1, abs=1e-12), (mean, log_scale)


def test_a_level_has_what_lies_between_its_edges() -> None:
    spread = stats.logistic(0.4, math.exp(-2.0))
    nats = logistic_level_nats(torch.tensor([100 / 255]), torch.tensor([0.4]), torch.tensor(-2.0))
    assert float(nats) == pytest.approx(-math.log(spread.cdf(100.5 / 255) - spread.cdf(99.5 / 255)), rel=1e-4)
    lowest = logistic_level_nats(torch.tensor([0.0]), torch.tensor([0.4]), torch.tensor(-2.0))
    assert float(lowest) == pytest.approx(-math.log(spread.cdf(0.5 / 255)), rel=1e-4)


def test_far_from_the_mean_a_pixel_still_pulls() -> None:
    mean = torch.tensor([0.9], requires_grad=True)
    logistic_level_nats(torch.tensor([0.1]), mean, torch.tensor(-5.0)).sum().backward()
    assert mean.grad is not None
    assert float(mean.grad) == pytest.approx(math.exp(5.0), rel=0.01), "a logistic's slope far out is 1 / scale"


def test_a_pixels_gradients_are_those_of_finite_differences() -> None:
    levels = (torch.arange(0, 256, 15, dtype=torch.float64) / 255).requires_grad_(False)
    mean = torch.rand(len(levels), dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    for log_scale in (torch.tensor([-2.0], dtype=torch.float64), torch.tensor(-5.0, dtype=torch.float64)):
        assert torch.autograd.gradcheck(lambda m, s: logistic_level_nats(levels, m, s), (mean, log_scale.requires_grad_()))


@pytest.mark.parametrize("log_scale", [-1.0, -4.0, -7.0, -9.0])
def test_single_precision_is_enough(log_scale: float) -> None:
    levels = torch.arange(256, dtype=torch.float64) / 255
    mean = torch.rand(256, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    exact = logistic_level_nats(levels, mean, torch.tensor(log_scale, dtype=torch.float64))
    found = logistic_level_nats(levels.float(), mean.float(), torch.tensor(log_scale))
    torch.testing.assert_close(found.double(), exact, rtol=1e-3, atol=1e-3)


def test_a_scale_far_below_a_level_is_finite_and_stays() -> None:
    levels, log_scale = torch.arange(256) / 255, torch.tensor(-30.0, requires_grad=True)
    nats = logistic_level_nats(levels, levels.roll(1), log_scale)
    assert torch.isfinite(nats).all()
    assert float(nats.detach().min()) > 0, "every pixel is a level away from its mean"
    nats.sum().backward()
    assert log_scale.grad is not None
    assert float(log_scale.grad) == 0


def test_normal_nats_are_scipys() -> None:
    x, mean = np.array([0.1, -2.0, 5.0]), np.array([0.0, 1.0, 5.0])
    found = normal_nats(torch.from_numpy(x), torch.from_numpy(mean), torch.tensor(0.7, dtype=torch.float64))
    np.testing.assert_allclose(found.numpy(), -stats.norm(mean, math.exp(0.7)).logpdf(x))


def test_kl_is_the_integral() -> None:
    mean, log_variance = torch.tensor([0.5], dtype=torch.float64), torch.tensor([-1.0], dtype=torch.float64)
    q, p = stats.norm(0.5, math.exp(-0.5)), stats.norm()
    x = np.linspace(-12, 12, 200_001)
    integral = np.trapezoid(q.pdf(x) * (q.logpdf(x) - p.logpdf(x)), x)
    assert float(kl_to_standard_normal(mean, log_variance)) == pytest.approx(integral, abs=1e-6)
    assert float(kl_to_standard_normal(torch.zeros(1), torch.zeros(1))) == 0
