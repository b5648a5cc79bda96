"""A decoder that writes: which token comes next is drawn, and when a text is done.

Shapes: B texts; vocabulary V.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from halfseen.contracts import Sample, UserError
from halfseen.data.draw import KeyedDraw
from halfseen.data.tokens import Tokens
from halfseen.hub.folder import Loaded
from halfseen.nets.decode import Decoder
from halfseen.nets.fused import fused
from halfseen.nets.heads import NextHead, likeliest

TOP = 5
"""Candidates of an explained step."""
HALVES_ARE_QUICK = bool(torch.cpu.get_capabilities().get("amx_bf16", False))
"""Whether attention to keys and values in bfloat16 is faster than to those in float32: where the processor multiplies in it. Elsewhere it
is slower (docs/results.md)."""
BROKEN = "\ufffd"
"""How a character looks of which not all bytes are written yet."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next token is drawn and when a text is done; the fields are explained in `GenerateOptions`."""

    tokens: int
    temperature: float
    top_k: int | None
    top_p: float
    min_p: float
    stop: tuple[str, ...]
    n: int
    seed: int
    explain: bool


@dataclass
class Text:
    """One continuation as it grows."""

    prompt: str
    key: Sample
    kept: int | None
    stop: tuple[str, ...]
    ids: list[int] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    ended: str = ""
    said: str = ""
    """What of it has been told already."""


