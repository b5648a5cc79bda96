"""Folders in the Hugging Face layout: config.json, model.safetensors, tokenizer.json, README.md. Never pickle.

Sizes that config.json claims are held against the headers of the weight files before anything is allocated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from halfseen.contracts import UserError
from halfseen.data.files import write_atomically
from halfseen.data.tokenizers import Tokenizer
from halfseen.hub.bart import BART, OFFSET
from halfseen.hub.bert import BERT, ROBERTA
from halfseen.hub.family import Config, Family, Names
from halfseen.hub.gpt2 import GPT2
from halfseen.hub.llama import LLAMA
from halfseen.hub.modernbert import MODERNBERT
from halfseen.hub.weights_hash import weights_hash
from halfseen.nets.heads import NextHead, Pooling, TokenHead
from halfseen.nets.seq2seq import build
from halfseen.nets.shape import TransformerShape
from halfseen.nets.transformer import Transformer

FAMILIES = {family.name: family for family in (BERT, ROBERTA, MODERNBERT, GPT2, LLAMA, BART)}
CONFIG, WEIGHTS, INDEX, CARD = "config.json", "model.safetensors", "model.safetensors.index.json", "README.md"

GENERATION, BEGINNINGS = "generation_config.json", ("decoder_start_token_id", "forced_bos_token_id")

FINGERPRINT = "tokenizer_fingerprint"
"""Our own field of config.json: which tokenizer the net learnt with."""
WITH_HEAD = ("ForCausalLM", "LMHeadModel")
"""How classes of decoders end that hold a vocabulary layer, which has no weights of its own where it is the embedding."""
OLDER_NAMES = {".LayerNorm.gamma": ".LayerNorm.weight", ".LayerNorm.beta": ".LayerNorm.bias"}
"""How the names of BERT's first checkpoints end, and today's."""


class Stored(NamedTuple):
    """Where a weight is: its shape, its file, and its name there."""

    shape: tuple[int, ...]
    file: Path
    name: str


Header = dict[str, Stored]
"""All weights by today's names."""


@dataclass(frozen=True)
class Loaded:
    """A model from a folder. head is None where the folder has no vocabulary layer; pooling is what it was made for."""

    net: Transformer
    head: TokenHead | NextHead | None
    tokenizer: Tokenizer
    family: str
    folder: Path
    pooling: Pooling

    def fingerprint(self) -> str:
        """Of the tokenizer and every weight."""
        return f"{self.tokenizer.fingerprint} {weights_hash(module for module in (self.net, self.head) if module is not None)}"


def load(folder: Path) -> Loaded:
    """Opens a BERT, RoBERTa, ModernBERT, GPT-2, Llama or BART folder, in float32.

    Raises UserError if a file is missing, damaged or of another kind, or if weights are missing, strange or misshapen.
    """
    config = read_config(folder)
    family = family_of(config, folder)
    reader = Config(config)
    shape = family.shape(reader)
    vocabulary = reader.count("vocab_size")
    if faults := reader.faults + shape.faults():
        raise UserError("; ".join(faults), where=str(folder / CONFIG))
    header = read_header(folder)
    tokenizer = Tokenizer.load(folder)
    if not family.causal:
        tokenizer.must_have_all(str(folder / "tokenizer.json"))
    if tokenizer.table.size > vocabulary:
        raise UserError(
            f"has {tokenizer.table.size} entries, but the net knows only {vocabulary}",
            where=str(folder / "tokenizer.json"),
            way_out="put the model's own tokenizer there",
        )
    if config.get(FINGERPRINT) not in (None, tokenizer.fingerprint):
        raise UserError(
            "not the tokenizer that the model was saved with",
            where=str(folder / "tokenizer.json"),
            way_out=f"put the model's own tokenizer there, or take {FINGERPRINT} out of {CONFIG} if this one is meant",
        )
    prefix = family.prefix if any(name.startswith(family.prefix) for name in header) else ""
    body = {prefix + theirs: ours for theirs, ours in family.body(shape).items()}
    body |= {theirs: ours for theirs, ours in family.optional.items() if theirs in header}
    head_names = family.head(shape)
    # Where the vocabulary layer is the embedding, nothing tells whether there is one but the prefix, which the original GPT-2 lacks, and
    # the class, which BART's own folders call by the net's name.
    whole = shape.decoder_layers > 0 or any(str(name).endswith(WITH_HEAD) for name in config.get("architectures") or ())
    has_head = list(head_names)[-1] in header if head_names else bool(prefix) or whole
    check_names(header, {**body, **(head_names if has_head else {})}, family, prefix, folder)

    with torch.device("meta"):
        net, head = build(shape, vocabulary, causal=family.causal)
    check_shapes(header, body, net.state_dict(), family, folder)
    if has_head:
        check_shapes(header, head_names, head.state_dict(), family, folder)
    tensors = read_tensors(header, {*body, *(head_names if has_head else ())})
    if has_head and shape.tied:
        check_tied(header, tensors, family, prefix, folder)
    state = net.state_dict()
    lacking = {name: torch.zeros(state[name].shape) for theirs, ours in family.optional.items() if theirs not in header for name in ours}
    net.load_state_dict(unstacked(tensors, body, state, family) | lacking, assign=True)
    if has_head:
        head.load_state_dict(unstacked(tensors, head_names, head.state_dict(), family), assign=True)
    for parameter in (*net.parameters(), *(head.parameters() if has_head else ())):
        parameter.requires_grad_(True)
    return Loaded(net, head if has_head else None, tokenizer, family.name, folder, pooling_of(folder))


