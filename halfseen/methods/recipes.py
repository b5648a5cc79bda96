"""The options of every method, free of torch so that the command line can show them at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from halfseen.nets.shape import TransformerShape


@dataclass(frozen=True, kw_only=True)
class NetSize:
    """The size of the net; what is not given is chosen to fit the budget."""

    layers: int | None = None
    """Number of layers; of an encoder and a decoder together."""
    width: int | None = None
    """Width of a hidden state."""
    heads: int | None = None
    """Number of attention heads; by default one for every 64 of the width."""
    max_length: int = 512
    """Longest text, in tokens, that the net will ever take."""

    def sizes(self, *, layers: int, width: int) -> dict[str, Any]:
        """Of a `TransformerShape`, with these layers and this width where none are given."""
        chosen = self.width or width
        return {
            "layers": self.layers or layers,
            "width": chosen,
            "heads": self.heads or max(1, chosen // 64),
            "max_length": self.max_length,
        }


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What every method has. modality: the kind of data that it learns from."""

    modality: ClassVar[str]
    optimizer: ClassVar[Literal["adamw", "muon"]] = "adamw"
    """What was worth more at equal minutes (docs/results.md); to go on from a model that has learnt, always AdamW."""
    fresh_rate: ClassVar[float] = 1e-3
    """AdamW's highest learning rate for fresh weights."""

    def faults(self) -> list[str]:
        """Everything that is wrong with this recipe, in words."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class TextRecipe(Recipe):
    """What every method has that learns from text."""

    modality: ClassVar[str] = "text"
    segment_tokens: ClassVar[int] = 128
    """The longest segment by default, special tokens included."""

    start: Literal["cooccurrence", "random"] = "cooccurrence"
    """Where the embedding table starts: from the words' neighbours, or from random numbers."""
    net: NetSize = field(default_factory=NetSize)
    """Size of the net."""

    @property
    def scored_share(self) -> float:
        """The share of the tokens that the vocabulary layer looks at."""
        return 1.0

    def shape(self, *, layers: int, width: int) -> TransformerShape:
        """The whole shape, with these layers and this width where none are given: an encoder."""
        return TransformerShape(**self.net.sizes(layers=layers, width=width))

    def sentinels(self, length: int) -> int:
        """How many tokens a new tokenizer keeps for hidden spans of segments of `length` tokens."""
        return 0

    def shares(self) -> dict[str, float | None]:
        """The options that must be above 0 and below 1."""
        return {}

    def faults(self) -> list[str]:
        """Everything that is wrong with this recipe, in words."""
        found = [
            f"{name} is {share}, but must be above 0 and below 1"
            for name, share in self.shares().items()
            if share is not None and not 0 < share < 1
        ]
        return found + self.shape(layers=1, width=64).faults()


@dataclass(frozen=True, kw_only=True)
class MaskedRecipe(TextRecipe):
    """What every method has that hides tokens of a text."""

    rate: float = 0.15
    """Share of the tokens to hide, between 0 and 1."""
    units: Literal["token", "word", "span"] = "token"
    """What is hidden as one piece."""

    @property
    def scored_share(self) -> float:
        return self.rate

    def shares(self) -> dict[str, float | None]:
        return {"rate": self.rate}


@dataclass(frozen=True, kw_only=True)
class BertRecipe(MaskedRecipe):
    """BERT: predict the tokens that were hidden (arXiv:1810.04805)."""

    final_rate: float | None = None
    """Share of the tokens to hide at the end of the training, if the rate shall fall (or rise) on the way."""
    pairs: Literal["none", "next", "order"] = "none"
    """Sentence-level pretext beside it: next sentence (NSP), or sentence order (SOP, arXiv:1909.11942)."""

    def shares(self) -> dict[str, float | None]:
        return super().shares() | {"final-rate": self.final_rate}


@dataclass(frozen=True, kw_only=True)
class ElectraRecipe(MaskedRecipe):
    """ELECTRA: tell which tokens a smaller net has replaced (arXiv:2003.10555)."""

    weight: float = 50.0
    """How much telling replaced tokens counts beside the smaller net's guessing of the hidden ones."""

    def faults(self) -> list[str]:
        return super().faults() + ([] if 0 < self.weight < math.inf else [f"weight is {self.weight:g}, but must be above 0 and finite"])


