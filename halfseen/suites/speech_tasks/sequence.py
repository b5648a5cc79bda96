"""Heads over sequences of frozen states: batches padded within buckets of like length, a learnt mix of the layers, how heads are learnt.

Shapes: B sequences of T frames, L layers of width D. A batch has its layers first, so that their mix is one product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from halfseen.contracts import Array
from halfseen.nets.transformer import hash_name
from halfseen.suites.speech_tasks.arm import Arm
from halfseen.suites.speech_tasks.contract import Utterance
from halfseen.train.lanes import must_go_on

TRIAL_SHARE = 0.3
"""Of the epochs, so many are run with each learning rate, to choose one of them."""
LOOKS = 5
"""How often a head is judged on dev while it learns; the best moment is kept."""
MOST_READY = 500_000_000
"""Numbers that are made ready once, and kept in memory; what is more is made so whenever it is asked for."""
MOST_FRAMES = 50_000
"""Frames that a mean and a spread are taken of."""


@dataclass(frozen=True)
class Batch:
    """x_LBTD, zeros behind each sequence's end; lengths_B; places: which of the utterances these are."""

    x: Tensor
    lengths: Tensor
    places: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Sequences:
    """states: T x L x D of each utterance. Every `stride` frames become one, their mean. mean_LD, spread_LD: of training."""

    states: Sequence[Tensor]
    mean: Tensor
    spread: Tensor
    stride: int = 1

    @classmethod
    def of(cls, arm: Arm, parts: dict[str, tuple[Utterance, ...]], stride: int = 1) -> dict[str, Sequences]:
        """Those of each part, brought to the mean and spread of the first part's states."""
        states = {part: arm.layers(some) for part, some in parts.items()}
        mean_LD, spread_LD = moments(next(iter(states.values())))
        found = {part: cls(some, mean_LD, spread_LD, stride) for part, some in states.items()}
        size = sum(each.numel() for some in states.values() for each in some)
        return {part: each.ready() for part, each in found.items()} if size <= MOST_READY * stride else found

    def ready(self) -> Sequences:
        """The same, brought to mean and spread and strided once for all epochs."""
        some = [self.prepared(each).half() for each in self.states]
        return Sequences(some, torch.zeros_like(self.mean), torch.ones_like(self.spread))

    @property
    def lengths(self) -> Array:
        """Frames of each, after the stride."""
        return np.array([-(-len(states_TLD) // self.stride) for states_TLD in self.states])

    def batch(self, places: Sequence[int]) -> Batch:
        some = [self.states[i] if self.is_ready else self.prepared(self.states[i]) for i in places]
        lengths = [len(states_TLD) for states_TLD in some]
        x_LBTD = torch.zeros(some[0].shape[1], len(some), max(lengths), some[0].shape[2])
        for k, states_TLD in enumerate(some):
            x_LBTD[:, k, : lengths[k]] = states_TLD.transpose(0, 1)
        return Batch(x_LBTD, torch.tensor(lengths), tuple(places))

    def prepared(self, states_TLD: Tensor) -> Tensor:
        """Brought to mean and spread and strided, float32."""
        if self.stride > 1:
            after = -len(states_TLD) % self.stride
            padded = torch.cat([states_TLD, states_TLD[-1:].expand(after, -1, -1)]).float()
            states_TLD = padded.view(-1, self.stride, *padded.shape[1:]).mean(1)
        return (states_TLD.float() - self.mean) / self.spread

    @cached_property
    def is_ready(self) -> bool:
        return self.stride == 1 and not self.mean.any() and bool((self.spread == 1).all())

    def batches(self, frames: int, draw: np.random.Generator | None = None) -> Iterator[Batch]:
        """Batches of at most so many frames, of neighbours in length; in the order of length, or as `draw` says."""
        lengths = self.lengths
        order = np.lexsort((draw.random(len(lengths)) if draw else np.arange(len(lengths)), lengths))
        cut: list[list[int]] = [[]]
        for i in order.tolist():  # the last one is the longest so far
            if cut[-1] and (len(cut[-1]) + 1) * lengths[i] > frames:
                cut.append([])
            cut[-1].append(i)
        for i in draw.permutation(len(cut)) if draw else range(len(cut)):
            yield self.batch(cut[i])


def moments(states: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """mean_LD and spread_LD over the first MOST_FRAMES frames of sequences from all over the list."""
    order = np.random.default_rng(0).permutation(len(states))
    frames, some = 0, []
    for i in order:
        some.append(states[i].float())
        frames += len(some[-1])
        if frames >= MOST_FRAMES:
            break
    variance_LD, mean_LD = torch.var_mean(torch.cat(some), 0, correction=0)
    return mean_LD, variance_LD.sqrt().clamp(min=1e-5)


class Mix(nn.Module):
    """x_LBTD to x_BTD by weights that add up to 1."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(layers))

    def forward(self, x_LBTD: Tensor) -> Tensor:
        return torch.tensordot(self.weight.softmax(0), x_LBTD, 1)

    def shares(self) -> list[float]:
        return [round(share, 3) for share in self.weight.detach().softmax(0).tolist()]


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """rates: of Adam, to choose one from on dev. batch_frames: at most, padding and all."""

    rates: tuple[float, ...]
    epochs: int
    batch_frames: int = 4000


Judge = Callable[[nn.Module], float]
"""How good a head is on dev: more is better."""


def learnt(
    make: Callable[[], Any], loss: Callable[[Any, Batch], Tensor], train: Sequences, judge: Judge, schedule: Schedule, seed: int
) -> tuple[Any, dict[str, Any]]:
    """A head that learnt on `train` with the rate that dev likes best, at the moment that dev likes best; and what was chosen."""
    trials = []
    if len(schedule.rates) > 1:
        epochs = max(1, round(TRIAL_SHARE * schedule.epochs))
        trials = [run(make, loss, train, judge, schedule, rate, epochs, seed)[1] for rate in schedule.rates]
    rate = schedule.rates[int(np.argmax(trials))] if trials else schedule.rates[0]
    head, value = run(make, loss, train, judge, schedule, rate, schedule.epochs, seed)
    return head, {"learning_rate": rate, "dev": round(value, 4)}


@torch.no_grad()
def begin(head: nn.Module, seed: int) -> None:
    """First weights, each matrix from its name and the seed alone: uniform, as wide as torch's own; biases of 0."""
    for name, parameter in head.named_parameters():
        if parameter.ndim > 1:
            bound = parameter.shape[1:].numel() ** -0.5
            parameter.uniform_(-bound, bound, generator=torch.Generator().manual_seed(hash_name(name, seed)))
        elif "bias" in name:
            parameter.zero_()


def run(
    make: Callable[[], Any],
    loss: Callable[[Any, Batch], Tensor],
    train: Sequences,
    judge: Judge,
    schedule: Schedule,
    rate: float,
    epochs: int,
    seed: int,
) -> tuple[Any, float]:
    """The rate falls to nothing along a straight line."""
    head = make()
    begin(head, seed)
    optimizer = torch.optim.Adam(head.parameters(), lr=rate)
    looks = {max(1, round(epochs * (i + 1) / LOOKS)) for i in range(LOOKS)}
    best, kept = -np.inf, {}
    draw = np.random.default_rng([seed, 7])
    for epoch in range(1, epochs + 1):
        head.train()
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 - (epoch - 1) / epochs)
        for batch in train.batches(schedule.batch_frames, draw):
            must_go_on()
            optimizer.zero_grad()
            loss(head, batch).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(head.parameters(), 1.0)
            optimizer.step()
        if epoch in looks:
            head.eval()
            with torch.no_grad():
                value = judge(head)
            if value > best:
                best, kept = value, {name: each.clone() for name, each in head.state_dict().items()}
    head.load_state_dict(kept)
    return head.eval(), float(best)
