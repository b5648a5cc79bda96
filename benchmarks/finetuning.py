"""Examples a second of fine-tuning MiniLM on SST-2, batches of 16, and the dev accuracy that comes of the same recipe.

Peer: Trainer with dynamic padding, and with run_glue's default of padding to 128.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from transformers import AutoModelForSequenceClassification, AutoTokenizer, DataCollatorWithPadding, Trainer

from benchmarks.interleave import interleave
from benchmarks.material import tsv
from benchmarks.trainer import arguments, rate
from halfseen.contracts import Sample
from halfseen.data.labels import Labelled
from halfseen.hub.find import MINILM, find
from halfseen.hub.folder import load
from halfseen.tasks.fit import BATCH, copy_of, fit, make
from halfseen.train.budget import choose_bfloat16

LEARNING_RATE = 1e-4
EPOCHS = 1


def run(data: Path, *, rounds: int, smoke: bool) -> dict[str, Any]:
    rows, dev = tsv(data / "glue/SST-2/train.tsv.xz"), tsv(data / "glue/SST-2/dev.tsv")
    rows = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))[: 64 if smoke else 800]]
    folder = find(MINILM)
    opened = load(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    steps = len(rows) // BATCH
    warmup = max(1, steps // 10)

    def model() -> Any:
        return AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2)

    def features(items: list[list[str]], **options: Any) -> list[dict[str, Any]]:
        coded = tokenizer([text for text, _ in items], truncation=True, max_length=128, **options)
        labels = [int(label) for _, label in items]
        columns = zip(coded["input_ids"], coded["attention_mask"], labels, strict=True)
        return [{"input_ids": ids, "attention_mask": mask, "labels": label} for ids, mask, label in columns]

    collate = DataCollatorWithPadding(tokenizer)

    def peer(dataset: list[dict[str, Any]], **options: Any) -> float:
        fixed = {"unit": "examples", "per_device_train_batch_size": BATCH, "learning_rate": LEARNING_RATE}
        return rate(model(), dataset, collate, warmup=warmup, steps=steps - warmup, **fixed, **options)

    samples = tuple(Sample(str(i), text, {"label": label}) for i, (text, label) in enumerate(rows))
    train = Labelled("classify", samples, ("0", "1"), "SST-2")

    def fitted() -> Any:
        method = make("classify", copy_of(opened.net)(0), opened.tokenizer, train, train.samples, "mean")
        return fit(method, samples, learning_rate=LEARNING_RATE, seed=0, epochs=EPOCHS)

    precision = "bfloat16" if choose_bfloat16("measured") else "float32"
    dynamic, fixed = features(rows), features(rows, padding="max_length")
    measured = interleave(
        {
            "Trainer, dynamic padding": lambda: peer(dynamic),
            "Trainer, dynamic padding, bfloat16": lambda: peer(dynamic, bf16=True),
            "Trainer, padded to 128": lambda: peer(fixed),
            f"halfseen ({precision}, as measured)": lambda: len(samples) * EPOCHS / fitted().seconds,
        },
        rounds=rounds,
        unit="examples/s",
        reference="Trainer, dynamic padding",
    )
    theirs = Trainer(
        model=model(),
        args=arguments(num_train_epochs=EPOCHS, learning_rate=LEARNING_RATE, per_device_train_batch_size=BATCH),
        train_dataset=dynamic,
        data_collator=collate,
    )
    theirs.train()
    said = np.argmax(theirs.predict(features(dev)).predictions, -1)  # type: ignore[arg-type]
    ours = fitted().method.predict([Sample(str(i), text, {}) for i, (text, _) in enumerate(dev)])
    truth = [label for _, label in dev]
    accuracy = {
        "Trainer": float(np.mean([str(a) == b for a, b in zip(said, truth, strict=True)])),
        "halfseen": float(np.mean([a == b for a, b in zip(ours, truth, strict=True)])),
    }
    return {"tables": {f"SST-2, {len(rows)} items": measured}, "dev_accuracy": accuracy}
