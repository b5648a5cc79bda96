"""Learning per minute of GPT: held-out bits a byte of ours after OUR_MINUTES, reading and tokenising included, and of a plain recipe
(`benchmarks/nanogpt.py`) after PEER_MINUTES of training alone.

6 layers x 384, segments of 256 tokens; the peer's learning rate is the best of RATES after TUNING_MINUTES each. Same size, text,
tokenizer and held-out text.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

import halfseen
from benchmarks.gpt import HEADS, LAYERS, LENGTH, ROWS, WIDTH, plain
from benchmarks.nanogpt import NanoGpt, Training, random_windows
from halfseen.contracts import Array
from halfseen.data.corpus import Corpus, Segments, open_corpus
from halfseen.data.tokenizers import Tokenizer
from halfseen.data.tokens import Tokens
from halfseen.hub.folder import load
from halfseen.methods.recipes import GptRecipe, NetSize
from halfseen.nets.fused import fused
from halfseen.nets.heads import NextHead
from halfseen.train.run import CORPUS

OUR_MINUTES, PEER_MINUTES, TUNING_MINUTES = 10.0, 20.0, 1.0
RATES = (3e-4, 1e-3, 3e-3)
TEXTS = ("novels20", "bbc_news", "abc_news", "us_speeches")


def stream_of(segments: Segments, begin: int) -> Array:
    """All segments one after the other, each behind <BOS>, as the method sees them."""
    return np.concatenate([part for i in range(len(segments)) for part in (np.array([begin]), segments[i].ids)])


@torch.no_grad()
def bits_per_byte(logits_of: Callable[[Tensor], Tensor], corpus: Corpus, begin: int) -> float:
    """On the very segments that ours is judged by. logits_of: ids_T to T x V."""
    nats = 0.0
    for i in range(len(corpus.heldout)):
        ids = torch.from_numpy(corpus.heldout[i].ids)
        seen = torch.cat((torch.tensor([begin]), ids[:-1]))
        nats += float(F.cross_entropy(logits_of(seen).float(), ids, reduction="sum"))
    return nats / math.log(2) / corpus.tally.heldout_bytes


def in_int8(folder: Path) -> Callable[[Tensor], Tensor]:
    """Our model as `generate --precision int8` has it."""
    loaded = load(folder)
    assert isinstance(loaded.head, NextHead)
    net, head = fused(loaded.net.eval(), loaded.head, int8=True)
    return lambda ids_T: head(net(Tokens.of(ids_T.numpy(), np.array([len(ids_T)]))).last)


def run(data: Path, *, rounds: int, smoke: bool) -> dict[str, Any]:
    """rounds is not used: a round takes as long as it takes."""
    our_minutes, peer_minutes, tuning_minutes = (1.5, 0.1, 0.05) if smoke else (OUR_MINUTES, PEER_MINUTES, TUNING_MINUTES)
    folder = Path(tempfile.mkdtemp()) / "ours"
    text = [str(data / "text_en" / f"{name}.tar.xz") for name in TEXTS]
    size = NetSize(layers=LAYERS, width=WIDTH, heads=HEADS)
    learnt = halfseen.pretrain("gpt", text, out=folder, minutes=our_minutes, recipe=GptRecipe(net=size))
    mine = {"minutes": learnt["seconds"] / 60, "tokens_per_s": learnt["tokens_per_s"], "tokens": learnt["tokens"], **learnt["heldout"]}
    corpus, tokenizer = open_corpus(folder / CORPUS), Tokenizer.load(folder)
    mine["bits_per_byte_in_int8"] = bits_per_byte(in_int8(folder), corpus, tokenizer.table.cls)
    print(f"  halfseen: {mine}", flush=True)
    stream, vocabulary = stream_of(corpus.train, tokenizer.table.cls), len(tokenizer.table)
    faster = plain(stream, vocabulary, bfloat16=True, warmup=1, steps=4) > plain(stream, vocabulary, bfloat16=False, warmup=1, steps=4)

    def theirs(learning_rate: float, minutes: float) -> dict[str, Any]:
        torch.manual_seed(0)
        a_second = plain(stream, vocabulary, bfloat16=faster, warmup=2, steps=8)
        steps = max(1, int(60 * minutes * a_second / (ROWS * LENGTH)))
        model = NanoGpt(vocabulary, layers=LAYERS, width=WIDTH, heads=HEADS, length=LENGTH)
        training = Training(model, random_windows(stream, ROWS, LENGTH), steps=steps, learning_rate=learning_rate, bfloat16=faster)
        seconds = sum(training.step() for _ in range(steps))
        found = {
            "learning_rate": learning_rate,
            "minutes": seconds / 60,
            "tokens_per_s": ROWS * LENGTH * steps / seconds,
            "bfloat16": faster,
            "bits_per_byte": bits_per_byte(lambda ids_T: model(ids_T[None])[0], corpus, tokenizer.table.cls),
        }
        print(f"  plain recipe: {found}", flush=True)
        return found

    tuned = [theirs(learning_rate, tuning_minutes) for learning_rate in RATES[: 1 if smoke else None]]
    best = min(tuned, key=lambda found: float(found["bits_per_byte"]))
    return {"halfseen": mine, "plain recipe, tuning": tuned, "plain recipe": theirs(best["learning_rate"], peer_minutes)}
