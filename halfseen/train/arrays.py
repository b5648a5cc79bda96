"""What tables and images bring to a run: rows or pictures to memory-mapped numbers, encoder and decoder, held-out figures beside plain
baselines, and the finished model.

corpus/ in the run's folder holds the samples as the net is fed with them, most to train on and some held out.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from halfseen.contracts import Sample, UserError
from halfseen.data.array_corpus import HELDOUT, TRAIN, ArrayBatches, Arrays, Rows, open_arrays, stacked, write_arrays
from halfseen.data.claim import REBUILT, claim
from halfseen.data.draw import KeyedDraw
from halfseen.data.files import checksums
from halfseen.data.intake import intake_from_json, open_data
from halfseen.data.mosaic import write_grid
from halfseen.hub.arrays import save_model
from halfseen.losses.reconstruction import squared_error
from halfseen.methods import METHODS, make
from halfseen.methods.array import ArrayMethod, Rebuilding
from halfseen.methods.array_recipes import ArrayRecipe
from halfseen.nets.pair_shape import PairShape
from halfseen.train.budget import choose_bfloat16
from halfseen.train.card import array_card
from halfseen.train.collapse import collapsed, watch
from halfseen.train.loop import evaluate, weights_of
from halfseen.train.modality import CHECKPOINTS, CORPUS, PREPARING, Opened, Prepared
from halfseen.train.options import ArrayOptions
from halfseen.train.progress import note
from halfseen.train.ranks import from_main
from halfseen.train.recipe_file import revive

BASELINE_ROWS = 5000
"""Rows that principal components are found on."""
SHOWN = 10
"""Held-out images that a run's picture shows."""


class ArrayModality:
    unit = "samples"

    def settle(self, options: ArrayOptions, recipe: ArrayRecipe) -> tuple[ArrayOptions, list[str]]:
        return replace(options, batch=options.batch or recipe.batch), options.faults()

    def prepare(self, name: str, options: ArrayOptions, recipe: ArrayRecipe, asked: Mapping[str, float], started: float) -> Prepared:
        facts = from_main(lambda: gather(options, recipe.cuts))
        corpus = open_arrays(options.out / CORPUS)
        shape = recipe.shape(corpus.tally.shape)
        if faults := shape.faults():
            raise UserError("; ".join(faults), way_out="choose other --net options")

        def fresh() -> ArrayMethod:
            made: ArrayMethod = make(name, recipe, shape)
            made.initialise(options.seed)
            made.meet(corpus.train)
            return made

        batch = min(options.batch or recipe.batch, len(corpus.train))
        return Prepared(
            method=fresh(),
            fresh=fresh,
            batches=ArrayBatches(corpus.train, batch=batch, seed=options.seed),
            batch=batch,
            bfloat16=from_main(lambda: choose_bfloat16(options.precision)),
            facts={"net": asdict(shape), "data": facts, "corpus": checksums(options.out / CORPUS, (TRAIN, HELDOUT))},
            decided=[
                f"net: {shape.kind}, {shape.layers} layers x {shape.width}; {' x '.join(map(str, shape.of))} to a code of {shape.code}",
                f"batches: {batch:,} samples",
            ],
        )

    def open(self, folder: Path, facts: Mapping[str, Any]) -> Opened:
        corpus = open_arrays(folder / CORPUS)
        recipe, shape = revive(METHODS[facts["method"]][1], facts["recipe"]), revive(PairShape, facts["net"])
        method: ArrayMethod = make(facts["method"], recipe, shape)
        method.meet(corpus.train)
        bfloat16 = facts["budget"]["precision"] == "bfloat16"
        batches = list(corpus.heldout.in_order(256))
        squeezes = shape.kind in ("mlp", "conv")
        """Others learn from pieces of images, and have no code of one."""

        def judge() -> dict[str, float]:
            found = evaluate(method, batches, method.split, bfloat16=bfloat16)
            if "rate" in found:
                found["bits_per_dimension"] = (found["likelihood"] + found["rate"]) / math.log(2)
            found |= watch(method, batches) if squeezes else {}
            return {f"heldout_{name}": value for name, value in found.items() if name != "n"}

        def keep(summary: dict[str, Any]) -> None:
            if squeezes and (warning := collapsed(summary["heldout"], shape.code)):
                note(warning)
            intake = intake_from_json(facts["data"]["intake"], str(folder))
            words = array_card(facts, summary)
            kept = {name: value.to(method.kept_as) if value.is_floating_point() else value for name, value in weights_of(method).items()}
            save_model(folder, method=facts["method"], recipe=recipe, shape=shape, intake=intake, tensors=kept, card=words)
            show_rebuilt(folder / REBUILT, method, batches[0])

        a_sample = method.flops(1)
        return Opened(
            method=method,
            batches=ArrayBatches(corpus.train, batch=facts["budget"]["batch_samples"], seed=facts["seed"]),
            judge=judge,
            baseline=baseline(corpus, method, batches),
            flops=lambda samples, scored: samples * a_sample,
            net={"layers": shape.layers, "width": shape.width, "code": shape.code},
            keep=keep,
        )


