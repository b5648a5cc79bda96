"""`halfseen reduce`: few numbers in place of many, by several ways side by side, with what each keeps and what it loses.

Shapes: R rows x_RX, (F,) float32 each or images (C, H, W) of uint8; z_RE of each way.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from halfseen.apps.array_model import open_array_model
from halfseen.apps.reduce_options import TO, ReduceOptions
from halfseen.apps.reduced_picture import Labels, write_picture
from halfseen.apps.reduced_quality import judge, judged_rows, share_lost
from halfseen.apps.reducer import keep
from halfseen.apps.reductions import Reduced, by_model, check_ways, flattened, ready, reduced_by
from halfseen.contracts import Array, UserError
from halfseen.data.claim import RESULTS, claim
from halfseen.data.files import write_atomically, write_json
from halfseen.data.intake import Intake, TableIntake, known_of, open_data
from halfseen.methods.array import Rebuilding
from halfseen.train.progress import note

PICTURE = "side-by-side.png"
MODEL = "model"
"""What rows are placed by, if it is not one of the ways."""


def reduce(path: str | Path, *, out: str | Path, model: str | Path | None = None, **options: Any) -> dict[str, Any]:
    """What `halfseen reduce --json` prints. options: the fields of `ReduceOptions`."""
    return run(ReduceOptions(path=str(path), out=Path(out), model=Path(model) if model else None, **options))


def run(options: ReduceOptions) -> dict[str, Any]:
    """Raises UserError for a fault in the data or options."""
    if faults := options.faults():
        raise UserError("; ".join(faults), way_out="see `halfseen reduce --help`")
    if options.model:
        return place(options, options.model)
    opened = open_data(options.path, label=options.label)
    to, width = options.to or TO, math.prod(opened.intake.shape)
    if to > width:
        raise UserError(f"--to is {to}, but there are only {width} numbers a row", where=options.path, way_out=f"give --to {width} or less")
    if opened.count < max(3, to + 1):
        raise UserError(f"{opened.count} rows; too few to see which are near", where=options.path, way_out="give more rows")
    check_ways(options.ways, opened.count)
    labels = Labels.of(opened.labels, options.path)
    x_RX = np.concatenate(list(opened.chunks))
    if (x_RX == x_RX[0]).all():
        raise UserError("all rows are the same", where=options.path, way_out="give rows that differ")
    claim(options.out)
    for line in opened.notes:
        note(line)
    made: dict[str, Reduced] = {}
    kept = ""
    for way in options.ways:  # each leaves what it made at once: the next may be interrupted
        made[way] = reduced_by(way, x_RX, to=to, steps=options.steps, seed=options.seed)
        write_atomically(options.out / f"{way}.csv", as_csv(made[way].z, opened.names, labels).encode())
        if (method := made[way].model) is not None and not kept:
            kept = way
            keep(method, opened.intake, way, options.out)
    found = judged(options.out, made, x_RX, labels)
    return found | ({"model": f"{options.out} ({kept}), for new rows with --model"} if kept else {})


def place(options: ReduceOptions, model: Path) -> dict[str, Any]:
    method, intake = open_array_model(model)
    if not isinstance(method, Rebuilding):
        raise UserError("squeezes nothing into a code", where=str(model), way_out="name a folder of `halfseen reduce`, or `pretrain vae`")
    x_RX, names, values = taken(intake, options)
    labels = Labels.of(values, options.path)
    claim(options.out)
    made = by_model(ready(method), x_RX)
    write_atomically(options.out / f"{MODEL}.csv", as_csv(made.z, names, labels).encode())
    return judged(options.out, {MODEL: made}, x_RX, labels)


def taken(intake: Intake, options: ReduceOptions) -> tuple[Array, Sequence[Any], Sequence[Any] | None]:
    """x_RX as the model is fed with it, each row's name, and its label."""
    if isinstance(intake, TableIntake):
        table, x_RF = intake.read(options.path, label=options.label)
        for line in intake.scaler.strange(table):
            note(line)
        return x_RF, *known_of(table)
    images, chunks = intake.read(options.path, label=options.label)
    return np.concatenate(list(chunks)), *known_of(images)


def judged(out: Path, made: dict[str, Reduced], x_RX: Array, labels: Labels | None) -> dict[str, Any]:
    """Judges all ways and leaves picture and table in `out`."""
    full_RF = flattened(x_RX)
    classes_R = labels.classes if labels else None
    figures = judge(full_RF, {way: one.z for way, one in made.items()}, classes_R)
    ways: list[dict[str, Any]] = [{"way": "all columns", **figures.pop("full"), "share_lost": 0.0, "seconds": None}]
    for way, one in made.items():
        lost = None if one.rebuilt is None else share_lost(full_RF, one.rebuilt.reshape(full_RF.shape))
        ways.append({"way": way, **figures[way], "share_lost": lost, "seconds": round(one.seconds, 3)})
    titles = {way: subtitle(way, figures[way]) for way in made}
    write_picture(out / PICTURE, {titles[way]: one.z for way, one in made.items()}, labels)
    count = len(judged_rows(len(full_RF)))
    found: dict[str, Any] = {"out": str(out), "rows": len(full_RF), "rows_judged": count, "picture": str(out / PICTURE), "ways": ways}
    write_json(out / RESULTS, found)
    return found


def subtitle(way: str, figures: dict[str, float | None]) -> str:
    trust = figures["trustworthiness"]
    return way if trust is None else f"{way}, trustworthiness {trust:.3f}"


def as_csv(z_RE: NDArray[np.float64], names: Sequence[Any], labels: Labels | None) -> str:
    held = io.StringIO()
    rows = csv.writer(held, lineterminator="\n")
    rows.writerow(["row", *range(1, z_RE.shape[1] + 1), *(["label"] if labels else [])])
    for i, (name, z_E) in enumerate(zip(names, z_RE, strict=True)):
        rows.writerow([name, *(f"{z:.6g}" for z in z_E), *([labels.shown[i]] if labels else [])])
    return held.getvalue()
