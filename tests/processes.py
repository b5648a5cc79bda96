"""One run by one process and by two."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


def by_one_and_by_two(words: Sequence[str], folder: Path) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """What `halfseen pretrain ... --json` prints, and its metrics, of both, after they were held to give the same losses."""
    found = []
    for name, before in (("alone", []), ("together", ["torch.distributed.run", "--nproc-per-node=2", "-m"])):
        command = [
            sys.executable,
            "-m",
            *before,
            "halfseen.cli",
            "pretrain",
            *words,
            f"--out={folder / name}",
            "--precision=float32",
            "--json",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"})
        assert done.returncode == 0, done.stderr
        metrics = [json.loads(line) for line in (folder / name / "metrics.jsonl").read_text().splitlines()]
        found.append((json.loads(done.stdout), metrics))
    for name in ("loss", "heldout_loss"):
        np.testing.assert_allclose(*([line[name] for line in metrics if name in line] for _, metrics in found), rtol=1e-5)
    return found
