"""The small head that frozen layers of speech are judged by: a learnt mix of the layers, and a linear classifier (SUPERB, arXiv:2105.01051,
section 3).

Shapes: R recordings, L layers of E numbers each; C classes.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from halfseen.contracts import Array

STEPS, RATE = 200, 0.02
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)
"""Weights of the squared weights beside the cross-entropy; which one is chosen on a fifth of the training recordings."""


def accuracy(pooled_RLE: Array, class_R: Array, train: Array, test: Array, chosen: tuple[Array, Array]) -> tuple[float, Array]:
    """The share of test recordings told right, and the mix of the layers, (L,). chosen: places in `train` to fit to and to choose by."""
    mean_LE, spread_LE = pooled_RLE[train].mean(0), pooled_RLE[train].std(0)
    x_RLE = torch.from_numpy(((pooled_RLE - mean_LE) / np.maximum(spread_LE, 1e-6)).astype(np.float32))
    class_C = torch.from_numpy(class_R)
    fit, choose = train[chosen[0]], train[chosen[1]]
    shares = []
    for penalty in PENALTIES:
        mix_L, weight_EC, bias_C = learn(x_RLE[fit], class_C[fit], penalty)
        shares.append(right(x_RLE[choose], class_C[choose], mix_L, weight_EC, bias_C))
    mix_L, weight_EC, bias_C = learn(x_RLE[train], class_C[train], PENALTIES[int(np.argmax(shares))])
    return right(x_RLE[test], class_C[test], mix_L, weight_EC, bias_C), mix_L.numpy()


def learn(x_RLE: Tensor, class_R: Tensor, penalty: float) -> tuple[Tensor, Tensor, Tensor]:
    """mix_L, which adds up to 1, weight_EC and bias_C, from zeros by Adam on all recordings at once."""
    classes = int(class_R.max()) + 1
    parts = [torch.zeros(size, requires_grad=True) for size in ((x_RLE.shape[1],), (x_RLE.shape[2], classes), (classes,))]
    optimizer = torch.optim.Adam(parts, lr=RATE)
    for _ in range(STEPS):
        mixed_RE = torch.einsum("rle,l->re", x_RLE, parts[0].softmax(0))
        loss = F.cross_entropy(mixed_RE @ parts[1] + parts[2], class_R) + penalty * parts[1].square().sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    mix, weight, bias = (part.detach() for part in parts)
    return mix.softmax(0), weight, bias


def right(x_RLE: Tensor, class_R: Tensor, mix_L: Tensor, weight_EC: Tensor, bias_C: Tensor) -> float:
    told_R = (torch.einsum("rle,l->re", x_RLE, mix_L) @ weight_EC + bias_C).argmax(1)
    return float((told_R == class_R).double().mean())
