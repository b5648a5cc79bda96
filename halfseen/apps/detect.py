"""`halfseen detect`: learn what is usual from a table, and say which rows of another are odd and why; for images see `detect_images`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from halfseen.apps.detect_images import fit_images, score_images
from halfseen.apps.detect_options import DetectFitOptions, DetectScoreOptions
from halfseen.apps.detector import AnomalyDetector
from halfseen.apps.verdict import judged, truth, verdict
from halfseen.contracts import Array, UserError
from halfseen.data.claim import claim
from halfseen.data.files import write_atomically
from halfseen.data.intake import is_table
from halfseen.data.tables import Table, read_table
from halfseen.train.progress import note


def detect_fit(path: str | Path, *, out: str | Path, **options: Any) -> dict[str, Any]:
    """What `halfseen detect fit --json` prints. options: the fields of `DetectFitOptions`."""
    return fit(DetectFitOptions(path=Path(path), out=Path(out), **options))


def detect_score(detector: str | Path, path: str | Path, *, out: str | Path | None = None, **options: Any) -> dict[str, Any]:
    """What `halfseen detect score --json` prints. options: the fields of `DetectScoreOptions`."""
    files = {"out": Path(out) if out else None, "picture": Path(options["picture"]) if options.get("picture") else None}
    return score(DetectScoreOptions(**(options | {"detector": Path(detector), "path": Path(path)} | files)))


def run(what: str, options: Any) -> dict[str, Any]:
    return fit(options) if what == "fit" else score(options)


def fit(options: DetectFitOptions) -> dict[str, Any]:
    """Raises UserError for a fault in the data or options."""
    if faults := options.faults():
        raise UserError("; ".join(faults), way_out="see `halfseen detect fit --help`")
    if not is_table(options.path):
        return fit_images(options)
    if options.size is not None:
        raise UserError("--size is given, but this is a table", where=str(options.path), way_out="leave --size away")
    table = read_table(options.path, label=options.label)
    if len(table) < 2:
        raise UserError(f"{len(table)} rows; too few to say what is usual", where=str(options.path), way_out="give more rows")
    claim(options.out)
    detector = AnomalyDetector(odd_share=options.odd_share, alarm=options.alarm, by=options.by, random_state=options.seed)
    detector.fit_table(table, classes_of(table, options))
    for line in (*table.notes, *detector.scaler_.notes):
        note(line)
    detector.save(options.out)
    return {"detector": str(options.out), "rows": len(table), "columns": len(table.names), "scores": [*detector.panel_.members]}


def score(options: DetectScoreOptions) -> dict[str, Any]:
    """Raises UserError for a fault in the data or options."""
    if faults := options.faults():
        raise UserError("; ".join(faults), way_out="see `halfseen detect score --help`")
    for path in (options.out, options.picture):
        if path and path.exists():
            raise UserError("is there already", where=str(path), way_out="choose another name")
    if not is_table(options.path):
        return score_images(options)
    if options.picture:
        raise UserError("--picture is given, but this is a table", where=str(options.path), way_out="leave --picture away")
    detector = AnomalyDetector.load(options.detector)
    table = read_table(options.path, label=options.label, kinds=detector.scaler_.kinds)
    numbers = [int(number) for number in table.numbers]
    odd_R = None if table.label is None else truth(table.label.values.tolist(), "row", numbers, f"{table.name}, label {table.label.name!r}")
    for line in detector.scaler_.strange(table):
        note(line)
    found = verdict(detector, "row", numbers, detector.oddness_of(table), options.rate)
    if options.out:
        write_atomically(options.out, found.as_csv())
    order = found.oddest(options.top)
    shares = detector.shares_of(table.take(order)) if len(order) and detector.explains else None
    names = list(dict.fromkeys(detector.scaler_.source_of))
    why = [{} if shares is None else because(shares[i], names, table, int(row)) for i, row in enumerate(order)]
    told = found.told(order, why)
    if odd_R is not None:
        told["judged"] = judged(found.oddness, odd_R)
    return told | ({"out": str(options.out)} if options.out else {})


def classes_of(table: Table, options: DetectFitOptions) -> Array | None:
    """What `confidence` learns from. Raises UserError if it is one class alone, or is missing in a row."""
    if options.by != "confidence" or table.label is None:
        return None
    if table.label.missing.any():
        row = int(table.numbers[table.label.missing.argmax()])
        raise UserError(f"row {row} has none", where=f"{table.name}, label {table.label.name!r}", way_out="give each usual row a class")
    classes_T = table.label.values.astype(str)
    if len(np.unique(classes_T)) < 2:
        raise UserError("one class alone", where=f"{table.name}, label {table.label.name!r}", way_out="leave --by confidence away")
    return np.asarray(classes_T)


def because(share_C: NDArray[np.float64], names: list[str], table: Table, row: int) -> dict[str, str]:
    """The columns that make most of a row's oddness, each with its value and its share."""
    found = {}
    for i in np.argsort(-share_C, kind="stable")[:3]:
        value = table[names[i]].values[row]
        shown = value if isinstance(value, str) or value is None else f"{value:g}"
        found[names[i]] = f"{shown} ({100 * share_C[i]:.0f} %)"
    return found
