"""Ways to make few numbers of many: our auto-encoders, which place new rows and rebuild, and PCA, t-SNE and UMAP beside them.

Shapes: R rows x_RX, (F,) float32 each or images (C, H, W) of uint8; z_RE, float64, E numbers each.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from halfseen.apps.reduce_options import LEARNT
from halfseen.apps.small_net import train
from halfseen.contracts import Array, UserError
from halfseen.data.array_corpus import ArrayData, stacked
from halfseen.methods import make
from halfseen.methods.array import Rebuilding
from halfseen.methods.array_recipes import ArrayRecipe, AutoencoderRecipe, NeighboursRecipe, PairSize

Numbers = NDArray[np.float64]
BATCH, STEPS, EPOCHS, LEARNING_RATE = 512, 2000, 200, 5e-3
"""Of a training. Few rows need fewer steps: no row is seen more than EPOCHS times."""
AT_ONCE = 4096
NEEDS = {"tsne": ("openTSNE", "openTSNE"), "umap": ("umap", "umap-learn")}
"""Ways that need a package: its module, and what to install."""
FEWEST = {"tsne": 10, "umap": 10}
"""Rows below which a way says nothing."""


@dataclass(frozen=True)
class Reduced:
    """z_RE, the rows rebuilt from them if the way can do that, and the seconds that the first took. model: what places new rows."""

    z: Numbers
    rebuilt: Array | None
    seconds: float
    model: Rebuilding | None = None


def recipe_of(by: str, to: int) -> ArrayRecipe:
    """by: one of LEARNT."""
    if LEARNT[by] == "neighbours":
        return NeighboursRecipe(net=PairSize(code=to))
    return AutoencoderRecipe(net=PairSize(kind="mlp", width=256, code=to))


def learn(x_RX: Array, *, to: int, by: str = "autoencoder", steps: int | None = None, seed: int = 0) -> Rebuilding:
    """An auto-encoder trained on these rows, in float64: then what is said of a row does not depend on those beside it."""
    recipe = recipe_of(by, to)
    method: Rebuilding = make(LEARNT[by], recipe, recipe.shape(x_RX.shape[1:]))
    train(method, x_RX, steps=steps or STEPS, epochs=None if steps else EPOCHS, seed=seed, batch=BATCH, rate=LEARNING_RATE)
    return ready(method)


def ready(method: Rebuilding) -> Rebuilding:
    """For `placed` and `rebuilt`."""
    return method.cpu().double().eval()


@torch.no_grad()
def placed(method: Rebuilding, x_RX: Array) -> Numbers:
    rows = ArrayData("rows", x_RX).in_order(AT_ONCE)
    return np.concatenate([method.code(torch.from_numpy(stacked(some)).double()).numpy() for some in rows])


@torch.no_grad()
def rebuilt(method: Rebuilding, z_RE: Array) -> Numbers:
    z = torch.from_numpy(np.asarray(z_RE, np.float64))
    return np.concatenate([method.rebuilt(z[at : at + AT_ONCE]).numpy() for at in range(0, len(z), AT_ONCE)])


def check_ways(ways: list[str], rows: int) -> None:
    """Raises UserError for packages that are not installed, and for too few rows."""
    for way in ways:
        module, package = NEEDS.get(way, ("", ""))
        if module and find_spec(module) is None:
            raise UserError(f"--by {way} needs {package}, which is not installed", way_out=f"pip install {package}, or leave {way} out")
        if rows < FEWEST.get(way, 0):
            raise UserError(f"{rows} rows; --by {way} needs at least {FEWEST[way]}", way_out=f"give more rows, or leave {way} out")


def by_auto_encoder(x_RX: Array, to: int, seed: int, *, by: str, steps: int | None) -> Reduced:
    started = time.perf_counter()
    method = learn(x_RX, to=to, by=by, steps=steps, seed=seed)
    learnt = time.perf_counter() - started
    found = by_model(method, x_RX)
    return replace(found, seconds=learnt + found.seconds)


def by_model(method: Rebuilding, x_RX: Array) -> Reduced:
    """Rows placed by what has learnt already."""
    started = time.perf_counter()
    z_RE = placed(method, x_RX)
    return Reduced(z_RE, rebuilt(method, z_RE), time.perf_counter() - started, method)


def by_pca(x_RX: Array, to: int, seed: int) -> Reduced:
    from sklearn.decomposition import PCA

    x_RF = flattened(x_RX)
    started = time.perf_counter()
    components = PCA(to, random_state=seed).fit(x_RF)
    z_RE = components.transform(x_RF)
    return Reduced(z_RE.astype(np.float64), components.inverse_transform(z_RE).reshape(x_RX.shape), time.perf_counter() - started)


def by_tsne(x_RX: Array, to: int, seed: int) -> Reduced:
    from openTSNE import TSNE

    x_RF = flattened(x_RX)
    started = time.perf_counter()
    perplexity = min(30.0, (len(x_RF) - 1) / 3)
    z_RE = TSNE(n_components=to, perplexity=perplexity, random_state=seed, n_jobs=torch.get_num_threads()).fit(x_RF)
    return Reduced(np.array(z_RE, np.float64), None, time.perf_counter() - started)


def by_umap(x_RX: Array, to: int, seed: int) -> Reduced:
    from umap import UMAP

    x_RF, threads = flattened(x_RX), torch.get_num_threads()
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed leaves one thread
        z_RE = UMAP(n_components=to, n_neighbors=min(15, len(x_RF) - 1), random_state=seed).fit_transform(x_RF)
    torch.set_num_threads(threads)  # its compiler starts OpenMP with all cores, whatever was asked for
    return Reduced(np.asarray(z_RE, np.float64), None, time.perf_counter() - started)


OTHERS: dict[str, Callable[[Array, int, int], Reduced]] = {"pca": by_pca, "tsne": by_tsne, "umap": by_umap}


def reduced_by(way: str, x_RX: Array, *, to: int, steps: int | None, seed: int) -> Reduced:
    return by_auto_encoder(x_RX, to, seed, by=way, steps=steps) if way in LEARNT else OTHERS[way](x_RX, to, seed)


def flattened(x_RX: Array) -> Any:
    """x_RF, float32; images from 0 to 1."""
    return stacked(ArrayData("rows", x_RX).take(np.arange(len(x_RX)))).reshape(len(x_RX), -1)
