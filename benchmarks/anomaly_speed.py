"""Seconds to fit and to score, `AnomalyDetector` beside PyOD's detectors that learn, and what a table of 619,326 rows takes.

Peers' defaults. 3,000 rows of a table: contenders take turns. The large table (donors): a process each for 100,000, 200,000, 400,000 and
all rows, fitted on and scored again; seconds, and the most memory that the process held.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.anomaly import DETECTORS, Detector, protocol
from benchmarks.interleave import interleave

TABLES = ("6_cardio", "22_magic.gamma", "10_cover")
PEERS = ("PyOD KNN", "PyOD AutoEncoder", "PyOD VAE")
LARGE, SIZES = "11_donors", (100_000, 200_000, 400_000, 619_326)
ALONE = """
import json, pathlib, re, sys, time
import numpy as np
from halfseen.apps.detector import AnomalyDetector
def most_mb():  # of this process alone; getrusage would begin with its parent's
    return int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) / 1024
path, rows, share = sys.argv[1], int(sys.argv[2]), sys.argv[3]
x = np.load(path, allow_pickle=False)["X"].astype(np.float64)
x = x[np.random.default_rng(0).permutation(len(x))[:rows]]
before = most_mb()
started, started_cpu = time.perf_counter(), time.process_time()
found = AnomalyDetector(odd_share=share if share == "unknown" else float(share)).fit(x)
fitted = time.perf_counter()
found.score_samples(x)
scored = time.perf_counter()
cpu = time.process_time() - started_cpu
seconds = {"fit_s": fitted - started, "score_s": scored - fitted, "cpu_s": cpu}
print(json.dumps({"rows": len(x), **seconds, "peak_mb": most_mb(), "read_mb": before}))
"""


def run(data: Path, *, rounds: int, smoke: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"tables": {}}
    for table in TABLES[: 1 if smoke else None]:
        parts = protocol(data / "adbench" / f"{table}.npz", 0, unknown=False)
        assert parts is not None
        train, x, _ = parts

        def speed(detect: Detector, train: Any = train, x: Any = x) -> float:
            started = time.perf_counter()
            detect(train, x, False, 0)
            return (len(train) + len(x)) / (time.perf_counter() - started)

        found["tables"][f"{table}: {len(train):,} rows to fit, {len(x):,} to score"] = interleave(
            {name: lambda detect=DETECTORS[name]: speed(detect) for name in ("halfseen", *PEERS)},  # type: ignore[misc]
            rounds=1 if smoke else rounds,
            unit="rows/s",
            reference="PyOD AutoEncoder",
        )
    for share in ("0", "unknown"):
        found[f"donors, odd_share {share}"] = [
            alone(data / "adbench" / f"{LARGE}.npz", rows, share) for rows in SIZES[: 1 if smoke else None]
        ]
    return found


def alone(path: Path, rows: int, share: str) -> dict[str, float]:
    """In a process of its own, so that its memory is its own."""
    said = subprocess.run([sys.executable, "-c", ALONE, str(path), str(rows), share], capture_output=True, text=True, check=True)
    facts: dict[str, float] = json.loads(said.stdout)
    print(f"  {rows:,} rows, odd_share {share}: {facts}", flush=True)
    return facts
