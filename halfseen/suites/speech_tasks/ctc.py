"""Frames to symbols without being told where they stand: connectionist temporal classification (Graves et al. 2006), greedily read.

Shapes: B sequences of T frames, L layers of width D; V symbols, of which 0 is the blank.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from halfseen.contracts import UserError
from halfseen.nets.transformer import hash_name
from halfseen.suites.speech_tasks.arm import Arm
from halfseen.suites.speech_tasks.contract import Material
from halfseen.suites.speech_tasks.sequence import Batch, Mix, Schedule, Sequences, learnt
from halfseen.suites.speech_tasks.specaugment import spared

WIDTH = 64
"""Of what states are brought to, and of the LSTM; the benchmark takes 256 and 1,024, which small sets cannot fill."""

DROPPED = 0.2
"""Of what a layer of LSTM says, while it learns; the benchmark's share."""

BLANK = 3.0
"""By how much the blank's logit is above the others before anything is learnt."""

Symbols = tuple[str, ...]
Text = Sequence[Symbols]


class FrameByFrame(nn.Module):
    """The benchmark's head for phones: a projection and a linear layer, each frame by itself."""

    def __init__(self, layers: int, width: int, symbols: int) -> None:
        super().__init__()
        self.mix = Mix(layers)
        self.into = nn.Linear(width, WIDTH)
        self.out = nn.Linear(WIDTH, symbols)

    def forward(self, batch: Batch) -> Tensor:
        """logits_BTV."""
        return mostly_blank(self.out(self.into(self.mix(batch.x))))


class Recurrent(nn.Module):
    """The benchmark's head for letters: two layers of LSTM in both directions. While it learns, SpecAugment hides frames and features from
    it, and of what either layer says a part is dropped; seed: of these draws."""

    def __init__(self, seed: int, layers: int, width: int, symbols: int) -> None:
        super().__init__()
        self.draw = torch.Generator().manual_seed(hash_name("hidden", seed))
        self.mix = Mix(layers)
        self.into = nn.Linear(width, WIDTH)
        self.first, self.second = BothWays(WIDTH, WIDTH), BothWays(2 * WIDTH, WIDTH)
        self.out = nn.Linear(2 * WIDTH, symbols)

    def forward(self, batch: Batch) -> Tensor:
        """logits_BTV."""
        place_BT = turned(batch.lengths, batch.x.shape[2])
        mixed_BTD = self.mix(batch.x)
        if self.training:
            mixed_BTD = spared(mixed_BTD, batch.lengths, self.draw)
        states_BTE = self.thinned(self.first(self.into(mixed_BTD), place_BT))
        return mostly_blank(self.out(self.thinned(self.second(states_BTE, place_BT))))

    def thinned(self, x_BTE: Tensor) -> Tensor:
        """Dropout by a generator of its own, as heads learn in several threads at once."""
        if not self.training:
            return x_BTE
        kept_BTE = torch.empty_like(x_BTE).bernoulli_(1 - DROPPED, generator=self.draw)
        return x_BTE * kept_BTE / (1 - DROPPED)


class BothWays(nn.Module):
    """A layer of LSTM in both directions. Of packed sequences torch makes one small product after the other; this is six times as fast on a
    CPU, and padding changes nothing either."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.ahead = nn.LSTM(inputs, width, batch_first=True)
        self.back = nn.LSTM(inputs, width, batch_first=True)

    def forward(self, x_BTD: Tensor, place_BT: Tensor) -> Tensor:
        """states_BTE. place_BT: as `turned` says."""
        back_BTE = taken(self.back(taken(x_BTD, place_BT))[0], place_BT)
        return torch.cat([self.ahead(x_BTD)[0], back_BTE], -1)


def turned(lengths_B: Tensor, longest: int) -> Tensor:
    """The places of each sequence from its end to its begin, then those of its padding."""
    place_T = torch.arange(longest)
    return torch.where(place_T < lengths_B[:, None], lengths_B[:, None] - 1 - place_T, place_T)


def taken(x_BTD: Tensor, place_BT: Tensor) -> Tensor:
    return x_BTD.gather(1, place_BT[..., None].expand(-1, -1, x_BTD.shape[-1]))


def mostly_blank(logits_BTV: Tensor) -> Tensor:
    """The blank's raised: most frames say no symbol in the end, and to learn that takes hundreds of steps otherwise."""
    raised_V = torch.zeros(logits_BTV.shape[-1])
    raised_V[0] = BLANK
    return logits_BTV + raised_V


@dataclass(frozen=True)
class Read:
    """What was read of each test utterance, and what was chosen on dev."""

    texts: list[Symbols]
    chosen: dict[str, Any]


def read(
    arm: Arm,
    material: Material,
    spelt: Callable[[Any], Symbols],
    wrong: Callable[[Text, Text], float],
    head: Callable[[int, int, int], nn.Module],
    schedule: Schedule,
    seed: int,
    stride: int = 1,
) -> Read:
    """head: made of layers, width and symbols. spelt: a target's symbols. wrong: the share that is wrong of what was read, given that and
    the truth; dev chooses by it.

    Raises UserError for symbols of dev or test that training has not.
    """
    texts = {part: [spelt(each.target) for each in some] for part, some in material.parts().items()}
    number = numbered(texts, material.name)
    sequences = Sequences.of(arm, material.parts(), stride)
    _, layers, width = sequences["train"].states[0].shape

    def loss(made: nn.Module, batch: Batch) -> Tensor:
        target = [torch.tensor([number[symbol] for symbol in texts["train"][i]]) for i in batch.places]
        logits_BTV = made(batch)
        lengths = torch.tensor([len(each) for each in target])
        log_TBV = logits_BTV.log_softmax(-1).transpose(0, 1)
        return F.ctc_loss(log_TBV, torch.cat(target), batch.lengths, lengths, zero_infinity=True)

    def said(made: nn.Module, part: str) -> list[Symbols]:
        found: dict[int, Symbols] = {}
        for batch in sequences[part].batches(schedule.batch_frames):
            for i, length, best_T in zip(batch.places, batch.lengths.tolist(), made(batch).argmax(-1), strict=True):
                found[i] = collapsed(best_T[:length].tolist(), symbols)
        return [found[i] for i in range(len(found))]

    symbols = ["", *number]
    made, chosen = learnt(
        lambda: head(layers, width, len(symbols)), loss, sequences["train"],
        lambda made: -wrong(said(made, "dev"), texts["dev"]), schedule, seed,
    )  # fmt: skip
    with torch.no_grad():
        return Read(said(made, "test"), {**chosen, "layers": made.mix.shares()})


def collapsed(best: Sequence[int], symbols: Sequence[str]) -> Symbols:
    """Repetitions become one, then blanks go."""
    return tuple(symbols[a] for a, b in zip(best, [-1, *best], strict=False) if a not in (b, 0))


def numbered(texts: dict[str, list[Symbols]], where: str) -> dict[str, int]:
    """Each symbol's number from 1, by train's symbols in order. Raises UserError."""
    known = sorted({symbol for text in texts["train"] for symbol in text})
    if strange := sorted({symbol for part in ("dev", "test") for text in texts[part] for symbol in text} - set(known)):
        what = f"{strange[0]!r} is tested on, and stands in no text that is learnt from"
        raise UserError(what, where=where, way_out="give training recordings of it, or take its recordings away")
    return {symbol: i for i, symbol in enumerate(known, 1)}
