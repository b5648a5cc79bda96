"""Heads over sequences of frozen states: batches padded within buckets of like length, a learnt mix of the layers, how heads are learnt.

Shapes: B sequences of T frames, L layers of width D.
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
    """x_BTLD, zeros behind each sequence's end; lengths_B; places: which of the utterances these are."""

    x: Tensor
    lengths: Tensor
    places: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Sequences:
    """states: T x L x D of each utterance. Every `stride` frames become one, their mean. mean_LD, spread_LD: of training."""

    states: Sequence[Array]
    mean: Array
    spread: Array
    stride: int = 1

    @classmethod
    def of(cls, arm: Arm, parts: dict[str, tuple[Utterance, ...]], stride: int = 1) -> dict[str, Sequences]:
        """Those of each part, brought to the mean and spread of the first part's states."""
        states = {part: arm.layers(some) for part, some in parts.items()}
        mean_LD, spread_LD = moments(next(iter(states.values())))
        found = {part: cls(some, mean_LD, spread_LD, stride) for part, some in states.items()}
        size = sum(each.size for some in states.values() for each in some)
        return {part: each.ready() for part, each in found.items()} if size <= MOST_READY * stride else found

    def ready(self) -> Sequences:
        """The same, brought to mean and spread and strided once for all epochs."""
        some = [self.strided(np.asarray(each, np.float32)).astype(np.float16) for each in self.states]
        return Sequences(some, np.zeros_like(self.mean), np.ones_like(self.spread))

    @property
    def lengths(self) -> Array:
        """Frames of each, after the stride."""
        return np.array([-(-len(states_TLD) // self.stride) for states_TLD in self.states])

    def batch(self, places: Sequence[int]) -> Batch:
        some = [torch.from_numpy(self.prepared(self.states[i])) for i in places]
        x_BTLD = nn.utils.rnn.pad_sequence(some, batch_first=True)
        return Batch(x_BTLD, torch.tensor([len(each) for each in some]), tuple(places))

    def prepared(self, states_TLD: Array) -> Array:
        whole: Array = np.asarray(states_TLD, np.float32)
        return whole if self.is_ready else self.strided(whole)

    @cached_property
    def is_ready(self) -> bool:
        return self.stride == 1 and not self.mean.any() and bool((self.spread == 1).all())

    def strided(self, states_TLD: Array) -> Array:
        standard = (states_TLD - self.mean) / self.spread
        if self.stride == 1:
            return standard
        padded = np.pad(standard, ((0, -len(standard) % self.stride), (0, 0), (0, 0)), mode="edge")
        found: Array = padded.reshape(-1, self.stride, *standard.shape[1:]).mean(1)
        return found

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


def moments(states: Sequence[Array]) -> tuple[Array, Array]:
    """mean_LD and spread_LD over the first MOST_FRAMES frames of sequences from all over the list."""
    order = np.random.default_rng(0).permutation(len(states))
    frames, some = 0, []
    for i in order:
        some.append(np.asarray(states[i], np.float32))
        frames += len(some[-1])
        if frames >= MOST_FRAMES:
            break
    all_NLD = np.concatenate(some)
    return all_NLD.mean(0), np.maximum(all_NLD.std(0), 1e-5)


class Mix(nn.Module):
    """x_BTLD to x_BTD by weights that add up to 1."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(layers))

    def forward(self, x_BTLD: Tensor) -> Tensor:
        return (x_BTLD * self.weight.softmax(0)[:, None]).sum(2)

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
