"""How badly an auto-encoder that was trained on usual rows rebuilds others: the lecture's score, and which number is to blame.

Shapes: R rows of F numbers, scaled; T training rows.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from halfseen.contracts import Array
from halfseen.data.array_corpus import ArrayBatches, ArrayData
from halfseen.methods.array_recipes import AutoencoderRecipe, PairSize
from halfseen.methods.autoencoder import Autoencoder
from halfseen.train.loop import Loop
from halfseen.train.options import OptimOptions

Numbers = NDArray[np.float64]
STEPS, BATCH = 300, 256
RECIPE = AutoencoderRecipe(net=PairSize(layers=1, width=64))
AT_ONCE = 16_384


class Reconstruction:
    """Squared error a number, a mean over the F numbers of a row."""

    def __init__(self, method: Autoencoder) -> None:
        self.method = method.eval()

    @classmethod
    def fit(cls, train_TF: Array, *, seed: int = 0) -> tuple[Reconstruction, Numbers]:
        """Also the training rows' own scores, which are lower than those of other usual rows: the net has seen them."""
        method = Autoencoder(RECIPE, RECIPE.net.shape((train_TF.shape[1],)))
        method.initialise(seed)
        data = ArrayData("train", np.asarray(train_TF, np.float32))
        batches = ArrayBatches(data, batch=min(BATCH, len(data)), seed=seed)
        optim = OptimOptions(kind="adamw", learning_rate=3e-3)
        loop = Loop(method, batches, method.splitter, steps=STEPS, optim=optim, seed=seed, bfloat16=False)
        for _ in range(STEPS):
            loop.step()
        found = cls(method)
        return found, found.score(train_TF)

    @torch.no_grad()
    def rebuilt(self, x_RF: Array) -> Array:
        """The rows as the net rebuilds them."""
        device = next(self.method.parameters()).device
        parts = [
            self.method.predict(torch.from_numpy(np.asarray(x_RF[at : at + AT_ONCE], np.float32)).to(device)).cpu().numpy()
            for at in range(0, len(x_RF), AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.empty_like(x_RF)

    def errors(self, x_RF: Array) -> Numbers:
        """Squared error of each number, (R, F)."""
        return np.square(self.rebuilt(x_RF) - x_RF).astype(np.float64)

    def score(self, x_RF: Array) -> Numbers:
        return np.asarray(self.errors(x_RF).mean(1))

    def state(self) -> dict[str, Array]:
        return {name: value.detach().cpu().numpy() for name, value in self.method.state_dict().items()}

    @classmethod
    def of(cls, state: Mapping[str, Array]) -> Reconstruction:
        width = state["decoder.2.bias"].shape[0]
        method = Autoencoder(RECIPE, RECIPE.net.shape((width,)))
        method.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in state.items()})
        return cls(method)
