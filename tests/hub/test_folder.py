"""Folders that are not what they should be: each fault is named, with the file and the way out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import halfseen
from halfseen.contracts import UserError
from halfseen.data.tokenizers import Tokenizer
from halfseen.hub import find as finding
from halfseen.hub.folder import load
from halfseen.tasks.fit import make
from halfseen.tasks.saved import load_task, save_task
from tests.tasks.test_tasks import labelled
from tests.tiny import model_folder, net, tokenizer

Spoil = Callable[[Path], None]


def config(**changes: object) -> Spoil:
    def spoil(folder: Path) -> None:
        held = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**held, **changes}))

    return spoil


def weights(change: Callable[[dict[str, torch.Tensor]], object]) -> Spoil:
    def spoil(folder: Path) -> None:
        held = load_file(folder / "model.safetensors")
        change(held)
        save_file(held, folder / "model.safetensors")

    return spoil


def text(name: str, content: str) -> Spoil:
    return lambda folder: (folder / name).write_text(content) and None  # type: ignore[return-value]


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


NORM = "model.final_norm.weight"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "config.json").unlink(), "no config.json; name a folder with a model in the Hugging Face layout"),
        (text("config.json", "{"), "config.json: damaged (Expecting property name"),
        (text("config.json", "[1]"), "config.json: damaged (a list instead of an object); save or download the model again"),
        (config(model_type="llama9"), "config.json: a model of type 'llama9'; these types open: bert, roberta, modernbert"),
        (config(vocab_size=9), "tokenizer.json: has 316 entries, but the net knows only 9; put the model's own tokenizer there"),
        (config(hidden_size=48), "config.json asks for"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no model.safetensors; name a folder with a saved model"),
        (text("model.safetensors", "no weights"), "model.safetensors: damaged ("),
        (pickled, "its weights are pickled, and opening pickle runs foreign code; save the model as safetensors"),
        (weights(lambda held: held.pop(NORM)), f"lacks 1 weights: {NORM} ...; save or download the model again"),
        (weights(lambda held: held.update(extra=torch.ones(1))), "1 weights that a modernbert does not have: extra ..."),
        (weights(lambda held: held.update({NORM: torch.ones(3)})), f"{NORM} has the shape [3], but config.json asks for [32]"),
        (
            weights(lambda held: held.update({"decoder.weight": held["model.embeddings.tok_embeddings.weight"] + 1})),
            "decoder.weight differs from model.embeddings.tok_embeddings.weight, but this net's vocabulary layer is the embedding itself; "
            "take a model whose vocabulary layer is tied to its embedding",
        ),
        (
            weights(lambda held: held.update({"decoder.weight": torch.ones(3)})),
            "decoder.weight differs from model.embeddings.tok_embeddings.weight",
        ),
        (lambda folder: (folder / "tokenizer.json").unlink(), "no tokenizer.json; name a folder with a saved tokenizer"),
        (text("tokenizer.json", "{}"), "tokenizer.json: not a tokenizer ("),
    ],
)
def test_a_fault_is_named(spoil: Spoil, message: str, tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "model")
    load(folder)
    spoil(folder)
    with pytest.raises(UserError) as told:
        load(folder)
    assert message in str(told.value)
    assert str(folder) in str(told.value)


def test_an_encoder_alone_cannot_fill(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "model")
    weights(lambda held: [held.pop(name) for name in list(held) if not name.startswith("model.")])(folder)
    with pytest.raises(UserError, match="has no vocabulary layer, so it cannot fill blanks; take a model with a masked-language head"):
        halfseen.load(folder).fill("the [MASK]")


def test_another_tokenizer_of_the_same_size_is_refused(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "model")
    own = Tokenizer.load(folder)
    assert json.loads((folder / "config.json").read_text())["tokenizer_fingerprint"] == own.fingerprint
    own.save(folder)
    load(folder)
    other = json.loads((folder / "tokenizer.json").read_text())
    vocabulary = other["model"]["vocab"]
    vocabulary["a"], vocabulary["b"] = vocabulary["b"], vocabulary["a"]
    (folder / "tokenizer.json").write_text(json.dumps(other))
    with pytest.raises(UserError) as told:
        load(folder)
    assert str(told.value) == (
        f"{folder / 'tokenizer.json'}: not the tokenizer that the model was saved with; put the model's own tokenizer there, "
        "or take tokenizer_fingerprint out of config.json if this one is meant"
    )
    config(tokenizer_fingerprint=None)(folder)
    load(folder)
    held = json.loads((folder / "config.json").read_text())
    del held["tokenizer_fingerprint"]
    (folder / "config.json").write_text(json.dumps(held))
    load(folder)


def test_a_repeated_embedding_is_passed_over(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "model")
    weights(lambda held: held.update({"decoder.weight": held["model.embeddings.tok_embeddings.weight"].clone()}))(folder)
    assert load(folder).head is not None


def test_a_decoder_counts_only_beside_a_vocabulary_layer(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "model")
    weights(lambda held: [held.pop("decoder.bias"), held.update({"decoder.weight": torch.ones(316, 32)})])(folder)
    assert load(folder).head is None


def test_names_that_are_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model_folder(tmp_path / "films")
    with pytest.raises(UserError, match=r"no model '.*/filns'; did you mean '.*/films'\?"):
        finding.find(str(tmp_path / "filns"))
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: (_ for _ in ()).throw(OSError("no network")))
    with pytest.raises(UserError, match=r"hf:a/b: cannot be had from the Hub \(OSError\); check the name and the network"):
        finding.find("hf:a/b")


def test_a_fine_tuned_model_that_is_damaged(tmp_path: Path) -> None:
    words, train = tokenizer(), labelled("classify")
    save_task(tmp_path, "classify", make("classify", net(len(words.table)), words, train, train.samples, "mean"))
    assert load_task(tmp_path)[0] == "classify"
    (tmp_path / "task.safetensors").write_text("no weights")
    with pytest.raises(UserError, match=r"damaged \(.*\); fine-tune again"):
        load_task(tmp_path)
    (tmp_path / "task.json").unlink()
    with pytest.raises(UserError, match=r"no task\.json; this is not a fine-tuned model; name a folder that `halfseen finetune` wrote"):
        load_task(tmp_path)


def test_the_folder_of_a_finetuning_stands_for_its_model(tmp_path: Path) -> None:
    inner = model_folder(tmp_path / "reviews" / "model")
    assert finding.find(str(tmp_path / "reviews")) == inner
    assert finding.find(str(inner)) == inner
