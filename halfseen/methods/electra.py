"""ELECTRA: tell which tokens were replaced by the guesses of a smaller net (Clark et al. 2020, arXiv:2003.10555).

Every token is scored, not the hidden ones alone. Shapes: N tokens of S samples laid end to end; M of them hidden; width D;
vocabulary V.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from halfseen.contracts import Encoded, Loss, Split, Splitter
from halfseen.data.tokenizers import TokenTable
from halfseen.data.tokens import Segment, Tokens
from halfseen.losses.tokens import beside, binary_cross_entropy
from halfseen.methods.bert import Bert
from halfseen.methods.recipes import BertRecipe, ElectraRecipe
from halfseen.methods.text import Face, TextMethod
from halfseen.nets.heads import pool
from halfseen.nets.shape import TransformerShape
from halfseen.nets.transformer import Transformer
from halfseen.split.mask import HideTokens
from halfseen.split.replace import ReplaceTokens


class Electra(TextMethod):
    """The generator, a BERT of half the layers, and the net that is kept share one embedding table."""

    head = None

    def __init__(
        self, recipe: ElectraRecipe, shape: TransformerShape, tokens: TokenTable, elsewhere: Callable[[float], Segment] | None = None
    ) -> None:
        super().__init__()
        self.recipe, self.tokens = recipe, tokens
        self.generator = Bert(BertRecipe(rate=recipe.rate, units=recipe.units), replace(shape, layers=max(1, shape.layers // 2)), tokens)
        self.net = Transformer(shape, vocabulary=len(tokens))
        self.net.embedding = self.generator.net.embedding
        self.detector = nn.Linear(shape.width, 1)
        self.split: Splitter = self.splitter(progress=0.0)

    @property
    def faces(self) -> Mapping[Face, Splitter]:
        return self.generator.faces

    @property
    def output_norm(self) -> nn.Module:
        return self.generator.output_norm

    def splitter(self, progress: float) -> Splitter:
        return ReplaceTokens(HideTokens(self.tokens, self.recipe.rate, self.recipe.units))

    def forward(self, split: Split) -> Loss:
        """Without the numbers that decide the replacements, the generator's loss alone."""
        seen: Tokens = split.seen
        logits_MV, loss = self.generator.guess(split)
        if split.second is None:
            return loss
        text_N = seen.ids.index_copy(0, split.scored, split.target)
        replaced_N = text_N.index_copy(0, split.scored, drawn(logits_MV.detach(), split.second.scored))
        hidden_ND = self.net(replace(seen, ids=replaced_N)).last
        plain_P = split.second.target.nonzero().squeeze(1)
        logit_P = self.detector(hidden_ND).squeeze(1)[plain_P]
        truth_P = (replaced_N != text_N)[plain_P]
        told = binary_cross_entropy(logit_P, truth_P, seen.sample[plain_P], len(seen.lengths), part="replaced")
        return beside(loss, replace(told, per_item=self.recipe.weight * told.per_item))

    def logits(self, split: Split) -> Tensor:
        return self.generator.logits(split)

    def flops(self, tokens: int, scored: float, length: int) -> float:
        return self.generator.flops(tokens, scored, length) + 3 * tokens * self.net.shape.flops_per_token(length)

    def encode(self, seen: Any) -> Encoded:
        states_ND = self.net(seen).last
        return Encoded(states_ND, pool(states_ND, seen, "mean"), torch.ones(len(states_ND), dtype=torch.bool))


def drawn(logits_MV: Tensor, uniform_M: Tensor) -> Tensor:
    """One token from each distribution, where its cumulated probabilities pass a uniform number."""
    passed_MV = logits_MV.float().softmax(-1).cumsum(-1)
    found_M = torch.searchsorted(passed_MV, uniform_M[:, None].to(passed_MV.dtype), right=True).squeeze(1)
    return found_M.clamp(max=logits_MV.shape[1] - 1)  # rounding may leave the last sum below the number
