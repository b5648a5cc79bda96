"""GPT-2 (Radford et al. 2019): pre-norm, learned positions, and linear layers stored with inputs first."""

from __future__ import annotations

from typing import Any

from halfseen.data.tokenizers import TokenTable
from halfseen.hub.family import Config, Family, Names, activation_name, linear
from halfseen.nets.shape import TransformerShape


def shape(config: Config) -> TransformerShape:
    for name in ("scale_attn_by_inverse_layer_idx", "add_cross_attention"):
        config.must(name, False, False)
    config.must("scale_attn_weights", True, True)
    config.must("tie_word_embeddings", True, True)
    width = config.count("n_embd", 768)
    return TransformerShape(
        width=width,
        layers=config.count("n_layer", 12),
        heads=config.count("n_head", 12),
        ffn=config.count("n_inner", 4 * width),
        causal=True,
        norm_eps=config.number("layer_norm_epsilon", 1e-5),
        embedding_norm=False,
        activation=config.activation("activation_function", "gelu_new"),
        gated=False,
        bias=True,
        positions="learned",
        max_length=config.count("n_positions", 1024),
    )


def config(shape: TransformerShape, tokens: TokenTable) -> dict[str, Any]:
    return {
        "n_embd": shape.width,
        "n_layer": shape.layers,
        "n_head": shape.heads,
        "n_inner": shape.ffn_width,
        "n_positions": shape.max_length,
        "activation_function": activation_name(shape.activation),
        "layer_norm_epsilon": shape.norm_eps,
        "tie_word_embeddings": True,
        "dtype": "float32",
        "bos_token_id": tokens.cls,
        "eos_token_id": tokens.sep,
    }


def body(shape: TransformerShape) -> Names:
    names: Names = {"wte.weight": ("embedding.weight",), "wpe.weight": ("position.weight",)}
    for i in range(shape.layers):
        theirs, ours = f"h.{i}", f"layers.{i}"
        names |= linear(f"{theirs}.ln_1", f"{ours}.attention_norm")
        names |= linear(f"{theirs}.attn.c_attn", *(f"{ours}.attention.{part}" for part in ("query", "key", "value")))
        names |= linear(f"{theirs}.attn.c_proj", f"{ours}.attention.out")
        names |= linear(f"{theirs}.ln_2", f"{ours}.feed_forward_norm")
        names |= linear(f"{theirs}.mlp.c_fc", f"{ours}.feed_forward.into")
        names |= linear(f"{theirs}.mlp.c_proj", f"{ours}.feed_forward.out")
    return names | linear("ln_f", "final_norm")


def head(_: TransformerShape) -> Names:
    return {}


GPT2 = Family(
    name="gpt2",
    title="GPT2",
    prefix="transformer.",
    causal=True,
    shape=shape,
    config=config,
    body=body,
    head=head,
    tied={"lm_head.weight": "wte.weight"},
    ignored={},
    constants=(".attn.bias", ".attn.masked_bias"),
    inputs_first=(".c_attn.weight", ".c_proj.weight", ".c_fc.weight"),
)
