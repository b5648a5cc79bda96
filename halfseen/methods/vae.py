"""Variational auto-encoder (Kingma and Welling 2014, arXiv:1312.6114), with beta (Higgins et al. 2017), free bits (Kingma et al. 2016,
arXiv:1606.04934) and a learnt scale of what is rebuilt (Rybkin et al. 2021, arXiv:2006.13202).

Shapes: S samples of shape X; code_SE. The loss is in nats a number of X: the negative evidence lower bound.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from halfseen.contracts import Loss, Split
from halfseen.losses.likelihood import kl_to_standard_normal, logistic_level_nats, normal_nats
from halfseen.losses.reconstruction import scored_count, scored_sum
from halfseen.methods.array import Rebuilding
from halfseen.methods.array_recipes import VaeRecipe
from halfseen.nets.pair_shape import PairShape
from halfseen.split.noise_beside import NoiseBeside

LOG_VARIANCES = (-12.0, 8.0)
"""Of a code, kept between these, so that exp stays finite."""


class Vae(Rebuilding):
    """The encoder says mean and log-variance of a code; the code of a sample is the mean."""

    def __init__(self, recipe: VaeRecipe, shape: PairShape) -> None:
        super().__init__(shape, to=2 * shape.code)
        self.recipe = recipe
        images = len(shape.of) == 3
        self.nats = logistic_level_nats if images else normal_nats
        self.log_scale = nn.Parameter(torch.zeros(1 if images else shape.of[0]))
        self.split = NoiseBeside(shape.code)

    def initialise(self, seed: int) -> None:
        super().initialise(seed)
        with torch.no_grad():
            self.log_scale.fill_(-2.0 if len(self.shape.of) == 3 else 0.0)

    def spread(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """mean_SE and log_variance_SE of the codes of x_SX."""
        mean_SE, log_variance_SE = self.encoder(x).float().chunk(2, dim=1)
        return mean_SE, log_variance_SE.clamp(*LOG_VARIANCES)

    def code(self, x: Tensor) -> Tensor:
        return self.spread(x)[0]

    def forward(self, split: Split) -> Loss:
        mean_SE, log_variance_SE = self.spread(split.seen.x)
        code_SE = mean_SE + split.seen.noise * torch.exp(0.5 * log_variance_SE)
        nats_SX = self.nats(split.target, self.rebuilt(code_SE).float(), self.log_scale)
        off_S = scored_sum(nats_SX, split.scored)
        kl_SE = kl_to_standard_normal(mean_SE, log_variance_SE)
        scored_S = scored_count(split.scored).to(off_S.dtype)
        share_S = scored_S / math.prod(self.shape.of)  # of a sample of which nothing is scored nothing counts
        paid_SE = kl_SE.clamp(min=self.recipe.free_bits * math.log(2)) if self.recipe.free_bits else kl_SE
        per_item_S = off_S + self.recipe.beta * share_S * paid_SE.sum(1)
        return Loss(per_item_S, scored_S, {"likelihood": off_S.detach(), "rate": (share_S * kl_SE.sum(1)).detach()})
