"""A text, or two, to a number (STS-B in GLUE, arXiv:1804.07461): one linear layer on the sample's vector.

The net predicts the standardised number; `centre` and `spread` are those of the training labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from halfseen.contracts import Array, Loss, Sample, Split
from halfseen.data.tokenizers import Tokenizer
from halfseen.data.tokens import Tokens
from halfseen.losses.tokens import squared_error
from halfseen.nets.heads import Pooling, pool
from halfseen.nets.transformer import Transformer
from halfseen.split.mask import Framed
from halfseen.tasks.classify import prepare_texts
from halfseen.tasks.supervised import Supervised


class Regress(Supervised):
    """Samples of kind regress."""

    metrics = ("pearson", "spearman")

    def __init__(self, net: Transformer, tokenizer: Tokenizer, pooling: Pooling, *, centre: float, spread: float) -> None:
        super().__init__(net, tokenizer, (), pooling, outputs=1)
        self.centre, self.spread = centre, spread or 1.0

    def prepare(self, samples: Sequence[Sample], *, labelled: bool) -> list[Sample]:
        return prepare_texts(self, samples, lambda meta: (meta["label"] - self.centre) / self.spread if labelled else None)

    def targets(self, samples: Sequence[Sample], framed: Framed) -> tuple[Array, Array]:
        return np.array([sample.meta["target"] for sample in samples], dtype=np.float32), np.arange(len(samples))

    def judge(self, states_ND: Tensor, split: Split) -> Loss:
        value_S = self.head(pool(states_ND, split.seen, self.pooling)).squeeze(-1)
        return squared_error(value_S, split.target, split.scored, len(split.seen.lengths), part="number")

    def speak(self, states_ND: Tensor, seen: Tokens, samples: Sequence[Sample]) -> list[Any]:
        value_S = self.head(pool(states_ND, seen, self.pooling)).squeeze(-1).float()
        return [self.centre + self.spread * value for value in value_S.tolist()]

    def gather(self, spoken: list[Any], windows: Sequence[Sample], samples: Sequence[Sample]) -> list[Any]:
        return spoken

    def truth(self, samples: Sequence[Sample]) -> list[Any]:
        return [sample.meta["label"] for sample in samples]
