"""Binary code: each number of the code says whether something is there or not.

Shapes: S samples of shape X; code_SE of zeros and ones. Gradients pass the threshold as they pass the logistic function (arXiv:1308.3432).
"""

from __future__ import annotations

from torch import Tensor

from halfseen.methods.array import Rebuilding, Words
from halfseen.methods.array_recipes import BinaryRecipe
from halfseen.nets.pair_shape import PairShape
from halfseen.nets.quantize import binary


class Binary(Rebuilding):
    def __init__(self, recipe: BinaryRecipe, shape: PairShape) -> None:
        super().__init__(shape)

    def code(self, x: Tensor) -> Tensor:
        return binary(self.encoder(x).float())

    def words(self, code_SE: Tensor) -> Words:
        return Words((code_SE > 0.5).long(), 2)
