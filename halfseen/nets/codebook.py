"""A codebook: each vector becomes the nearest of K entries, which follow what they stand for by counting, not by gradients (van den Oord
et al. 2017, arXiv:1711.00937, appendix A.1).

Shapes: N vectors of D numbers; entry_KD.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from halfseen.nets.quantize import straight_through
from halfseen.nets.transformer import hash_name

START = 3
"""Steps in which vectors pass as they are; then the entries begin at the k-means of the last step's (arXiv:2005.08520)."""
LLOYD = 10
"""Rounds of k-means."""
KEPT = 0.99
"""Of the old counts, a step."""
REVIVED_EVERY, DEAD = 20, 0.03
"""Steps between revivals, and the share of the mean use below which an entry takes some vector's place."""


class Codebook(nn.Module):
    """Called with vector_ND: what they become, their entries' numbers index_N, and commitment_N, the mean squared way to these.

    In training it notes what it saw until `follow` is called. All that it knows are buffers.
    """

    entry: Tensor
    count: Tensor
    total: Tensor
    steps: Tensor

    def __init__(self, entries: int, size: int) -> None:
        super().__init__()
        self.register_buffer("entry", torch.zeros(entries, size))
        self.register_buffer("count", torch.zeros(entries))
        self.register_buffer("total", torch.zeros(entries, size))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self._seen: list[Tensor] = []
        self._index: list[Tensor] = []

    def initialise(self) -> None:
        """As if it had seen nothing."""
        for buffer in self.buffers():
            buffer.zero_()

    def forward(self, vector_ND: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        vector_ND = vector_ND.float()
        index_N = nearest(vector_ND.detach(), self.entry)
        if self.training and torch.is_grad_enabled():
            self._seen.append(vector_ND.detach())
            self._index.append(index_N)
        if self.steps < START:
            return vector_ND, index_N, vector_ND.new_zeros(len(vector_ND))
        chosen_ND = self.entry[index_N]
        return straight_through(chosen_ND, vector_ND), index_N, (vector_ND - chosen_ND).square().mean(1)

    @torch.no_grad()
    def follow(self, gathered: Callable[[Tensor], Tensor]) -> None:
        """Takes in what was seen since the last time, by all ranks (see `Method.after_step`)."""
        seen_ND, index_N = torch.cat(self._seen), torch.cat(self._index)
        self._seen, self._index = [], []
        self.steps += 1
        if self.steps < START:
            return
        if self.steps == START:
            self.entry.copy_(k_means(gathered(seen_ND), len(self.entry)))
            index_N = nearest(seen_ND, self.entry)
        new_KE = seen_ND.new_zeros(len(self.entry), self.entry.shape[1] + 1)
        new_KE.index_add_(0, index_N, F.pad(seen_ND, (0, 1), value=1.0))
        new_KE = gathered(new_KE[None]).sum(0)
        kept = KEPT if self.steps > START else 0.0
        self.total.mul_(kept).add_(new_KE[:, :-1], alpha=1 - kept)
        self.count.mul_(kept).add_(new_KE[:, -1], alpha=1 - kept)
        self.entry.copy_(torch.where(self.count[:, None] > 0, self.total / self.count[:, None].clamp(min=1e-12), self.entry))
        if self.steps % REVIVED_EVERY == 0:
            self.revive(gathered(seen_ND))

    def revive(self, seen_ND: Tensor) -> None:
        """Entries that stand for next to nothing take the place of vectors drawn at random, the same ones on every rank."""
        mean = self.count.mean()
        dead_M = torch.nonzero(self.count < DEAD * mean)[:, 0][: len(seen_ND)]
        drawn_M = torch.randperm(len(seen_ND), generator=drawing(int(self.steps)))[: len(dead_M)]
        self.entry[dead_M] = seen_ND[drawn_M]
        self.count[dead_M] = mean
        self.total[dead_M] = mean * seen_ND[drawn_M]


def drawing(step: int) -> torch.Generator:
    return torch.Generator().manual_seed(hash_name("codebook", step))


def nearest(vector_ND: Tensor, entry_KD: Tensor) -> Tensor:
    """index_N of the entry at the smallest Euclidean distance."""
    with torch.autocast(vector_ND.device.type, enabled=False):
        return torch.addmm(entry_KD.square().sum(1), vector_ND, entry_KD.T, alpha=-2.0).argmin(1)


def k_means(vector_ND: Tensor, entries: int) -> Tensor:
    """entry_KD: the middle of what is nearest to each, from vectors drawn at random; some of these twice if there are fewer of them."""
    order_N = torch.randperm(len(vector_ND), generator=drawing(0))
    entry_KD = vector_ND[order_N.repeat(-(-entries // len(order_N)))[:entries]]
    for _ in range(LLOYD):
        total_KE = vector_ND.new_zeros(entries, vector_ND.shape[1] + 1)
        total_KE.index_add_(0, nearest(vector_ND, entry_KD), F.pad(vector_ND, (0, 1), value=1.0))
        count_K1 = total_KE[:, -1:]
        entry_KD = torch.where(count_K1 > 0, total_KE[:, :-1] / count_K1.clamp(min=1), entry_KD)
    return entry_KD
