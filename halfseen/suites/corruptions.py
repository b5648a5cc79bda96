"""`halfseen compare corruptions`: which way to corrupt a text teaches most, at equal time, by what comes of it downstream (T5's tables 4 to
7 in small, arXiv:1910.10683).

Every corruption trains the same net on the same text; every model is fine-tuned on the same pairs with the same seeds.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from halfseen.contracts import UserError
from halfseen.data.claim import RUN
from halfseen.data.labels import read_labelled
from halfseen.methods import METHODS
from halfseen.methods.recipes import TextRecipe
from halfseen.report.page import PAGE, write_report
from halfseen.suites.options import CORRUPTIONS, CorruptionOptions
from halfseen.tasks.done import FITS
from halfseen.tasks.finetune import run as finetune
from halfseen.tasks.options import FinetuneOptions
from halfseen.train.pretrain import pretrain
from halfseen.train.progress import note
from halfseen.train.recipe_file import read_recipe
from halfseen.train.run import SUMMARY, resume

MINUTES = 5.0
SCORES = "scores"
"""Where the fine-tuning's results stand, beside the models."""


def compare_corruptions(paths: str | Path | list[str], **options: Any) -> dict[str, Any]:
    """What `halfseen compare corruptions --json` prints. options: the fields of `CorruptionOptions`."""
    listed = (str(paths),) if isinstance(paths, str | Path) else tuple(map(str, paths))
    options |= {name: Path(options[name]) for name in ("train", "dev", "out") if name in options}
    return run("corruptions", CorruptionOptions(paths=listed, **options))


def run(what: str, options: CorruptionOptions) -> dict[str, Any]:
    """`compare_corruptions` with its options in one piece. Raises UserError for a fault in the data or options."""
    if faults := options.faults():
        raise UserError("; ".join(faults), way_out="see `halfseen compare corruptions --help`")
    for path in (options.train, options.dev):  # a fault in them shall not show after hours
        read_labelled(path, "seq2seq")
    scores = options.out / SCORES  # an empty one, or one with fits, was left by an interrupted comparison
    if scores.exists() and any(scores.iterdir()) and not (scores / FITS).exists():
        raise UserError("holds other results", where=str(scores), way_out="choose another --out, or take them away")
    folders = [options.out / name for name in options.names]
    for name, folder in zip(options.names, folders, strict=True):
        learn(name, folder, options)
    found = finetune(
        "seq2seq",
        FinetuneOptions(
            model=tuple(map(str, folders)),
            train=options.train,
            dev=options.dev,
            out=scores,
            labels=options.labels,
            seeds=options.seeds,
            controls=True,
            learning_rates=options.learning_rates,
            metric=options.metric,
        ),
    )
    write_report(options.out)
    return found | {"report": str(options.out / PAGE)}


def learn(name: str, folder: Path, options: CorruptionOptions) -> None:
    """Pre-trains, goes on with what was interrupted, or takes what is there. Raises UserError if that is another run."""
    method, given = CORRUPTIONS[name]
    fresh = METHODS[method][1]()
    assert isinstance(fresh, TextRecipe)
    recipe = replace(fresh, net=options.net, **given)
    budget = {"steps": options.steps} if options.steps else {"minutes": options.minutes or MINUTES}
    if (folder / RUN).exists():
        there = read_recipe(folder)
        if (there["method"], there["recipe"], there["budget"]["asked"]) != (method, listed(asdict(recipe)), budget):
            raise UserError("holds another run", where=str(folder), way_out="choose another --out, or take it away")
        if not (folder / SUMMARY).exists():
            resume(folder)
        return
    note(f"{name}: {method}")
    more = {name: value for name in ("vocabulary", "length") if (value := getattr(options, name)) is not None}
    pretrain(method, list(options.paths), out=folder, recipe=recipe, **budget, **more)


def listed(value: Any) -> Any:
    """As JSON gives it back."""
    if isinstance(value, dict):
        return {name: listed(held) for name, held in value.items()}
    return [listed(held) for held in value] if isinstance(value, tuple) else value
