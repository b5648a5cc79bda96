"""halfseen: hide half of every sample, learn by predicting it, and show with numbers what that was worth.

    import halfseen
    halfseen.pretrain("bert", "texts/", out="run", minutes=3)
    halfseen.finetune("classify", model="run", train="train.tsv", dev="dev.tsv", out="reviews", labels="128,512", controls=True)

The functions have the names and defaults of the command line's verbs; only `report` is `write_report`,
as a room of the house bears its name, and `compare corruptions` is `compare_corruptions`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_VERBS = {
    "demo": "halfseen.apps.demo",
    "pretrain": "halfseen.train.pretrain",
    "resume": "halfseen.train.run",
    "finetune": "halfseen.tasks.finetune",
    "predict": "halfseen.apps.predict",
    "fill": "halfseen.apps.fill",
    "encode": "halfseen.apps.encode",
    "generate": "halfseen.apps.generate",
    "score": "halfseen.suites.score",
    "compare_corruptions": "halfseen.suites.corruptions",
    "prompt": "halfseen.suites.prompt",
    "show": "halfseen.lens.show",
    "detect_fit": "halfseen.apps.detect",
    "detect_score": "halfseen.apps.detect",
    "AnomalyDetector": "halfseen.apps.detector",
    "ImageDetector": "halfseen.apps.image_detector",
    "PyodDetector": "halfseen.apps.pyod_detector",
    "reduce": "halfseen.apps.reduce",
    "Reducer": "halfseen.apps.reducer",
    "sample": "halfseen.apps.sample",
    "compress": "halfseen.apps.compress",
    "decompress": "halfseen.apps.compress",
    "convert": "halfseen.apps.convert",
    "denoise": "halfseen.apps.denoise",
    "Denoiser": "halfseen.apps.denoiser",
    "write_report": "halfseen.report.page",
    "export": "halfseen.apps.export",
    "load": "halfseen.apps.model",
    "UserError": "halfseen.contracts",
}

__all__ = ["__version__", *_VERBS]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    """Imports a verb when it is first used: torch takes a second."""
    if name not in _VERBS:
        raise AttributeError(f"module 'halfseen' has no attribute '{name}'")
    return getattr(import_module(_VERBS[name]), name)
