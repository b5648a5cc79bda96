"""Tokens a second of greedy writing, 256 tokens after 8, 6 layers x 384, vocabulary 8192; one text, and 16.

Peer: `transformers`' generate on the same weights, with its default cache. The float32 texts must be the peer's to the last token.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaForCausalLM

from benchmarks.interleave import Contender, interleave
from benchmarks.material import news, tokenizer_for
from halfseen.apps.writer import Sampling, Writer
from halfseen.hub.folder import load, save
from halfseen.methods.gpt import Gpt
from halfseen.methods.recipes import GptRecipe, NetSize
from halfseen.nets.transformer import initialise

LAYERS, WIDTH, HEADS, READ, WRITTEN = 6, 384, 6, 8, 256
BATCHES = (1, 16)


def run(data: Path, *, rounds: int, smoke: bool) -> dict[str, Any]:
    written = 8 if smoke else WRITTEN
    folder = Path(tempfile.mkdtemp())
    texts = news(data)
    tokenizer = tokenizer_for(texts)
    recipe = GptRecipe(net=NetSize(heads=HEADS))
    method = Gpt(recipe, recipe.shape(layers=LAYERS, width=WIDTH), tokenizer.table)
    initialise(method, 0, spread=0.1)
    save(folder, method.net, method.head, tokenizer, card="# Random weights\n")
    loaded, peer = load(folder), LlamaForCausalLM.from_pretrained(folder).eval()
    table = tokenizer.table
    never = sorted(table.special)  # the end of a text, too, so that all are of one length
    prompts = [tokenizer.decode(tokenizer.encode(text).ids[:READ]) for text in texts[: max(BATCHES)]]
    told: dict[str, list[str]] = {}

    def theirs(batch: int) -> float:
        ids = [[table.cls, *tokenizer.encode(prompt).ids.tolist()] for prompt in prompts[:batch]]
        longest = max(map(len, ids))
        padded = torch.tensor([[table.pad] * (longest - len(row)) + row for row in ids])
        valid = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in ids])
        started = time.perf_counter()
        found = peer.generate(
            padded, attention_mask=valid, do_sample=False, max_new_tokens=written, min_new_tokens=written, suppress_tokens=never,
            pad_token_id=table.pad,
        )  # fmt: skip
        seconds = time.perf_counter() - started
        told[f"transformers, {batch}"] = [tokenizer.decode(row[longest:]) for row in found]
        return batch * written / seconds

    how = Sampling(tokens=written, temperature=0, top_k=None, top_p=1.0, min_p=0.0, stop=(), n=1, seed=0, explain=False)

    def writing(name: str, writer: Writer) -> Callable[[int], float]:
        writer.never = torch.tensor(never)

        def once(batch: int) -> float:
            started = time.perf_counter()
            found = writer.write(prompts[:batch], how)
            seconds = time.perf_counter() - started
            told[f"{name}, {batch}"] = [text["text"] for text in found]
            return batch * written / seconds

        return once

    contenders: dict[str, Callable[[int], float]] = {
        "transformers": theirs,
        "halfseen, float32": writing("halfseen, float32", Writer(loaded)),
        "halfseen, int8": writing("halfseen, int8", Writer(loaded, int8=True)),
    }
    tables = {}
    for batch in BATCHES:
        of_batch: dict[str, Contender] = {name: (lambda one=one, batch=batch: one(batch)) for name, one in contenders.items()}
        tables[f"texts at once: {batch}"] = interleave(of_batch, rounds=rounds, unit="tokens/s", reference="transformers")
        if told[f"halfseen, float32, {batch}"] != told[f"transformers, {batch}"]:
            raise AssertionError(f"float32 does not write what transformers writes, {batch} texts at once")
    return {"tables": tables}
