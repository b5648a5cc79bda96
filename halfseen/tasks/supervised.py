"""Learning from labels, as one more method: the target is what somebody wrote down.

A task is a file beside this one: it says how a labelled sample becomes tokens and a target, which head reads the net's
states, and how a prediction is spoken. Shapes: N tokens of S samples; M scored positions; D width; C classes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from halfseen.contracts import Array, Draw, Encoded, Loss, Sample, Split, Splitter
from halfseen.data.tokenizers import Tokenizer
from halfseen.data.tokens import Segment, Tokens
from halfseen.nets.heads import Pooling, pool
from halfseen.nets.transformer import Transformer
from halfseen.split.mask import Framed, frame
from halfseen.tasks.task import Task, by_length

PREDICT_TOKENS = 8192
"""Tokens in a batch when nothing is learnt."""


class Supervised(Task):
    """An encoder, a head that starts from zero, and the labels of one task."""

    def __init__(
        self, net: Transformer, tokenizer: Tokenizer, labels: Sequence[str], pooling: Pooling, outputs: int, states: int = 1
    ) -> None:
        """states: how many states the head reads for one answer."""
        super().__init__()
        self.net, self.tokenizer, self.labels, self.pooling = net, tokenizer, tuple(labels), pooling
        self.head: nn.Linear = nn.Linear(states * (4 if pooling == "parts" else 1) * net.shape.width, outputs)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.split: Splitter = self.with_targets

    @abstractmethod
    def prepare(self, samples: Sequence[Sample], *, labelled: bool) -> list[Sample]:
        """Tokenises once: x becomes one or two `Segment`s, meta["target"] what the head must say, if there are labels.

        A sample may become several windows; meta["window_of"] then says which sample they belong to.
        """

    @abstractmethod
    def targets(self, samples: Sequence[Sample], framed: Framed) -> tuple[Array, Array]:
        """target_M and scored_M."""

    @abstractmethod
    def judge(self, states_ND: Tensor, split: Split) -> Loss:
        """The loss of the head's prediction."""

    @abstractmethod
    def speak(self, states_ND: Tensor, seen: Tokens, samples: Sequence[Sample]) -> list[Any]:
        """The head's prediction for each prepared sample."""

    @abstractmethod
    def gather(self, spoken: list[Any], windows: Sequence[Sample], samples: Sequence[Sample]) -> list[Any]:
        """One answer for each sample from those of its windows, in the form of `truth`."""

    def frame(self, samples: Sequence[Sample]) -> Framed:
        return frame([sample.x for sample in samples], self.tokenizer.table)

    def with_targets(self, samples: Sequence[Sample], draw: Draw) -> Split:
        """The splitter: nothing is hidden but the label."""
        framed = self.frame(samples)
        target_M, scored_M = self.targets(samples, framed)
        return Split(Tokens.of(framed.ids, framed.lengths, framed.types), torch.from_numpy(target_M), torch.from_numpy(scored_M))

    def forward(self, split: Split) -> Loss:
        return self.judge(self.net(split.seen).last, split)

    def encode(self, seen: Any) -> Encoded:
        states_ND = self.net(seen).last
        return Encoded(states_ND, pool(states_ND, seen, self.pooling), torch.ones(len(states_ND), dtype=torch.bool))

    @torch.no_grad()
    def predict(self, samples: Sequence[Sample], *, bfloat16: bool = False) -> list[Any]:
        training = self.training
        self.eval()
        windows = self.prepare(samples, labelled=False)
        spoken: list[Any] = [None] * len(windows)
        device = next(self.parameters()).device
        for chosen in by_length([length_of(sample) for sample in windows], PREDICT_TOKENS):
            batch = [windows[i] for i in chosen]
            framed = self.frame(batch)
            seen = Tokens.of(framed.ids, framed.lengths, framed.types).to(device)
            with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
                states_ND = self.net(seen).last
                answers = self.speak(states_ND, seen, batch)
            for i, answer in zip(chosen, answers, strict=True):
                spoken[i] = answer
        self.train(training)
        return self.gather(spoken, windows, samples)


def length_of(sample: Sample) -> int:
    """Tokens of a prepared sample, special ones included."""
    return 1 + sum(len(part.ids) + 1 for part in sample.x)


def segment(tokenizer: Tokenizer, texts: Sequence[str]) -> list[Segment]:
    return [Segment(pieces.ids, pieces.starts) for pieces in tokenizer.encode_batch(texts)]


def fit_into(parts: tuple[Segment, ...], length: int) -> tuple[Segment, ...]:
    """Cuts the longest part, token by token, until [CLS] a [SEP] (b [SEP]) fits into `length` tokens."""
    lengths = [len(part.ids) for part in parts]
    room = length - 1 - len(parts)
    while sum(lengths) > room:
        longest = lengths.index(max(lengths))
        others = sum(lengths) - lengths[longest]
        runner_up = max((n for i, n in enumerate(lengths) if i != longest), default=0)
        lengths[longest] = max(room - others, min(runner_up, lengths[longest] - 1))
    return tuple(Segment(part.ids[:n], part.starts[:n]) for part, n in zip(parts, lengths, strict=True))
