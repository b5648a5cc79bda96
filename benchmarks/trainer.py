"""Hugging Face Trainer as a contender: a fresh one each round, timed from one step to another."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from typing import Any

import torch
from accelerate.state import AcceleratorState
from transformers import Trainer, TrainerCallback, TrainingArguments


class Clock(TrainerCallback):  # type: ignore[misc]
    """Notes when each step ended."""

    def __init__(self) -> None:
        self.ended: list[float] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.ended.append(time.perf_counter())


class Counting:
    """A collator that notes how many tokens and examples of each batch are no padding."""

    def __init__(self, collate: Callable[[Any], Any]) -> None:
        self.collate = collate
        self.tokens: list[int] = []
        self.examples: list[int] = []

    def __call__(self, features: Any) -> Any:
        batch = self.collate(features)
        self.tokens.append(int(batch["attention_mask"].sum()))
        self.examples.append(len(batch["input_ids"]))
        return batch


def arguments(**options: Any) -> TrainingArguments:
    """Nothing written, logged or reported."""
    fixed = {"report_to": "none", "disable_tqdm": True, "save_strategy": "no", "logging_strategy": "no"}
    return TrainingArguments(output_dir=tempfile.mkdtemp(), use_cpu=not torch.cuda.is_available(), **{**fixed, **options})


def rate(
    model: torch.nn.Module, dataset: Any, collate: Callable[[Any], Any], *, warmup: int, steps: int, unit: str, **options: Any
) -> float:
    """Units per second (`tokens` or `examples`) over `steps` steps after `warmup` steps."""
    AcceleratorState._reset_state(reset_partial_state=True)
    clock, counting = Clock(), Counting(collate)
    found = Trainer(
        model=model,
        args=arguments(max_steps=warmup + steps, **options),
        train_dataset=dataset,
        data_collator=counting,
        callbacks=[clock],
    )
    found.train()
    AcceleratorState._reset_state(reset_partial_state=True)  # or its precision would be everybody's from now on
    units = getattr(counting, unit)[warmup : warmup + steps]
    return float(sum(units) / (clock.ended[-1] - clock.ended[warmup - 1]))
