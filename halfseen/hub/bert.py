"""BERT (arXiv:1810.04805) and RoBERTa (arXiv:1907.11692): one net, and the same names but for the vocabulary layer's."""

from __future__ import annotations

from typing import Any

from halfseen.data.tokenizers import TokenTable
from halfseen.hub.family import TASK_LAYERS, Config, Family, Names, activation_name, linear, read_sizes, sized
from halfseen.nets.shape import TransformerShape


def bert_shape(config: Config, *, offset: int = 0) -> TransformerShape:
    config.must("position_embedding_type", "absolute", "absolute")
    config.must("is_decoder", False, False)
    config.must("add_cross_attention", False, False)
    return TransformerShape(
        **read_sizes(config),
        norm_position="post",
        norm_eps=config.number("layer_norm_eps", 1e-12),
        activation=config.activation("hidden_act"),
        gated=False,
        bias=True,
        positions="learned",
        max_length=config.count("max_position_embeddings", 512, least=offset + 1) - offset,
        position_offset=offset,
        types=config.count("type_vocab_size", 2),
    )


def roberta_shape(config: Config) -> TransformerShape:
    config.must("hidden_act", "gelu", "gelu")  # its vocabulary layer has a GELU, whatever the other layers have
    return bert_shape(config, offset=config.count("pad_token_id", 1, least=0) + 1)


def bert_config(shape: TransformerShape, tokens: TokenTable) -> dict[str, Any]:
    return {
        **sized(shape),
        "hidden_act": activation_name(shape.activation),
        "layer_norm_eps": shape.norm_eps,
        "type_vocab_size": shape.types,
        "position_embedding_type": "absolute",
        "pad_token_id": tokens.pad,
    }


def roberta_config(shape: TransformerShape, tokens: TokenTable) -> dict[str, Any]:
    return {**bert_config(shape, tokens), "bos_token_id": tokens.cls, "eos_token_id": tokens.sep}


def body(shape: TransformerShape) -> Names:
    names = {
        "embeddings.word_embeddings.weight": ("embedding.weight",),
        "embeddings.position_embeddings.weight": ("position.weight",),
        "embeddings.token_type_embeddings.weight": ("token_type.weight",),
        **linear("embeddings.LayerNorm", "embedding_norm"),
    }
    for i in range(shape.layers):
        theirs, ours = f"encoder.layer.{i}", f"layers.{i}"
        for part in ("query", "key", "value"):
            names |= linear(f"{theirs}.attention.self.{part}", f"{ours}.attention.{part}")
        names |= linear(f"{theirs}.attention.output.dense", f"{ours}.attention.out")
        names |= linear(f"{theirs}.attention.output.LayerNorm", f"{ours}.attention_norm")
        names |= linear(f"{theirs}.intermediate.dense", f"{ours}.feed_forward.into")
        names |= linear(f"{theirs}.output.dense", f"{ours}.feed_forward.out")
        names |= linear(f"{theirs}.output.LayerNorm", f"{ours}.feed_forward_norm")
    return names


def bert_head(_: TransformerShape) -> Names:
    return {
        **linear("cls.predictions.transform.dense", "dense"),
        **linear("cls.predictions.transform.LayerNorm", "norm"),
        "cls.predictions.bias": ("bias",),
    }


def roberta_head(_: TransformerShape) -> Names:
    return {**linear("lm_head.dense", "dense"), **linear("lm_head.layer_norm", "norm"), "lm_head.bias": ("bias",)}


IGNORED = {
    "pooler.": "a layer above the first state, for the next-sentence pretext",
    "embeddings.position_ids": "a constant that older files carry",
    **TASK_LAYERS,
}

BERT = Family(
    name="bert",
    title="Bert",
    prefix="bert.",
    shape=bert_shape,
    config=bert_config,
    body=body,
    head=bert_head,
    tied={
        "cls.predictions.decoder.weight": "embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    },
    ignored={**IGNORED, "cls.seq_relationship.": "the next-sentence pretext's own layer"},
)

ROBERTA = Family(
    name="roberta",
    title="Roberta",
    prefix="roberta.",
    shape=roberta_shape,
    config=roberta_config,
    body=body,
    head=roberta_head,
    tied={"lm_head.decoder.weight": "embeddings.word_embeddings.weight", "lm_head.decoder.bias": "lm_head.bias"},
    ignored=IGNORED,
)
