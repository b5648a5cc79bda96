"""The size and kind of a transformer, free of torch so that the command line can show it at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Activation = Literal["gelu", "gelu_tanh", "relu", "silu"]


@dataclass(frozen=True, kw_only=True)
class TransformerShape:
    """One stack of transformer layers. The defaults are ModernBERT's (arXiv:2412.13663): pre-norm, rotary, GeGLU, no bias."""

    width: int = 256
    """Width of a hidden state."""
    layers: int = 4
    """Number of layers."""
    heads: int = 4
    """Number of attention heads; divides the width."""
    kv_heads: int | None = None
    """Number of key and value heads, if fewer than the query's (arXiv:2305.13245)."""
    ffn: int | None = None
    """Width inside the feed-forward part; by default 8/3 of the width for gated kinds, 4 times it otherwise."""
    causal: bool = False
    """Whether a position sees only what stands before it."""
    tied: bool = True
    """Whether the vocabulary layer is the embedding table itself."""
    norm: Literal["layer", "rms"] = "layer"
    """LayerNorm, or RMSNorm (arXiv:1910.07467)."""
    norm_position: Literal["pre", "post"] = "pre"
    """Normalise before each part (GPT-2, ModernBERT, Llama) or after adding its output (BERT)."""
    norm_eps: float = 1e-5
    """Added to the variance inside a norm."""
    embedding_norm: bool = True
    """Whether the embeddings are normalised before the first layer."""
    first_attention_norm: bool = False
    """Whether the first layer normalises its input, too, when `embedding_norm` already did."""
    activation: Activation = "gelu"
    """The non-linearity of the feed-forward part."""
    gated: bool = True
    """GeGLU or SwiGLU instead of a plain feed-forward part (arXiv:2002.05202)."""
    bias: bool = False
    """Whether linear layers and norms have a bias."""
    positions: Literal["rotary", "learned"] = "rotary"
    """Rotary (arXiv:2104.09864), or a learned table."""
    rotary_base: float = 10_000.0
    """The base of the rotary wavelengths."""
    local_window: int | None = None
    """How many tokens to either side a local layer sees (ModernBERT: 64); by default every layer sees the whole sample."""
    global_every: int = 1
    """With a local window: every how many layers, from the first on, one sees the whole sample (ModernBERT: 3)."""
    local_rotary_base: float = 10_000.0
    """The base of the rotary wavelengths in local layers."""
    max_length: int = 512
    """Longest sample, in tokens."""
    position_offset: int = 0
    """Row of the learned table for a sample's first token (RoBERTa: 2)."""
    types: int = 0
    """Number of token types (BERT: 2), 0 for none."""
    decoder_layers: int = 0
    """Layers of a decoder that reads the encoder's states (BART, arXiv:1910.13461), 0 for none; the rest of its shape is the encoder's."""
    begin: tuple[int, ...] = ()
    """Ids that such a decoder's texts begin with; by default the one that begins texts elsewhere, [CLS]."""

    @property
    def kind(self) -> str:
        """What it is, in words."""
        return "an encoder-decoder" if self.decoder_layers else "a decoder" if self.causal else "an encoder"

    @property
    def layers_in_words(self) -> str:
        """`4 layers`; of an encoder and a decoder `2 + 2 layers`."""
        return f"{self.layers} + {self.decoder_layers} layers" if self.decoder_layers else f"{self.layers} layers"

    @property
    def middle(self) -> int:
        """The layer in the middle, counted from 1."""
        return -(-self.layers // 2)

    @property
    def ffn_width(self) -> int:
        if self.ffn is not None:
            return self.ffn
        return round(self.width * 8 / 3 / 64) * 64 if self.gated else 4 * self.width

    def is_local(self, layer: int) -> bool:
        """Whether this layer, counted from 0, sees only its window."""
        return self.local_window is not None and layer % self.global_every != 0

    def faults(self) -> list[str]:
        """Everything that is wrong with this shape, in words."""
        found = []
        for name in ("width", "layers", "heads", "max_length", "global_every"):
            if getattr(self, name) < 1:
                found.append(f"net.{name} is {getattr(self, name)}, but must be at least 1")
        if self.decoder_layers < 0:
            found.append(f"net.decoder_layers is {self.decoder_layers}, but must be at least 0")
        if not found and self.width % self.heads:
            found.append(f"net.heads is {self.heads}, which does not divide net.width {self.width}")
        elif not found and self.positions == "rotary" and (self.width // self.heads) % 2:
            found.append(f"net.width / net.heads is {self.width // self.heads}; rotary positions need an even number")
        if not found and self.kv_heads is not None and (self.kv_heads < 1 or self.heads % self.kv_heads):
            found.append(f"net.kv_heads is {self.kv_heads}, which does not divide net.heads {self.heads}")
        return found

    def flops_per_token(self, length: int) -> float:
        """Floating-point operations of one token's forward pass through the layers, among `length` tokens."""
        return self.layers * self._flops_of_layer(length)

    def decoder_flops_per_token(self, length: int) -> float:
        """The same of the decoder, among `length` tokens on both sides; the keys and values of as many source tokens included."""
        return self.decoder_layers * (self._flops_of_layer(length) + 8.0 * self.width**2 + 4.0 * length * self.width)

    @property
    def matrix_weights(self) -> int:
        """Weights in the matrices of all layers, the decoder's and its look at the encoder included."""
        return (self.layers + self.decoder_layers) * self._weights_of_layer + self.decoder_layers * 4 * self.width**2

    @property
    def _weights_of_layer(self) -> int:
        kv = (self.kv_heads or self.heads) * self.width // self.heads
        return self.width * (2 * self.width + 2 * kv) + self.width * self.ffn_width * (3 if self.gated else 2)

    def _flops_of_layer(self, length: int) -> float:
        return 2.0 * self._weights_of_layer + 4.0 * length * self.width
