"""`halfseen show`: what small nets learn in context, trained and measured here, beside what is known of the task.

Every study is one file with its prompts, its net and what it measures.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from halfseen.contracts import Method, UserError
from halfseen.data.claim import PICTURES
from halfseen.data.files import write_json
from halfseen.lens.copy import Copy
from halfseen.lens.dictionary import Dictionary
from halfseen.lens.options import ShowOptions
from halfseen.lens.regression import Regression
from halfseen.lens.study import MEASURED, SCRATCH, Points, Study
from halfseen.report.page import PAGE
from halfseen.report.pictures import second_curve
from halfseen.report.results import Fit, ScoreRow
from halfseen.report.sections import COUNTED
from halfseen.tasks.record import Record
from halfseen.train.progress import ProgressBar

STUDIES: dict[str, type[Study]] = {study.name: study for study in (Copy, Dictionary, Regression)}


def show(what: str, *, out: str | Path, **options: Any) -> dict[str, Any]:
    """What `halfseen show --json` prints: {"scores", "notes", "verdict", "seconds", "report"}.

    In `scores`, `labels` counts the examples in the prompt, or of `copy` the steps of training. options: the fields of `ShowOptions`.
    Raises UserError for a fault in the options.
    """
    return run(what, ShowOptions(out=Path(out), **options))


def run(what: str, options: ShowOptions) -> dict[str, Any]:
    """`show` with its options in one piece."""
    if what not in STUDIES:
        raise UserError(f"no study '{what}'", way_out=f"take one of {', '.join(STUDIES)}")
    if faults := options.faults():
        raise UserError("; ".join(faults), way_out="see `halfseen show --help`")
    study, steps = STUDIES[what](), options.steps or STUDIES[what].steps
    record = Record(options.out, counted=study.counted, notes=study.notes())
    first: dict[str, Method] = {}
    with ProgressBar("training", len(study.arms) * options.seeds) as bar, record.kept_if_interrupted():
        for i, arm in enumerate(study.arms):
            found: list[Points] = []
            for seed in range(options.seeds):
                bar.update(i * options.seeds + seed, note=f"{arm}, seed {seed}")
                started = time.perf_counter()
                method = study.fresh(arm, seed)
                first.setdefault(arm, method)
                found.append(study.follow(method, seed, steps, train=arm != SCRATCH))
                keep_fits(record, study, arm, seed, found[-1], time.perf_counter() - started)
            record.compared.scores += rows_of(study, arm, found)
        bar.update(len(study.arms) * options.seeds)
    for arm, points in study.controls(steps).items():
        record.compared.scores += rows_of(study, arm, [points])
        keep_fits(record, study, arm, 0, points, 0.0)
    record.verdict = study.verdict(record.compared.scores)
    curves = [second_curve(record.compared.scores, name, COUNTED[study.counted]) for name in [*study.units][1:]]
    write_json(options.out / PICTURES, curves + study.pictures(first))
    results = record.keep()
    return {
        "scores": results.printed(),
        "counted": results.counted,
        "notes": list(results.notes),
        "verdict": results.verdict,
        "seconds": results.seconds,
        "report": str(options.out / PAGE),
    }


def keep_fits(record: Record, study: Study, arm: str, seed: int, points: Points, seconds: float) -> None:
    """One training's points of the curve."""
    main = next(iter(study.units))
    record.compared.fits += [
        Fit(task=study.name, arm=arm, labels=at, seed=seed, value=figures[main], losses=(), seconds=seconds)
        for at, figures in points.items()
    ]


def rows_of(study: Study, arm: str, found: Sequence[Points]) -> list[ScoreRow]:
    """An arm's figures at each point: the mean of its trainings, and the standard error over them."""
    rows = []
    for at, figures in found[0].items():
        for i, name in enumerate(figures):
            values = [points[at][name] for points in found]
            rows.append(
                ScoreRow(
                    task=study.name,
                    arm=arm,
                    name=name,
                    value=float(np.mean(values)),
                    n=MEASURED,
                    stderr=float(np.std(values, ddof=1) / len(values) ** 0.5) if len(values) > 1 else 0.0,
                    seeds=len(values),
                    labels=at,
                    unit=study.units[name],
                    higher_is_better=name not in study.lower,
                    main=i == 0,
                )
            )
    return rows
