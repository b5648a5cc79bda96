"""Sentences a second of encoding STS-B with MiniLM, how near the vectors are to the peer's, and what both are worth.

Peer: sentence-transformers. Near: the cosine of the two vectors of a sentence. Worth: Spearman with the people's scores.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr
from sentence_transformers import SentenceTransformer

import halfseen
from benchmarks.interleave import interleave
from benchmarks.material import tsv
from halfseen.hub.find import MINILM, find

PAIRS = 1000


def cosine(a: Any, b: Any) -> Any:
    return (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


def run(data: Path, *, rounds: int, smoke: bool) -> dict[str, Any]:
    rows = tsv(data / "glue/STS-B/dev.tsv.xz")[: 50 if smoke else PAIRS]
    texts = [row[7] for row in rows] + [row[8] for row in rows]
    people = [float(row[9]) for row in rows]
    theirs, ours = SentenceTransformer(str(find(MINILM)), device="cpu"), halfseen.load(MINILM)
    encoders: dict[str, Callable[[], Any]] = {
        "sentence-transformers": lambda: theirs.encode(texts, batch_size=32, show_progress_bar=False),
        "halfseen, float32": lambda: ours.encode(texts, precision="float32"),
        "halfseen, bfloat16": lambda: ours.encode(texts, precision="bfloat16"),
        "halfseen, int8": lambda: ours.encode(texts, precision="int8"),
    }
    vectors = {name: encode() for name, encode in encoders.items()}

    def timed(encode: Callable[[], Any]) -> float:
        started = time.perf_counter()
        encode()
        return len(texts) / (time.perf_counter() - started)

    measured = interleave(
        {name: lambda encode=encode: timed(encode) for name, encode in encoders.items()},  # type: ignore[misc]
        rounds=rounds,
        unit="sentences/s",
        reference="sentence-transformers",
    )
    half = len(rows)
    return {
        "tables": {f"STS-B, {len(texts)} sentences": measured},
        "lowest_cosine_with_peer": {name: float(cosine(found, vectors["sentence-transformers"]).min()) for name, found in vectors.items()},
        "spearman": {name: float(spearmanr(cosine(found[:half], found[half:]), people).statistic) for name, found in vectors.items()},
    }
