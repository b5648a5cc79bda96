"""The options of `halfseen reduce`, free of torch so that the command line can show them at once."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import tyro

LEARNT: dict[str, str] = {"autoencoder": "neighbours", "plain": "autoencoder"}
"""The ways that are auto-encoders, and the methods behind them."""
WAYS = (*LEARNT, "pca", "tsne", "umap")
TO, BY = 2, "autoencoder,pca"


@dataclass(frozen=True, kw_only=True)
class ReduceOptions:
    """Few numbers in place of many: rows or images as points of a map, by several ways side by side."""

    path: tyro.conf.Positional[str]
    """A table (csv, tsv, parquet, npz, npy; also .gz, .xz, .zst), or images: a folder, npz, idx."""
    out: Path
    """Folder for the vectors, the picture and the auto-encoder, which places new rows with --model."""
    to: int | None = None
    """Numbers of a vector: 2 by default; a picture shows the first two."""
    by: str | None = None
    """Ways, with commas: autoencoder (which keeps neighbours together), plain (squared error alone), pca, tsne, umap; by default the first
    of them and pca."""
    label: str | None = None
    """The column, or the array of an npz, that holds labels (`folders` for images in folders): never learnt from."""
    model: Path | None = None
    """Place these rows with the auto-encoder in this folder, of `reduce` or `pretrain`, and learn nothing."""
    steps: int | None = None
    """Steps of an auto-encoder's training; by default as many as the rows need, 2,000 at most."""
    seed: int = 0
    """Decides what is drawn at random."""

    @property
    def ways(self) -> list[str]:
        return list(dict.fromkeys(word.strip() for word in (BY if self.by is None else self.by).split(",")))

    def faults(self) -> list[str]:
        """Everything that is wrong with these options, in words."""
        found = []
        for way in self.ways:
            if way not in WAYS:
                near = get_close_matches(way, WAYS, n=1)
                hint = f"did you mean '{near[0]}'?" if near else f"take some of {', '.join(WAYS)}"
                found.append(f"--by: no way '{way}'; {hint}")
        found += [
            f"--{name} is {value}, but must be at least 1"
            for name, value in (("to", self.to), ("steps", self.steps))
            if value is not None and value < 1
        ]
        given = [f"--{name}" for name in ("to", "by", "steps") if getattr(self, name) is not None] if self.model else []
        if given:
            found.append(f"{' and '.join(given)} {'are' if len(given) > 1 else 'is'} given beside --model, which learns nothing")
        if self.label == "":
            found.append("--label is empty; name a column, or leave it away")
        return found + ([] if 0 <= self.seed < 2**32 else [f"--seed is {self.seed}, but must be between 0 and {2**32 - 1}"])
