"""Case 2, every token to a tag (Devlin et al. 2018, arXiv:1810.04805, figure 4 d): one linear layer on each word's pieces.

The paper scores a word at its first piece. Here the last piece's state stands beside the first one's: where a script has no
spaces nothing else tells the head where the word ends, which is worth 3 points in Chinese and nothing either way in English
(docs/results.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from halfseen.contracts import Array, Loss, Sample, Split
from halfseen.data.tokenizers import Tokenizer
from halfseen.data.tokens import Segment, Tokens
from halfseen.losses.tokens import cross_entropy
from halfseen.nets.heads import Pooling
from halfseen.nets.transformer import Transformer
from halfseen.split.mask import Framed
from halfseen.tasks.supervised import Supervised

NO_SPACE_BEFORE = frozenset(",.;:!?)]}%'’”")
NO_SPACE_AFTER = frozenset("([{“‘$£#")


class Tag(Supervised):
    """Samples of kind tag: x is the words. A sentence longer than the net takes is read in windows."""

    metrics = ("tag_accuracy",)

    def __init__(self, net: Transformer, tokenizer: Tokenizer, labels: Sequence[str], pooling: Pooling) -> None:
        super().__init__(net, tokenizer, labels, pooling, outputs=len(labels), states=2)

    def prepare(self, samples: Sequence[Sample], *, labelled: bool) -> list[Sample]:
        number = {label: i for i, label in enumerate(self.labels)}
        room = self.net.shape.max_length - 2
        texts = [join_words(sample.x) for sample in samples]
        windows = []
        pieces_of = self.tokenizer.encode_batch([text for text, _ in texts])
        for i, (sample, (_, begins_W), pieces) in enumerate(zip(samples, texts, pieces_of, strict=True)):
            # A word without pieces reads the next word's, or the last piece; [SEP] where the sentence has none.
            first_W = np.searchsorted(pieces.offsets[:, 1], begins_W, side="right").clip(0, max(0, len(pieces.ids) - 1))
            target_W = np.array([number[tag] for tag in sample.meta["tags"]] if labelled else [-1] * len(first_W), dtype=np.int64)
            for at in range(0, max(1, len(pieces.ids)), room):
                inside_W = (first_W >= at) & (first_W < at + room)
                part = Segment(pieces.ids[at : at + room], pieces.starts[at : at + room])
                meta = {"window_of": i, "first": first_W[inside_W] - at, "target": target_W[inside_W]}
                windows.append(Sample(f"{sample.id}@{at}", (part,), meta))
        return windows

    def targets(self, samples: Sequence[Sample], framed: Framed) -> tuple[Array, Array]:
        return np.concatenate([sample.meta["target"] for sample in samples]), self._scored(samples, framed.lengths)

    def _scored(self, samples: Sequence[Sample], lengths_S: Array) -> Array:
        begins_S = np.cumsum(lengths_S) - lengths_S + 1  # after [CLS]
        return np.concatenate([begin + sample.meta["first"] for begin, sample in zip(begins_S, samples, strict=True)])

    def judge(self, states_ND: Tensor, split: Split) -> Loss:
        owner_M = split.seen.sample[split.scored]
        logits_MC = self.head(word_states(states_ND, split.scored, split.seen))
        return cross_entropy(logits_MC, split.target, owner_M, len(split.seen.lengths), part="tags", count_right=not self.training)

    def speak(self, states_ND: Tensor, seen: Tokens, samples: Sequence[Sample]) -> list[Any]:
        scored_M = torch.from_numpy(self._scored(samples, seen.lengths.cpu().numpy())).to(states_ND.device)
        best = iter(self.head(word_states(states_ND, scored_M, seen)).argmax(-1).tolist())
        return [[self.labels[next(best)] for _ in sample.meta["first"]] for sample in samples]

    def gather(self, spoken: list[Any], windows: Sequence[Sample], samples: Sequence[Sample]) -> list[Any]:
        answers: list[list[str]] = [[] for _ in samples]
        for tags, window in zip(spoken, windows, strict=True):
            answers[window.meta["window_of"]] += tags
        return [tuple(tags) for tags in answers]

    def truth(self, samples: Sequence[Sample]) -> list[Any]:
        return [sample.meta["tags"] for sample in samples]


def word_states(states_ND: Tensor, first_M: Tensor, seen: Tokens) -> Tensor:
    """The states of each word's first and last piece, side by side; the last piece stands before the next word, or [SEP]."""
    end_M = (seen.first + seen.lengths - 1)[seen.sample[first_M]]
    next_M = torch.cat([first_M[1:], end_M[-1:]])
    last_M = torch.maximum(first_M, torch.minimum(next_M, end_M) - 1)
    return torch.cat([states_ND[first_M], states_ND[last_M]], dim=-1)


def join_words(words: Sequence[str]) -> tuple[str, Array]:
    """Words as running text, spaced as one would write them, and where each begins.

    The net learnt from running text: a tokenizer that keeps spaces would cut lone words into other pieces.
    """
    text, begins = "", []
    for word in words:
        if text and not (word[:1] in NO_SPACE_BEFORE or text[-1] in NO_SPACE_AFTER or unspaced(text[-1]) or unspaced(word[:1])):
            text += " "
        begins.append(len(text))
        text += word
    return text, np.array(begins, dtype=np.int64)


def unspaced(character: str) -> bool:
    """Whether it belongs to a script that is written without spaces (Chinese, kana, full-width forms)."""
    return "\u3000" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef"
