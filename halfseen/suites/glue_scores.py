"""`halfseen score glue`: every task of GLUE, every arm, and the mean."""

from __future__ import annotations

from typing import Any

from halfseen.contracts import UserError
from halfseen.data.labels import overlap
from halfseen.suites.glue import available, glue_mean, read_task, write_submission
from halfseen.suites.glue_tasks import task_named
from halfseen.suites.options import ScoreOptions
from halfseen.tasks.compare import compare, load_models, make_arms, whose_random_weights
from halfseen.tasks.record import Record, describe
from halfseen.train.progress import ProgressBar


def run(options: ScoreOptions) -> dict[str, Any]:
    """What `halfseen score glue --json` prints. Raises UserError for a fault in the data or options."""
    present, missing = available(options.data)
    names = [name for name in options.tasks.split(",") if name] or list(present)
    absent = [name for name in names if task_named(name).name in missing]
    if absent or not names:
        raise UserError(
            f"no data for {', '.join(absent) or 'any task'}", where=options.data, way_out=f"it holds {', '.join(present) or 'none of them'}"
        )
    record = Record(options.out, missing=missing, models=load_models(options.model))
    submissions = {}
    if options.controls and (whose := whose_random_weights(record.models)):
        record.notes.append(whose)
    with ProgressBar("scoring glue", len(names)) as bar, record.kept_if_interrupted():
        for i, name in enumerate(names):
            found = read_task(options.data, name)
            arms = make_arms(record.models, found.task.kind, controls=options.controls)
            note = lambda done, text, i=i: bar.update(i, note=text)  # noqa: E731
            further = {"mismatched": found.mismatched} if found.mismatched else {}
            if shared := overlap(found.train, found.dev):
                record.notes.append(f"{name}: {shared} of {len(found.dev.samples)} dev items stand in the official training items, too.")
            record.data[name] = {"train": describe(found.train), "dev": describe(found.dev)}
            compare(name, found.train, found.dev, arms, options, record.compared, metrics=found.task.metrics, further=further, on_fit=note)
            if options.out is not None and record.compared.best is not None:
                tests = {**({next(iter(found.task.tests)): found.test} if found.test else {}), **found.further_tests}
                for file, items in tests.items():
                    submissions[file] = str(write_submission(options.out, found.task, record.compared.best.predict(items), name=file))
            bar.update(i + 1)
    results = record.keep()
    return {
        "scores": results.printed(),
        "mean": glue_mean(results.scores),
        "missing": list(missing),
        "notes": list(results.notes),
        "submissions": submissions,
        "seconds": results.seconds,
    }