class Writer:
    """A model prepared for writing, in float32 or with weights in int8. Raises UserError if it is no decoder."""

    def __init__(self, loaded: Loaded, *, int8: bool = False) -> None:
        if loaded.head is None:
            way_out = "take the model before fine-tuning"
            raise UserError("has no vocabulary layer, so it cannot go on with a text", where=str(loaded.folder), way_out=way_out)
        if loaded.net.shape.decoder_layers:
            raise UserError(
                f"is an encoder-decoder ({loaded.family}): it writes from one text to another, but does not go on with a text",
                where=str(loaded.folder),
                way_out="take a model of `halfseen pretrain gpt`, or fine-tune this one with `halfseen finetune seq2seq`",
            )
        if not isinstance(loaded.head, NextHead):
            raise UserError(
                f"is an encoder ({loaded.family}): it fills blanks, but does not go on with a text",
                where=str(loaded.folder),
                way_out="take a model of `halfseen pretrain gpt`, or ask this one with `halfseen fill`",
            )
        self.shape, self.tokenizer = loaded.net.shape, loaded.tokenizer
        self.net, self.head = fused(loaded.net.eval(), loaded.head, int8=int8)
        self.kept_as = torch.bfloat16 if int8 and HALVES_ARE_QUICK else torch.float32
        table = self.tokenizer.table
        self.begin = [table.cls] if self.tokenizer.begins_texts else []
        self.never = torch.tensor(sorted(table.special - {table.sep}), dtype=torch.int64)

    def write(self, prompts: Sequence[str], how: Sampling, *, say: Callable[[str], None] | None = None) -> list[dict[str, Any]]:
        """n continuations of each prompt, as `generate` returns them, with the number of `tokens` of each.

        A prompt that leaves no room for as many tokens as asked is read from its end on. Raises UserError if the net
        takes fewer tokens than asked.
        """
        read, texts = self.read(prompts, how)
        return self.go_on(read, texts, how, say=say)

    def go_on(
        self, read: Sequence[Sequence[int]], texts: list[Text], how: Sampling, *, say: Callable[[str], None] | None = None
    ) -> list[dict[str, Any]]:
        """`write` from tokens: those of each prompt, and n texts for each."""
        lengths_P = np.array([len(ids) for ids in read])
        tokens = Tokens.of(np.concatenate(read), lengths_P)
        decoder = Decoder(self.net, self.head, tokens, room=int(lengths_P.max()) + how.tokens, kept_as=self.kept_as)
        if how.n > 1:
            decoder.choose(torch.arange(len(read)).repeat_interleave(how.n))
        open_ = list(range(len(texts)))
        for step in range(how.tokens):
            logits_BV = decoder.next_BV.index_fill(1, self.never, -torch.inf)
            if how.temperature == 0:
                ids_B = logits_BV.max(-1).indices  # argmax of the same numbers takes three times as long
            else:
                ids_B = draw(logits_BV, how, torch.from_numpy(KeyedDraw(how.seed, step, [texts[i].key for i in open_])(1)))
            going = []
            for row, (i, id_) in enumerate(zip(open_, ids_B.tolist(), strict=True)):
                self.take(texts[i], id_, logits_BV[row], how)
                if say is not None:
                    self.tell(texts[i], say)
                if not texts[i].ended:
                    going.append(row)
            if not going or step == how.tokens - 1:
                break
            if len(going) < len(open_):
                rows_B = torch.tensor(going)
                decoder.choose(rows_B)
                open_, ids_B = [open_[row] for row in going], ids_B[rows_B]
            decoder.step(ids_B)
        return [self.told(text) for text in texts]

    def read(self, prompts: Sequence[str], how: Sampling) -> tuple[list[list[int]], list[Text]]:
        """The tokens to read of each prompt, and the texts to write, n for each."""
        longest = self.shape.max_length - how.tokens
        if longest < 1:
            most = self.shape.max_length
            raise UserError(f"--tokens is {how.tokens}, but the net takes {most} in all, the prompt's included", way_out="ask for fewer")
        read, texts = [], []
        for prompt, pieces in zip(prompts, self.tokenizer.encode_batch(prompts), strict=True):
            ids = pieces.ids.tolist()
            begin = self.begin if ids else [self.tokenizer.table.cls]
            room = max(1 if not ids else 0, longest - len(begin))
            kept = room if len(ids) > room else None
            read.append(begin + (ids if kept is None else ids[len(ids) - room :]))
            texts += [Text(prompt, Sample(f"{prompt}\0{copy}", None), kept, how.stop) for copy in range(how.n)]
        return read, texts

    def take(self, text: Text, id_: int, logits_V: Tensor, how: Sampling) -> None:
        """One more token; notes whether the text ends with it."""
        if how.explain:
            candidates = [{"token": self.tokenizer.token(i), "probability": p} for i, p in likeliest(logits_V, TOP)]
            text.steps.append({"token": self.tokenizer.decode([id_]), "candidates": candidates})
        if id_ == self.tokenizer.table.sep:
            text.ended = "end"
            return
        text.ids.append(id_)
        if text.stop and cut_at(self.tokenizer.decode(text.ids), text.stop) is not None:
            text.ended = "stop"
        elif len(text.ids) == how.tokens:
            text.ended = "tokens"

    def tell(self, text: Text, say: Callable[[str], None]) -> None:
        """What is new and sure: no broken character, nothing that may yet become a stop string."""
        whole = self.final(text)
        if not text.ended:
            unsure = max((k for stop in text.stop for k in range(1, len(stop)) if whole.endswith(stop[:k])), default=0)
            whole = whole[: len(whole) - unsure].rstrip(BROKEN)
        if len(whole) > len(text.said):
            say(whole[len(text.said) :])
            text.said = whole

    def final(self, text: Text) -> str:
        written = self.tokenizer.decode(text.ids)
        cut = cut_at(written, text.stop)
        return written if cut is None else written[:cut]

    def told(self, text: Text) -> dict[str, Any]:
        found = {"prompt": text.prompt, "text": self.final(text), "ended": text.ended, "kept": text.kept, "tokens": len(text.ids)}
        return found | ({"steps": text.steps} if text.steps else {})


def cut_at(text: str, stop: Sequence[str]) -> int | None:
    """Where the first stop string begins."""
    places = [at for string in stop if (at := text.find(string)) >= 0]
    return min(places, default=None)


def draw(logits_BV: Tensor, how: Sampling, uniform_B: Tensor) -> Tensor:
    """One token of each text: where the cumulated probabilities of the allowed ones, likeliest first, pass a uniform number."""
    share_BV, order_BV = (logits_BV.double() / how.temperature).softmax(-1).sort(dim=-1, descending=True, stable=True)
    passed_BV = share_BV.cumsum(-1)
    allowed_BV = (passed_BV - share_BV < how.top_p) & (share_BV >= how.min_p * share_BV[:, :1])
    if how.top_k is not None:
        allowed_BV[:, how.top_k :] = False
    mass_B1 = (share_BV * allowed_BV).sum(-1, keepdim=True)
    rank_B1 = torch.searchsorted(passed_BV, uniform_B[:, None] * mass_B1, right=True)
    return order_BV.gather(1, rank_B1.clamp(max=allowed_BV.sum(-1, keepdim=True) - 1)).squeeze(1)
