"""`halfseen finetune`: models, labelled files, and what the pre-training was worth."""

from __future__ import annotations

import time
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from halfseen.contracts import UserError
from halfseen.data.labels import Kind, Labelled, check_known, read_labelled
from halfseen.report.efficiency import verdict
from halfseen.report.page import write_report
from halfseen.report.results import FILE, Results
from halfseen.tasks.compare import compare, load_models, make_arms
from halfseen.tasks.options import FinetuneOptions
from halfseen.tasks.saved import save_task
from halfseen.train.progress import ProgressBar
from halfseen.train.recipe_file import command_line, versions


def finetune(kind: Kind, **options: Any) -> dict[str, Any]:
    """Trains and compares; returns what `halfseen finetune --json` prints.

    options: the fields of `FinetuneOptions`; a single model or path may be a string. Raises UserError for a fault in the data or options.
    """
    if isinstance(options.get("model"), str | Path):
        options["model"] = (str(options["model"]),)
    for name in ("train", "dev", "out"):
        options[name] = Path(options[name])
    return run(kind, FinetuneOptions(**options))


def run(kind: Kind, options: FinetuneOptions) -> dict[str, Any]:
    """`finetune` with its options in one piece."""
    started = time.monotonic()
    if faults := options.faults():
        raise UserError("; ".join(faults), way_out="see `halfseen finetune --help`")
    out = claim(options.out)
    train, dev = (
        read_labelled(path, kind, text=options.text, second=options.second, label=options.label) for path in (options.train, options.dev)
    )
    check_known(train, dev)
    models = load_models(options.model)
    arms = make_arms(models, kind, controls=options.controls)
    fits = len(arms) * options.seeds * len(options.label_counts(len(train.samples)))
    with ProgressBar("fine-tuning", fits) as bar:
        done = 0

        def on_fit(note: str) -> None:
            nonlocal done
            done += 1
            bar.update(done, note=note)

        compared = compare(kind, train, dev, arms, options, on_fit=on_fit)
    results = Results(
        scores=tuple(compared.scores),
        fits=tuple(compared.fits),
        examples=tuple(compared.examples),
        seconds=time.monotonic() - started,
        command=command_line(),
        models={name: str(model.folder) for name, model in models.items()},
        data={"train": describe(train), "dev": describe(dev)},
        versions=versions(),
    )
    results.save(out)
    assert compared.best is not None
    save_task(out / "model", kind, compared.best)
    page = write_report(out)
    found = verdict(results, kind)
    return {
        "scores": [asdict(row) for row in results.scores],
        "seconds": results.seconds,
        "verdict": f"{found.sentence} {found.beside}".strip(),
        "report": str(page),
    }


def claim(out: Path) -> Path:
    """Makes the folder. Raises UserError if it holds something already, or cannot be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            held = "holds other results" if (out / FILE).exists() else "is not empty"
            raise UserError(held, where=str(out), way_out="choose another --out")
        (out / ".writable").touch()
        (out / ".writable").unlink()
    except OSError as error:
        raise UserError(f"cannot be written ({error.strerror})", where=str(out), way_out="choose another --out") from error
    return out


def describe(labelled: Labelled) -> dict[str, Any]:
    """A labelled file's counts and fingerprint."""
    content = sha256()
    for sample in labelled.samples:
        content.update(repr((sample.x, sorted(sample.meta.items()))).encode())
    return {"path": labelled.path, "items": len(labelled.samples), "labels": list(labelled.labels), "fingerprint": content.hexdigest()[:16]}
