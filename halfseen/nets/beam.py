"""Beam search with an encoder-decoder that remembers: the likeliest texts, a token at a time, of several sources side by side.

The rules are those of `generate` in transformers (early_stopping=False): of each source the B likeliest unfinished texts go on; a text
that ends among the B likeliest of its step is finished, with the score log p / length ** penalty, its end counted; a source is done
when it has B finished texts and its likeliest unfinished one, scored at its length now, is not above the worst of them. One beam is
greedy search: done at the first end. At the longest length the B likeliest texts count as finished as they are.

Shapes: S sources of K tokens at most, B beams of each, N = S B texts; H heads (G of keys and values) of E; vocabulary V; C candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from halfseen.data.tokens import Tokens
from halfseen.nets.decode import Memory, Stepping
from halfseen.nets.heads import NextHead
from halfseen.nets.seq2seq import CrossAttention, EncoderDecoder, KeysAndValues
from halfseen.nets.transformer import rotary_turns

NOTHING = -1e9
"""The score of a text that is not there."""
ROOM = 16
"""Memories grow by so many tokens: what is copied when beams change hands is what was written, not what may be."""


class SourceMemory:
    """One layer's keys and values of S sources, made once. The beams of a source share them."""

    def __init__(self, attention: CrossAttention, source: Tokens, states_KD: Tensor) -> None:
        size = (len(source.lengths), int(source.lengths.max()))
        made = []
        for x_KGE in attention.keys_and_values(states_KD):
            grid_SKGE = x_KGE.new_zeros(*size, *x_KGE.shape[1:])
            grid_SKGE[source.sample, source.position] = x_KGE
            made.append(grid_SKGE.transpose(1, 2).contiguous())
        self.keys_SGKE, self.values_SGKE = made

    def choose(self, sources_S: Tensor) -> None:
        self.keys_SGKE, self.values_SGKE = self.keys_SGKE[sources_S], self.values_SGKE[sources_S]


@dataclass(frozen=True)
class WritingStep:
    """The attention of one more token of each text. hidden_S11K: -inf where a source has ended, None if all are of one length."""

    own: Stepping
    source: SourceMemory
    hidden: Tensor | None

    @property
    def turns(self) -> tuple[Tensor, Tensor] | None:
        return self.own.turns

    def attend(self, q_NHE: Tensor, k_NGE: Tensor, v_NGE: Tensor) -> Tensor:
        return self.own.attend(q_NHE, k_NGE, v_NGE)

    def read(self, q_NHE: Tensor, keys_and_values: KeysAndValues) -> Tensor:
        """All beams of a source at once against its keys; they are remembered, so `keys_and_values` is not asked."""
        sources, groups, _, width = self.source.keys_SGKE.shape
        beams = len(q_NHE) // sources
        q_SGCE = q_NHE.view(sources, beams, groups, -1, width).transpose(1, 2).reshape(sources, groups, -1, width)
        score_SGCK = (q_SGCE * width**-0.5) @ self.source.keys_SGKE.mT
        if self.hidden is not None:
            score_SGCK = score_SGCK + self.hidden
        mixed_SGCE = score_SGCK.softmax(-1) @ self.source.values_SGKE
        return mixed_SGCE.view(sources, groups, beams, -1, width).transpose(1, 2).reshape(len(q_NHE), -1)


class SourceDecoder:
    """S sources, read once, and the texts that are written of them, one token of each at a time."""

    def __init__(self, net: EncoderDecoder, head: NextHead, source: Tokens) -> None:
        self.net, self.head = net, head
        net.must_fit(source)
        states_KD = net.run(source.rounded()).last[: len(source.ids)]
        shape = net.decoder.shape
        self.sources = [SourceMemory(layer.reading, source, states_KD) for layer in net.decoder.layers]  # type: ignore[arg-type]
        self.memories = [Memory(len(source.lengths), 0, shape, source.ids.device) for _ in self.sources]
        past_SK = torch.arange(int(source.lengths.max()), device=source.ids.device) >= source.lengths[:, None]
        hidden_SK = torch.zeros(past_SK.shape, device=source.ids.device).masked_fill_(past_SK, -torch.inf)
        self.hidden_S11K = hidden_SK[:, None, None] if bool(past_SK.any()) else None
        self.written = 0

    def step(self, ids_N: Tensor) -> Tensor:
        """Takes one more token of each text, and returns the logits of the next, N x V float32."""
        place_N = torch.full_like(ids_N, self.written)
        self.written += 1
        row_N = torch.arange(len(ids_N), device=ids_N.device)
        for memory in self.memories:
            memory.make_room(self.written, ROOM)
        turns = rotary_turns(place_N, self.net.decoder.shape, torch.float32)
        steps = [
            WritingStep(Stepping(memory, row_N, place_N, turns, self.written, None), source, self.hidden_S11K)
            for memory, source in zip(self.memories, self.sources, strict=True)
        ]
        tokens = Tokens(ids_N, place_N, None, torch.ones_like(ids_N), None, row_N[:, None])
        logits_NV: Tensor = self.head(self.net.decode(tokens, *steps).last)
        return logits_NV.float()

    def choose(self, sources_S: Tensor | None, rows_N: Tensor) -> None:
        """From now on these sources, None for all that are there, and these texts."""
        for memory in self.memories:
            memory.choose(rows_N)
        if sources_S is not None:
            for source in self.sources:
                source.choose(sources_S)
            self.hidden_S11K = None if self.hidden_S11K is None else self.hidden_S11K[sources_S]


