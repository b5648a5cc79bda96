"""One-hot code: each sample belongs to one of E classes that nobody named, and is rebuilt from that alone.

In training a sample is rebuilt from every class, and each counts by the share that the encoder gives it: with a code of so few values the
mean over them is exact, and none has to be drawn. Shares that are sharp too early would leave all samples to the first classes that fit;
their distance from equal shares counts therefore as well (deterministic annealing, Rose 1998).

Shapes: S samples of shape X, of F numbers; code_SE, one 1 a row.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from halfseen.contracts import Loss, Split
from halfseen.losses.reconstruction import scored_count, squared_error
from halfseen.methods.array import Rebuilding, Words
from halfseen.methods.array_recipes import OneHotRecipe
from halfseen.nets.pair_shape import PairShape
from halfseen.nets.quantize import one_hot


class OneHot(Rebuilding):
    def __init__(self, recipe: OneHotRecipe, shape: PairShape) -> None:
        super().__init__(shape)
        self.temperature = recipe.temperature

    def code(self, x: Tensor) -> Tensor:
        return one_hot(self.encoder(x).float())

    def words(self, code_SE: Tensor) -> Words:
        return Words(code_SE.argmax(1, keepdim=True), self.shape.code)

    def forward(self, split: Split) -> Loss:
        if not self.training:
            return squared_error(self.predict(split.seen), split.target, split.scored)
        share_SE = self.encoder(split.seen).float().log_softmax(1)
        classes_EX = self.rebuilt(torch.eye(self.shape.code, device=share_SE.device)).float()
        error_SE = torch.cdist(split.target.flatten(1), classes_EX.flatten(1)).square()
        surprise_SE = share_SE + math.log(self.shape.code)
        warmth_S1 = self.temperature * error_SE.detach().mean(1, keepdim=True)
        paid_S = (share_SE.exp() * (error_SE + warmth_S1 * surprise_SE)).sum(1)
        weight_S = scored_count(split.scored).to(paid_S.dtype)
        return Loss(paid_S * weight_S / split.target[0].numel(), weight_S, {})
