"""`python -m benchmarks [NAME ...] --data DIR`: runs them, prints tables with ratios, and writes every round as JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.interleave import Measured
from halfseen.train.budget import machine
from halfseen.train.recipe_file import versions

BENCHMARKS = {
    "pretraining": "benchmarks.pretraining",
    "finetuning": "benchmarks.finetuning",
    "encoding": "benchmarks.encoding",
    "learning": "benchmarks.learning",
    "worth": "benchmarks.worth",
    "generation": "benchmarks.generation",
    "gpt": "benchmarks.gpt",
    "gpt_learning": "benchmarks.gpt_learning",
    "translating": "benchmarks.translating",
    "anomaly": "benchmarks.anomaly",
    "autoencoders": "benchmarks.autoencoders",
    "compression": "benchmarks.compression",
    "image_anomaly": "benchmarks.image_anomaly",
    "reducing": "benchmarks.reducing",
    "anomaly_speed": "benchmarks.anomaly_speed",
    "speech": "benchmarks.speech",
}


def show(title: str, rows: list[Measured]) -> None:
    table = Table("", rows[0].unit, "ratio", "lowest and highest ratio", title=title)
    for row in rows:
        table.add_row(row.name, f"{row.rate:,.0f}", f"{row.ratio:.2f}", f"{min(row.ratios):.2f} to {max(row.ratios):.2f}")
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(BENCHMARKS)}; by default all")
    parser.add_argument("--data", type=Path, default=os.environ.get("HALFSEEN_DATA"), help="folder with text_en, glue and ud")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="JSON file for everything that was measured")
    parser.add_argument("--smoke", action="store_true", help="a few steps, to see that it runs; the figures mean nothing")
    options = parser.parse_args()
    if options.data is None or not Path(options.data).is_dir():
        parser.error("--data must name the folder with text_en and glue (or set HALFSEEN_DATA)")
    if strange := [name for name in options.names if name not in BENCHMARKS]:
        parser.error(f"no benchmark {', '.join(strange)}; there are {', '.join(BENCHMARKS)}")
    everything: dict[str, Any] = {"machine": {**machine(), "processor": platform.processor()}, "versions": versions()}
    for name in options.names or BENCHMARKS:
        print(name, flush=True)
        found = import_module(BENCHMARKS[name]).run(Path(options.data), rounds=options.rounds, smoke=options.smoke)
        for title, rows in found.get("tables", {}).items():
            show(title, rows)
        facts = {key: value for key, value in found.items() if key != "tables"}
        print(json.dumps(facts, indent=1))
        everything[name] = {**facts, "tables": {t: [row.facts() for row in rows] for t, rows in found.get("tables", {}).items()}}
        if options.out:
            options.out.write_text(json.dumps(everything, indent=1) + "\n")


if __name__ == "__main__":
    main()
