"""Next tokens: the text up to a token is seen, the token is the target (Radford et al. 2018, equation 1).

Shapes: N tokens of S samples laid end to end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from halfseen.contracts import Array, Draw, Sample, Split
from halfseen.data.tokenizers import TokenTable
from halfseen.data.tokens import Tokens


@dataclass(frozen=True)
class NextTokens:
    """seen: <BOS> and the text, each token hidden from those before it. target_N, scored_N: every token, in its place.

    ends: whether the end of a document is a token to predict, too. <BOS> and the end are the tokens that begin and close a
    text elsewhere, [CLS] and [SEP] in vocabularies trained here.
    """

    tokens: TokenTable
    ends: bool = True

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        begin, end = np.array([self.tokens.cls]), np.array([self.tokens.sep])
        seen: list[Array] = []
        target: list[Array] = []
        lengths = []
        for sample in samples:
            ids = sample.x.ids
            closed = self.ends and bool(sample.meta.get("ends", False))
            seen += (begin, ids if closed else ids[:-1])
            target += (ids, end) if closed else (ids,)
            lengths.append(len(ids) + closed)
        seen_N, target_N = np.concatenate(seen), np.concatenate(target).astype(np.int64)
        tokens = Tokens.of(seen_N, np.array(lengths, dtype=np.int64), causal_S=np.ones(len(lengths), dtype=bool))
        return Split(tokens, torch.from_numpy(target_N), torch.arange(len(target_N)))
