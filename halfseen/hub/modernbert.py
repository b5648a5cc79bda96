"""ModernBERT (arXiv:2412.13663): local and global layers, rotary positions, GeGLU, fused projections; what our nets save as."""

from __future__ import annotations

from typing import Any

from halfseen.data.tokenizers import TokenTable
from halfseen.hub.family import TASK_LAYERS, Config, Family, Names, activation_name, linear, read_sizes, sized
from halfseen.nets.shape import TransformerShape

GLOBAL, LOCAL = "full_attention", "sliding_attention"
BIASES = ("attention_bias", "mlp_bias", "norm_bias", "classifier_bias")


def shape(config: Config) -> TransformerShape:
    bias = bool(config.get("attention_bias", False))
    for name in BIASES:
        config.must(name, bias, False)
    config.must("decoder_bias", True, True)
    activation = config.get("hidden_activation", "gelu")
    config.must("classifier_activation", activation, "gelu")
    sizes = read_sizes(config)
    every = global_every(config, sizes["layers"])
    return TransformerShape(
        **sizes,
        norm_eps=config.number("norm_eps", 1e-5),
        activation=config.activation("hidden_activation"),
        bias=bias,
        rotary_base=rotary_base(config, GLOBAL, "global_rope_theta", 160_000.0),
        max_length=config.count("max_position_embeddings", 8192),
        local_window=config.count("local_attention", 128, least=2) // 2 if every > 1 else None,
        global_every=every,
        local_rotary_base=rotary_base(config, LOCAL, "local_rope_theta", 10_000.0) if every > 1 else 10_000.0,
    )


def global_every(config: Config, layers: int) -> int:
    """Every how many layers a global one stands, 1 if all are global; newer files list each layer's kind instead."""
    listed = config.get("layer_types", None)
    if listed is None:
        return config.count("global_attn_every_n_layers", 3)
    if not isinstance(listed, list) or len(listed) != layers or not set(listed) <= {GLOBAL, LOCAL}:
        config.faults.append(f"layer_types must name {layers} layers, each {GLOBAL} or {LOCAL}")
        return 1
    for every in range(1, layers + 1):
        if listed == layer_types(layers, every):
            return every
    config.faults.append("layer_types has no regular order of global layers, the first among them; this net needs one")
    return 1


def layer_types(layers: int, every: int) -> list[str]:
    return [LOCAL if i % every else GLOBAL for i in range(layers)]


def rotary_base(config: Config, kind: str, older: str, default: float) -> float:
    """Newer files hold it in rope_parameters, older ones in a field of its own."""
    rope = config.get("rope_parameters", {})
    if not isinstance(rope, dict) or not isinstance(rope.get(kind, {}), dict | None):
        config.faults.append(f"rope_parameters is {rope!r}, but must hold an object for each kind of layer")
        return default
    own = rope.get(kind) or {}
    if (scaling := own.get("rope_type", "default")) != "default" or config.get("rope_scaling", None):
        config.faults.append(f"{kind} layers scale their rotary positions ({scaling}), which this net cannot do")
    return config.positive(f"rope_theta of {kind}", own.get("rope_theta", config.get(older, default)))


def config(shape: TransformerShape, tokens: TokenTable) -> dict[str, Any]:
    every = 1 if shape.local_window is None else shape.global_every
    local_base = shape.rotary_base if shape.local_window is None else shape.local_rotary_base
    return {
        **sized(shape),
        "hidden_activation": activation_name(shape.activation),
        "classifier_activation": activation_name(shape.activation),
        "norm_eps": shape.norm_eps,
        **dict.fromkeys(BIASES, shape.bias),
        "decoder_bias": True,
        "layer_types": layer_types(shape.layers, every),
        "global_attn_every_n_layers": every,
        "local_attention": 2 * (shape.local_window or 64),
        "rope_parameters": {
            GLOBAL: {"rope_type": "default", "rope_theta": shape.rotary_base},
            LOCAL: {"rope_type": "default", "rope_theta": local_base},
        },
        "global_rope_theta": shape.rotary_base,
        "local_rope_theta": local_base,
        "pad_token_id": tokens.pad,
        "cls_token_id": tokens.cls,
        "sep_token_id": tokens.sep,
        "bos_token_id": tokens.cls,
        "eos_token_id": tokens.sep,
    }


def body(shape: TransformerShape) -> Names:
    names: Names = {"embeddings.tok_embeddings.weight": ("embedding.weight",)}
    names |= linear("embeddings.norm", "embedding_norm", bias=shape.bias)
    for i in range(shape.layers):
        theirs, ours = f"layers.{i}", f"layers.{i}"
        if i > 0:  # the first layer's input is normed already
            names |= linear(f"{theirs}.attn_norm", f"{ours}.attention_norm", bias=shape.bias)
        fused = (f"{ours}.attention.{part}" for part in ("query", "key", "value"))
        names |= linear(f"{theirs}.attn.Wqkv", *fused, bias=shape.bias)
        names |= linear(f"{theirs}.attn.Wo", f"{ours}.attention.out", bias=shape.bias)
        names |= linear(f"{theirs}.mlp_norm", f"{ours}.feed_forward_norm", bias=shape.bias)
        names |= linear(f"{theirs}.mlp.Wi", f"{ours}.feed_forward.into", f"{ours}.feed_forward.gate", bias=shape.bias)
        names |= linear(f"{theirs}.mlp.Wo", f"{ours}.feed_forward.out", bias=shape.bias)
    return names | linear("final_norm", "final_norm", bias=shape.bias)


def head(shape: TransformerShape) -> Names:
    return {
        **linear("head.dense", "dense", bias=shape.bias),
        **linear("head.norm", "norm", bias=shape.bias),
        "decoder.bias": ("bias",),
    }


MODERNBERT = Family(
    name="modernbert",
    title="ModernBert",
    prefix="model.",
    shape=shape,
    config=config,
    body=body,
    head=head,
    tied={"decoder.weight": "embeddings.tok_embeddings.weight"},
    ignored={**TASK_LAYERS, "head.": "the layer below a task's own, where no vocabulary layer stands"},
)
