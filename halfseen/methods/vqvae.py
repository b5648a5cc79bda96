"""VQ-VAE (van den Oord et al. 2017, arXiv:1711.00937): an image is a map of codes, each place one entry of a learnt codebook; a row is a
few of them. The entries follow by moving averages, begin at k-means and are revived when nothing is near them (`nets/codebook`).

Shapes: S samples of shape X; P places a sample; entries of D = --net.code numbers; code_SE with E = P D.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from torch import Tensor, nn

from halfseen.contracts import Loss, Split
from halfseen.losses.reconstruction import squared_error
from halfseen.methods.array import Rebuilding, Words
from halfseen.methods.array_recipes import VqvaeRecipe
from halfseen.nets.codebook import Codebook, nearest
from halfseen.nets.pair import decoder_of, encoder_of, map_decoder_of, map_encoder_of
from halfseen.nets.pair_shape import PairShape


class Vqvae(Rebuilding):
    """The code is the entries of all places, laid end to end."""

    def __init__(self, recipe: VqvaeRecipe, shape: PairShape) -> None:
        conv = shape.kind == "conv"
        self.map = shape.sides[-1] if conv else (recipe.places, 1)
        wide = replace(shape, code=shape.code * recipe.places)
        pair: tuple[nn.Module, nn.Module] = (
            (map_encoder_of(shape), map_decoder_of(shape)) if conv else (encoder_of(wide), nn.Sequential(nn.Flatten(), decoder_of(wide)))
        )
        super().__init__(shape, pair=pair)
        self.codebook = Codebook(recipe.entries, shape.code)
        self.commitment = recipe.commitment

    def initialise(self, seed: int) -> None:
        super().initialise(seed)
        self.codebook.initialise()

    @property
    def numbers(self) -> int:
        return math.prod(self.map)

    def vectors(self, x: Tensor) -> Tensor:
        """x_SX to what the encoder says, place by place: (S P, D)."""
        made: Tensor = self.encoder(x).reshape(len(x), self.shape.code, self.numbers)
        return made.transpose(1, 2).reshape(-1, self.shape.code).float()

    def code(self, x: Tensor) -> Tensor:
        chosen_ND, _, _ = self.codebook(self.vectors(x))
        return chosen_ND.reshape(len(x), -1)

    def rebuilt(self, code_SE: Tensor) -> Tensor:
        map_SDHW = code_SE.reshape(len(code_SE), *self.map, self.shape.code).movedim(-1, 1)
        return super().rebuilt(map_SDHW)

    def words(self, code_SE: Tensor) -> Words:
        index_N = nearest(code_SE.reshape(-1, self.shape.code), self.codebook.entry)
        return Words(index_N.reshape(len(code_SE), -1), len(self.codebook.entry), shared=True)

    def forward(self, split: Split) -> Loss:
        chosen_ND, _, off_N = self.codebook(self.vectors(split.seen))
        loss = squared_error(self.rebuilt(chosen_ND.reshape(len(split.seen), -1)), split.target, split.scored)
        commitment_S = loss.weight * off_N.reshape(len(split.seen), -1).mean(1)  # as much a number of X as a number of the code
        parts = {**loss.parts, "commitment": commitment_S.detach()}
        return Loss(loss.per_item + self.commitment * commitment_S, loss.weight, parts)

    def after_step(self, gathered: Callable[[Tensor], Tensor]) -> None:
        self.codebook.follow(gathered)