@torch.no_grad()
def show_rebuilt(path: Path, method: ArrayMethod, samples: Sequence[Sample]) -> None:
    """A picture of some held-out images, each above what the method makes of it; nothing for rows, and for methods that rebuild nothing."""
    x_SX = torch.from_numpy(stacked(samples[:SHOWN])).to(next(method.parameters()).device)
    training = method.training
    made_SX = method.eval().predict(x_SX)
    method.train(training)
    if x_SX.ndim == 4 and made_SX.shape[2:] == x_SX.shape[2:]:
        both = torch.cat([x_SX.expand_as(made_SX), made_SX.float().clamp(0, 1)])
        write_grid(path, both.cpu().numpy(), columns=len(x_SX))


def gather(options: ArrayOptions, cuts: bool) -> dict[str, Any]:
    """Claims the folder and leaves the samples in it; what is known of them."""
    claim(options.out, left_by=PREPARING)
    (options.out / PREPARING).touch()
    for half_done in (CORPUS, CHECKPOINTS):
        shutil.rmtree(options.out / half_done, ignore_errors=True)
    (path,) = options.paths
    found = open_data(path, label=options.label, size=options.size, cuts=cuts)
    for line in found.notes:
        note(line)
    corpus = write_arrays(options.out / CORPUS, found.chunks, expected=found.count)
    counts = {"duplicates": corpus.tally.duplicates, "heldout": corpus.tally.heldout}
    return {"path": path, **found.facts, **counts, "intake": found.intake.to_json()}


def baseline(corpus: Arrays, method: ArrayMethod, batches: Sequence[Rows]) -> dict[str, float]:
    """What stands beside a method's held-out figures; beside those that rebuild nothing only how many samples were asked."""
    if method.shape.kind == "same":
        return left_as_seen(method, batches)
    return baselines(corpus, method) if isinstance(method, Rebuilding) else {"n": float(len(corpus.heldout))}


def left_as_seen(method: ArrayMethod, batches: Sequence[Rows]) -> dict[str, float]:
    """Squared error a number on held-out samples of what the net is given, with the same noise as it is judged with."""
    off, count = 0.0, 0.0
    for rows in batches:
        split = method.split(rows, KeyedDraw(0, 0, rows))
        loss = squared_error(split.seen, split.target, split.scored)
        off, count = off + float(loss.per_item.double().sum()), count + float(loss.weight.sum())
    return {"seen_squared_error": off / count}


def baselines(corpus: Arrays, method: Rebuilding) -> dict[str, float]:
    """Squared error a number on held-out samples: of the training's mean, and of as many principal components as a code has numbers, unless
    the method has to tell what components are shown."""
    from sklearn.decomposition import PCA

    train = corpus.train.take(np.unique(np.linspace(0, len(corpus.train) - 1, BASELINE_ROWS).astype(np.int64)))
    train_RF, heldout_RF = (stacked(rows).reshape(len(rows), -1) for rows in (train, corpus.heldout.take(np.arange(len(corpus.heldout)))))
    found = {"mean_squared_error": float(np.square(heldout_RF - train_RF.mean(0)).mean()), "n": float(len(heldout_RF))}
    if method.numbers < min(train_RF.shape) and not method.hides:
        components = PCA(method.numbers, random_state=0).fit(train_RF)
        rebuilt_RF = components.inverse_transform(components.transform(heldout_RF))
        found["pca_squared_error"] = float(np.square(heldout_RF - rebuilt_RF).mean())
    return found
