"""Case 1, a text to a class, and case 3, two texts to a class (Devlin et al. 2018, arXiv:1810.04805, figure 4 a and b).

One linear layer on the sample's vector: the first position's state, or the mean of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from halfseen.contracts import Array, Loss, Sample, Split
from halfseen.data.tokenizers import Tokenizer
from halfseen.data.tokens import Tokens
from halfseen.losses.tokens import cross_entropy
from halfseen.nets.heads import Pooling, pool
from halfseen.nets.transformer import Transformer
from halfseen.split.mask import Framed
from halfseen.tasks.supervised import Supervised, fit_into, segment


class Classify(Supervised):
    """Samples of kind classify or pair."""

    metrics = ("accuracy",)

    def __init__(self, net: Transformer, tokenizer: Tokenizer, labels: Sequence[str], pooling: Pooling) -> None:
        super().__init__(net, tokenizer, labels, pooling, outputs=len(labels))

    def prepare(self, samples: Sequence[Sample], *, labelled: bool) -> list[Sample]:
        return prepare_texts(self, samples, lambda meta: self.labels.index(meta["label"]) if labelled else None)

    def targets(self, samples: Sequence[Sample], framed: Framed) -> tuple[Array, Array]:
        return np.array([sample.meta["target"] for sample in samples], dtype=np.int64), np.arange(len(samples))

    def judge(self, states_ND: Tensor, split: Split) -> Loss:
        logits_SC = self.head(pool(states_ND, split.seen, self.pooling))
        return cross_entropy(logits_SC, split.target, split.scored, len(split.seen.lengths), part="label", count_right=not self.training)

    def speak(self, states_ND: Tensor, seen: Tokens, samples: Sequence[Sample]) -> list[Any]:
        return [self.labels[i] for i in self.head(pool(states_ND, seen, self.pooling)).argmax(-1).tolist()]

    def gather(self, spoken: list[Any], windows: Sequence[Sample], samples: Sequence[Sample]) -> list[Any]:
        return spoken

    def truth(self, samples: Sequence[Sample]) -> list[Any]:
        return [sample.meta["label"] for sample in samples]


def prepare_texts(task: Supervised, samples: Sequence[Sample], target: Any) -> list[Sample]:
    """One or two texts a sample as segments that fit the net; target(meta) becomes meta["target"]."""
    texts = [(sample.x,) if isinstance(sample.x, str) else tuple(sample.x) for sample in samples]
    flat = iter(segment(task.tokenizer, [text for pair in texts for text in pair]))
    length = task.net.shape.max_length
    return [
        replace(sample, x=fit_into(tuple(next(flat) for _ in pair), length), meta={"target": target(sample.meta)})
        for sample, pair in zip(samples, texts, strict=True)
    ]
