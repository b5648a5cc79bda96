"""Replaced tokens: the text with tokens hidden, and a number for each that decides what is put in its place (ELECTRA,
arXiv:2003.10555, section 2).

The net that guesses is not known here; so that what it puts in does not depend on the batch around a sample, the numbers
come from the sample's own draw. Shapes: N tokens; M of them hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from halfseen.contracts import Draw, Sample, Split
from halfseen.split.mask import HideTokens, frame


@dataclass(frozen=True)
class ReplaceTokens:
    """second.target_N is true at tokens of the text itself, which may be replaced or not; second.scored_M is uniform in [0, 1)."""

    hide: HideTokens

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        framed = frame([(sample.x,) for sample in samples], self.hide.tokens)
        split = self.hide.hide(framed, draw)
        uniform_M = torch.from_numpy(draw(framed.lengths))[split.scored]
        return replace(split, second=Split(split.seen, torch.from_numpy(framed.plain), uniform_M))
