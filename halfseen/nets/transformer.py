"""A transformer (Vaswani et al. 2017, arXiv:1706.03762) for samples laid end to end: the encoder of BERT, RoBERTa and
ModernBERT, the decoder of GPT-2 and Llama.

Shapes: N tokens of S samples; width D; H heads (G of keys and values) of E = D / H; F inside the feed-forward part;
attention sees R rows of L places. Weights bear Hugging Face-free names; `halfseen.hub` translates them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from halfseen.contracts import Out
from halfseen.data.tokens import Tokens
from halfseen.nets.norms import norm
from halfseen.nets.rows import Grid, attend_in_rows
from halfseen.nets.shape import TransformerShape

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_tanh": partial(F.gelu, approximate="tanh"),
    "relu": F.relu,
    "silu": F.silu,
}


class Layout:
    """How the tokens of one batch meet in attention; made once a batch, used by every layer, or by every local one."""

    def __init__(self, seen: Tokens, shape: TransformerShape, *, local: bool = False) -> None:
        self.grid = Grid(seen)
        owner_RL, length = seen.owner, seen.owner.shape[1]
        mask = owner_RL[:, :, None] == owner_RL[:, None, :]
        if shape.causal or seen.causal is not None:
            before_LL = torch.ones(length, length, dtype=torch.bool, device=mask.device).tril()
            mask &= before_LL if shape.causal or seen.causal is None else before_LL | ~seen.causal[owner_RL.clamp(min=0)][:, :, None]
        if local and shape.local_window is not None:
            place_L = torch.arange(length, device=mask.device)
            mask &= (place_L[:, None] - place_L).abs() <= shape.local_window
        self.hidden_PLL = hide(mask, shape)
        self.turns = rotary_turns(seen.position, shape, self.hidden_PLL.dtype, local=local)

    def attend(self, q_NHE: Tensor, k_NGE: Tensor, v_NGE: Tensor) -> Tensor:
        """Every token's mix of the values that it may see, N x (H E)."""
        return attend_in_rows(q_NHE, k_NGE, v_NGE, asking=self.grid, asked=self.grid, hidden_PQK=self.hidden_PLL)


def layouts_of(seen: Tokens, shape: TransformerShape) -> list[Layout]:
    """Each layer's own; those of one kind share one."""
    kinds = [shape.is_local(i) for i in range(shape.layers)]
    of_kind = {local: Layout(seen, shape, local=local) for local in set(kinds)}
    return [of_kind[local] for local in kinds]


def hide(mask_RQK: Tensor, shape: TransformerShape) -> Tensor:
    """hidden_PQK, P = R H as the products want it: 0 where a place may be seen, -inf elsewhere."""
    device = mask_RQK.device
    hidden_RQK = torch.zeros(mask_RQK.shape, device=device, dtype=computing_type(device)).masked_fill_(~mask_RQK, -torch.inf)
    return hidden_RQK[:, None].expand(-1, shape.heads, -1, -1).flatten(0, 1)


class Attends(Protocol):
    """How queries meet keys and values: a `Layout`, or one that remembers."""

    @property
    def turns(self) -> tuple[Tensor, Tensor] | None: ...

    def attend(self, q_NHE: Tensor, k_NGE: Tensor, v_NGE: Tensor) -> Tensor: ...


def rotary_turns(position_N: Tensor, shape: TransformerShape, dtype: torch.dtype, *, local: bool = False) -> tuple[Tensor, Tensor] | None:
    """What `rotate` wants, N x 1 x E each; None where positions are learned."""
    if shape.positions != "rotary":
        return None
    half = shape.width // shape.heads // 2
    base = shape.local_rotary_base if local else shape.rotary_base
    steps = torch.arange(half, dtype=torch.float32, device=position_N.device) / half
    angle_N1E = (position_N[:, None].float() * base**-steps)[:, None]
    cos, sin = angle_N1E.cos(), angle_N1E.sin()
    return torch.cat((cos, cos), -1).to(dtype), torch.cat((-sin, sin), -1).to(dtype)


def computing_type(device: torch.device) -> torch.dtype:
    """The type that linear layers give: autocast's where it is on."""
    return torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else torch.float32


def for_products(x_ND: Tensor) -> Tensor:
    """In the type that several linear layers take it in: autocast would cast it for each of them, and each one's gradient back."""
    return x_ND.to(computing_type(x_ND.device)) if torch.is_autocast_enabled(x_ND.device.type) else x_ND


