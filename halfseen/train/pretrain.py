"""Pre-training from start to end: paths to data, a budget to a plan, a plan to a model.

A run's folder holds everything about it: recipe.json (all that decides its weights), its data as they are read, checkpoints/,
metrics.jsonl, and at the end the model, its card and summary.json. A fresh run and a resumed one walk the same way: `prepare` leaves a
folder with a checkpoint of step 0, and `carry_on` goes on from a folder's newest checkpoint.
"""

from __future__ import annotations

import time
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from halfseen.contracts import UserError
from halfseen.methods import METHODS
from halfseen.methods.recipes import Recipe
from halfseen.train.budget import machine
from halfseen.train.checkpoint import save_checkpoint
from halfseen.train.loop import Loop
from halfseen.train.modality import CALIBRATION_SECONDS, CHECKPOINTS, DEFAULT_MINUTES, PREPARING, Modality, Prepared, modality
from halfseen.train.options import LEARNT_RATE, OPTIONS, RunOptions
from halfseen.train.progress import note
from halfseen.train.ranks import from_main
from halfseen.train.recipe_file import command_line, revive, versions, write_recipe
from halfseen.train.run import carry_on


def pretrain(
    method: str, paths: str | Path | list[str], *, out: str | Path, recipe: Recipe | None = None, **options: Any
) -> dict[str, Any]:
    """Trains a model on unlabelled data and returns what `halfseen pretrain --json` prints.

    options: the fields of `TextOptions` (of `ArrayOptions` for tables and images) and of the method's recipe; those of `net` and `optim`
    as dictionaries or objects.
    recipe: a whole one to start from. Raises UserError for a fault in the data or options.
    """
    listed = (str(paths),) if isinstance(paths, str | Path) else tuple(map(str, paths))
    if method not in METHODS:
        raise UserError(f"no method '{method}'", way_out=f"take one of {', '.join(METHODS)}")
    kind = METHODS[method][1]
    names = {field.name for field in fields(kind)}
    given = {name: options.pop(name) for name in names & options.keys()}
    made = revive(kind, given)
    recipe = made if recipe is None else replace(recipe, **{name: getattr(made, name) for name in given})
    return train(method, revive(OPTIONS[kind.modality], {"paths": listed, "out": Path(out), **options}), recipe)


def run(method: str, options: Any) -> dict[str, Any]:
    """The command line's way in: the options carry the method's `recipe`."""
    return train(method, options, options.recipe)


def train(method: str, options: RunOptions, recipe: Recipe) -> dict[str, Any]:
    started = time.monotonic()
    brings = modality(recipe.modality)
    options, faults = brings.settle(options, recipe)
    if faults := faults + recipe.faults():
        raise UserError("; ".join(faults), way_out="see `halfseen pretrain --help`")
    prepare(method, brings, options, recipe, started)
    return carry_on(options.out, seconds_before=time.monotonic() - started)


def prepare(name: str, brings: Modality, options: RunOptions, recipe: Recipe, started: float) -> None:
    """Reads, measures, plans: leaves a folder that `carry_on` can train."""
    optim = options.optim
    kind, rate = optim.kind or ("adamw" if options.goes_on else recipe.optimizer), LEARNT_RATE if options.goes_on else recipe.fresh_rate
    options = replace(options, optim=replace(optim, learning_rate=optim.learning_rate or rate, kind=kind))
    asked = options.asked or {"minutes": DEFAULT_MINUTES}
    prepared = brings.prepare(name, options, recipe, asked, started)
    facts = {
        "method": name,
        "recipe": asdict(recipe),
        "optim": asdict(options.optim),
        "seed": options.seed,
        **prepared.facts,
        "versions": versions(),
        "command": command_line(),
        "checkpoint_steps": options.checkpoint_steps,
    }
    budget = {
        "asked": asked,
        f"batch_{brings.unit}": prepared.batch,
        "precision": "bfloat16" if prepared.bfloat16 else "float32",
        "machine": machine(),
    }
    state = loop_of(prepared, options, prepared.method, steps=1)
    if "minutes" in asked:
        seconds_per_step = calibrate(prepared, options)
        left = 60.0 * asked["minutes"] - from_main(lambda: time.monotonic() - started)
        budget |= {"seconds_per_step": seconds_per_step}
        steps = max(1, int(left * 0.97 / seconds_per_step))
    else:
        steps = int(asked["steps"]) if "steps" in asked else max(1, round(asked["tokens"] / prepared.batch))

    plan = [*prepared.decided, *explain(options, budget | {"steps": steps})]
    for line in plan:
        note(line)

    def leave() -> None:
        spent = time.monotonic() - started
        begun = {"steps": steps, "seconds": spent, "planned": 0, "seen": 0, "window": [0.0, 0.0]}
        save_checkpoint(options.out / CHECKPOINTS, 0, state.state(), begun)
        write_recipe(options.out, facts | {"budget": budget | {"steps": steps, "reason": "; ".join(plan)}})
        (options.out / PREPARING).unlink()

    from_main(leave)


def loop_of(prepared: Prepared, options: RunOptions, method: Any, *, steps: int) -> Loop:
    return Loop(method, prepared.batches, method.splitter, steps=steps, optim=options.optim, seed=options.seed, bfloat16=prepared.bfloat16)


def calibrate(prepared: Prepared, options: RunOptions) -> float:
    """Trains a throw-away net for some seconds: the median seconds of a step."""
    loop = loop_of(prepared, options, prepared.fresh(), steps=10**6)
    loop.step()
    seconds: list[float] = []
    while from_main(lambda: sum(seconds) < CALIBRATION_SECONDS or len(seconds) < 3):
        seconds.append(loop.step().seconds)
    return from_main(lambda: float(np.median(seconds)))


def explain(options: RunOptions, budget: dict[str, Any]) -> list[str]:
    """What was decided about steps and precision, and by what, a line each."""
    peaks = budget["machine"]["gemm_gflops"]
    measured = f"measured here, GFLOP/s of products: {', '.join(f'{name} {peak:,.0f}' for name, peak in peaks.items())}"
    steps = "as asked"
    if "minutes" in budget["asked"]:
        steps = f"what fits {budget['asked']['minutes']:g} minutes at {budget['seconds_per_step']:.3g} s a step; planned anew on the way"
    elif "tokens" in budget["asked"]:
        steps = f"for {budget['asked']['tokens']:,.0f} tokens as asked"
    return [
        f"steps: {budget['steps']:,} ({steps})",
        f"precision: {budget['precision']} ({measured if options.precision == 'measured' else 'as asked'})",
    ]
