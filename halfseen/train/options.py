"""How a net is trained, free of torch so that the command line can show it at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

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
    """AdamW's highest learning rate: by default the method's own, 1e-3 of most, and 1e-4 to go on from what has learnt."""
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
class RunOptions:
    """Where the data are, how much time there is, and how to train."""

    budgets: ClassVar[tuple[str, ...]] = ("minutes", "steps")
    """The options that say how long to train, one of which may be given."""

    paths: tyro.conf.Positional[tuple[str, ...]]
    """Where the data are."""
    out: Path
    """Folder for the model and everything about the run."""
    minutes: float | None = None
    """Time for the whole run, reading included; 20 unless another budget is given."""
    steps: int | None = None
    """Train for this many steps instead."""
    seed: int = 0
    """Decides the initial weights, the order of the batches and what is hidden."""
    precision: Precision = "measured"
    """Type of the products: the faster one on this machine, or one of the two."""
    checkpoint_steps: int | None = None
    """Steps between checkpoints; about a minute's worth by default."""
    optim: OptimOptions = field(default_factory=OptimOptions)
    """The optimizer."""

    @property
    def asked(self) -> dict[str, float]:
        """The budget that was given, by its option's name."""
        return {name: getattr(self, name) for name in self.budgets if getattr(self, name) is not None}

    @property
    def goes_on(self) -> bool:
        """Whether the net has learnt something before."""
        return False

    def faults(self) -> list[str]:
        """Everything that is wrong with these options, in words."""
        found = [f"--{' and --'.join(self.asked)} are given; the budget is one of them"] if len(self.asked) > 1 else []
        found += [
            f"--{name} is {value:g}, but must be above 0 and finite" for name, value in self.asked.items() if not 0 < value < math.inf
        ]
        if not self.paths:
            found.append("no PATH is given; name a folder or a file with data")
        if self.checkpoint_steps is not None and self.checkpoint_steps < 1:
            found.append(f"--checkpoint-steps is {self.checkpoint_steps}, but must be at least 1")
        if not 0 <= self.seed < 2**32:
            found.append(f"--seed is {self.seed}, but must be between 0 and {2**32 - 1}")
        return found + self.optim.faults()


@dataclass(frozen=True, kw_only=True)
class TextOptions(RunOptions):
    """Where the text is, how it is cut, how much time there is, and how to train."""

    budgets: ClassVar[tuple[str, ...]] = ("minutes", "tokens", "steps")

    paths: tyro.conf.Positional[tuple[str, ...]]
    """Folders, globs or files (txt, md, jsonl, csv, tsv, parquet, tar; also .gz, .xz, .zst), or hub:NAME."""
    tokens: float | None = None
    """Train on this many tokens instead."""
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

    @property
    def goes_on(self) -> bool:
        return self.from_ is not None

    def faults(self) -> list[str]:
        found = super().faults()
        if self.length is not None and self.length < 8:
            found.append(f"--length is {self.length}, but must be at least 8")
        elif self.length and self.batch_tokens is not None and self.batch_tokens < 2 * self.length:
            # or a batch might hold no segment at all
            found.append(f"--batch-tokens is {self.batch_tokens}, but must be at least twice --length, {2 * self.length}")
        if self.vocabulary is not None and self.vocabulary < SMALLEST_VOCABULARY:
            found.append(f"--vocabulary is {self.vocabulary}, but must be at least {SMALLEST_VOCABULARY}: all bytes and the special tokens")
        if self.from_ is not None:
            ignored = [
                name for name, given in (("tokenizer", self.tokenizer != "auto"), ("vocabulary", self.vocabulary is not None)) if given
            ]
            found += [f"--{name} is given beside --from, whose model has its own" for name in ignored]
        return found


@dataclass(frozen=True, kw_only=True)
class ArrayOptions(RunOptions):
    """Where the tables or images are, how much time there is, and how to train."""

    paths: tyro.conf.Positional[tuple[str, ...]]
    """A table (csv, tsv, parquet, npz, npy; also .gz, .xz, .zst), or images: a folder, npz, idx."""
    label: str | None = None
    """The column, or the array of an npz, that holds labels: it is never learnt from."""
    size: int | None = None
    """Height and width that images are brought to, or of the pieces that a denoiser or a codec cuts them into; by default their own if all
    have the same, and else 64; pieces are at most 64."""
    batch: int | None = None
    """Rows, images or pieces of images in a batch: by default the method's own, 256 of most."""

    def faults(self) -> list[str]:
        found = super().faults()
        if len(self.paths) > 1:
            found.append(f"{len(self.paths)} paths are given; name one table, or one folder of images")
        found += [
            f"--{name} is {value}, but must be at least {least}"
            for name, value, least in (("size", self.size, 8), ("batch", self.batch, 2))
            if value is not None and value < least
        ]
        return found


@dataclass(frozen=True, kw_only=True)
class SpeechOptions(RunOptions):
    """Where the recordings are, how they are heard, how much time there is, and how to train."""

    paths: tyro.conf.Positional[tuple[str, ...]]
    """Folders, recordings (wav, flac, ogg, mp3), tar archives of them (also .gz, .xz, .zst), or manifests: csv or jsonl with a column
    `path`."""
    rate: int | None = None
    """Samples a second that all recordings are brought to: by default 16,000, or 8,000 if the first one has fewer."""
    bands: int | None = None
    """Bands of the mel scale: by default 80, and 40 below 16,000 samples a second."""
    trim: bool = True
    """Take the silence from both ends of each recording."""
    skip_bad: bool = False
    """Go on without recordings that cannot be read."""
    batch_frames: int | None = None
    """Frames in a batch, a hundredth of a second each: by default the method's own, 4,000 or 8,000."""

    def faults(self) -> list[str]:
        return super().faults() + [
            f"--{name} is {value}, but must be at least {least}"
            for name, value, least in (("rate", self.rate, 1000), ("bands", self.bands, 8), ("batch-frames", self.batch_frames, 100))
            if value is not None and value < least
        ]


OPTIONS: dict[str, type[RunOptions]] = {"text": TextOptions, "array": ArrayOptions, "speech": SpeechOptions}
"""A recipe's modality to the options of its runs."""


@dataclass(frozen=True, kw_only=True)
class ResumeOptions:
    """Go on where a run was interrupted."""

    dir: tyro.conf.Positional[Path]
    """The run's folder."""
