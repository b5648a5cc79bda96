"""`halfseen report`: one self-contained HTML page about a run, a fine-tuning, or a folder of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """One page of what came out."""

    dir: tyro.conf.Positional[Path]
    """A folder that `pretrain`, `finetune`, `score` or `demo` wrote."""


def report(dir: str | Path) -> dict[str, Any]:
    """Writes report.html into the folder and returns {"report"}."""
    from halfseen.report.page import write_report

    return {"report": str(write_report(Path(dir)))}


def run(options: ReportOptions) -> dict[str, Any]:
    return report(options.dir)
