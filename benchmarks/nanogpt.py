"""The peer of GPT's pre-training: a plain decoder and recipe, as minimal GPT trainers have them.

LayerNorm, GELU, learned positions, a tied vocabulary layer, no dropout; AdamW (0.9, 0.95), weight decay 0.1, warm-up, cosine to a
tenth; random windows of one long stream of tokens. B windows of T tokens; width D.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

Array = np.ndarray[Any, Any]


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x_BTD: Tensor) -> Tensor:
        batch, length, width = x_BTD.shape
        q, k, v = (part.view(batch, length, self.heads, -1).transpose(1, 2) for part in self.qkv(self.norm1(x_BTD)).split(width, dim=2))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x_BTD = x_BTD + self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        return x_BTD + self.down(F.gelu(self.up(self.norm2(x_BTD))))


class NanoGpt(nn.Module):
    def __init__(self, vocabulary: int, *, layers: int, width: int, heads: int, length: int) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                last = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * layers) if last else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Logits B x T x V."""
        x_BTD = self.tokens(ids_BT) + self.places.weight[: ids_BT.shape[1]]
        for block in self.blocks:
            x_BTD = block(x_BTD)
        return F.linear(self.norm(x_BTD), self.tokens.weight)

    def loss(self, ids_BT: Tensor, target_BT: Tensor) -> Tensor:
        return F.cross_entropy(self(ids_BT).float().flatten(0, 1), target_BT.flatten())


class Training:
    """windows: a step to B x (T + 1) ids."""

    def __init__(
        self, model: NanoGpt, windows: Callable[[int], Tensor], *, steps: int, learning_rate: float, bfloat16: bool, warmup: float = 0.02
    ) -> None:
        self.model, self.windows, self.steps, self.peak, self.bfloat16 = model, windows, steps, learning_rate, bfloat16
        self.warmup, self.n = max(1, round(warmup * steps)), 0
        groups = [
            {"params": [p for p in model.parameters() if p.ndim == 2], "weight_decay": 0.1},
            {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.95), fused=True)

    def step(self) -> float:
        """Returns its seconds."""
        started = time.perf_counter()
        share = max(0.0, (self.n - self.warmup) / max(1, self.steps - self.warmup))
        rate = self.peak * min((self.n + 1) / self.warmup, 0.1 + 0.45 * (1 + math.cos(math.pi * share)))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        ids = self.windows(self.n)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            loss = self.model.loss(ids[:, :-1], ids[:, 1:])
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.n += 1
        return time.perf_counter() - started


def random_windows(stream_N: Array, rows: int, length: int) -> Callable[[int], Tensor]:
    """A step to `rows` windows of the stream, from anywhere in it."""

    def windows(step: int) -> Tensor:
        starts = np.random.default_rng(step).integers(0, len(stream_N) - length - 1, rows)
        return torch.from_numpy(np.stack([stream_N[at : at + length + 1] for at in starts]).astype(np.int64))

    return windows
