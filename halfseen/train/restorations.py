"""Held-out texts, corrupted as in training, and what the model makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from halfseen.contracts import Sample
from halfseen.data.draw import KeyedDraw
from halfseen.data.tokenizers import Tokenizer
from halfseen.data.tokens import Segment
from halfseen.methods.text import TextMethod
from halfseen.nets.beam import beam_search
from halfseen.nets.heads import NextHead
from halfseen.nets.seq2seq import EncoderDecoder

TEXTS, SHORTEST, LONGEST, BEAMS = 3, 8, 40, 4
"""How many texts, the tokens of each that are shown, and the beams."""


def restore_texts(method: TextMethod, tokenizer: Tokenizer, heldout: Sequence[Sample]) -> list[dict[str, str]]:
    """{"corrupted", "truth", "restored"} of the first held-out texts that are long enough: what the encoder sees, what the decoder
    should write, and what it writes."""
    assert isinstance(method.net, EncoderDecoder)
    assert isinstance(method.head, NextHead)
    training = method.training
    method.eval()
    table = tokenizer.table
    chosen = [sample for sample in heldout if len(sample.x.ids) >= SHORTEST][:TEXTS]
    samples = [replace(sample, x=Segment(sample.x.ids[:LONGEST], sample.x.starts[:LONGEST])) for sample in chosen]
    found: list[dict[str, str]] = []
    if samples:
        split = method.faces["restored"](samples, KeyedDraw(0, 0, samples))
        seen, never = split.seen.source.to(next(method.parameters()).device), sorted(table.special - {table.sep} - set(table.sentinels))
        written = beam_search(
            method.net,
            method.head,
            seen,
            begin=method.net.shape.begin or (table.cls,),
            end=table.sep,
            longest=min(method.net.shape.max_length, 2 * LONGEST),
            beams=BEAMS,
            never=torch.tensor(never, device=seen.ids.device),
        )
        for i, text in enumerate(written):
            source, wanted = seen.ids[seen.sample == i].tolist(), split.target[split.seen.target.sample == i].tolist()
            found.append({
                "corrupted": tokenizer.decode(source[1:-1]),
                "truth": tokenizer.decode([id_ for id_ in wanted if id_ != table.sep]),
                "restored": tokenizer.decode(text.ids),
            })  # fmt: skip
    method.train(training)
    return found
