"""Masked patches: squares of an image are hidden and told from a code of the rest (SimMIM, arXiv:2111.09886, on convolutions; what MAE,
arXiv:2111.06377, does with a transformer). Only what was hidden is scored.

The code is as short as an auto-encoder's, so that it, not the decoder, has to know what is hidden.
"""

from __future__ import annotations

from halfseen.contracts import UserError
from halfseen.methods.array import Rebuilding
from halfseen.methods.array_recipes import MaskedPatchesRecipe
from halfseen.nets.pair_shape import PairShape
from halfseen.split.patches import HidePatches


class MaskedPatches(Rebuilding):
    hides = True

    def __init__(self, recipe: MaskedPatchesRecipe, shape: PairShape) -> None:
        if len(shape.of) != 3:
            raise UserError("maskedpatches needs images, and these are rows", way_out="take `autoencoder --noise mask`")
        super().__init__(shape)
        self.split = HidePatches(recipe.hidden, recipe.patch)
