"""Case 4, extraction-based question answering (Devlin et al. 2018, arXiv:1810.04805, section 4.2).

Two vectors are learnt from scratch: the softmax over the passage of the first's inner product with each state says where
the answer starts, that of the second where it ends; the end is not before the start. Long passages are read in
overlapping windows. Shapes: S windows of N tokens in all; L tokens in the longest window's passage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from halfseen.contracts import Array, Loss, Sample, Split
from halfseen.data.tokenizers import Pieces, Tokenizer
from halfseen.data.tokens import Segment, Tokens
from halfseen.losses.tokens import by_sample
from halfseen.nets.heads import Pooling
from halfseen.nets.transformer import Transformer
from halfseen.split.mask import Framed
from halfseen.tasks.supervised import Supervised

LONGEST_QUESTION = 64
"""Tokens, at most half of what the net takes."""
LONGEST_WINDOW = 320
"""Tokens of passage in a window; half of it is shared with the next window."""
LONGEST_ANSWER = 150
"""Characters that an answer of more than one token may have: about thirty tokens of English, where a token of Chinese is a character."""


class Span(Supervised):
    """Samples of kind span: x is (question, passage)."""

    metrics = ("span_f1", "exact_match")

    def __init__(self, net: Transformer, tokenizer: Tokenizer, labels: Sequence[str], pooling: Pooling) -> None:
        super().__init__(net, tokenizer, labels, pooling, outputs=2)

    def prepare(self, samples: Sequence[Sample], *, labelled: bool) -> list[Sample]:
        questions = self.tokenizer.encode_batch([sample.x[0] for sample in samples])
        passages = self.tokenizer.encode_batch([sample.x[1] for sample in samples])
        windows = []
        longest_question = min(LONGEST_QUESTION, (self.net.shape.max_length - 3) // 2)
        for i, (sample, question, passage) in enumerate(zip(samples, questions, passages, strict=True)):
            asked = Segment(question.ids[:longest_question], question.starts[:longest_question])
            room = min(LONGEST_WINDOW, self.net.shape.max_length - len(asked.ids) - 3)
            answer = pieces_of_answer(passage, sample) if labelled else None
            pieces, step = len(passage.ids), max(1, room // 2)
            for at in range(0, min(pieces, max(1, pieces - room // 2)), step):  # a passage without pieces has no window, its answer is ""
                part = Segment(passage.ids[at : at + room], passage.starts[at : at + room])
                if answer is not None and not at <= answer[0] <= answer[1] < at + len(part.ids):
                    continue  # a window without the answer teaches nothing in SQuAD 1.1, where every question has one
                meta = {"window_of": i, "offsets": passage.offsets[at : at + room]}
                if answer is not None:
                    meta["target"] = (answer[0] - at, answer[1] - at)
                windows.append(Sample(f"{sample.id}@{at}", (asked, part), meta))
        return windows

    def targets(self, samples: Sequence[Sample], framed: Framed) -> tuple[Array, Array]:
        """target_S2: start and end, counted from the passage's first token; every window is scored."""
        return np.array([sample.meta["target"] for sample in samples], dtype=np.int64), np.arange(len(samples))

    def scores(self, states_ND: Tensor, seen: Tokens) -> Tensor:
        """scores_SL2 of every passage token as start and as end; -inf behind the window's end."""
        assert seen.types is not None
        last_S = seen.lengths.cumsum(0) - 1
        inside_N = seen.types.bool()
        inside_N[last_S] = False
        owner_P = seen.sample[inside_N]
        count_S = torch.bincount(owner_P, minlength=len(seen.lengths))
        column_P = torch.arange(len(owner_P), device=owner_P.device) - (count_S.cumsum(0) - count_S)[owner_P]
        grid = torch.full((len(count_S), int(count_S.max()), 2), -torch.inf, device=states_ND.device)
        return grid.index_put((owner_P, column_P), self.head(states_ND[inside_N]).float())

    def judge(self, states_ND: Tensor, split: Split) -> Loss:
        log_share_SL2 = self.scores(states_ND, split.seen).log_softmax(1)
        found_S2 = log_share_SL2.gather(1, split.target[:, None, :]).squeeze(1)
        return by_sample(-found_S2.mean(-1), split.scored, len(split.seen.lengths), part="span")

    def speak(self, states_ND: Tensor, seen: Tokens, samples: Sequence[Sample]) -> list[Any]:
        """(score, first character, character after the last) of each window's best span."""
        scores_SL2 = self.scores(states_ND, seen)
        pair_SLL = scores_SL2[:, :, None, 0] + scores_SL2[:, None, :, 1]
        windows, length = pair_SLL.shape[:2]
        offsets = np.zeros((windows, length, 2), dtype=np.int64)
        for held, sample in zip(offsets, samples, strict=True):
            held[: len(sample.meta["offsets"])] = sample.meta["offsets"]
        first_SL, after_SL = torch.from_numpy(offsets).to(pair_SLL.device).unbind(-1)
        short_SLL = after_SL[:, None, :] <= (first_SL + LONGEST_ANSWER)[:, :, None]
        ordered_LL = torch.ones(length, length, dtype=torch.bool, device=pair_SLL.device).triu()
        allowed_SLL = (short_SLL & ordered_LL) | torch.eye(length, dtype=torch.bool, device=pair_SLL.device)
        best_S, at_S = pair_SLL.masked_fill_(~allowed_SLL, -torch.inf).flatten(1).max(-1)
        answers = []
        for score, at, sample in zip(best_S.tolist(), at_S.tolist(), samples, strict=True):
            start, end = divmod(at, length)
            answers.append((score, int(sample.meta["offsets"][start][0]), int(sample.meta["offsets"][end][1])))
        return answers

    def gather(self, spoken: list[Any], windows: Sequence[Sample], samples: Sequence[Sample]) -> list[Any]:
        best: list[tuple[float, int, int]] = [(-float("inf"), 0, 0)] * len(samples)
        for answer, window in zip(spoken, windows, strict=True):
            best[window.meta["window_of"]] = max(best[window.meta["window_of"]], answer)
        return [sample.x[1][start:end].strip() for sample, (_, start, end) in zip(samples, best, strict=True)]

    def truth(self, samples: Sequence[Sample]) -> list[Any]:
        return [tuple(answer.text for answer in sample.meta["answers"]) for sample in samples]


def pieces_of_answer(passage: Pieces, sample: Sample) -> tuple[int, int]:
    """The first and last piece of the first answer."""
    answer = sample.meta["answers"][0]
    start = int(np.searchsorted(passage.offsets[:, 1], answer.start, side="right"))
    end = int(np.searchsorted(passage.offsets[:, 1], answer.start + len(answer.text), side="left"))
    return start, max(start, min(end, len(passage.ids) - 1))
