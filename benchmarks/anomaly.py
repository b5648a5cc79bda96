"""What is odd in ADBench's tables: mean ROC-AUC and seconds of `AnomalyDetector` beside PyOD's detectors, in the same protocol.

Each table is shuffled and cut to 3,000 rows. `usual`: fitted on half of the usual rows, scored on the rest. `unknown`: fitted on all rows,
some of them odd, and scored on the same. Everyone gets columns standardised by the training rows, and its own defaults.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from halfseen.apps.detector import AnomalyDetector

ROWS, SEEDS = 3000, 3
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
    "halfseen": ours,
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


def run(data: Path, *, rounds: int, smoke: bool) -> dict[str, Any]:
    """rounds: seeds, at most three."""
    warnings.filterwarnings("ignore")
    found: dict[str, Any] = {}
    for unknown in (False, True):
        scores: dict[str, list[float]] = {name: [] for name in DETECTORS}
        seconds: dict[str, list[float]] = {name: [] for name in DETECTORS}
        failed: dict[str, int] = dict.fromkeys(DETECTORS, 0)
        for seed in range(1 if smoke else min(rounds, SEEDS)):
            for path in tables(data / "adbench")[: 2 if smoke else None]:
                if (parts := protocol(path, seed, unknown=unknown)) is None:
                    continue
                train, x, odd = parts
                for name, detect in DETECTORS.items():
                    started = time.perf_counter()
                    said = np.asarray(detect(train, x, unknown, seed), np.float64)
                    seconds[name].append(time.perf_counter() - started)
                    failed[name] += int(not np.isfinite(said).all())
                    scores[name].append(float(roc_auc_score(odd, np.nan_to_num(said, nan=0.0, posinf=1e300, neginf=-1e300))))
        found["unknown" if unknown else "usual"] = {
            name: {
                "mean_auc": round(float(np.mean(scores[name])), 4),
                "stderr_of_difference_to_ours": round(paired_error(scores[name], scores["halfseen"]), 4),
                "median_seconds": round(float(np.median(seconds[name])), 4),
                "tables_with_infinite_scores": failed[name],
                "runs": len(scores[name]),
            }
            for name in DETECTORS
        }
    return found


def paired_error(theirs: list[float], ours: list[float]) -> float:
    """Over tables and seeds, of the mean of the differences."""
    off = np.subtract(ours, theirs)
    return float(off.std(ddof=1) / np.sqrt(len(off))) if len(off) > 1 else 0.0
