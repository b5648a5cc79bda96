"""The training loop: one batch, split into micro-batches and ranks, its loss reduced once, one step of the optimizers.

sum(per_item) / sum(weight) is taken over all micro-batches of all ranks, so that accumulation and several processes give
what one big batch gives.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from torch import Tensor

from halfseen.contracts import Method, Sample, Split, Splitter, UserError
from halfseen.data.draw import KeyedDraw
from halfseen.train.allocator import keep_freed_memory
from halfseen.train.optim import make_optimizers
from halfseen.train.options import OptimOptions
from halfseen.train.ranks import processes

BatchOf = Callable[[int], tuple[int, Sequence[Sample]]]
"""A step to its epoch and its samples."""


@dataclass(frozen=True)
class Stepped:
    """What one step did: the mean loss, how many scored positions stand behind it, tokens seen, seconds."""

    loss: float
    weight: float
    tokens: int
    seconds: float
    learning_rate: float


def to_device(split: Split, device: torch.device) -> Split:
    if device.type == "cpu":
        return split
    second = None if split.second is None else to_device(split.second, device)
    return Split(split.seen.to(device), split.target.to(device), split.scored.to(device), second)


class Loop:
    """Trains a method for `steps` steps. splitter: a share of the training done to what hides then."""

    def __init__(
        self,
        method: Method,
        batch_of: BatchOf,
        splitter: Callable[[float], Splitter],
        *,
        steps: int,
        optim: OptimOptions,
        seed: int,
        bfloat16: bool,
        micro_batches: int = 1,
    ) -> None:
        processes()
        keep_freed_memory()
        self.accelerator = Accelerator(kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=method.some_rest)])
        self.bfloat16 = bfloat16
        self.method, self.batch_of, self.splitter = method, batch_of, splitter
        self.steps, self.options, self.seed, self.micro_batches = steps, optim, seed, micro_batches
        self.optimizers = make_optimizers(method, optim, torch.bfloat16 if bfloat16 else torch.float32)
        self.model = self.accelerator.prepare(method)
        self.step_number = 0
        self.decay_start: float = int(steps * (1 - optim.decay))

    def decay_until(self, steps: int) -> None:
        """From now on the learning rate falls, from what it is to zero at `steps`. Of several ranks' wishes the mean counts."""
        agreed = self.accelerator.reduce(torch.tensor([float(steps)], device=self.accelerator.device), reduction="mean")
        n, steps = self.step_number, max(self.step_number + 1, round(float(agreed)))
        share = min(1.0, (self.steps - n) / max(1.0, self.steps - self.decay_start))  # of the highest rate, now
        self.steps, self.decay_start = steps, steps - (steps - n) / share

    def step(self) -> Stepped:
        """Raises UserError if the loss or a gradient is not finite; nothing is updated then."""
        started = time.perf_counter()
        n = self.step_number
        epoch, samples = self.batch_of(n)
        splitter = self.splitter(n / max(1, self.steps))
        self.model.train()
        total = torch.zeros(3, dtype=torch.float64, device=self.accelerator.device)  # loss, weight, tokens
        mine = self.share_of(samples)
        for i, micro in enumerate(mine):
            split = to_device(splitter(micro, KeyedDraw(self.seed, epoch, micro)), self.accelerator.device)
            waiting = i < len(mine) - 1 and self.accelerator.num_processes > 1
            with self.accelerator.no_sync(self.model) if waiting else nullcontext():
                with torch.autocast(self.accelerator.device.type, torch.bfloat16, enabled=self.bfloat16):
                    loss = self.model(split)
                self.accelerator.backward(loss.per_item.sum())
            tokens = loss.weight.new_tensor(count_tokens(split))
            total += torch.stack([loss.per_item.detach().sum(), loss.weight.sum(), tokens]).double()
        total = self.accelerator.reduce(total, reduction="sum")
        rate = self.update(float(total[1]), n)
        self.method.after_step(self.gathered)
        self.step_number += 1
        return Stepped(float(total[0] / total[1]), float(total[1]), int(total[2]), time.perf_counter() - started, rate)

    def gathered(self, rows: Tensor) -> Tensor:
        """Rows of this rank to those of all ranks, in the order of ranks."""
        if self.accelerator.num_processes == 1:
            return rows
        counts = self.accelerator.gather(torch.tensor([len(rows)], device=rows.device)).tolist()
        padded = self.accelerator.gather(self.accelerator.pad_across_processes(rows, dim=0))
        return torch.cat([some[:count] for some, count in zip(padded.chunk(len(counts)), counts, strict=True)])

    def share_of(self, samples: Sequence[Sample]) -> list[Sequence[Sample]]:
        """This rank's micro-batches: the batch in as many even pieces as there are micro-batches of all ranks."""
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        pieces = world * self.micro_batches
        if len(samples) < pieces:
            raise UserError(
                f"a batch of {len(samples)} samples for {world} processes x {self.micro_batches} micro-batches",
                way_out="take larger batches",
            )
        edges = [len(samples) * i // pieces for i in range(pieces + 1)]
        return [samples[edges[i] : edges[i + 1]] for i in range(rank * self.micro_batches, (rank + 1) * self.micro_batches)]

    def update(self, weight: float, n: int) -> float:
        """Scales the summed gradients, checks and clips them, and steps."""
        grads = [p.grad for p in self.method.parameters() if p.grad is not None]
        # every rank holds the mean over ranks of its summed gradients
        scale = self.accelerator.num_processes / weight
        norm = scale * float(torch.nn.utils.get_total_norm(grads))
        if not torch.isfinite(torch.tensor(norm)):
            raise UserError(f"the gradient is not finite at step {n}", way_out="take a lower learning rate, or float32")
        torch._foreach_mul_(grads, scale * min(1.0, self.options.clip / max(norm, torch.finfo(torch.float32).tiny)))
        factor = self.options.factor(n, self.steps, self.decay_start)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * factor
            optimizer.step()
            optimizer.zero_grad()
        return float(self.options.highest_rate * factor)

    def state(self) -> dict[str, Tensor]:
        """Everything that the rest of the training depends on, as named tensors."""
        named: dict[str, Tensor] = {f"method.{name}": value.detach() for name, value in weights_of(self.method).items()}
        for i, optimizer in enumerate(self.optimizers):
            for key, values in optimizer.state_dict()["state"].items():
                named |= {f"optimizer.{i}.{key}.{name}": value for name, value in values.items()}
        return named

    def restore(self, named: dict[str, Tensor], step_number: int, decay_start: float | None = None) -> None:
        """Puts the training where `state` was taken. Raises UserError if the tensors are of another net."""
        weights = {name.removeprefix("method."): value for name, value in named.items() if name.startswith("method.")}
        mine = weights_of(self.method)
        fits = {name: tuple(value.shape) for name, value in mine.items()}
        strange = sorted(
            name for name in fits.keys() | weights.keys() if fits.get(name) != (tuple(weights[name].shape) if name in weights else None)
        )
        if strange:
            raise UserError(f"the checkpoint is of another net: {', '.join(strange[:3])} and {len(strange)} weights in all do not fit")
        with torch.no_grad():
            for name, value in mine.items():
                value.copy_(weights[name])
        for i, optimizer in enumerate(self.optimizers):
            state: dict[int, dict[str, Any]] = {}
            for name, value in named.items():
                if name.startswith(f"optimizer.{i}."):
                    _, _, key, field = name.split(".", 3)
                    state.setdefault(int(key), {})[field] = value
            optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
        self.step_number = step_number
        self.decay_start = self.decay_start if decay_start is None else decay_start


def weights_of(method: Method) -> dict[str, Tensor]:
    """Parameters and buffers by name; what two parts share is there once, as a file of tensors wants it."""
    return {**dict(method.named_parameters()), **dict(method.named_buffers())}


def count_tokens(split: Split) -> int:
    """Useful positions that the net saw; a row or an image is one."""
    lengths = getattr(split.seen, "lengths", None)
    return len(split.seen) if lengths is None else int(lengths.sum())


@torch.no_grad()
def evaluate(method: Method, batches: Sequence[Sequence[Sample]], splitter: Splitter, *, bfloat16: bool) -> dict[str, float]:
    """The mean loss and parts over all scored positions, with masks that never change (seed 0, epoch 0)."""
    training = method.training
    method.eval()
    device = next(method.parameters()).device
    sums: dict[str, float] = {}
    for samples in batches:
        split = to_device(splitter(samples, KeyedDraw(0, 0, samples)), device)
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            loss = method(split)
        for name, value in {"loss": loss.per_item, "weight": loss.weight, **loss.parts}.items():
            sums[name] = sums.get(name, 0.0) + float(value.double().sum())
    method.train(training)
    weight = sums.pop("weight")
    return {name: value / weight for name, value in sums.items()} | {"n": weight}
