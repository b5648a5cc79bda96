"""RMSNorm as we take it: PyTorch's numbers and gradients, however training comes to it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from halfseen.nets.norms import RMSNorm, RootMeanSquare


def both(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(0)
    x_ND = torch.randn(7, 12, generator=draw, dtype=dtype) * torch.logspace(-3, 3, 7, dtype=dtype)[:, None] + 0.5
    return x_ND.requires_grad_(), (torch.rand(12, generator=draw, dtype=dtype) + 0.5).requires_grad_(), torch.randn(7, 12, generator=draw)


@pytest.mark.parametrize("autocast", [False, True])
def test_it_is_pytorchs(autocast: bool) -> None:
    x_ND, scale_D, grad_ND = both()
    found, reference = RMSNorm(12, eps=1e-5), nn.RMSNorm(12, eps=1e-5)
    gradients = []
    for module in (found, reference):
        module.weight = nn.Parameter(scale_D.detach())
        x_ND.grad = None
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            y_ND = module(x_ND)
            y_ND.backward(grad_ND)  # inside, so that the backward pass would be cast as well if it let itself
        assert x_ND.grad is not None
        gradients.append((y_ND.detach(), x_ND.grad.clone(), module.weight.grad))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
    with torch.no_grad():
        torch.testing.assert_close(found(x_ND), gradients[0][0], atol=1e-6, rtol=1e-5)


def test_the_gradient_is_the_derivative() -> None:
    x_ND, scale_D, _ = both(torch.float64)
    assert torch.autograd.gradcheck(lambda x, scale: RootMeanSquare.apply(x, scale, 1e-5), (x_ND, scale_D))


def test_training_takes_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a slower one would go unseen."""
    taken: list[float] = []
    apply = RootMeanSquare.apply
    monkeypatch.setattr(RootMeanSquare, "apply", lambda x, scale, eps: taken.append(eps) or apply(x, scale, eps))
    RMSNorm(12, eps=1e-3)(both()[0])
    assert taken == [1e-3]
