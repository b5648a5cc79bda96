"""GPT: useful tokens a second of pre-training, 6 layers x 384, segments of 256 tokens, vocabulary 8192, batches of 16 segments.

Peers: Trainer with GPT-2 and with Llama of this size, and a plain recipe in PyTorch (`benchmarks/nanogpt.py`). All with AdamW; ours
with Muon, its default, as well.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from benchmarks.interleave import Contender, interleave
from benchmarks.material import news, tokenizer_for
from benchmarks.nanogpt import NanoGpt, Training, random_windows
from benchmarks.trainer import rate
from halfseen.contracts import Array, Sample
from halfseen.data.tokenizers import Tokenizer
from halfseen.data.tokens import Segment
from halfseen.methods.gpt import Gpt
from halfseen.methods.recipes import GptRecipe, NetSize
from halfseen.nets.transformer import initialise
from halfseen.train.budget import gemm_peak
from halfseen.train.loop import Loop
from halfseen.train.options import OptimOptions

LAYERS, WIDTH, HEADS, ROWS, LENGTH = 6, 384, 6, 16, 256


def ours(
    samples: Sequence[Sample],
    tokenizer: Tokenizer,
    kind: Literal["adamw", "muon"],
    *,
    bfloat16: bool,
    warmup: int,
    steps: int,
    shares: list[float],
) -> float:
    """One round of the loop and the method that `pretrain` uses; notes its share of the GEMM peak."""
    recipe = GptRecipe(net=NetSize(heads=HEADS))
    method = Gpt(recipe, recipe.shape(layers=LAYERS, width=WIDTH), tokenizer.table)
    initialise(method, 0)

    def batch_of(step: int) -> tuple[int, list[Sample]]:
        at = step * ROWS % (len(samples) - ROWS)
        return 0, list(samples[at : at + ROWS])

    optim = OptimOptions(kind=kind)
    loop = Loop(method, batch_of, method.splitter, steps=warmup + steps, optim=optim, seed=0, bfloat16=bfloat16)
    for _ in range(warmup):
        loop.step()
    started = time.perf_counter()
    stepped = [loop.step() for _ in range(steps)]
    seconds, tokens = time.perf_counter() - started, sum(one.tokens for one in stepped)
    peak = gemm_peak(torch.bfloat16 if bfloat16 else torch.float32, 2048)
    shares.append(method.flops(tokens, tokens, LENGTH) / seconds / 1e9 / peak)
    return tokens / seconds


def plain(stream: Array, vocabulary: int, *, bfloat16: bool, warmup: int, steps: int) -> float:
    model = NanoGpt(vocabulary, layers=LAYERS, width=WIDTH, heads=HEADS, length=LENGTH)
    training = Training(model, random_windows(stream, ROWS, LENGTH), steps=warmup + steps, learning_rate=1e-3, bfloat16=bfloat16)
    seconds = [training.step() for _ in range(warmup + steps)][warmup:]
    return ROWS * LENGTH * steps / sum(seconds)


def collate(rows: list[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
    ids = torch.tensor([row["input_ids"] for row in rows])
    return {"input_ids": ids, "labels": ids, "attention_mask": torch.ones_like(ids)}


def trainer(kind: str, vocabulary: int, dataset: list[dict[str, list[int]]], *, warmup: int, steps: int, bf16: bool) -> float:
    if kind == "GPT-2":
        sizes = {"n_embd": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "n_positions": LENGTH}
        model: torch.nn.Module = GPT2LMHeadModel(GPT2Config(vocab_size=vocabulary, **sizes))
    else:
        shape = GptRecipe(net=NetSize(heads=HEADS)).shape(layers=LAYERS, width=WIDTH)
        llama = {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "intermediate_size": shape.ffn_width}
        model = LlamaForCausalLM(LlamaConfig(vocab_size=vocabulary, tie_word_embeddings=True, **llama))
    return rate(model, dataset, collate, warmup=warmup, steps=steps, unit="tokens", per_device_train_batch_size=ROWS, bf16=bf16)


def run(data: Path, *, rounds: int, smoke: bool) -> dict[str, Any]:
    texts = news(data)
    tokenizer = tokenizer_for(texts)
    ids = np.concatenate([pieces.ids for pieces in tokenizer.encode_batch(texts)])
    edges = range(0, len(ids) - LENGTH, LENGTH - 1)
    samples = [Sample(str(at), Segment(ids[at : at + LENGTH - 1], np.ones(LENGTH - 1, dtype=bool)), {"ends": True}) for at in edges]
    dataset = [{"input_ids": [tokenizer.table.cls, *sample.x.ids.tolist()]} for sample in samples]
    fixed = {"warmup": 1, "steps": 2} if smoke else {"warmup": 3, "steps": 10}
    shares: dict[str, list[float]] = {}
    contenders: dict[str, Contender] = {}
    for kind in ("GPT-2", "Llama"):
        for name, bf16 in (("", False), (", bfloat16", True)):
            contenders[f"Trainer, {kind}{name}"] = partial(trainer, kind, len(tokenizer.table), dataset, bf16=bf16, **fixed)
    for name, flag in (("float32", False), ("bfloat16", True)):
        contenders[f"plain PyTorch, {name}"] = partial(plain, ids, len(tokenizer.table), bfloat16=flag, **fixed)
        for shown, optimizer in ((name, "adamw"), (f"{name}, Muon", "muon")):
            noted = shares.setdefault(shown, [])
            contenders[f"halfseen, {shown}"] = partial(ours, samples, tokenizer, optimizer, bfloat16=flag, shares=noted, **fixed)
    table = interleave(contenders, rounds=rounds, unit="tokens/s", reference="Trainer, GPT-2")
    return {"tables": {"GPT": table}, "best_share_of_peak": {name: max(found) for name, found in shares.items()}}