class Rotate(torch.autograd.Function):
    """Rotary positions: the pair (x_e, x_{e + E/2}) is turned by its angle. The gradient is turned back."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x_NHE: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return turn(x_NHE, cos, sin)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, grad_NHE: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors  # type: ignore[attr-defined]
        return turn(grad_NHE, cos, -sin), None, None


def rotate(x_NHE: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x_NHE with every pair turned by its angle. N x 1 x E: cos holds each angle's cosine twice, sin its sine, first negated."""
    if not torch.is_grad_enabled():
        return turn(x_NHE, cos, sin)
    return Rotate.apply(x_NHE, cos, sin)  # type: ignore[no-untyped-call]


def turn(x_NHE: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    return torch.addcmul(x_NHE * cos, x_NHE.roll(x_NHE.shape[-1] // 2, -1), sin)


class Attention(nn.Module):
    """Multi-head self-attention among the tokens of one sample."""

    def __init__(self, shape: TransformerShape) -> None:
        super().__init__()
        self.heads, self.head_width = shape.heads, shape.width // shape.heads
        self.kv_heads = shape.kv_heads or shape.heads
        self.query = nn.Linear(shape.width, shape.width, bias=shape.bias)
        self.key = nn.Linear(shape.width, self.kv_heads * self.head_width, bias=shape.bias)
        self.value = nn.Linear(shape.width, self.kv_heads * self.head_width, bias=shape.bias)
        self.out = nn.Linear(shape.width, shape.width, bias=shape.bias)

    def queries(self, x_ND: Tensor) -> Tensor:
        return self.query(x_ND).view(-1, self.heads, self.head_width)

    def keys_and_values(self, x_ND: Tensor) -> tuple[Tensor, Tensor]:
        return self.key(x_ND).view(-1, self.kv_heads, self.head_width), self.value(x_ND).view(-1, self.kv_heads, self.head_width)

    def forward(self, x_ND: Tensor, layout: Attends) -> Tensor:
        x_ND = for_products(x_ND)
        q_NHE, (k_NGE, v_NGE) = self.queries(x_ND), self.keys_and_values(x_ND)
        if layout.turns is not None:
            q_NHE, k_NGE = rotate(q_NHE, *layout.turns), rotate(k_NGE, *layout.turns)
        return self.out(layout.attend(q_NHE, k_NGE, v_NGE))


class FeedForward(nn.Module):
    """Two linear layers with a non-linearity between, or its gated kind: out(activation(in(x)) * gate(x))."""

    def __init__(self, shape: TransformerShape) -> None:
        super().__init__()
        self.activation = ACTIVATIONS[shape.activation]
        self.into = nn.Linear(shape.width, shape.ffn_width, bias=shape.bias)
        self.gate = nn.Linear(shape.width, shape.ffn_width, bias=shape.bias) if shape.gated else None
        self.out = nn.Linear(shape.ffn_width, shape.width, bias=shape.bias)

    def forward(self, x_ND: Tensor) -> Tensor:
        x_ND = for_products(x_ND)
        inner_NF = self.activation(self.into(x_ND))
        return self.out(inner_NF if self.gate is None else inner_NF * self.gate(x_ND))


class Layer(nn.Module):
    """Attention and feed-forward part, each added to what comes in."""

    def __init__(self, shape: TransformerShape, *, attention_norm: bool = True) -> None:
        super().__init__()
        self.pre = shape.norm_position == "pre"
        self.attention_norm = norm(shape) if attention_norm else nn.Identity()
        self.attention = Attention(shape)
        self.feed_forward_norm = norm(shape)
        self.feed_forward = FeedForward(shape)

    def forward(self, x_ND: Tensor, layout: Attends) -> Tensor:
        if self.pre:
            x_ND = x_ND + self.attention(self.attention_norm(x_ND), layout)
            return x_ND + self.feed_forward(self.feed_forward_norm(x_ND))
        x_ND = self.attention_norm(x_ND + self.attention(x_ND, layout))
        return self.feed_forward_norm(x_ND + self.feed_forward(x_ND))


class Stack(nn.Module):
    """Layers above an embedding table that may belong to somebody else."""

    def __init__(self, shape: TransformerShape, layer: type[Layer] = Layer) -> None:
        super().__init__()
        self.shape = shape
        self.position = nn.Embedding(shape.max_length + shape.position_offset, shape.width) if shape.positions == "learned" else None
        self.token_type = nn.Embedding(shape.types, shape.width) if shape.types else None
        self.embedding_norm = norm(shape) if shape.embedding_norm else nn.Identity()
        normed = shape.norm_position == "pre" and shape.embedding_norm and not shape.first_attention_norm
        self.layers = nn.ModuleList(layer(shape, attention_norm=not (normed and i == 0)) for i in range(shape.layers))
        self.final_norm = norm(shape) if shape.norm_position == "pre" else nn.Identity()

    def below(self, x_ND: Tensor, seen: Tokens) -> Tensor:
        """What the first layer sees of tokens, from their rows of the table."""
        if self.position is not None:
            x_ND = x_ND + self.position(seen.position + self.shape.position_offset)
        if self.token_type is not None:
            x_ND = x_ND + (self.token_type.weight[0] if seen.types is None or self.shape.types == 1 else self.token_type(seen.types))
        below_ND: Tensor = self.embedding_norm(x_ND)
        return below_ND

    def above(self, x_ND: Tensor, seen: Tokens, layouts: Sequence[Attends], *, every_layer: bool = False) -> Out:
        """The states of tokens from their rows of the table. layouts: each layer's own."""
        x_ND = self.below(x_ND, seen)
        layers = [x_ND]
        for layer, layout in zip(self.layers, layouts, strict=True):
            x_ND = layer(x_ND, layout)
            if every_layer:
                layers.append(x_ND)
        return Out(last=self.final_norm(x_ND), layers=tuple(layers) if every_layer else ())


class Transformer(Stack):
    """Token ids to hidden states; samples never see each other."""

    def __init__(self, shape: TransformerShape, vocabulary: int) -> None:
        super().__init__(shape)
        self.vocabulary = vocabulary
        self.embedding = nn.Embedding(vocabulary, shape.width)

    def forward(self, seen: Tokens, *, every_layer: bool = False) -> Out:
        """ids_N to Out(last_ND); with `every_layer`, also the embeddings' and each layer's states, as ModernBERT counts them.

        Raises ValueError if a sample is longer than the shape allows.
        """
        self.must_fit(seen)
        if seen.ids.device.type != "cpu":
            return self.run(seen, every_layer=every_layer)
        tokens, found = len(seen.ids), self.run(seen.rounded(), every_layer=every_layer)
        return Out(last=found.last[:tokens], layers=tuple(layer[:tokens] for layer in found.layers))

    def must_fit(self, seen: Tokens) -> None:
        if int(seen.lengths.max()) > self.shape.max_length:
            raise ValueError(f"a sample of {int(seen.lengths.max())} tokens, but the net takes at most {self.shape.max_length}")

    def run(self, seen: Tokens, *, every_layer: bool = False, layouts: Sequence[Attends] | None = None) -> Out:
        """`forward` without the look at the lengths, which an exported graph cannot take. layouts: each layer's own."""
        return self.above(self.embedding(seen.ids), seen, layouts or layouts_of(seen, self.shape), every_layer=every_layer)


@torch.no_grad()
def initialise(module: nn.Module, seed: int, *, spread: float = 0.02) -> None:
    """Fresh weights: truncated normal of standard deviation `spread` for matrices, smaller where a part writes into the
    residual stream (GPT-2: divided by sqrt(2 layers)), ones for norms, zeros for biases.

    Each parameter's numbers depend on the seed and on its name alone.
    """
    depth = sum(isinstance(m, Layer) for m in module.modules())
    for name, parameter in module.named_parameters():
        if parameter.ndim < 2:
            parameter.fill_(0.0 if name.endswith("bias") else 1.0)
            continue
        generator = torch.Generator().manual_seed(hash_name(name, seed))
        scale = spread / math.sqrt(2 * depth) if depth and name.endswith("out.weight") else spread
        values = torch.empty(parameter.shape, dtype=torch.float32)
        nn.init.trunc_normal_(values, std=scale, a=-3 * scale, b=3 * scale, generator=generator)
        parameter.copy_(values)


def hash_name(name: str, seed: int) -> int:
    """A parameter's name and the run's seed as 63 bits (FNV-1a)."""
    value = 0xCBF29CE484222325 ^ seed
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value >> 1
