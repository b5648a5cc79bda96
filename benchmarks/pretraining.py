"""Useful tokens a second of BERT pre-training, 4 layers x 256, vocabulary 8192, batches of 32 rows of at most 128 tokens.

Peer: Trainer with run_mlm's recipe (BERT, dropout 0.1, AdamW, dynamic padding). Ours: the loop and the method that `pretrain`
uses. Sentences of natural length in random order, the same grouped by length (which only Trainer needs), and full rows.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import BertConfig, BertForMaskedLM, DataCollatorForLanguageModeling, PreTrainedTokenizerFast

from benchmarks.interleave import Contender, Measured, interleave
from benchmarks.material import news, packed, sentences, tokenizer_for
from benchmarks.trainer import rate
from halfseen.contracts import Sample
from halfseen.data.draw import permutation
from halfseen.data.tokenizers import Tokenizer
from halfseen.data.tokens import order_for_rows
from halfseen.methods.bert import Bert
from halfseen.methods.recipes import BertRecipe
from halfseen.nets.shape import TransformerShape
from halfseen.nets.transformer import initialise
from halfseen.train.budget import gemm_peak
from halfseen.train.loop import Loop
from halfseen.train.options import OptimOptions

LAYERS, WIDTH, HEADS, ROWS, LENGTH = 4, 256, 4, 32, 128
SIZES = (512, 1024, 2048)
"""Of square products; the fastest is the peak."""


def bert(vocabulary: int) -> BertForMaskedLM:
    """run_mlm's net of this size, with its default dropout."""
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=4 * WIDTH,
        max_position_embeddings=512,
    )
    return BertForMaskedLM(config)


def collator(tokenizer: Tokenizer) -> DataCollatorForLanguageModeling:
    names = {f"{duty}_token": tokenizer.token_of(duty)[0] for duty in ("pad", "mask", "cls", "sep", "unk")}
    return DataCollatorForLanguageModeling(PreTrainedTokenizerFast(tokenizer_object=tokenizer.inner, **names), mlm_probability=0.15)


def rows_for_trainer(samples: Sequence[Sample], tokenizer: Tokenizer) -> list[dict[str, list[int]]]:
    table = tokenizer.table
    return [{"input_ids": [table.cls, *sample.x.ids.tolist(), table.sep]} for sample in samples]


class RandomBatches:
    """ROWS samples a step, laid into rows."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples, self.order = samples, permutation(len(samples), 0, 0)

    def __call__(self, step: int) -> tuple[int, list[Sample]]:
        at = step * ROWS % (len(self.samples) - ROWS)
        chosen = [self.samples[i] for i in self.order[at : at + ROWS]]
        return 0, [chosen[i] for i in order_for_rows(np.array([len(sample.x.ids) + 2 for sample in chosen]))]


class Ours:
    """One round: a fresh net, some steps to warm up, then `steps` steps. Remembers its share of the GEMM peak."""

    def __init__(self, samples: Sequence[Sample], tokenizer: Tokenizer, *, bfloat16: bool, kind: str, warmup: int, steps: int) -> None:
        self.samples, self.tokenizer, self.bfloat16, self.kind = samples, tokenizer, bfloat16, kind
        self.warmup, self.steps = warmup, steps
        self.gflops: list[float] = []

    def __call__(self) -> float:
        shape = TransformerShape(layers=LAYERS, width=WIDTH, heads=HEADS)
        method = Bert(BertRecipe(), shape, self.tokenizer.table)
        initialise(method, 0)
        optim = OptimOptions(kind=self.kind)  # type: ignore[arg-type]
        loop = Loop(
            method,
            RandomBatches(self.samples),
            method.splitter,
            steps=self.warmup + self.steps,
            optim=optim,
            seed=0,
            bfloat16=self.bfloat16,
        )
        for _ in range(self.warmup):
            loop.step()
        started = time.perf_counter()
        stepped = [loop.step() for _ in range(self.steps)]
        seconds = time.perf_counter() - started
        tokens, hidden = sum(s.tokens for s in stepped), sum(s.weight for s in stepped)
        length = tokens / (self.steps * ROWS)
        # a backward pass costs twice a forward one; the vocabulary layer runs at hidden positions alone
        flops = 3 * (tokens * shape.flops_per_token(round(length)) + hidden * 2 * WIDTH * (len(self.tokenizer.table) + WIDTH))
        self.gflops.append(flops / seconds / 1e9)
        return tokens / seconds


def run(data: Path, *, rounds: int, smoke: bool) -> dict[str, Any]:
    texts = news(data)
    tokenizer = tokenizer_for(texts)
    natural = sentences(texts, tokenizer)
    full = packed(natural)
    warmup, steps = (1, 2) if smoke else (5, 20)
    collate = collator(tokenizer)

    def peer(samples: Sequence[Sample], **options: Any) -> Contender:
        dataset = rows_for_trainer(samples, tokenizer)
        fixed = {"warmup": warmup, "steps": steps, "unit": "tokens", "per_device_train_batch_size": ROWS}
        return lambda: rate(bert(len(tokenizer.table)), dataset, collate, **fixed, **options)

    ours = partial(Ours, tokenizer=tokenizer, warmup=warmup, steps=steps)
    mine = {}
    for rows, samples in (("natural", natural), ("packed", full)):
        for name, flag in (("float32", False), ("bfloat16", True)):
            mine[f"{rows}, {name}"] = ours(samples, bfloat16=flag, kind="adamw")
    mine["natural, bfloat16, Muon"] = ours(natural, bfloat16=True, kind="muon")
    natural_names = [name for name in mine if name.startswith("natural")]
    found: dict[str, list[Measured]] = {}
    found["sentences of natural length"] = interleave(
        {
            "Trainer": peer(natural),
            "Trainer, grouped by length": peer(natural, train_sampling_strategy="group_by_length"),
            **{f"halfseen, {name}": mine[name] for name in natural_names},
        },
        rounds=rounds,
        unit="tokens/s",
        reference="Trainer",
    )
    found["packed rows"] = interleave(
        {
            "Trainer": peer(full),
            "Trainer, bfloat16": peer(full, bf16=True),
            **{f"halfseen, {name}": one for name, one in mine.items() if name.startswith("packed")},
        },
        rounds=rounds,
        unit="tokens/s",
        reference="Trainer",
    )
    types = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    peaks = {name: max(gemm_peak(dtype, size) for size in SIZES) for name, dtype in types.items()}
    shares = {name: max(one.gflops) / peaks["bfloat16" if one.bfloat16 else "float32"] for name, one in mine.items()}
    return {"tables": found, "gemm_peak_gflops": peaks, "best_share_of_peak": shares}
