"""BART (arXiv:1910.13461): post-norm, learned positions, one table for encoder, decoder and vocabulary layer; what our
encoder-decoders save as."""

from __future__ import annotations

from typing import Any

from halfseen.data.tokenizers import TokenTable
from halfseen.hub.family import TASK_LAYERS, Config, Family, Names, activation_name, linear
from halfseen.nets.shape import TransformerShape

OFFSET = 2
"""Rows of the table of positions before the first token's; config.json does not count them."""


def shape(config: Config) -> TransformerShape:
    config.must("scale_embedding", False, False)
    config.must("tie_word_embeddings", True, True)
    heads, ffn = config.count("encoder_attention_heads", 16), config.count("encoder_ffn_dim", 4096)
    config.must("decoder_attention_heads", heads, 16)
    config.must("decoder_ffn_dim", ffn, 4096)
    forced = config.get("forced_bos_token_id", None)
    return TransformerShape(
        width=config.count("d_model", 1024),
        layers=config.count("encoder_layers", 12),
        decoder_layers=config.count("decoder_layers", 12),
        heads=heads,
        ffn=ffn,
        norm_position="post",
        activation=config.activation("activation_function"),
        gated=False,
        bias=True,
        positions="learned",
        max_length=config.count("max_position_embeddings", 1024),
        position_offset=OFFSET,
        begin=(
            config.count("decoder_start_token_id", 2, least=0),
            *(() if forced is None else (config.count("forced_bos_token_id", least=0),)),
        ),
    )


def config(shape: TransformerShape, tokens: TokenTable) -> dict[str, Any]:
    first, *forced = shape.begin or (tokens.cls,)
    return {
        "d_model": shape.width,
        "encoder_layers": shape.layers,
        "decoder_layers": shape.decoder_layers,
        **{f"{side}_attention_heads": shape.heads for side in ("encoder", "decoder")},
        **{f"{side}_ffn_dim": shape.ffn_width for side in ("encoder", "decoder")},
        "activation_function": activation_name(shape.activation),
        "max_position_embeddings": shape.max_length,
        "scale_embedding": False,
        "is_encoder_decoder": True,
        "tie_word_embeddings": True,
        "dtype": "float32",
        "pad_token_id": tokens.pad,
        "bos_token_id": tokens.cls,
        "eos_token_id": tokens.sep,
        "decoder_start_token_id": first,
        "forced_bos_token_id": forced[0] if forced else None,
        "forced_eos_token_id": None,
    }


def body(shape: TransformerShape) -> Names:
    names: Names = {"shared.weight": ("embedding.weight",)}
    for side, ours, layers in (("encoder", "", shape.layers), ("decoder", "decoder.", shape.decoder_layers)):
        names[f"{side}.embed_positions.weight"] = (f"{ours}position.weight",)
        names |= linear(f"{side}.layernorm_embedding", f"{ours}embedding_norm")
        for i in range(layers):
            theirs, layer = f"{side}.layers.{i}", f"{ours}layers.{i}"
            names |= attention(f"{theirs}.self_attn", f"{layer}.attention")
            if ours:
                names |= attention(f"{theirs}.encoder_attn", f"{layer}.reading")
            names |= linear(f"{theirs}.fc1", f"{layer}.feed_forward.into")
            names |= linear(f"{theirs}.fc2", f"{layer}.feed_forward.out")
            names |= linear(f"{theirs}.final_layer_norm", f"{layer}.feed_forward_norm")
    return names


def attention(theirs: str, ours: str) -> Names:
    """Its four matrices and the norm after it."""
    names: Names = {}
    for letter, part in (("q", "query"), ("k", "key"), ("v", "value"), ("out", "out")):
        names |= linear(f"{theirs}.{letter}_proj", f"{ours}.{part}")
    return names | linear(f"{theirs}_layer_norm", f"{ours}_norm")


def head(_: TransformerShape) -> Names:
    return {}


BART = Family(
    name="bart",
    title="Bart",
    prefix="model.",
    shape=shape,
    config=config,
    body=body,
    head=head,
    optional={"final_logits_bias": ("logits_bias",)},
    tied={
        "lm_head.weight": "shared.weight",
        **{f"{prefix}{side}.embed_tokens.weight": "shared.weight" for prefix in ("", "model.") for side in ("encoder", "decoder")},
    },
    ignored={**TASK_LAYERS, "classification_head.": "the layer of a task: classes of texts"},
    constants=("coder.version",),
)
