"""Auto-encoder: squeeze a sample into a short code and rebuild it (Hinton and Salakhutdinov 2006); denoising: from a corrupted one
(Vincent et al. 2008), which may then be as wide as it likes.

Shapes: S samples of shape X; code_SE.
"""

from __future__ import annotations

from halfseen.methods.array import Rebuilding
from halfseen.methods.array_recipes import AutoencoderRecipe
from halfseen.nets.pair_shape import PairShape
from halfseen.split.noise import Corrupted


class Autoencoder(Rebuilding):
    """The code is the encoder's last layer as it is."""

    def __init__(self, recipe: AutoencoderRecipe, shape: PairShape) -> None:
        super().__init__(shape)
        self.split = Corrupted(recipe.noise, recipe.amount)
