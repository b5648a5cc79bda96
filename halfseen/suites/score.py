"""`halfseen score`: what a model is worth by a suite of tasks."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from halfseen.contracts import UserError
from halfseen.suites.options import SUITES

RUN = {
    "glue": "halfseen.suites.glue_scores",
    "codes": "halfseen.suites.codes",
    "compression": "halfseen.suites.compression",
    "speech": "halfseen.suites.speech",
    "voice": "halfseen.suites.voice",
    "units": "halfseen.suites.units",
}
"""A suite to the module whose `run` takes its options."""


def score(suite: str = "glue", **options: Any) -> dict[str, Any]:
    """What `halfseen score --json` prints. options: the fields of the suite's options; a single model may be a string."""
    if suite not in SUITES:
        raise UserError(f"no suite '{suite}'", way_out=f"take one of {', '.join(SUITES)}")
    if isinstance(options.get("model"), str | Path):
        options["model"] = (str(options["model"]),)
    if options.get("out") is not None:
        options["out"] = Path(options["out"])
    return run(suite, SUITES[suite](**{**options, "data": str(options["data"])}))


def run(suite: str, options: Any) -> dict[str, Any]:
    """`score` with its options in one piece. Raises UserError for a fault in the data or options."""
    if faults := options.faults():
        raise UserError("; ".join(faults), way_out=f"see `halfseen score {suite} --help`")
    found: Callable[[Any], dict[str, Any]] = import_module(RUN[suite]).run
    return found(options)
