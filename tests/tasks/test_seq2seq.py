"""One text from another: what is learnt, written, judged, kept, and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import halfseen
from halfseen.contracts import Sample, UserError
from halfseen.data.draw import KeyedDraw
from halfseen.data.labels import Labelled, read_labelled
from halfseen.data.tokenizers import Tokenizer, train
from halfseen.data.tokens import Tokens, TwoTexts
from halfseen.hub.folder import load, save
from halfseen.methods.bart import Bart
from halfseen.methods.gpt import Gpt
from halfseen.methods.recipes import BartRecipe, GptRecipe, NetSize, TextRecipe
from halfseen.methods.text import TextMethod
from halfseen.nets.seq2seq import EncoderDecoder
from halfseen.nets.transformer import initialise
from halfseen.split.restore import framed
from halfseen.tasks.baselines import fit_baseline
from halfseen.tasks.dictionary import likeliest
from halfseen.tasks.fit import copy_of, fit, make
from halfseen.tasks.saved import load_task, save_task
from halfseen.tasks.seq2seq import Seq2Seq, longest_answer, must_write
from tests.tiny import model_folder

WORDS = {"a": "une", "dog": "chienne", "cat": "chatte", "runs": "court", "sleeps": "dort", "here": "ici", "there": "là"}
ENGLISH = [f"a {who} {does} {where} ." for who in ("dog", "cat") for does in ("runs", "sleeps") for where in ("here", "there")]


def french(text: str) -> str:
    return " ".join(WORDS.get(word, word) for word in text.split())


def pairs(texts: list[str]) -> Labelled:
    return Labelled("seq2seq", tuple(Sample(str(i), text, {"label": french(text)}) for i, text in enumerate(texts)), (), "made up")


def words() -> Tokenizer:
    return train([*ENGLISH, *map(french, ENGLISH)] * 3, kind="bpe", size=340, sentinels=3)


def method_of(kind: type[Any], recipe: TextRecipe, tokenizer: Tokenizer, seed: int = 0) -> TextMethod:
    made: TextMethod = kind(recipe, recipe.shape(layers=2, width=64), tokenizer.table)
    initialise(made, seed, spread=0.1)
    return made


def bart_folder(folder: Path, *, max_length: int = 64) -> Path:
    tokenizer = words()
    method = method_of(Bart, BartRecipe(net=NetSize(max_length=max_length)), tokenizer)
    folder.mkdir(parents=True)
    save(folder, method.net, method.head, tokenizer, card="# tiny\n")
    return folder


def fitted(epochs: int = 60) -> Seq2Seq:
    tokenizer, data = words(), pairs(ENGLISH)
    net = method_of(Bart, BartRecipe(net=NetSize(max_length=64)), tokenizer).net
    method = make("seq2seq", copy_of(net)(0), tokenizer, data, data.samples, "mean")
    fit(method, data.samples, learning_rate=3e-3, seed=0, epochs=epochs)
    assert isinstance(method, Seq2Seq)
    return method


def test_learns_and_comes_back_from_disk(tmp_path: Path) -> None:
    method, data = fitted(), pairs(ENGLISH)
    said = method.predict(data.samples)
    assert said == method.truth(data.samples)
    assert method.predict(data.samples, bfloat16=True) == said
    save_task(tmp_path / "model", "seq2seq", method)
    kind, back = load_task(tmp_path)
    assert kind == "seq2seq"
    assert back.predict(data.samples) == said
    assert load(tmp_path / "model").family == "bart"


@torch.no_grad()
def slow_loss(method: Seq2Seq, sample: Sample) -> float:
    total, table = 0.0, method.tokenizer.table
    written = [table.cls]
    for wanted in [*sample.meta["target"].tolist(), table.sep]:
        read = np.array([table.cls, *sample.x.tolist(), table.sep])
        seen = TwoTexts.of(read, np.array([len(read)]), np.array(written), np.array([len(written)]))
        total -= float(method.head(method.net(seen).last)[-1].log_softmax(-1)[wanted])
        written.append(wanted)
    return total


def test_the_loss_is_that_of_the_text_that_a_person_wrote() -> None:
    """Held against a slow loop: -log p of every token and of the end, given those before it."""
    method = fitted(1)
    samples = method.prepare(pairs(ENGLISH[:3]).samples, labelled=True)
    loss = method(method.split(samples, KeyedDraw(0, 0, samples)))
    per_item = loss.per_item.detach()
    for i, sample in enumerate(samples):
        assert float(per_item[i]) == pytest.approx(slow_loss(method, sample), abs=1e-4)
        assert int(loss.weight[i]) == len(sample.meta["target"]) + 1


def test_other_sources_beside_one_change_nothing() -> None:
    method = fitted(3)
    texts = [Sample(str(n), " ".join(ENGLISH[:n]), {}) for n in (1, 4, 2, 1, 3)]
    together = method.predict(texts)
    assert together == [method.predict([text])[0] for text in texts]
    assert len(set(together)) > 1


def test_of_what_is_too_long_the_beginning_is_read_and_said(tmp_path: Path) -> None:
    folder = bart_folder(tmp_path / "bart", max_length=32)
    loaded = load(folder)
    method = Seq2Seq(loaded.net, loaded.tokenizer)
    long = " ".join(ENGLISH * 4)
    ids = loaded.tokenizer.encode(long).ids
    assert len(ids) > 30
    (prepared,) = method.prepare([Sample("a", long, {"label": long})], labelled=True)
    assert prepared.x.tolist() == prepared.meta["target"].tolist() == ids[:30].tolist()
    said = method.predict([Sample("a", long, {})])
    assert said == method.predict([Sample("b", loaded.tokenizer.decode(ids[:30]), {})])
    assert len(loaded.tokenizer.encode(said[0]).ids) <= min(32, longest_answer(32))
    data = Labelled("seq2seq", (Sample("a", long, {"label": "x"}), Sample("b", "a dog", {"label": long})), (), "dev.tsv")
    assert must_write({"pretrained": loaded}, [data]) == [
        "1 of 2 sources of dev.tsv are longer than pretrained takes: their first 30 tokens were used.",
        "1 of 2 targets of dev.tsv are longer than pretrained takes: their first 30 tokens were used.",
    ]


def write_pairs(folder: Path) -> None:
    for part, texts in (("train", ENGLISH[:6] * 3), ("dev", ENGLISH[6:])):
        numbered = [f"{text} {i}" for i, text in enumerate(texts)]
        (folder / f"{part}.tsv").write_text("".join(f"{text}\t{french(text)}\n" for text in numbered))
        (folder / f"{part}.en").write_text("".join(f"{text}\n" for text in numbered))
        (folder / f"{part}.fr").write_text("".join(f"{french(text)}\n" for text in numbered))


def test_from_files_to_scores_and_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Seq2Seq, "epochs_for", lambda self, count: 2)
    write_pairs(tmp_path)
    common: dict[str, Any] = {"model": str(bart_folder(tmp_path / "bart")), "seeds": 2, "controls": True, "labels": "8,all"}
    common |= {"learning_rates": (1e-3,)}
    found = halfseen.finetune("seq2seq", train=tmp_path / "train.tsv", dev=tmp_path / "dev.tsv", out=tmp_path / "a", **common)
    lines = halfseen.finetune(
        "seq2seq",
        train=f"{tmp_path}/train.en,{tmp_path}/train.fr",
        dev=f"{tmp_path}/dev.en,{tmp_path}/dev.fr",
        out=tmp_path / "b",
        **common,
    )
    assert [(row["arm"], row["name"], row["labels"], row["unit"]) for row in found["scores"]] == [
        (arm, name, labels, "points") for labels in (8, 18) for arm in ("pretrained", "scratch", "baseline") for name in ("bleu", "chrf")
    ]
    assert [row["value"] for row in lines["scores"]] == [row["value"] for row in found["scores"]], "two files as one table"
    assert found["scores"][-2]["value"] > 40, "the dictionary knows most words"
    first = halfseen.finetune(
        "seq2seq", train=tmp_path / "train.tsv", dev=tmp_path / "dev.tsv", out=tmp_path / "c", metric="rouge", **common | {"labels": "8"}
    )
    assert [row["name"] for row in first["scores"][:3]] == ["rougeL", "rouge1", "rouge2"]
    answers = halfseen.predict(tmp_path / "dev.en", model=tmp_path / "a")
    assert answers["kind"] == "seq2seq"
    assert [row["prediction"] for row in answers["predictions"]] == [
        row["prediction"] for row in halfseen.predict(tmp_path / "dev.tsv", model=tmp_path / "a")["predictions"]
    ]
    assert all(isinstance(row["prediction"], str) for row in answers["predictions"])
    assert (tmp_path / "a" / "report.html").exists()


def test_models_of_another_kind_are_refused(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    encoder = model_folder(tmp_path / "encoder")
    tokenizer = words()
    decoder = method_of(Gpt, GptRecipe(net=NetSize(max_length=64)), tokenizer)
    (tmp_path / "decoder").mkdir()
    save(tmp_path / "decoder", decoder.net, decoder.head, tokenizer, card="# tiny\n")
    given: dict[str, Any] = {"train": tmp_path / "train.tsv", "dev": tmp_path / "dev.tsv", "out": tmp_path / "out"}
    with pytest.raises(UserError) as refused:
        halfseen.finetune("seq2seq", model=(str(encoder), str(tmp_path / "decoder")), **given)
    assert f"{encoder} is an encoder (modernbert); {tmp_path / 'decoder'} is a decoder (llama): what writes one text" in str(refused.value)
    assert "take models of `halfseen pretrain bart`" in str(refused.value)
    with pytest.raises(UserError, match="--metric is not for classify; leave it out"):
        halfseen.finetune("classify", model=str(encoder), metric="bleu", **given)
    bart = str(bart_folder(tmp_path / "bart"))
    with pytest.raises(UserError, match=r"is an encoder-decoder \(bart\): it restores whole texts, but does not fill blanks; take a model"):
        halfseen.fill("the [MASK]", model=bart)
    with pytest.raises(UserError, match=r"is an encoder-decoder \(bart\): it writes from one text to another, but does not go on with a"):
        halfseen.generate("the", model=bart)
    with pytest.raises(UserError, match=r"is an encoder-decoder \(bart\), whose two passes one file does not hold; leave out --onnx"):
        halfseen.export(bart, out=tmp_path / "onnx", onnx=True)
    assert not (tmp_path / "onnx").exists()


@pytest.mark.parametrize(
    ("files", "given", "message"),
    [
        (
            {"a.en": "one\ntwo\n", "a.fr": "un\ndeux\ntrois\n"},
            "a.en,a.fr",
            "a.en: 2 lines, but {0}a.fr has 3; give two files whose lines belong together",
        ),
        (
            {"a.en": "one\n\n", "a.fr": " \ndeux\n"},
            "a.en,a.fr",
            "2 faults: line 2 of {0}a.en is empty, line 1 of {0}a.fr is empty; mend or remove these pairs",
        ),
        ({"a.en": "", "a.fr": ""}, "a.en,a.fr", "both files are empty; give files with at least one line"),
        ({"a.en": "one\n", "a.fr": "un\n", "a.de": "eins\n"}, "a.en,a.fr,a.de", "3 files; give SOURCE,TARGET"),
        (
            {"p.tsv": "one\tun\n\tdeux\nthree\t\n"},
            "p.tsv",
            "2 faults: row 3 has an empty target, row 2 has an empty source; mend or remove",
        ),
        ({"p.tsv": "one\tun\textra\n"}, "p.tsv", "its columns are not known by name; its first row has 3 columns"),
    ],
)
def test_pairs_that_are_none_are_refused(files: dict[str, str], given: str, message: str, tmp_path: Path) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    path = ",".join(f"{tmp_path}/{name}" for name in given.split(","))
    with pytest.raises(UserError) as refused:
        read_labelled(Path(path), "seq2seq")
    assert message.format(f"{tmp_path}/") in str(refused.value)


def test_tables_of_pairs(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("source\ttarget\none\tun\n")
    (tmp_path / "b.jsonl").write_text('{"article": "one", "summary": "un"}\n')
    (tmp_path / "c.csv").write_text('id,en,fr\n7,"one","un"\n')
    for name, columns in (("a.tsv", {}), ("b.jsonl", {}), ("c.csv", {"text": "en", "label": "fr"})):
        (sample,) = read_labelled(tmp_path / name, "seq2seq", **columns).samples
        assert (sample.x, sample.meta) == ("one", {"label": "un"})
    with pytest.raises(UserError, match="--second is not for seq2seq; name the target's column with --label"):
        read_labelled(tmp_path / "c.csv", "seq2seq", text="en", second="fr")
    with pytest.raises(UserError, match="2 files; give the sources alone"):
        read_labelled(Path(f"{tmp_path}/a.tsv,{tmp_path}/b.jsonl"), "seq2seq", labelled=False)
    with pytest.raises(UserError, match="lines have no columns; leave out --text and --label"):
        read_labelled(Path(f"{tmp_path}/a.tsv,{tmp_path}/b.jsonl"), "seq2seq", text="en")


def test_the_dictionary_is_ibms() -> None:
    """The classic three pairs: das Haus, das Buch, ein Buch. t(e | f) of the right pairs grows past all others."""
    data = pairs([])
    texts = [("das haus", "the house"), ("das buch", "the book"), ("ein buch", "a book")]
    samples = [Sample(str(i), source, {"label": target}) for i, (source, target) in enumerate(texts)]
    baseline = fit_baseline("seq2seq", samples)
    assert baseline.predict([Sample("x", "ein Haus , das neu", {})]) == ["a house , the neu"]
    assert baseline.options == {"rounds": 5}
    slow = slow_dictionary([(["", *source.split()], target.split()) for source, target in texts])
    number = {"": 0, "das": 1, "haus": 2, "buch": 3, "ein": 4}
    names = {"the": 0, "house": 1, "book": 2, "a": 3}
    source = [np.array([number[w] for w in ["", *s.split()]]) for s, _ in texts]
    target = [np.array([names[w] for w in t.split()]) for _, t in texts]
    found = likeliest(source, target, 5, 4)
    for word, i in number.items():
        if word:
            assert list(names)[found[i]] == max(names, key=lambda e, word=word: slow.get((e, word), 0.0))
    assert data.samples == ()


def slow_dictionary(texts: list[tuple[list[str], list[str]]]) -> dict[tuple[str, str], float]:
    """IBM model 1 as it is written (Koehn 2009, figure 4.3), five rounds."""
    t = {(e, f): 1.0 for source, target in texts for e in target for f in source}
    for _ in range(5):
        count, total = dict.fromkeys(t, 0.0), dict.fromkeys({f for _, f in t}, 0.0)
        for source, target in texts:
            for e in target:
                whole = sum(t[e, f] for f in source)
                for f in source:
                    count[e, f] += t[e, f] / whole
                    total[f] += t[e, f] / whole
        t = {(e, f): count[e, f] / total[f] for e, f in t}
    return t


def test_an_encoder_decoder_encodes_as_its_encoder_does(tmp_path: Path) -> None:
    folder = bart_folder(tmp_path / "bart")
    loaded = load(folder)
    assert isinstance(loaded.net, EncoderDecoder)
    vectors = halfseen.load(str(folder)).encode(ENGLISH, precision="float32")
    method = Seq2Seq(loaded.net, loaded.tokenizer)
    parts = [loaded.tokenizer.encode(text).ids for text in ENGLISH]
    ids, lengths = framed(np.concatenate(parts), np.array([len(p) for p in parts]), before=(2,), after=(3,))
    with torch.no_grad():
        pooled = method.encode(Tokens.of(ids, lengths)).pooled
    np.testing.assert_allclose(vectors, pooled.numpy(), atol=1e-5)
