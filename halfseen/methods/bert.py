"""BERT: predict the tokens that were hidden from the text (Devlin et al. 2018, arXiv:1810.04805).

Shapes: N tokens of S samples laid end to end without padding; M of them hidden; width D; vocabulary V.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from halfseen.contracts import Encoded, Loss, Split, Splitter
from halfseen.data.tokenizers import TokenTable
from halfseen.data.tokens import Segment, Tokens
from halfseen.losses.tokens import beside, cross_entropy
from halfseen.methods.recipes import BertRecipe
from halfseen.methods.text import Face, TextMethod
from halfseen.nets.heads import TokenHead, pool, rounded
from halfseen.nets.shape import TransformerShape
from halfseen.nets.transformer import Transformer
from halfseen.split.mask import HideTokens
from halfseen.split.pairs import NextSentence, SentenceOrder


class Bert(TextMethod):
    """elsewhere: a number in [0, 1) to a segment of the corpus; only the next-sentence pretext needs it."""

    def __init__(
        self, recipe: BertRecipe, shape: TransformerShape, tokens: TokenTable, elsewhere: Callable[[float], Segment] | None = None
    ) -> None:
        super().__init__()
        self.recipe, self.tokens, self.elsewhere = recipe, tokens, elsewhere
        self.net = Transformer(shape, vocabulary=len(tokens))
        self.head: TokenHead = TokenHead(shape, tied_to=self.net.embedding)
        self.pair_head = nn.Linear(shape.width, 2) if recipe.pairs != "none" else None
        self.specials = 2 if recipe.pairs == "none" else 3
        self.split: Splitter = self.splitter(progress=0.0)

    @property
    def faces(self) -> Mapping[Face, Splitter]:
        return {"hidden": HideTokens(self.tokens)}

    @property
    def output_norm(self) -> nn.Module:
        return self.head.norm

    def splitter(self, progress: float) -> Splitter:
        """What hides tokens after a share `progress` of the training."""
        final = self.recipe.rate if self.recipe.final_rate is None else self.recipe.final_rate
        hide = HideTokens(self.tokens, self.recipe.rate + (final - self.recipe.rate) * progress, self.recipe.units)
        if self.recipe.pairs == "order":
            return SentenceOrder(hide)
        if self.recipe.pairs == "next":
            if self.elsewhere is None:
                raise ValueError("the next-sentence pretext needs segments from elsewhere in the corpus")
            return NextSentence(hide, self.elsewhere)
        return hide

    def forward(self, split: Split) -> Loss:
        return self.guess(split)[1]

    def logits(self, split: Split) -> Tensor:
        return self.guess(split)[0]

    def guess(self, split: Split) -> tuple[Tensor, Loss]:
        """logits_MV of the hidden tokens, and the loss."""
        seen: Tokens = split.seen
        hidden_ND = self.net(seen).last
        samples = len(seen.lengths)
        logits_MV = rounded(self.head, hidden_ND[split.scored])  # the vocabulary layer is the dearest: only where it counts
        loss = cross_entropy(logits_MV, split.target, seen.sample[split.scored], samples, part="tokens", count_right=not self.training)
        if self.pair_head is None or split.second is None:
            return logits_MV, loss
        first_PD = hidden_ND[seen.first[split.second.scored]]
        pairs = cross_entropy(self.pair_head(first_PD), split.second.target, split.second.scored, samples, part="pairs")
        return logits_MV, beside(loss, pairs)

    def flops(self, tokens: int, scored: float, length: int) -> float:
        width = self.net.shape.width
        return 3 * (tokens * self.net.shape.flops_per_token(length) + scored * 2 * width * (self.net.vocabulary + width))

    def encode(self, seen: Any) -> Encoded:
        states_ND = self.net(seen).last
        return Encoded(states_ND, pool(states_ND, seen, "mean"), torch.ones(len(states_ND), dtype=torch.bool))
