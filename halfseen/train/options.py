"""How a net is trained, free of torch so that the command line can show it at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

Precision = Literal["measured", "float32", "bfloat16"]
InferencePrecision = Literal["measured", "float32", "bfloat16", "int8"]

FRESH_RATE, LEARNT_RATE = 1e-3, 1e-4
"""AdamW's highest learning rate for fresh weights, and for those of a model that has learnt."""
SMALLEST_VOCABULARY = 261
"""Every byte, and the five special tokens."""


@dataclass(frozen=True, kw_only=True)
class OptimOptions:
    """The optimizer and its schedule: warm-up, stable, decay."""

    kind: Literal["adamw", "muon"] | None = None
    """AdamW for everything, or Muon for matrices and AdamW for the rest; by default what was worth more for the method."""
    learning_rate: float | None = None
    """AdamW's highest learning rate: 1e-3 by default, or 1e-4 to go on from a model that has learnt."""
    matrix_rate: float = 0.02
    """Muon's highest learning rate."""
    weight_decay: float = 0.01
    """Decoupled weight decay of matrices."""
    warmup: float = 0.05
    """Share of the steps in which the learning rate rises."""
    decay: float = 0.5
    """Share of the steps, at the end, in which it falls to zero."""
    clip: float = 1.0
    """Largest norm of the gradient."""

    @property
    def highest_rate(self) -> float:
        """AdamW's highest learning rate, decided."""
        return FRESH_RATE if self.learning_rate is None else self.learning_rate

    def factor(self, step: int, steps: int, decay_start: float) -> float:
        """The share of the highest learning rate at a step of `steps`, when it begins to fall at `decay_start`."""
        rising = (step + 1) / max(1.0, self.warmup * steps)
        falling = (steps - step) / max(1.0, steps - decay_start)
        return min(1.0, rising, falling)

    def faults(self) -> list[str]:
        """Everything that is wrong with these options, in words."""
        found = [
            f"--optim.{name.replace('_', '-')} is {getattr(self, name):g}, but must be above 0"
            for name in ("learning_rate", "matrix_rate", "clip")
            if getattr(self, name) is not None and not 0 < getattr(self, name) < math.inf
        ]
        if not 0 <= self.weight_decay < math.inf:
            found.append(f"--optim.weight-decay is {self.weight_decay:g}, but must be 0 or more")
        if not 0 <= self.warmup <= 1:
            found.append(f"--optim.warmup is {self.warmup:g}, but must be between 0 and 1")
        if not 0 < self.decay <= 1:  # a run by the clock plans anew while the rate falls
            found.append(f"--optim.decay is {self.decay:g}, but must be above 0 and at most 1")
        return found


@dataclass(frozen=True, kw_only=True)
class PretrainOptions:
    """Where the data are, how much time there is, and how to train."""

    paths: tyro.conf.Positional[tuple[str, ...]]
    """Folders, globs or files (txt, md, jsonl, csv, tsv, parquet, tar; also .gz, .xz, .zst), or hub:NAME."""
    out: Path
    """Folder for the model and everything about the run."""
    minutes: float | None = None
    """Time for the whole run, reading and tokenising included; 20 unless tokens or steps are given."""
    tokens: float | None = None
    """Train on this many tokens instead."""
    steps: int | None = None
    """Train for this many steps instead."""
    from_: Annotated[str | None, tyro.conf.arg(name="from")] = None
    """Go on from this model: a folder of ours or in the Hugging Face layout, minilm, or hf:NAME."""
    tokenizer: Literal["auto", "bpe", "wordpiece", "characters"] = "auto"
    """What to train: by default characters for Chinese, byte-level BPE for the rest."""
    vocabulary: int | None = None
    """Entries of the tokenizer; by default 8,192 to 16,384, by the corpus' size."""
    column: str = "text"
    """The column of tables that holds the text."""
    length: int | None = None
    """Longest segment, in tokens; longer documents are cut. 128 by default, and 256 where texts are continued."""
    batch_tokens: int | None = None
    """Tokens in a batch; chosen to fit the budget by default."""
    seed: int = 0
    """Decides the initial weights, the order of the batches and what is hidden."""
    precision: Precision = "measured"
    """Type of the products: the faster one on this machine, or one of the two."""
    checkpoint_steps: int | None = None
    """Steps between checkpoints; about a minute's worth by default."""
    optim: OptimOptions = field(default_factory=OptimOptions)
    """The optimizer."""

    def faults(self) -> list[str]:
        """Everything that is wrong with these options, in words."""
        given = [name for name in ("minutes", "tokens", "steps") if getattr(self, name) is not None]
        found = [f"--{' and --'.join(given)} are given; the budget is one of them"] if len(given) > 1 else []
        found += [
            f"--{name} is {getattr(self, name):g}, but must be above 0 and finite"
            for name in given
            if not 0 < getattr(self, name) < math.inf
        ]
        if not self.paths:
            found.append("no PATH is given; name a folder or a file with text")
        if self.length is not None and self.length < 8:
            found.append(f"--length is {self.length}, but must be at least 8")
        elif self.length and self.batch_tokens is not None and self.batch_tokens < 2 * self.length:
            # or a batch might hold no segment at all
            found.append(f"--batch-tokens is {self.batch_tokens}, but must be at least twice --length, {2 * self.length}")
        if self.vocabulary is not None and self.vocabulary < SMALLEST_VOCABULARY:
            found.append(f"--vocabulary is {self.vocabulary}, but must be at least {SMALLEST_VOCABULARY}: all bytes and the special tokens")
        if self.checkpoint_steps is not None and self.checkpoint_steps < 1:
            found.append(f"--checkpoint-steps is {self.checkpoint_steps}, but must be at least 1")
        if not 0 <= self.seed < 2**32:
            found.append(f"--seed is {self.seed}, but must be between 0 and {2**32 - 1}")
        if self.from_ is not None:
            ignored = [
                name for name, given in (("tokenizer", self.tokenizer != "auto"), ("vocabulary", self.vocabulary is not None)) if given
            ]
            found += [f"--{name} is given beside --from, whose model has its own" for name in ignored]
        return found + self.optim.faults()


@dataclass(frozen=True, kw_only=True)
class ResumeOptions:
    """Go on where a run was interrupted."""

    dir: tyro.conf.Positional[Path]
    """The run's folder."""
