"""Llama (arXiv:2302.13971): RMSNorm, SwiGLU, rotary positions, no bias; what our decoders save as."""

from __future__ import annotations

from typing import Any

from halfseen.data.tokenizers import TokenTable
from halfseen.hub.family import Config, Family, Names, activation_name, linear, read_sizes, sized
from halfseen.nets.shape import TransformerShape

BOTH_SIDES = "sees_both_sides"
"""Our own field of config.json: the net learnt to see a whole text, too, and not only what stands before a token."""


def shape(config: Config) -> TransformerShape:
    config.must("attention_bias", False, False)
    config.must("mlp_bias", False, False)
    sizes = read_sizes(config)
    heads, width = sizes["heads"], sizes["width"]
    kv_heads = config.count("num_key_value_heads", heads)
    if width % heads == 0:
        config.must("head_dim", width // heads, width // heads)
    return TransformerShape(
        **sizes,
        kv_heads=None if kv_heads == heads else kv_heads,
        causal=not config.get(BOTH_SIDES, False),
        tied=bool(config.get("tie_word_embeddings", False)),
        norm="rms",
        norm_eps=config.number("rms_norm_eps", 1e-6),
        embedding_norm=False,
        activation=config.activation("hidden_act", "silu"),
        rotary_base=rotary_base(config),
        max_length=config.count("max_position_embeddings", 2048),
    )


def rotary_base(config: Config) -> float:
    """Newer files hold it in rope_parameters, older ones in a field of its own."""
    rope = config.get("rope_parameters", config.get("rope_scaling", {}))
    if not isinstance(rope, dict):
        config.faults.append(f"rope_parameters is {rope!r}, but must be an object")
        return 10_000.0
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind != "default":
        config.faults.append(f"the rotary positions are scaled ({kind}), which this net cannot do")
    return config.positive("rope_theta", rope.get("rope_theta", config.get("rope_theta", 10_000.0)))


def config(shape: TransformerShape, tokens: TokenTable) -> dict[str, Any]:
    return {
        **sized(shape),
        "num_key_value_heads": shape.kv_heads or shape.heads,
        "head_dim": shape.width // shape.heads,
        "hidden_act": activation_name(shape.activation),
        "rms_norm_eps": shape.norm_eps,
        "attention_bias": False,
        "mlp_bias": False,
        "rope_parameters": {"rope_type": "default", "rope_theta": shape.rotary_base},
        "rope_theta": shape.rotary_base,
        "bos_token_id": tokens.cls,
        "eos_token_id": tokens.sep,
        **({} if shape.causal else {BOTH_SIDES: True}),
    }


def body(shape: TransformerShape) -> Names:
    names: Names = {"embed_tokens.weight": ("embedding.weight",)}
    for i in range(shape.layers):
        theirs, ours = f"layers.{i}", f"layers.{i}"
        names |= linear(f"{theirs}.input_layernorm", f"{ours}.attention_norm", bias=False)
        for letter, part in (("q", "query"), ("k", "key"), ("v", "value"), ("o", "out")):
            names |= linear(f"{theirs}.self_attn.{letter}_proj", f"{ours}.attention.{part}", bias=False)
        names |= linear(f"{theirs}.post_attention_layernorm", f"{ours}.feed_forward_norm", bias=False)
        names |= linear(f"{theirs}.mlp.gate_proj", f"{ours}.feed_forward.into", bias=False)
        names |= linear(f"{theirs}.mlp.up_proj", f"{ours}.feed_forward.gate", bias=False)
        names |= linear(f"{theirs}.mlp.down_proj", f"{ours}.feed_forward.out", bias=False)
    return names | linear("norm", "final_norm", bias=False)


def head(shape: TransformerShape) -> Names:
    return {} if shape.tied else {"lm_head.weight": ("weight",)}


LLAMA = Family(
    name="llama",
    title="Llama",
    prefix="model.",
    causal=True,
    shape=shape,
    config=config,
    body=body,
    head=head,
    tied={"lm_head.weight": "embed_tokens.weight"},
    ignored={},
    constants=(".rotary_emb.inv_freq",),
)
