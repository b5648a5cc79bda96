"""Both ways of asking in one batch: hidden tokens of some texts, next tokens of others (GPT-BERT, arXiv:2410.24159, section 2).

A hidden token is asked for one place earlier, where a next token is asked for, too, so that one vocabulary layer answers both.
Shapes: N tokens of S samples laid end to end; M of them scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from halfseen.contracts import Draw, Sample, Split
from halfseen.data.tokens import Tokens
from halfseen.split.mask import HideTokens, frame
from halfseen.split.shift import NextTokens


@dataclass(frozen=True)
class HideTokensBefore:
    """`HideTokens` whose scored places are those before the hidden tokens."""

    hide: HideTokens

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        split = self.hide.hide(frame([(sample.x,) for sample in samples], self.hide.tokens), draw)
        return Split(split.seen, split.target, split.scored - 1)


@dataclass(frozen=True)
class BothWays:
    """A share `causal` of the samples, chosen by their own draw, is asked for next tokens, the others for hidden ones."""

    hide: HideTokensBefore
    following: NextTokens
    causal: float

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        """The samples in their order, each as one of the two splitters gives it."""
        causal_S = draw(1) < self.causal
        hidden, following = self.hide(samples, draw), self.following(samples, draw)
        pieces = [(following if causal else hidden) for causal in causal_S]
        starts = {id(split): split.seen.first.tolist() for split in (hidden, following)}
        owners = {id(split): split.seen.sample[split.scored] for split in (hidden, following)}
        ids, lengths, target, scored, begun = [], [], [], [], 0
        for s, split in enumerate(pieces):
            first, length = starts[id(split)][s], int(split.seen.lengths[s])
            mine = owners[id(split)] == s
            ids.append(split.seen.ids[first : first + length])
            target.append(split.target[mine])
            scored.append(split.scored[mine] - first + begun)
            lengths.append(length)
            begun += length
        seen = Tokens.of(torch.cat(ids).numpy(), np.array(lengths, dtype=np.int64), causal_S=causal_S)
        return Split(seen, torch.cat(target), torch.cat(scored))
