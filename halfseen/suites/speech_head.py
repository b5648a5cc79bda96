"""The small head that frozen layers of speech are judged by: a learnt mix of the layers, and linear classifiers (SUPERB, arXiv:2105.01051,
section 3).

Shapes: R recordings, L layers of E numbers each; K things to tell of each recording, C classes of all of them together.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from halfseen.contracts import Array
from halfseen.train.lanes import must_go_on

STEPS, RATE = 200, 0.02
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)
"""Weights of the squared weights beside the cross-entropy; which one is chosen on recordings that are neither learnt from nor tested on."""

Known = tuple[Array, Array]
"""Pooled layers_RLE and class_RK."""


def accuracy(pooled_RLE: Array, class_R: Array, train: Array, test: Array, chosen: tuple[Array, Array]) -> tuple[float, Array]:
    """The share of test recordings told right, and the mix of the layers, (L,). chosen: places in `train` to fit to and to choose by;
    then all of `train` is learnt from."""
    fit, choose = train[chosen[0]], train[chosen[1]]
    known, by = ((pooled_RLE[places], class_R[places, None]) for places in (fit, choose))
    told_RK, mix_L, _ = fitted(known, by, pooled_RLE[test], then=(pooled_RLE[train], class_R[train, None]))
    return float((told_RK[:, 0] == class_R[test]).mean()), mix_L


def fitted(known: Known, by: Known, asked_RLE: Array, *, then: Known | None = None) -> tuple[Array, Array, float]:
    """told_RK of `asked`, the mix of the layers, and the penalty that tells most of `by` whole. then: what is learnt from at last, with
    that penalty; `known` itself by default."""
    x_RLE, class_RK = known if then is None else then
    mean_LE, spread_LE = x_RLE.mean(0), x_RLE.std(0)

    def tensor(pooled_RLE: Array) -> Tensor:
        return torch.from_numpy(((pooled_RLE - mean_LE) / np.maximum(spread_LE, 1e-6)).astype(np.float32))

    counts_K = (class_RK.max(0) + 1).tolist()
    heads = [learn(tensor(known[0]), torch.from_numpy(known[1]), penalty, counts_K) for penalty in PENALTIES]
    whole = [float((told(tensor(by[0]), head, counts_K) == by[1]).all(1).mean()) for head in heads]
    best = int(np.argmax(whole))
    head = heads[best] if then is None else learn(tensor(x_RLE), torch.from_numpy(class_RK), PENALTIES[best], counts_K)
    return told(tensor(asked_RLE), head, counts_K), head[0].numpy(), PENALTIES[best]


def learn(x_RLE: Tensor, class_RK: Tensor, penalty: float, counts_K: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """mix_L, which adds up to 1, weight_EC and bias_C, from zeros by Adam on all recordings at once. counts_K: how many classes each of the
    K things has."""
    parts = [torch.zeros(size, requires_grad=True) for size in ((x_RLE.shape[1],), (x_RLE.shape[2], sum(counts_K)), (sum(counts_K),))]
    optimizer = torch.optim.Adam(parts, lr=RATE)
    for _ in range(STEPS):
        must_go_on()
        mixed_RE = torch.einsum("rle,l->re", x_RLE, parts[0].softmax(0))
        logits = torch.split(mixed_RE @ parts[1] + parts[2], counts_K, 1)
        loss = sum(F.cross_entropy(logits_RC, class_RK[:, k]) for k, logits_RC in enumerate(logits)) + penalty * parts[1].square().sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    mix, weight, bias = (part.detach() for part in parts)
    return mix.softmax(0), weight, bias


def told(x_RLE: Tensor, head: tuple[Tensor, Tensor, Tensor], counts_K: list[int]) -> Array:
    """class_RK."""
    mix_L, weight_EC, bias_C = head
    logits_RC = torch.einsum("rle,l->re", x_RLE, mix_L) @ weight_EC + bias_C
    return torch.stack([each.argmax(1) for each in torch.split(logits_RC, counts_K, 1)], 1).numpy()
