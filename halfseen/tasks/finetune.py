"""`halfseen finetune`: models, labelled files, and what the pre-training was worth."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from halfseen.contracts import UserError
from halfseen.data.labels import Kind, Labelled, check_known, keep_apart, overlap, read_labelled
from halfseen.report.efficiency import verdict
from halfseen.report.page import PAGE
from halfseen.tasks.compare import compare, load_models, make_arms, whose_random_weights
from halfseen.tasks.done import FITS, DoneFits
from halfseen.tasks.options import FinetuneOptions
from halfseen.tasks.record import Record, describe
from halfseen.tasks.saved import save_task
from halfseen.tasks.seq2seq import must_write
from halfseen.tasks.task import Task
from halfseen.tasks.translation_metrics import TEXT_METRICS
from halfseen.train.progress import ProgressBar


def finetune(kind: Kind, **options: Any) -> dict[str, Any]:
    """Trains and compares; returns what `halfseen finetune --json` prints.

    options: the fields of `FinetuneOptions`; a single model or path may be a string. Raises UserError for a fault in the data or options.
    """
    if isinstance(options.get("model"), str | Path):
        options["model"] = (str(options["model"]),)
    options |= {name: Path(options[name]) for name in ("train", "dev", "out") if name in options}
    return run(kind, FinetuneOptions(**options))


def run(kind: Kind, options: FinetuneOptions) -> dict[str, Any]:
    """`finetune` with its options in one piece."""
    if faults := options.faults():
        raise UserError("; ".join(faults), way_out="see `halfseen finetune --help`")
    if options.metric is not None and kind != "seq2seq":
        raise UserError(f"--metric is not for {kind}", way_out="leave it out; texts alone are judged in several ways")
    record = Record(options.out, left_by=FITS)
    train, dev = (_read(path, kind, options) for path in (options.train, options.dev))
    for file in (train, dev):
        if file.skipped:
            record.notes.append(f"{file.skipped:,} answers of {file.path} do not stand at their offset in the passage and were left out.")
    shared = overlap(train, dev)
    train, dropped = keep_apart(train, dev)
    if shared:
        of_dev = f"{shared:,} of {len(dev.samples):,} dev items"
        record.notes.append(f"{of_dev} stand in the training file, too; its {dropped:,} rows were left out.")
    check_known(train, dev)
    record.data = {"train": describe(train), "dev": describe(dev)}
    record.models = load_models(options.model)
    if kind == "seq2seq":
        record.notes += must_write(record.models, (train, dev))
    arms = make_arms(record.models, kind, controls=options.controls)
    if options.controls and (whose := whose_random_weights(record.models)):
        record.notes.append(whose)
    fits = len(arms) * options.seeds * len(options.label_counts(len(train.samples)))
    models = {name: model.fingerprint() for name, model in record.models.items()}
    done = DoneFits.open(options.out, {"options": asdict(replace(options, model=(), out=Path())), "data": record.data, "models": models})
    record.earlier = sum(before.fit.seconds for before in done.by_fit.values())
    with ProgressBar("fine-tuning", fits) as bar, record.kept_if_interrupted():
        saved: list[Task] = []

        def told(count: int, note: str) -> None:
            bar.update(count, note=note)
            if (best := record.compared.best) is not None and best not in saved:
                save_task(options.out / "model", kind, best, train.scheme)
                saved[:] = [best]

        compare(kind, train, dev, arms, options, record.compared, metrics=TEXT_METRICS.get(options.metric), on_fit=told, done=done)
    results = record.keep()
    done.close()
    found = verdict(results, kind)
    return {
        "scores": results.printed(),
        "seconds": results.seconds,
        "notes": list(results.notes),
        "verdict": f"{found.sentence} {found.beside}".strip(),
        "report": str(options.out / PAGE),
    }


def _read(path: Path, kind: Kind, options: FinetuneOptions) -> Labelled:
    return read_labelled(
        path,
        kind,
        text=options.text,
        second=options.second,
        label=options.label,
        scheme=options.scheme,
        skip_bad=options.skip_bad,
    )