def save(folder: Path, net: Transformer, head: TokenHead | NextHead | None, tokenizer: Tokenizer, *, card: str) -> None:
    """Writes a folder that `transformers` opens: as `AutoModel`, and as `AutoModelForMaskedLM`, `AutoModelForCausalLM` or
    `AutoModelForSeq2SeqLM`; and as `AutoTokenizer`.

    Raises ValueError if no family has such a net, UserError if a file cannot be written.
    """
    from safetensors.torch import save as to_bytes

    family = family_for(net.shape)
    prefix = family.prefix if head is not None else ""
    tensors = stacked(net.state_dict(), {prefix + theirs: ours for theirs, ours in family.body(net.shape).items()}, family)
    if head is not None:
        tensors |= stacked(head.state_dict(), family.head(net.shape), family) | stacked(net.state_dict(), family.optional, family)
    task = "ForConditionalGeneration" if net.shape.decoder_layers else "ForCausalLM" if family.causal else "ForMaskedLM"
    kind = "Model" if head is None else task
    config = {
        "model_type": family.name,
        "architectures": [family.title + kind],
        "vocab_size": net.vocabulary,
        FINGERPRINT: tokenizer.fingerprint,
        **family.config(net.shape, tokenizer.table),
    }
    write_atomically(folder / WEIGHTS, to_bytes(tensors, metadata={"format": "pt"}))
    write_atomically(folder / CONFIG, (json.dumps(config, indent=2) + "\n").encode())
    tokenizer.save(folder, causal=family.causal, writes=bool(net.shape.decoder_layers))
    write_atomically(folder / CARD, card.encode())


def read_config(folder: Path) -> dict[str, Any]:
    if not (folder / CONFIG).is_file():
        raise UserError(f"no {CONFIG}", where=str(folder), way_out="name a folder with a model in the Hugging Face layout")
    config = read_object(folder / CONFIG)
    if (folder / GENERATION).is_file():  # newer folders say there how a text begins
        config |= {name: value for name, value in read_object(folder / GENERATION).items() if name in BEGINNINGS}
    return config


