"""The contracts of the house: what passes from room to room, and nothing else.

A sample is split into what the model may see and what it must predict; everything else follows:

    loss = criterion( net(seen), target )          seen, target = split(x)

Shapes: S samples of a batch; N tokens (or rows, frames, pixels) of all samples, laid end to end without padding;
M of them scored; D the width of a hidden state.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Array = NDArray[Any]


class UserError(Exception):
    """A fault in what the user gave: the command line prints it without a traceback and exits with 2.

    what: the fault, with the value that is wrong. where: the file, row or option. way_out: what to do now.
    """

    def __init__(self, what: str, *, where: str = "", way_out: str = "") -> None:
        super().__init__(": ".join(part for part in (where, what) if part) + (f"; {way_out}" if way_out else ""))
        self.what, self.where, self.way_out = what, where, way_out


class InterruptedRunError(UserError):
    """The user pressed Ctrl-C; what was done is kept, and the message says how to go on."""


@dataclass(frozen=True)
class Sample:
    """One item of a source. `id` names it for ever: the random numbers drawn for it depend on nothing else."""

    id: str
    x: Any
    meta: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def key(self) -> int:
        """The id as 64 bits."""
        return int.from_bytes(blake2b(self.id.encode(), digest_size=8).digest(), "little")


class Draw(Protocol):
    """Random numbers for the samples of one batch, the same whatever else is in the batch."""

    def __call__(self, count_S: int | Array) -> Array:
        """Uniform float64 numbers in [0, 1): `count_S` of them for each sample, laid end to end."""
        ...


@dataclass(frozen=True)
class Split:
    """seen: what the net gets. target: what it must predict. scored: the positions of the target that count.

    `second` holds a further thing to predict from the same `seen` (BERT's sentence pairs), if there is one.
    """

    seen: Any
    target: Any
    scored: Any
    second: Any = None


class Splitter(Protocol):
    """Pure, on a whole batch at once."""

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split: ...


@dataclass(frozen=True)
class Out:
    """What a net says of a batch: the last layer's hidden states, every layer's on request, and the code if it has one."""

    last: Tensor
    layers: tuple[Tensor, ...] = ()
    code: Tensor | None = None


@dataclass(frozen=True)
class Encoded:
    """A representation for use elsewhere: states_ND of all positions, pooled_SD of each sample, valid_N."""

    states: Tensor
    pooled: Tensor
    valid: Tensor


@dataclass(frozen=True)
class Loss:
    """A criterion's verdict, sample by sample; the loop reduces it once: sum(per_item) / sum(weight).

    per_item_S carries the gradient; weight_S says how many scored positions stand behind each item;
    parts_S holds named pieces of per_item, detached, for the reader.
    """

    per_item: Tensor
    weight: Tensor
    parts: Mapping[str, Tensor] = field(default_factory=dict)

    def mean(self) -> Tensor:
        """The loss of this batch alone, a scalar."""
        return self.per_item.sum() / self.weight.sum().clamp(min=torch.finfo(torch.float32).tiny)


class Method(nn.Module, ABC):
    """A way to learn: a splitter, a net, a head and a loss in one module."""

    split: Splitter
    some_rest: ClassVar[bool] = False
    """Whether there are steps in which some weights take no part, as a head that waits for its turn: several processes have to know."""

    @abstractmethod
    def forward(self, split: Split) -> Loss:
        """Judges the net's prediction of what was hidden."""

    @abstractmethod
    def encode(self, seen: Any) -> Encoded:
        """The representation of samples from which nothing is hidden."""

    def splitter(self, progress: float) -> Splitter:
        """What splits samples after a share `progress` of the training: by default always the same."""
        return self.split

    def after_step(self, gathered: Callable[[Tensor], Tensor]) -> None:
        """Called once a step, behind the optimizers, for what is not learnt by gradients: a codebook's counts, an average of weights.

        gathered: rows of one rank to those of all ranks, below each other. What a step's micro-batches leave for this is no buffer.
        """


@dataclass(frozen=True)
class Score:
    """One figure with its honesty: over n test items, the standard error over seeds (or items, for one seed)."""

    name: str
    value: float
    n: int
    stderr: float
    unit: str = ""
    higher_is_better: bool = True


def segment_ids(lengths_S: Array) -> Array:
    """For each of N positions laid end to end, which of the S samples it belongs to (int64)."""
    return np.repeat(np.arange(len(lengths_S)), lengths_S)
