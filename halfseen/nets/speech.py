"""A transformer for frames of speech laid end to end, some of them a step. Shapes: N frames of F bands, K steps of C frames, width D."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from halfseen.contracts import Array, Out
from halfseen.data.speech_batch import Frames, HiddenFrames, Steps
from halfseen.data.tokens import Tokens, lay_rows, order_for_rows, round_up
from halfseen.nets.rows import Moves, mix_in_rows
from halfseen.nets.shape import TransformerShape
from halfseen.nets.transformer import Layout, Stack

SHORTEST_ROW = 64
"""Rows of attention are at least this long; no sample stands in a row of one that is in the next power of two."""


class FrameNet(Stack):
    """Frames to hidden states; samples never see each other. stack: frames in a step. hides: whether there is a state of what is hidden."""

    def __init__(self, shape: TransformerShape, bands: int, *, stack: int = 1, hides: bool = False) -> None:
        super().__init__(shape)
        self.bands, self.stack = bands, stack
        self.into = nn.Linear(stack * bands, shape.width)
        self.unseen = nn.Parameter(torch.zeros(1, shape.width)) if hides else None

    def forward(self, seen: Frames, *, every_layer: bool = False) -> Out:
        """Out(last_ND), each frame with its step's state; with `every_layer` also what goes into the first layer and what each gives."""
        found, steps = self.steps(seen, every_layer=every_layer)
        return Out(last=found.last[steps.step], layers=tuple(layer[steps.step] for layer in found.layers))

    def steps(self, seen: Frames, *, every_layer: bool = False) -> tuple[Out, Steps]:
        """The states of steps, and which frames these hold. There may be more states than steps, to be left alone."""
        lengths_S = seen.lengths.cpu().numpy()
        groups = alike(-(-lengths_S // self.stack))
        steps = Steps.of(lengths_S, np.concatenate(groups), self.stack)
        layout = GroupedLayout(steps.lengths, [len(group) for group in groups], self.shape, seen.x.device)
        steps = steps.to(seen.x.device)
        hidden_N = seen.hidden if isinstance(seen, HiddenFrames) else None
        x_NF = seen.x if hidden_N is None else seen.x.masked_fill(hidden_N[:, None], 0.0)
        x_KD = self.into(F.pad(x_NF[steps.frame].flatten(1), (0, 0, 0, layout.padding)))
        if hidden_N is not None and self.unseen is not None:
            hidden_K1 = F.pad(hidden_N[steps.frame[:, 0]], (0, layout.padding))[:, None]
            x_KD = x_KD + hidden_K1 * self.unseen
        return self.above(x_KD, layout.tokens[0], [layout] * self.shape.layers, every_layer=every_layer), steps


def alike(steps_S: Array) -> list[Array]:
    """Samples that share rows, in an order that leaves few gaps in them."""
    power_S = np.ceil(np.log2(np.maximum(1, steps_S / SHORTEST_ROW)))
    groups = [np.flatnonzero(power_S == power) for power in np.unique(power_S)]
    return [group[order_for_rows(steps_S[group], row_length(steps_S[group]))] for group in groups]


def row_length(steps_S: Array) -> int:
    """Of a group's rows: as its longest sample needs, of few different lengths."""
    return max(SHORTEST_ROW, round_up(int(steps_S.max()), 8, 16))


class GroupedLayout:
    """Samples of like lengths attend in rows of their own, so that short ones stand in no row of a long one.

    padding: steps to append to all others, so that few shapes occur (`Tokens.rounded`).
    """

    def __init__(self, steps_S: Array, counts: list[int], shape: TransformerShape, device: torch.device) -> None:
        self.tokens: list[Tokens] = []
        self.heads = shape.heads
        total = int(steps_S.sum())
        self.padding = round_up(total, 64, 32) - total if device.type == "cpu" else 0
        for i, steps in enumerate(np.split(steps_S, np.cumsum(counts)[:-1])):
            tokens = Tokens.of(np.zeros(steps.sum(), np.int64), steps, rows=lay_rows(steps, row_length(steps)))
            self.tokens.append(tokens.padded(self.padding if i == len(counts) - 1 else 0).to(device))
        self.layouts = [Layout(tokens, shape) for tokens in self.tokens]
        self.sizes = [len(tokens.ids) for tokens in self.tokens]
        turns = [layout.turns for layout in self.layouts if layout.turns is not None]
        self.turns = (torch.cat([cos for cos, _ in turns]), torch.cat([sin for _, sin in turns])) if turns else None

    @cached_property
    def moves(self) -> Moves:
        """Of all groups at once."""
        return Moves.of([layout.grid for layout in self.layouts], self.heads)

    def attend(self, q_KHE: Tensor, k_KGE: Tensor, v_KGE: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            return mix_in_rows(q_KHE, k_KGE, v_KGE, self.moves, self.moves, [layout.hidden_PLL for layout in self.layouts])
        parts = (torch.split(x, self.sizes) for x in (q_KHE, k_KGE, v_KGE))
        return torch.cat([layout.attend(q, k, v) for layout, q, k, v in zip(self.layouts, *parts, strict=True)])


def mean_over_frames(states_ND: torch.Tensor, seen: Frames) -> torch.Tensor:
    """pooled_SD."""
    sums_SD = states_ND.new_zeros(len(seen.lengths), states_ND.shape[1]).index_add_(0, seen.sample, states_ND)
    return sums_SD / seen.lengths[:, None].to(states_ND)
