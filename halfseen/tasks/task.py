"""What every task is, whatever net it has: a method whose target a person wrote.

`fit` trains it, `compare` sets it beside others, `saved` keeps it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from torch import nn

from halfseen.contracts import Method, Sample
from halfseen.data.tokenizers import Tokenizer
from halfseen.data.tokens import ROW_LENGTH, order_for_rows
from halfseen.nets.heads import Pooling
from halfseen.nets.transformer import Transformer

BATCH = 16
MANY_LABELS = 10_000


class Task(Method):
    """A net, a head, the labels of one task."""

    net: Transformer
    head: nn.Module
    tokenizer: Tokenizer
    labels: tuple[str, ...]
    pooling: Pooling
    metrics: tuple[str, ...]
    """Names in `tasks.metrics.METRICS`; the first one is the task's own."""

    @abstractmethod
    def prepare(self, samples: Sequence[Sample], *, labelled: bool) -> list[Sample]:
        """Tokenises once: x becomes what `split` takes, meta["target"] what must be said, if there are labels."""

    @abstractmethod
    def predict(self, samples: Sequence[Sample], *, bfloat16: bool = False) -> list[Any]:
        """Answers in the form of `truth`, in the order of the samples."""

    @abstractmethod
    def truth(self, samples: Sequence[Sample]) -> list[Any]:
        """The labels of unprepared samples, in the form that the metrics take."""

    def batch_for(self, count: int) -> int:
        """A step costs the optimizer as much for few items as for many: where there are many labels, larger batches."""
        return BATCH if count < MANY_LABELS else 2 * BATCH

    def epochs_for(self, count: int) -> int:
        """Few labels are seen often, many labels a few times."""
        return int(np.clip(round(300 * BATCH / count), 3, 20))


def by_length(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Batches of about `tokens` tokens of samples of like lengths, in an order that leaves few gaps in rows."""
    lengths_S = np.asarray(lengths, dtype=np.int64)
    order_S = np.argsort(-lengths_S, kind="stable")
    edges = np.searchsorted(np.cumsum(lengths_S[order_S]), np.arange(0, lengths_S.sum() + tokens, tokens), side="left")
    for a, b in zip(edges, np.append(edges[1:], len(order_S)), strict=True):
        if a < b:
            chosen = order_S[a:b]
            yield [int(i) for i in chosen[order_for_rows(lengths_S[chosen], ROW_LENGTH)]]
