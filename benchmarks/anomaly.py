"""What is odd in ADBench's tables: mean ROC-AUC of `AnomalyDetector` beside PyOD's detectors, in the same protocol.

Each table is shuffled and cut to 3,000 rows. `usual`: fitted on half of the usual rows, scored on the rest. `unknown`: fitted on all rows,
some of them odd, and scored on the same. Everyone gets columns standardised by the training rows, and its own defaults.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from halfseen.apps.detector import AnomalyDetector

ROWS, SEEDS = 3000, 3
OURS = "halfseen"
Array = np.ndarray
Detector = Callable[[Array, Array, bool, int], Array]
"""Training rows, rows to score, whether the first may be odd, a seed: to scores, higher is odder."""


def ours(train: Array, x: Array, unknown: bool, seed: int, **options: Any) -> Array:
    found = AnomalyDetector(odd_share="unknown" if unknown else 0.0, random_state=seed, **options).fit(train)
    return found.usual_ if unknown else -found.score_samples(x)


def alone(by: str) -> Detector:
    return lambda train, x, unknown, seed: ours(train, x, unknown, seed, by=by)


def pyod(module: str, kind: str, **options: Any) -> Detector:
    def detect(train: Array, x: Array, unknown: bool, seed: int) -> Array:
        from importlib import import_module

        made = getattr(import_module(f"pyod.models.{module}"), kind)
        seeded = {"random_state": seed} if "random_state" in made.__init__.__code__.co_varnames else {}
        given = {name: value(train) if callable(value) else value for name, value in options.items()}
        scaler = StandardScaler().fit(train)
        detector = made(**given, **seeded).fit(scaler.transform(train))
        return detector.decision_scores_ if unknown else detector.decision_function(scaler.transform(x))

    return detect


DETECTORS: dict[str, Detector] = {
    OURS: ours,
    "halfseen, neighbours alone": alone("neighbours"),
    "halfseen, far alone": alone("far"),
    "halfseen, forest alone": alone("forest"),
    "PyOD KNN": pyod("knn", "KNN"),
    "PyOD LOF": pyod("lof", "LOF"),
    "PyOD IForest": pyod("iforest", "IForest"),
    "PyOD ECOD": pyod("ecod", "ECOD"),
    "PyOD COPOD": pyod("copod", "COPOD"),
    "PyOD PCA": pyod("pca", "PCA"),
    "PyOD OCSVM": pyod("ocsvm", "OCSVM"),
    "PyOD AutoEncoder": pyod("auto_encoder", "AutoEncoder", verbose=0),
    "PyOD VAE": pyod("vae", "VAE", verbose=0),
    "PyOD DeepSVDD": pyod("deep_svdd", "DeepSVDD", n_features=lambda train: train.shape[1], verbose=0),
}


@dataclass(frozen=True)
class Judged:
    """One detector on one table with one seed; finite: whether all of its scores are."""

    table: str
    seed: int
    unknown: bool
    detector: str
    auc: float
    seconds: float
    finite: bool


def tables(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.npz"))


def protocol(path: Path, seed: int, *, unknown: bool) -> tuple[Array, Array, Array] | None:
    """Training rows, rows to score, and which of these are odd; None where they are all of one kind."""
    stored = np.load(path, allow_pickle=False)
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(stored["X"]))[:ROWS]
    x, odd = stored["X"][chosen].astype(np.float64), stored["y"].ravel()[chosen].astype(bool)
    if odd.all() or not odd.any():
        return None
    if unknown:
        return x, x, odd
    usual = rng.permutation(np.flatnonzero(~odd))
    train, rest = usual[: len(usual) // 2], np.setdiff1d(np.arange(len(x)), usual[: len(usual) // 2])
    return x[train], x[rest], odd[rest]


def judge(path: Path, seed: int, *, unknown: bool, names: Sequence[str]) -> Iterator[Judged]:
    """Each of the detectors on one table, if it has rows of both kinds."""
    warnings.filterwarnings("ignore")
    if (parts := protocol(path, seed, unknown=unknown)) is None:
        return
    train, x, odd = parts
    for name in names:
        started = time.perf_counter()
        said = np.asarray(DETECTORS[name](train, x, unknown, seed), np.float64)
        seconds = time.perf_counter() - started
        auc = float(roc_auc_score(odd, np.nan_to_num(said, nan=0.0, posinf=1e300, neginf=-1e300)))
        yield Judged(path.stem, seed, unknown, name, auc, seconds, bool(np.isfinite(said).all()))


def run(data: Path, *, rounds: int, smoke: bool) -> dict[str, Any]:
    """rounds: seeds, at most three."""
    judged = [
        found
        for seed in range(1 if smoke else min(rounds, SEEDS))
        for path in tables(data / "adbench")[: 2 if smoke else None]
        for unknown in (False, True)
        for found in judge(path, seed, unknown=unknown, names=list(DETECTORS))
    ]
    return {"unknown" if unknown else "usual": together([one for one in judged if one.unknown is unknown]) for unknown in (False, True)}


def together(judged: Sequence[Judged]) -> dict[str, Any]:
    """By detector, of one protocol: the mean over tables and seeds, its error over seeds, how far it is behind ours, and each table."""
    auc: dict[str, dict[tuple[str, int], float]] = {}
    for one in judged:
        auc.setdefault(one.detector, {})[one.table, one.seed] = one.auc
    found: dict[str, Any] = {}
    for name, by_run in auc.items():
        behind = {run: auc[OURS][run] - value for run, value in by_run.items()}
        own = [one for one in judged if one.detector == name]
        found[name] = {
            "mean_auc": round(float(np.mean(list(by_run.values()))), 4),
            "stderr_over_seeds": round(stderr(list(by_seed(by_run).values())), 4),
            "behind_ours": round(float(np.mean(list(behind.values()))), 4),
            "behind_stderr_over_tables": round(stderr([float(np.mean(of_table)) for of_table in by_table(behind).values()]), 4),
            "median_seconds": round(float(np.median([one.seconds for one in own])), 4),
            "tables_with_infinite_scores": sum(not one.finite for one in own),
            "runs": len(own),
            "by_table": {table: round(float(np.mean(values)), 4) for table, values in by_table(by_run).items()},
        }
    return found


def by_seed(by_run: dict[tuple[str, int], float]) -> dict[int, float]:
    """The mean over tables, of the tables that every seed has rows of both kinds of."""
    seeds = sorted({seed for _, seed in by_run})
    whole = [table for table in {table for table, _ in by_run} if all((table, seed) in by_run for seed in seeds)]
    return {seed: float(np.mean([by_run[table, seed] for table in whole])) for seed in seeds}


def by_table(by_run: dict[tuple[str, int], float]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for (table, _), value in by_run.items():
        found.setdefault(table, []).append(value)
    return found


def stderr(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
