"""Few numbers in place of many: what is kept, and the seconds, of our auto-encoder beside openTSNE, UMAP and PCA, in turns.

`digits`: scikit-learn's, 1,797 x 64 pixels. `rows`: 20,000 x 50: MNIST's 10,000 test digits, and each moved by a pixel or two, in 50
principal components. `new`: half of the digits placed without refitting. Everyone has its defaults; labels judge and nothing else.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from benchmarks.interleave import Measured
from halfseen.apps.reduced_quality import judge, share_lost
from halfseen.apps.reductions import learn, placed, reduced_by
from halfseen.data.arrays import read_idx

Array = np.ndarray
WAYS = ("tsne", "autoencoder", "umap", "pca", "plain")
REFERENCE = "tsne"


def digits() -> tuple[Array, Array]:
    x, y = load_digits(return_X_y=True)
    return (x / 16).astype(np.float32), y


def moved_mnist(folder: Path, count: int) -> tuple[Array, Array]:
    """Rows of 50 numbers, half of them of digits as they are and half of the same, moved."""
    images = read_idx(folder / "t10k-images-idx3-ubyte.gz", 3)[: count // 2]
    label = read_idx(folder / "t10k-labels-idx1-ubyte", 1)[: count // 2]
    rng = np.random.default_rng(0)
    steps = rng.choice([-2, -1, 1, 2], (len(images), 2))
    moved = np.stack([np.roll(image, step, (0, 1)) for image, step in zip(images, steps, strict=True)])
    x = np.concatenate([images, moved]).reshape(2 * len(images), -1).astype(np.float32) / 255
    return PCA(50, random_state=0).fit_transform(x).astype(np.float32), np.concatenate([label, label]).astype(np.int64)


def warm_up(x: Array) -> None:
    """UMAP compiles on its first call, which is nobody's fault here."""
    for way in WAYS:
        reduced_by(way, x[:200], to=2, steps=2, seed=0)


def in_turns(x: Array, y: Array, *, rounds: int, steps: int | None) -> tuple[list[Measured], dict[str, Any]]:
    """Rows a second, with ratios to openTSNE's of the same round; and of each way the means over rounds, each with a seed of its own."""
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    kept: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for i in range(rounds):
        for way in WAYS[:: -1 if i % 2 else 1]:
            found = reduced_by(way, x, to=2, steps=steps, seed=i)
            rates[way].append(len(x) / found.seconds)
            figures = judge(x, {way: found.z}, y)[way] | {"seconds": found.seconds}
            figures["share_lost"] = float("nan") if found.rebuilt is None else share_lost(x, found.rebuilt)
            kept[way].append({name: float(value) for name, value in figures.items() if value is not None})
            print(f"  round {i + 1}: {way}: " + ", ".join(f"{name} {value:.4g}" for name, value in kept[way][-1].items()), flush=True)
    measured = [Measured(way, "rows/s", tuple(found), tuple(np.divide(found, rates[REFERENCE]))) for way, found in rates.items()]
    facts = {
        way: {
            name: [round(float(f([one[name] for one in kept[way]])), 4) for f in (np.mean, spread)]
            for name in kept[way][0]
            if np.isfinite(kept[way][0][name])
        }
        for way in WAYS
    }
    return measured, {"mean_and_stderr": facts, "all_columns_accuracy": round(float(judge(x, {}, y)["full"]["accuracy"] or 0), 4)}


def spread(values: list[float]) -> float:
    """The standard error of the mean over rounds."""
    return statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0


def placing(x: Array, y: Array, *, steps: int | None) -> dict[str, float]:
    """Digits placed by what learnt from the other half: accuracy by the ten nearest of those, beside all columns; seconds."""
    from openTSNE import TSNE
    from sklearn.neighbors import KNeighborsClassifier

    order = np.random.default_rng(0).permutation(len(x))
    train, new = order[: len(x) // 2], order[len(x) // 2 :]
    method = learn(x[train], to=2, steps=steps)
    embedding = TSNE(random_state=0).fit(x[train])
    found: dict[str, float] = {}
    for name, where, place in (
        ("autoencoder", placed(method, x[train]), lambda: placed(method, x[new])),
        ("tsne", np.array(embedding), lambda: np.array(embedding.transform(x[new]))),
        ("all columns", x[train], lambda: x[new]),
    ):
        started = time.perf_counter()
        z = place()
        found[f"{name}, seconds"] = round(time.perf_counter() - started, 4)
        found[f"{name}, accuracy"] = round(float(KNeighborsClassifier(10).fit(where, y[train]).score(z, y[new])), 4)
    return found


def run(data: Path, *, rounds: int, smoke: bool) -> dict[str, Any]:
    """rounds: of the rows; of the digits twice as many. Each has a seed of its own."""
    steps = 3 if smoke else None
    x, y = digits()
    if smoke:
        x, y, rounds = x[:300], y[:300], 1
    warm_up(x)
    of_digits, digit_facts = in_turns(x, y, rounds=rounds if smoke else 2 * rounds, steps=steps)
    of_rows, row_facts = in_turns(*moved_mnist(data / "mnist_t10k", 400 if smoke else 20_000), rounds=rounds, steps=steps)
    return {
        "tables": {"digits": of_digits, "20,000 x 50": of_rows},
        "digits": digit_facts,
        "rows": row_facts,
        "new_rows": placing(x, y, steps=steps),
    }
