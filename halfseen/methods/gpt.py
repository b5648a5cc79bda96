"""GPT: predict every next token from those before it (Radford et al. 2018, Improving Language Understanding by Generative
Pre-Training; GPT-2, Radford et al. 2019).

Shapes: N tokens of S samples laid end to end without padding; width D; vocabulary V.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from halfseen.contracts import Encoded, Loss, Split, Splitter
from halfseen.data.tokenizers import TokenTable
from halfseen.data.tokens import Segment, Tokens
from halfseen.losses.vocabulary import written_loss
from halfseen.methods.recipes import TextRecipe
from halfseen.methods.text import Face, TextMethod
from halfseen.nets.heads import NextHead, pool, rounded
from halfseen.nets.shape import TransformerShape
from halfseen.nets.transformer import Transformer
from halfseen.split.shift import NextTokens


class Gpt(TextMethod):
    """Every token is scored; the vocabulary layer is the embedding table."""

    specials = 1

    def __init__(
        self, recipe: TextRecipe, shape: TransformerShape, tokens: TokenTable, elsewhere: Callable[[float], Segment] | None = None
    ) -> None:
        super().__init__()
        self.recipe, self.tokens = recipe, tokens
        self.net = Transformer(shape, vocabulary=len(tokens))
        self.head: NextHead = NextHead(shape, self.net.embedding)
        self.split: Splitter = self.splitter(progress=0.0)

    @property
    def faces(self) -> Mapping[Face, Splitter]:
        return {"next": NextTokens(self.tokens, ends=False)}

    @property
    def output_norm(self) -> nn.Module:
        return self.net.final_norm

    def splitter(self, progress: float) -> Splitter:
        return NextTokens(self.tokens)

    def forward(self, split: Split) -> Loss:
        seen: Tokens = split.seen
        owner_M, samples = seen.sample[split.scored], len(seen.lengths)
        return written_loss(self.head, self.scored_states(split), split.target, owner_M, samples, training=self.training)

    def logits(self, split: Split) -> Tensor:
        return rounded(self.head, self.scored_states(split))

    def scored_states(self, split: Split) -> Tensor:
        hidden_ND = self.net(split.seen).last
        return hidden_ND if len(split.scored) == len(hidden_ND) else hidden_ND[split.scored]

    def flops(self, tokens: int, scored: float, length: int) -> float:
        shape = self.net.shape
        return 3 * (tokens * shape.flops_per_token(length) + scored * 2 * shape.width * self.net.vocabulary)

    def encode(self, seen: Any) -> Encoded:
        states_ND = self.net(seen).last
        return Encoded(states_ND, pool(states_ND, seen, "mean"), torch.ones(len(states_ND), dtype=torch.bool))
