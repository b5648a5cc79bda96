"""Held-out texts, gone on with: the likeliest next token each time, and what else it might have been."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from halfseen.contracts import Sample
from halfseen.data.tokenizers import Tokenizer
from halfseen.data.tokens import Tokens
from halfseen.methods.text import TextMethod
from halfseen.nets.decode import Decoder
from halfseen.nets.heads import NextHead, likeliest

TEXTS, READ, WRITTEN, TOP = 3, 12, 12, 5
"""How many texts, the tokens of each that are read and written, and the candidates that are shown."""


def continue_texts(method: TextMethod, tokenizer: Tokenizer, heldout: Sequence[Sample]) -> list[dict[str, Any]]:
    """{"prompt", "steps": [{"token", "candidates": [{"token", "probability"}]}]} of the first held-out texts that are long enough."""
    assert isinstance(method.head, NextHead)
    training = method.training
    method.eval()
    table = tokenizer.table
    found = []
    for sample in [sample for sample in heldout if len(sample.x.ids) >= READ + WRITTEN][:TEXTS]:
        read = sample.x.ids[:READ]
        seen = torch.tensor([table.cls, *read.tolist()])
        start = Tokens.of(seen.numpy(), np.array([len(seen)])).to(next(method.parameters()).device)
        decoder = Decoder(method.net, method.head, start, room=min(method.net.shape.max_length, len(seen) + WRITTEN))
        steps = []
        while decoder.room_left > 0:
            best = likeliest(decoder.next_BV[0], TOP, without=table.special)
            steps.append({
                "token": tokenizer.decode([best[0][0]]),
                "candidates": [{"token": tokenizer.token(id_), "probability": share} for id_, share in best],
            })  # fmt: skip
            decoder.step(torch.tensor([best[0][0]], device=decoder.next_BV.device))
        found.append({"prompt": tokenizer.decode(read), "steps": steps})
    method.train(training)
    return found