def decoder_shape(net: NetSize, *, layers: int, width: int, causal: bool) -> TransformerShape:
    """Llama's (arXiv:2302.13971): RMSNorm, SwiGLU, rotary positions, no bias."""
    sizes = net.sizes(layers=layers, width=width)
    return TransformerShape(**sizes, causal=causal, norm="rms", embedding_norm=False, activation="silu")


@dataclass(frozen=True, kw_only=True)
class GptRecipe(TextRecipe):
    """GPT: predict every next token (Radford et al. 2018)."""

    segment_tokens: ClassVar[int] = 256
    optimizer: ClassVar[Literal["adamw", "muon"]] = "muon"

    def shape(self, *, layers: int, width: int) -> TransformerShape:
        return decoder_shape(self.net, layers=layers, width=width, causal=True)


@dataclass(frozen=True, kw_only=True)
class GptBertRecipe(MaskedRecipe):
    """GPT-BERT: hidden tokens of some texts, next tokens of the others (arXiv:2410.24159)."""

    causal: float = 0.5
    """Share of the texts that are asked for next tokens."""

    @property
    def scored_share(self) -> float:
        return self.causal + (1 - self.causal) * self.rate

    def shares(self) -> dict[str, float | None]:
        return super().shares() | {"causal": self.causal}

    def shape(self, *, layers: int, width: int) -> TransformerShape:
        return decoder_shape(self.net, layers=layers, width=width, causal=False)


@dataclass(frozen=True, kw_only=True)
class RestoringRecipe(TextRecipe):
    """What every method has whose decoder restores what its encoder does not see."""

    rate: float = 0.3
    """Share of the tokens to hide, between 0 and 1."""

    def shares(self) -> dict[str, float | None]:
        return {"rate": self.rate}

    def shape(self, *, layers: int, width: int) -> TransformerShape:
        """BART's (arXiv:1910.13461): the layers are the encoder's and the decoder's together, at least one each."""
        sizes = self.net.sizes(layers=layers, width=width)
        halves = {"layers": max(1, sizes["layers"] - sizes["layers"] // 2), "decoder_layers": max(1, sizes["layers"] // 2)}
        return TransformerShape(**{**sizes, **halves}, norm_position="post", gated=False, bias=True, positions="learned", position_offset=2)


@dataclass(frozen=True, kw_only=True)
class BartRecipe(RestoringRecipe):
    """BART: restore a corrupted text (arXiv:1910.13461)."""

    corruptions: tuple[Literal["mask", "delete", "permute", "rotate", "infill"], ...] = ("infill",)
    """What is done to the text, one after the other."""

    def faults(self) -> list[str]:
        return super().faults() + ([] if self.corruptions else ["--corruptions has none, but a text must be corrupted to be restored"])


@dataclass(frozen=True, kw_only=True)
class MassRecipe(RestoringRecipe):
    """MASS: restore a hidden fragment of a text (arXiv:1905.02450)."""

    rate: float = 0.5
    """Length of the fragment as a share of the text's, between 0 and 1."""

    @property
    def scored_share(self) -> float:
        return self.rate


@dataclass(frozen=True, kw_only=True)
class T5Recipe(RestoringRecipe):
    """T5: say what stood in the hidden spans (arXiv:1910.10683)."""

    objective: Literal["replace", "drop", "deshuffle"] = "replace"
    """Spans become sentinels, spans are dropped, or all tokens are shuffled."""
    rate: float = 0.15
    """Share of the tokens to hide, between 0 and 1; not for deshuffle."""
    span: float = 3.0
    """Mean length of a hidden span, in tokens."""

    @property
    def scored_share(self) -> float:
        return {"replace": min(1.0, self.rate * (1 + 1 / self.span)), "drop": self.rate, "deshuffle": 1.0}[self.objective]

    def sentinels(self, length: int) -> int:
        """One for each span that a segment of `length` tokens can have, and one for the end."""
        if self.objective != "replace":
            return 0
        hidden = max(1, round(self.rate * length))
        return max(1, min(round(hidden / self.span), hidden, length - hidden + 1)) + 1

    def faults(self) -> list[str]:
        return super().faults() + ([] if 1 <= self.span < math.inf else [f"span is {self.span:g}, but must be at least 1 and finite"])
