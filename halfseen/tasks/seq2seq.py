"""A text to a text, by an encoder that reads the one and a decoder that writes the other (Sutskever et al. 2014, arXiv:1409.3215;
fine-tuned as BART is, arXiv:1910.13461, section 3.4).

Every weight is trained, the decoder given what a person wrote so far. Answers are written by beam search. Of a text that is longer
than the net takes, the beginning is read. Shapes: N tokens that decoders write of S samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from halfseen.contracts import Draw, Encoded, Loss, Sample, Split, Splitter, UserError
from halfseen.data.labels import Labelled
from halfseen.data.tokenizers import Tokenizer
from halfseen.data.tokens import Tokens
from halfseen.hub.folder import Loaded
from halfseen.methods.restore import judged
from halfseen.nets.beam import beam_search
from halfseen.nets.heads import pool
from halfseen.nets.seq2seq import EncoderDecoder, RestoringHead
from halfseen.nets.transformer import Transformer
from halfseen.split.restore import framed, two_texts
from halfseen.tasks.task import Task, by_length

BEAMS = 4
BATCH = 32
SOURCE_TOKENS = 2048
"""Tokens to read in a batch whose answers are written side by side."""
SPECIALS = 2
"""[CLS] and [SEP] around what is read; what a decoder begins or ends with, around what is written."""


def longest_answer(source_tokens: int) -> int:
    """Tokens that are written at most of so many."""
    return 2 * source_tokens + 32


class Seq2Seq(Task):
    """Samples of kind seq2seq: x is the text to read, the label the text to write. Raises ValueError if the net has no decoder."""

    metrics = ("bleu", "chrf")
    pooling = "mean"
    labels = ()

    def __init__(self, net: Transformer, tokenizer: Tokenizer) -> None:
        super().__init__()
        if not isinstance(net, EncoderDecoder):
            raise ValueError(f"{net.shape.kind} cannot write one text from another")
        self.net: EncoderDecoder = net
        self.tokenizer = tokenizer
        self.head: RestoringHead = RestoringHead(net)
        self.begin = net.shape.begin or (tokenizer.table.cls,)
        self.never = torch.tensor(sorted(tokenizer.table.special - {tokenizer.table.sep}))
        self.split: Splitter = self.with_targets

    def prepare(self, samples: Sequence[Sample], *, labelled: bool) -> list[Sample]:
        room = self.net.shape.max_length - SPECIALS
        sources = self.tokenizer.encode_batch([sample.x for sample in samples])
        targets = self.tokenizer.encode_batch([sample.meta["label"] for sample in samples]) if labelled else [None] * len(samples)
        return [
            Sample(sample.id, source.ids[:room], {} if target is None else {"target": target.ids[:room]})
            for sample, source, target in zip(samples, sources, targets, strict=True)
        ]

    def with_targets(self, samples: Sequence[Sample], draw: Draw) -> Split:
        """The splitter: what a decoder should write is hidden, as far as it has not written it."""
        sides = [[sample.x for sample in samples], [sample.meta["target"] for sample in samples]]
        source, target = ((np.concatenate(side), np.array([len(ids) for ids in side])) for side in sides)
        return two_texts(source, target, self.tokenizer.table, self.begin)

    def forward(self, split: Split) -> Loss:
        return judged(self.head, self.net(split.seen).last, split, training=self.training)

    def encode(self, seen: Any) -> Encoded:
        states_ND = self.net(seen).last
        return Encoded(states_ND, pool(states_ND, seen, self.pooling), torch.ones(len(states_ND), dtype=torch.bool))

    @torch.no_grad()
    def predict(self, samples: Sequence[Sample], *, bfloat16: bool = False) -> list[Any]:
        """The likeliest text of each sample, by beam search; special tokens are never written."""
        training = self.training
        self.eval()
        prepared = self.prepare(samples, labelled=False)
        table, device, most = self.tokenizer.table, next(self.parameters()).device, self.net.shape.max_length
        said = [""] * len(samples)
        for chosen in by_length([len(sample.x) + SPECIALS for sample in prepared], SOURCE_TOKENS):
            parts = [prepared[i].x for i in chosen]
            ids, lengths = framed(np.concatenate(parts), np.array([len(part) for part in parts]), before=(table.cls,), after=(table.sep,))
            with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
                written = beam_search(
                    self.net,
                    self.head,
                    Tokens.of(ids, lengths).to(device),
                    begin=self.begin,
                    end=table.sep,
                    longest=[min(most, longest_answer(n)) for n in lengths.tolist()],
                    beams=BEAMS,
                    never=self.never.to(device),
                )
            for i, text in zip(chosen, written, strict=True):
                said[i] = self.tokenizer.decode(text.ids[len(self.begin) - 1 :]).strip()
        self.train(training)
        return said

    def truth(self, samples: Sequence[Sample]) -> list[Any]:
        return [sample.meta["label"] for sample in samples]

    def batch_for(self, count: int) -> int:
        return BATCH

    def epochs_for(self, count: int) -> int:
        """Four times as many pairs are learnt from for twice as long."""
        return int(np.clip(round(1000 / count**0.5), 4, 30))


def must_write(models: Mapping[str, Loaded], files: Sequence[Labelled]) -> list[str]:
    """What a reader has to know of pairs that the models do not read whole, a sentence a file and model.

    Raises UserError if a model has no decoder that reads an encoder, all of them named.
    """
    others = [
        f"{model.folder} is {model.net.shape.kind} ({model.family})" for model in models.values() if not model.net.shape.decoder_layers
    ]
    if others:
        way_out = "take models of `halfseen pretrain bart`, `mass` or `t5`, or BART folders in the Hugging Face layout"
        raise UserError(f"{'; '.join(others)}: what writes one text from another is an encoder-decoder", where="--model", way_out=way_out)
    notes = []
    for name, model in models.items():
        room = model.net.shape.max_length - SPECIALS
        for file in files:
            for side, texts in (("sources", [s.x for s in file.samples]), ("targets", [s.meta["label"] for s in file.samples])):
                if cut := sum(len(pieces.ids) > room for pieces in model.tokenizer.encode_batch(texts)):
                    notes.append(
                        f"{cut:,} of {len(texts):,} {side} of {file.path} are longer than {name} takes: "
                        f"their first {room:,} tokens were used."
                    )
    return notes
