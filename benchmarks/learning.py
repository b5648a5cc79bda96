"""Learning per minute: the held-out masked loss after some minutes of ours, and after more minutes of Trainer.

Peer: run_mlm's recipe (post-norm BERT, packed rows of 128, batch 32, AdamW, linear decay). Same size, corpus, tokenizer, held-out
text and masks. The minutes of ours hold everything, reading and tokenising included; the peer's are training alone.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F
from transformers import BertForMaskedLM, Trainer

import halfseen
from benchmarks.material import packed
from benchmarks.pretraining import LAYERS, ROWS, WIDTH, bert, collator, rows_for_trainer
from benchmarks.trainer import arguments, rate
from halfseen.contracts import Sample
from halfseen.data.corpus import in_order, open_corpus
from halfseen.data.draw import KeyedDraw
from halfseen.data.tokenizers import Tokenizer
from halfseen.methods.recipes import BertRecipe, NetSize
from halfseen.split.mask import HideTokens
from halfseen.train.run import CORPUS

OUR_MINUTES, PEER_MINUTES, TUNING_MINUTES = 5.0, 20.0, 1.0
RATES = (1e-4, 3e-4, 1e-3)
"""The peer's learning rates: each runs for TUNING_MINUTES with a whole schedule, and the best one for PEER_MINUTES."""


@torch.no_grad()
def heldout_loss(model: BertForMaskedLM, heldout: list[list[Sample]], tokenizer: Tokenizer) -> float:
    """Nats a hidden token, on the very inputs that ours is judged by."""
    model.eval()
    total, count = 0.0, 0
    splitter = HideTokens(tokenizer.table)
    for samples in heldout:
        split = splitter(samples, KeyedDraw(0, 0, samples))
        parts = split.seen.ids.split(split.seen.lengths.tolist())
        ids_SL = torch.nn.utils.rnn.pad_sequence(list(parts), batch_first=True, padding_value=tokenizer.token_of("pad")[1])
        valid_SL = torch.arange(ids_SL.shape[1]) < split.seen.lengths[:, None]
        logits_NV = model(input_ids=ids_SL, attention_mask=valid_SL.long()).logits[valid_SL]
        total += float(F.cross_entropy(logits_NV[split.scored], split.target, reduction="sum"))
        count += len(split.target)
    return total / count


def peer(
    train: Sequence[Sample], heldout: list[list[Sample]], tokenizer: Tokenizer, *, learning_rate: float, minutes: float
) -> dict[str, Any]:
    torch.manual_seed(0)
    dataset, collate = rows_for_trainer(train, tokenizer), collator(tokenizer)
    size = {"per_device_train_batch_size": ROWS}
    tokens_per_s = rate(bert(len(tokenizer.table)), dataset, collate, warmup=3, steps=20, unit="tokens", **size)
    steps = max(1, int(60 * minutes * tokens_per_s / (ROWS * (len(train[0].x.ids) + 2))))
    model = bert(len(tokenizer.table))
    recipe = arguments(max_steps=steps, learning_rate=learning_rate, **size)
    trainer = Trainer(model=model, args=recipe, train_dataset=dataset, data_collator=collate)
    started = time.monotonic()
    trainer.train()
    return {
        "learning_rate": learning_rate,
        "minutes": (time.monotonic() - started) / 60,
        "steps": steps,
        "tokens_per_s": tokens_per_s,
        "heldout_loss": heldout_loss(model, heldout, tokenizer),
    }


def run(data: Path, *, rounds: int, smoke: bool) -> dict[str, Any]:
    """rounds is not used: a round takes as long as it takes."""
    minutes = (0.3, 0.05, 0.03) if smoke else (OUR_MINUTES, PEER_MINUTES, TUNING_MINUTES)
    folder = Path(tempfile.mkdtemp()) / "ours"
    text = sorted(str(path) for path in (data / "text_en").glob("*.tar.xz") if "brown" not in path.name)
    learnt = halfseen.pretrain("bert", text, out=folder, minutes=minutes[0], recipe=BertRecipe(net=NetSize(layers=LAYERS, width=WIDTH)))
    mine = {"minutes": learnt["seconds"] / 60, "heldout_loss": learnt["heldout"]["loss"], "tokens_per_s": learnt["tokens_per_s"]}
    print(f"  halfseen: {mine}", flush=True)
    corpus, tokenizer = open_corpus(folder / CORPUS), Tokenizer.load(folder)
    train = packed([corpus.train.sample(int(i)) for i in np.arange(len(corpus.train))])
    heldout = list(in_order(corpus.heldout, tokens=4096))

    def theirs(learning_rate: float, minutes: float) -> dict[str, Any]:
        found = peer(train, heldout, tokenizer, learning_rate=learning_rate, minutes=minutes)
        print(f"  Trainer: {found}", flush=True)
        return found

    tuned = [theirs(learning_rate, minutes[2]) for learning_rate in RATES[: 1 if smoke else None]]
    best = min(tuned, key=lambda found: float(found["heldout_loss"]))
    return {"halfseen": mine, "Trainer, tuning": tuned, "Trainer": theirs(best["learning_rate"], minutes[1])}
