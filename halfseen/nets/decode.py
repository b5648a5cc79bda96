"""A causal net that goes on, token by token, from what it remembers: keys and values of every layer are kept (a KV cache).

Shapes: N tokens of B texts; H heads (G of keys and values) of E; T tokens remembered; vocabulary V.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from halfseen.data.tokens import Tokens
from halfseen.nets.fused import FusedNet
from halfseen.nets.shape import TransformerShape
from halfseen.nets.transformer import Layout, Transformer, rotary_turns


class Memory:
    """What one layer remembers of B texts, of at most `room` tokens each."""

    def __init__(self, texts: int, room: int, shape: TransformerShape, device: torch.device, kept_as: torch.dtype = torch.float32) -> None:
        size = (texts, shape.kv_heads or shape.heads, room, shape.width // shape.heads)
        self.keys_BGTE, self.values_BGTE = (torch.zeros(size, device=device, dtype=kept_as) for _ in range(2))

    def make_room(self, tokens: int, step: int) -> None:
        """For so many tokens at least, and if that is more than there is, for `step` more than there is."""
        room = self.keys_BGTE.shape[2]
        if tokens > room:
            more = (0, 0, 0, max(step, tokens - room))
            self.keys_BGTE, self.values_BGTE = F.pad(self.keys_BGTE, more), F.pad(self.values_BGTE, more)

    def choose(self, rows_B: Tensor) -> None:
        """From now on, these texts: some may be gone, some twice."""
        self.keys_BGTE, self.values_BGTE = self.keys_BGTE[rows_B], self.values_BGTE[rows_B]


@dataclass(frozen=True)
class Recording:
    """The attention of whole texts, whose keys and values are kept: N tokens, each of its text, at its place."""

    layout: Layout
    memory: Memory
    text: Tensor
    place: Tensor

    @property
    def turns(self) -> tuple[Tensor, Tensor] | None:
        return self.layout.turns

    def attend(self, q_NHE: Tensor, k_NGE: Tensor, v_NGE: Tensor) -> Tensor:
        kept_as = self.memory.keys_BGTE.dtype
        self.memory.keys_BGTE[self.text, :, self.place] = k_NGE.to(kept_as)
        self.memory.values_BGTE[self.text, :, self.place] = v_NGE.to(kept_as)
        return self.layout.attend(q_NHE, k_NGE, v_NGE)


@dataclass(slots=True)
class Stepping:
    """The attention of one more token of each text, at its place_B. hidden_B11T: 0 where a text has a token, -inf elsewhere; None if
    all have as many as were `seen`. Not frozen: one is made a layer and token, and to freeze it takes longer than to make it."""

    memory: Memory
    row: Tensor
    place: Tensor
    turns: tuple[Tensor, Tensor] | None
    seen: int
    hidden: Tensor | None

    def attend(self, q_BHE: Tensor, k_BGE: Tensor, v_BGE: Tensor) -> Tensor:
        keys_BGTE, values_BGTE = self.memory.keys_BGTE, self.memory.values_BGTE
        if self.hidden is None:
            keys_BGTE.select(2, self.seen - 1).copy_(k_BGE)
            values_BGTE.select(2, self.seen - 1).copy_(v_BGE)
        else:
            kept_as = keys_BGTE.dtype
            keys_BGTE[self.row, :, self.place], values_BGTE[self.row, :, self.place] = k_BGE.to(kept_as), v_BGE.to(kept_as)
        texts, groups, _, width = keys_BGTE.shape
        q_BGQE = q_BHE.to(keys_BGTE.dtype).reshape(texts, groups, -1, width)
        seen = self.seen
        mixed_BGQE = F.scaled_dot_product_attention(q_BGQE, keys_BGTE.narrow(2, 0, seen), values_BGTE.narrow(2, 0, seen), self.hidden)
        return mixed_BGQE.reshape(texts, -1).to(q_BHE.dtype)


class Decoder:
    """B texts, read once and then continued one token at a time. `next_BV`: the logits of what comes next."""

    @torch.inference_mode()
    def __init__(
        self,
        net: Transformer | FusedNet,
        head: Callable[[Tensor], Tensor],
        texts: Tokens,
        *,
        room: int,
        kept_as: torch.dtype = torch.float32,
    ) -> None:
        """net, head: as they are, or `fused`. room: tokens a text may grow to, what was read included. kept_as: what keys and values are
        remembered as.

        Raises ValueError if the net takes fewer, or if it has layers that see only a window.
        """
        if room > net.shape.max_length:
            raise ValueError(f"room for {room} tokens, but the net takes at most {net.shape.max_length}")
        if net.shape.local_window is not None:
            raise ValueError("layers that see only a window are not remembered")
        self.net, self.head = net, head
        texts = replace(texts, causal=torch.ones_like(texts.lengths, dtype=torch.bool))
        device = texts.ids.device
        self.memories = [Memory(len(texts.lengths), room, net.shape, device, kept_as) for _ in range(net.shape.layers)]
        self.lengths_B = texts.lengths.clone()
        self.shortest, self.longest = int(self.lengths_B.min()), int(self.lengths_B.max())
        self.turns = rotary_turns(torch.arange(room, device=device), net.shape, torch.float32)
        layout = Layout(texts, net.shape)
        recording = [Recording(layout, memory, texts.sample, texts.position) for memory in self.memories]
        states_ND = net.run(texts, layouts=recording).last
        self.next_BV: Tensor = head(states_ND[texts.first + texts.lengths - 1]).float()

    @property
    def room_left(self) -> int:
        """Tokens that the longest text can still take."""
        return self.memories[0].keys_BGTE.shape[2] - self.longest

    @torch.inference_mode()
    def step(self, ids_B: Tensor) -> Tensor:
        """Takes one more token of each text, and returns `next_BV`."""
        place_B = self.lengths_B
        self.lengths_B = place_B + 1
        self.shortest, self.longest = self.shortest + 1, self.longest + 1
        hidden_B11T = None
        if self.shortest < self.longest:
            past_BT = torch.arange(self.longest, device=place_B.device) >= self.lengths_B[:, None]
            hidden_BT = torch.zeros(past_BT.shape, device=place_B.device, dtype=self.memories[0].keys_BGTE.dtype)
            hidden_B11T = hidden_BT.masked_fill_(past_BT, -torch.inf)[:, None, None]
        here = slice(self.longest - 1, self.longest) if hidden_B11T is None else place_B
        turns = None if self.turns is None else (self.turns[0][here], self.turns[1][here])
        row_B = torch.arange(len(ids_B), device=place_B.device)
        steppings = [Stepping(memory, row_B, place_B, turns, self.longest, hidden_B11T) for memory in self.memories]
        tokens = Tokens(ids_B, place_B, None, torch.ones_like(place_B), None, row_B[:, None])
        self.next_BV = self.head(self.net.run(tokens, layouts=steppings).last).float()
        return self.next_BV

    def choose(self, rows_B: Tensor) -> None:
        """From now on, these texts: some may be gone, some twice."""
        for memory in self.memories:
            memory.choose(rows_B)
        self.lengths_B, self.next_BV = self.lengths_B[rows_B], self.next_BV[rows_B]
        self.shortest, self.longest = int(self.lengths_B.min()), int(self.lengths_B.max())
