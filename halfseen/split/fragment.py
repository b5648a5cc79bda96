"""MASS: a fragment of the text is hidden from the encoder, and the decoder restores it (arXiv:1905.02450, section 3.2, equation 1).

Of the fragment's tokens the encoder sees [MASK] in place of 80 %, another token for 10 %, and 10 % as they are (section 4.1). The
decoder's positions are those in the text. Shapes: N tokens of S texts laid end to end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from halfseen.contracts import Draw
from halfseen.data.tokenizers import TokenTable
from halfseen.split.restore import Corrupted, Texts, tokens_to_hide

MASK_SHARE, RANDOM_SHARE = 0.8, 0.1


@dataclass(frozen=True)
class Fragment:
    """rate: the fragment's share of the text."""

    tokens: TokenTable
    rate: float

    def __call__(self, texts: Texts, draw: Draw) -> Corrupted:
        wanted_S = tokens_to_hide(texts.lengths, self.rate)
        first_S = (draw(1) * (texts.lengths - wanted_S + 1)).astype(np.int64)
        place_N, owner_N = texts.place, texts.owner
        inside_N = (place_N >= first_S[owner_N]) & (place_N < (first_S + wanted_S)[owner_N])
        fate_N, other_N = draw(texts.lengths), draw(texts.lengths)
        plain_V = self.tokens.plain
        seen_N = np.where(inside_N & (fate_N < MASK_SHARE + RANDOM_SHARE), plain_V[(other_N * len(plain_V)).astype(np.int64)], texts.ids)
        seen_N = np.where(inside_N & (fate_N < MASK_SHARE), self.tokens.mask, seen_N)
        return Corrupted(texts._replace(ids=seen_N), texts.ids[inside_N], wanted_S, ends=False, offset=first_S)
