"""Real blanks for the reader: a word hidden in each of some held-out texts, and what the model takes it for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from halfseen.contracts import Sample, Split
from halfseen.data.tokenizers import Tokenizer
from halfseen.data.tokens import Segment, Tokens
from halfseen.methods.text import TextMethod
from halfseen.nets.heads import likeliest
from halfseen.split.mask import frame

BLANKS, TOP = 6, 5
SHORTEST, LONGEST = 8, 30
"""Tokens of a text that is shown."""


@torch.no_grad()
def fill_blanks(method: TextMethod, tokenizer: Tokenizer, heldout: Sequence[Sample]) -> list[dict[str, Any]]:
    """{"text", "truth", "candidates": [{"token", "probability"}]} of the first held-out texts; nothing is picked by hand.

    The blank is the word nearest to the text's middle that is one token and holds a letter.
    """
    training = method.training
    method.eval()
    table = tokenizer.table
    found: list[dict[str, Any]] = []
    device = next(method.parameters()).device
    ahead = method.head.before if method.head else 0
    for sample in heldout:
        if len(found) == BLANKS:
            break
        segment = Segment(sample.x.ids[:LONGEST], sample.x.starts[:LONGEST])
        at = word_in_the_middle(segment, tokenizer)
        if at is None:
            continue
        truth, hidden = int(segment.ids[at]), segment.ids.copy()
        hidden[at] = table.mask
        framed = frame([(Segment(hidden, segment.starts),)], table)
        seen = Tokens.of(framed.ids, framed.lengths).to(device)
        asked = Split(seen, torch.tensor([truth], device=device), torch.tensor([at + 1 - ahead], device=device))
        best = likeliest(method.logits(asked)[0], TOP, without=table.special)
        before, after = tokenizer.decode(segment.ids[:at]), tokenizer.decode(segment.ids[at + 1 :])
        space = " " if before and tokenizer.decode([truth]).startswith(" ") else ""
        candidates = [{"token": tokenizer.token(i), "probability": p} for i, p in best]
        found.append({"text": f"{before}{space}[MASK]{after}", "truth": tokenizer.decode([truth]).strip(), "candidates": candidates})
    method.train(training)
    return found


def word_in_the_middle(segment: Segment, tokenizer: Tokenizer) -> int | None:
    n = len(segment.ids)
    if n < SHORTEST:
        return None
    whole_N = segment.starts & np.append(segment.starts[1:], True)
    places = [i for i in np.flatnonzero(whole_N).tolist() if any(c.isalpha() for c in tokenizer.decode([int(segment.ids[i])]))]
    return min(places, key=lambda i: abs(i - n // 2), default=None)