def read_object(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError(f"a {type(found).__name__} instead of an object")
    except ValueError as error:
        raise UserError(f"damaged ({error})", where=str(path), way_out="save or download the model again") from error
    return found


def family_of(config: Mapping[str, Any], folder: Path) -> Family:
    kind = config.get("model_type")
    if kind not in FAMILIES:
        raise UserError(f"a model of type {kind!r}", where=str(folder / CONFIG), way_out=f"these types open: {', '.join(FAMILIES)}")
    return FAMILIES[kind]


def family_for(shape: TransformerShape) -> Family:
    """The family whose `transformers` class is this net. Raises ValueError if there is none."""
    parts = (shape.norm_position, shape.norm, shape.positions, shape.gated, shape.bias, shape.embedding_norm)
    plain = shape.kv_heads is None and shape.tied
    if shape.decoder_layers:
        if parts == ("post", "layer", "learned", False, True, True) and plain and not shape.types and shape.position_offset == OFFSET:
            return BART
        raise ValueError(f"no family has this shape: {shape}")
    if parts == ("pre", "rms", "rotary", True, False, False) and not shape.types and shape.local_window is None:
        return LLAMA
    if shape.causal and not shape.types:
        if parts == ("pre", "layer", "learned", False, True, False) and plain and not shape.position_offset:
            return GPT2
    elif not shape.causal and plain:
        if parts in (("pre", "layer", "rotary", True, bias, True) for bias in (False, True)) and not shape.types:
            return MODERNBERT
        if parts == ("post", "layer", "learned", False, True, True) and shape.types:
            return ROBERTA if shape.position_offset else BERT
    raise ValueError(f"no family has this shape: {shape}")


def read_header(folder: Path) -> Header:
    """Names and shapes of all weights, without reading them."""
    if (folder / WEIGHTS).is_file():
        files = [folder / WEIGHTS]
    elif (folder / INDEX).is_file():
        listed = read_object(folder / INDEX).get("weight_map", {}).values()
        files = [folder / Path(name).name for name in sorted(set(listed))]
    elif (folder / "pytorch_model.bin").is_file():
        raise UserError(
            "its weights are pickled, and opening pickle runs foreign code",
            where=str(folder / "pytorch_model.bin"),
            way_out="save the model as safetensors",
        )
    else:
        raise UserError(f"no {WEIGHTS}", where=str(folder), way_out="name a folder with a saved model")
    header: Header = {}
    for file in files:
        try:
            with safe_open(str(file), framework="pt") as opened:
                for name in opened.keys():  # noqa: SIM118 (not a dict)
                    header[todays_name(name)] = Stored(tuple(opened.get_slice(name).get_shape()), file, name)
        except (SafetensorError, OSError) as error:
            raise UserError(f"damaged ({error})", where=str(file), way_out="save or download the model again") from error
    return header


def todays_name(name: str) -> str:
    for older, newer in OLDER_NAMES.items():
        if name.endswith(older):
            return name.removesuffix(older) + newer
    return name


def check_names(header: Header, wanted: Names, family: Family, prefix: str, folder: Path) -> None:
    """Every weight must be wanted, a repetition of a wanted one, or one of those that the family passes over."""
    missing = [name for name in wanted if name not in header]
    if missing:
        raise UserError(
            f"lacks {len(missing)} weights: {', '.join(missing[:3])} ...", where=str(folder), way_out="save or download the model again"
        )
    passed_over = (*family.ignored, *(prefix + name for name in family.ignored), *family.tied)
    strange = [name for name in header if name not in wanted and not name.startswith(passed_over) and not name.endswith(family.constants)]
    if strange:
        raise UserError(f"{len(strange)} weights that a {family.name} does not have: {', '.join(strange[:3])} ...", where=str(folder))


def check_shapes(header: Header, names: Names, state: Mapping[str, Tensor], family: Family, folder: Path) -> None:
    for theirs, ours in names.items():
        parts = [tuple(state[name].shape) for name in ours]
        expected = (sum(part[0] for part in parts), *parts[0][1:])
        if theirs.endswith(family.inputs_first):
            expected = expected[::-1]
        if header[theirs].shape != expected:
            raise UserError(
                f"{theirs} has the shape {list(header[theirs].shape)}, but {CONFIG} asks for {list(expected)}",
                where=str(folder),
                way_out="save or download the model again",
            )


def read_tensors(header: Header, names: set[str]) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for file in sorted({header[name].file for name in names}):
        with safe_open(str(file), framework="pt") as opened:
            tensors |= {name: opened.get_tensor(header[name].name).float() for name in sorted(names) if header[name].file == file}
    return tensors


def check_tied(header: Header, tensors: Mapping[str, Tensor], family: Family, prefix: str, folder: Path) -> None:
    """A vocabulary layer that the file repeats must be the embedding."""
    for name, repeated in family.tied.items():
        if name not in header:
            continue
        original = repeated if repeated in tensors else prefix + repeated
        if header[name].shape != header[original].shape or not torch.equal(read_tensors(header, {name})[name], tensors[original]):
            raise UserError(
                f"{name} differs from {original}, but this net's vocabulary layer is the embedding itself",
                where=str(folder),
                way_out="take a model whose vocabulary layer is tied to its embedding",
            )


def unstacked(tensors: Mapping[str, Tensor], names: Names, state: Mapping[str, Tensor], family: Family) -> dict[str, Tensor]:
    """Our weights from theirs; one of theirs may hold several of ours."""
    ours: dict[str, Tensor] = {}
    for theirs, parts in names.items():
        whole = tensors[theirs].t() if theirs.endswith(family.inputs_first) else tensors[theirs]
        pieces = torch.split(whole, [state[name].shape[0] for name in parts])
        ours |= {name: piece.clone(memory_format=torch.contiguous_format) for name, piece in zip(parts, pieces, strict=True)}
    return ours


def stacked(state: Mapping[str, Tensor], names: Names, family: Family) -> dict[str, Tensor]:
    """Theirs from ours."""
    found: dict[str, Tensor] = {}
    for theirs, ours in names.items():
        whole = torch.cat([state[name].detach().cpu() for name in ours])
        found[theirs] = (whole.t() if theirs.endswith(family.inputs_first) else whole).contiguous()
    return found


def pooling_of(folder: Path) -> Pooling:
    """What sentence-transformers' own file says, the mean otherwise."""
    path = folder / "1_Pooling" / CONFIG
    if path.is_file() and read_object(path).get("pooling_mode_cls_token"):
        return "first"
    return "mean"
