"""A small auto-encoder, trained at once on rows or images in memory: what estimators and detectors have inside.

Shapes: T training rows of shape X, R others: (F,) for rows, scaled, or (C, H, W) for images between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from halfseen.contracts import Array
from halfseen.data.array_corpus import ArrayBatches, ArrayData
from halfseen.methods.array import ArrayMethod
from halfseen.methods.array_recipes import AutoencoderRecipe
from halfseen.methods.autoencoder import Autoencoder
from halfseen.train.loop import Loop
from halfseen.train.options import OptimOptions

BATCH, RATE = 256, 3e-3
AT_ONCE_NUMBERS = 1 << 22
"""That go through a net at once."""


def trained(recipe: AutoencoderRecipe, train_TX: Array, *, steps: int, seed: int, batch: int = BATCH) -> Autoencoder:
    """Of fresh weights."""
    method = Autoencoder(recipe, recipe.shape(train_TX.shape[1:]))
    train(method, np.asarray(train_TX, np.float32), steps=steps, seed=seed, batch=batch, rate=RATE)
    return method


def train(method: ArrayMethod, train_TX: Array, *, steps: int, seed: int, batch: int, rate: float, epochs: int | None = None) -> None:
    """From fresh weights, by AdamW in float32. epochs: no sample is seen more often, if that means fewer steps."""
    method.initialise(seed)
    data = ArrayData("train", train_TX)
    method.meet(data)
    batches = ArrayBatches(data, batch=min(batch, len(data)), seed=seed)
    steps = steps if epochs is None else min(steps, epochs * batches.per_epoch)
    optim = OptimOptions(kind="adamw", learning_rate=rate)
    loop = Loop(method, batches, method.splitter, steps=steps, optim=optim, seed=seed, bfloat16=False)
    for _ in range(steps):
        loop.step()
    method.eval()


@torch.no_grad()
def predicted(method: Autoencoder, x_RX: Array) -> Array:
    """What the net makes of the rows, in its own type and place."""
    weight = next(method.parameters())
    at_once = max(1, AT_ONCE_NUMBERS // int(np.prod(x_RX.shape[1:])))
    parts = [
        method.predict(torch.from_numpy(np.ascontiguousarray(x_RX[at : at + at_once])).to(weight)).cpu().numpy()
        for at in range(0, len(x_RX), at_once)
    ]
    return np.concatenate(parts) if parts else np.empty(x_RX.shape, np.float32)


def state_of(method: Autoencoder) -> dict[str, Array]:
    """Its weights by name, float32."""
    return {name: value.detach().cpu().float().numpy() for name, value in method.state_dict().items()}


def with_state(recipe: AutoencoderRecipe, of: tuple[int, ...], state: Mapping[str, Array]) -> Autoencoder:
    """A net for samples of shape `of` with these weights. Raises RuntimeError if they are not its."""
    with torch.device("meta"):  # sizes that are claimed take no memory before they are held against the weights
        method = Autoencoder(recipe, recipe.shape(of))
    method.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in state.items()}, assign=True)
    return method.eval()
