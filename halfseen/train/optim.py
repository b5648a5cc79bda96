"""Optimizers: AdamW for vectors and embeddings, Muon for the matrices between hidden states.

Muon (Jordan et al. 2024; scaled as in Liu et al. 2025, arXiv:2502.16982): momentum, then the nearest orthogonal matrix by
five Newton-Schulz steps. Matrices of one shape go through them together, which on small nets is several times faster than
one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from halfseen.nets.transformer import Layer
from halfseen.train.options import OptimOptions

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
STEPS = 5


def orthogonalise(grad_BMN: Tensor, dtype: torch.dtype) -> Tensor:
    """About the nearest (semi-)orthogonal matrix of each of B matrices; singular values end between 0.7 and 1.2."""
    a, b, c = COEFFICIENTS
    tall = grad_BMN.shape[-2] > grad_BMN.shape[-1]
    x = (grad_BMN.mT if tall else grad_BMN).to(dtype)
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    for _ in range(STEPS):
        gram = x @ x.mT
        x = a * x + torch.baddbmm(gram, gram, gram, beta=b, alpha=c) @ x
    return (x.mT if tall else x).to(grad_BMN.dtype)


class Muon(torch.optim.Optimizer):
    """Only for matrices. dtype: that of the Newton-Schulz products."""

    def __init__(self, params: Iterable[Tensor], *, lr: float, weight_decay: float, dtype: torch.dtype, momentum: float = 0.95) -> None:
        self.dtype = dtype
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            alike: dict[tuple[int, ...], list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike[tuple(parameter.shape)].append(parameter)
            for shape, parameters in alike.items():
                grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
                momenta = [self.state[p].setdefault("momentum", torch.zeros_like(p)) for p in parameters]
                torch._foreach_lerp_(momenta, grads, 1 - group["momentum"])
                looked_ahead = torch._foreach_lerp(grads, momenta, group["momentum"])  # Nesterov's
                updates = orthogonalise(torch.stack(list(looked_ahead)), self.dtype)
                scale = max(1.0, shape[0] / shape[1]) ** 0.5
                torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(parameters, list(updates.unbind()), alpha=-group["lr"] * scale)


def make_optimizers(module: nn.Module, options: OptimOptions, dtype: torch.dtype) -> list[torch.optim.Optimizer]:
    """Each group remembers its highest learning rate as `peak`. dtype: the fastest one for products here."""
    matrices: list[Tensor] = []
    tables: list[Tensor] = []
    vectors: list[Tensor] = []
    inner = {id(p) for layer in module.modules() if isinstance(layer, Layer) for p in layer.parameters() if p.ndim == 2}
    for parameter in module.parameters():
        if not parameter.requires_grad:
            continue
        (matrices if id(parameter) in inner else tables if parameter.ndim >= 2 else vectors).append(parameter)
    if options.kind != "muon":
        tables, matrices = tables + matrices, []
    adamw: list[dict[str, Any]] = [{"params": tables, "weight_decay": options.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    made: list[torch.optim.Optimizer] = [
        torch.optim.AdamW([group for group in adamw if group["params"]], lr=options.highest_rate, betas=(0.9, 0.98), fused=True)
    ]
    if matrices:
        made.append(Muon(matrices, lr=options.matrix_rate, weight_decay=options.weight_decay, dtype=dtype))
    for optimizer in made:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return made