@dataclass
class Found:
    """The best finished text of one source so far: its ids, and log p / length ** penalty."""

    ids: list[int] = field(default_factory=list)
    score: float = NOTHING


@torch.inference_mode()
def beam_search(
    net: EncoderDecoder,
    head: NextHead,
    source: Tokens,
    *,
    begin: tuple[int, ...],
    end: int,
    longest: int | Sequence[int],
    beams: int,
    penalty: float = 1.0,
    never: Tensor | None = None,
) -> list[Found]:
    """The best text of each source: its ids, without those of `begin` and the end, and its score.

    longest: tokens that are written at most, of all sources or of each, the end and all of `begin` but its first included.
    never: ids that are not written. Raises ValueError if the net takes fewer tokens than that, or a source is longer than it takes.
    """
    count, device = len(source.lengths), source.ids.device
    longest_S = torch.as_tensor(longest, device=device).expand(count)
    if int(longest_S.min()) < len(begin) or int(longest_S.max()) > net.shape.max_length:
        raise ValueError(f"{longest} tokens to write, but the net takes {len(begin)} to {net.shape.max_length}")
    decoder = SourceDecoder(net, head, source)
    found = [Found() for _ in range(count)]
    open_S = torch.arange(count, device=device)
    for id_ in begin[:-1]:
        decoder.step(torch.full((count,), id_, device=device))
    ids_N = torch.full((count,), begin[-1], device=device)
    running_SB = torch.zeros(count, 1, device=device)  # before the first step there is one text, not B
    text_SBT = torch.zeros(count, 1, 0, dtype=torch.int64, device=device)
    finished_SB = torch.full((count, beams), NOTHING, device=device)
    for length in range(len(begin), int(longest_S.max()) + 1):
        score_SC, parent_SC, id_SC = candidates(decoder.step(ids_N), running_SB, 2 * beams, never)
        cut_S = longest_S[open_S] == length
        ends_SC = (id_SC == end) | cut_S[:, None]
        finishing_SB = torch.where(ends_SC, score_SC / length**penalty, NOTHING)[:, :beams]
        keep_best(found, open_S, finishing_SB, text_SBT, parent_SC, id_SC, end)
        finished_SB = torch.cat((finished_SB, finishing_SB), 1).topk(beams, 1).values
        running_SB, chosen_SB = (score_SC + NOTHING * ends_SC).topk(beams, 1)
        full_S, worst_S = finished_SB[:, -1] > NOTHING, finished_SB[:, -1]
        going_S = ~full_S | ((running_SB[:, 0] / length**penalty > worst_S) if beams > 1 else ~full_S)
        going_S &= ~cut_S
        if not bool(going_S.any()):
            break
        parent_SB, id_SB = parent_SC.gather(1, chosen_SB), id_SC.gather(1, chosen_SB)
        row_SB = parent_SB + torch.arange(len(open_S), device=device)[:, None] * text_SBT.shape[1]
        text_SBT = torch.cat((text_SBT.flatten(0, 1)[row_SB], id_SB[:, :, None]), 2)
        kept_S = None if bool(going_S.all()) else going_S.nonzero().squeeze(1)
        if kept_S is not None:
            open_S, text_SBT, running_SB, finished_SB = open_S[kept_S], text_SBT[kept_S], running_SB[kept_S], finished_SB[kept_S]
            row_SB, id_SB = row_SB[kept_S], id_SB[kept_S]
        decoder.choose(kept_S, row_SB.flatten())
        ids_N = id_SB.flatten()
    return found


def candidates(logits_NV: Tensor, running_SB: Tensor, count: int, never: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Of each source the `count` likeliest texts that are one token longer, likeliest first: score_SC, the beam they come from, the token.

    The `count` likeliest of each beam are all that can be among them, so that the long sort is over rows of V, not of B V.
    """
    sum_N1 = logits_NV.logsumexp(-1, keepdim=True)
    if never is not None:
        logits_NV = logits_NV.index_fill(1, never, -torch.inf)
    best_NC, id_NC = logits_NV.topk(min(count, logits_NV.shape[1]), 1)
    sources, width = len(running_SB), best_NC.shape[1]
    score_SX = ((best_NC - sum_N1).view(sources, -1, width) + running_SB[:, :, None]).flatten(1)
    # where there are fewer texts than asked for, the rest are impossible ones
    score_SC, at_SC = F.pad(score_SX, (0, max(0, count - score_SX.shape[1])), value=-torch.inf).topk(count, 1)
    at_SC = at_SC.clamp(max=score_SX.shape[1] - 1)
    return score_SC, at_SC // width, id_NC.view(sources, -1).gather(1, at_SC)


def keep_best(
    found: list[Found], open_S: Tensor, finishing_SB: Tensor, text_SBT: Tensor, parent_SC: Tensor, id_SC: Tensor, end: int
) -> None:
    """Notes what is finished now and better than what its source had."""
    best_S, which_S = finishing_SB.max(1)
    for s in (best_S > NOTHING).nonzero().squeeze(1).tolist():
        known, score, which = found[int(open_S[s])], float(best_S[s]), int(which_S[s])
        if score > known.score:
            last = int(id_SC[s, which])
            known.ids = text_SBT[s, int(parent_SC[s, which])].tolist() + ([] if last == end else [last])
            known.score = score
