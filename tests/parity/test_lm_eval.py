"""lm_eval, the real package, offline on an exported checkpoint: its likelihoods are ours, and a task of one's own is scored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import halfseen
from halfseen.data.tokens import Tokens
from halfseen.hub.folder import Loaded, load, save
from halfseen.methods.gpt import Gpt
from halfseen.methods.recipes import GptRecipe, NetSize
from halfseen.nets.heads import NextHead
from halfseen.nets.transformer import initialise
from tests.tiny import tokenizer

lm_eval = pytest.importorskip("lm_eval")

QUESTIONS = [{"text": "the warm film", "choices": [" moves us", " is dull"], "answer": i % 2} for i in range(6)]
TASK = """
task: films
dataset_path: json
dataset_kwargs: {{data_files: {{test: {path}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: text
doc_to_choice: choices
doc_to_target: answer
target_delimiter: ""
metric_list: [{{metric: acc}}]
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lm_eval")
    words = tokenizer()
    recipe = GptRecipe(net=NetSize(max_length=64))
    method = Gpt(recipe, recipe.shape(layers=2, width=64), words.table)
    initialise(method, 0, spread=0.3)
    (folder / "gpt").mkdir()
    save(folder / "gpt", method.net, method.head, words, card="# tiny\n")
    halfseen.export(str(folder / "gpt"), out=folder / "exported")
    return folder / "exported"


@torch.no_grad()
def likelihood(loaded: Loaded, text: str, choice: str) -> float:
    assert isinstance(loaded.head, NextHead)
    before, whole = (loaded.tokenizer.encode(part).ids.tolist() for part in (text, text + choice))
    assert whole[: len(before)] == before
    ids = [loaded.tokenizer.table.cls, *whole]
    logits = loaded.head(loaded.net(Tokens.of(np.array(ids), np.array([len(ids)]))).last).log_softmax(-1)
    return float(sum(logits[i, ids[i + 1]] for i in range(len(before), len(whole))))


def test_lm_eval_runs_on_an_exported_checkpoint(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "films.jsonl").write_text("".join(json.dumps(question) + "\n" for question in QUESTIONS))
    (tmp_path / "films.yaml").write_text(TASK.format(path=tmp_path / "films.jsonl"))
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    model = HFLM(pretrained=str(exported), device="cpu", add_bos_token=True, batch_size=2)
    manager = TaskManager(include_path=str(tmp_path), include_defaults=False)
    found: dict[str, Any] = lm_eval.simple_evaluate(model=model, tasks=["films"], task_manager=manager, log_samples=True, bootstrap_iters=0)
    loaded = load(exported)
    ours = [likelihood(loaded, "the warm film", choice) for choice in (" moves us", " is dull")]
    for sample in found["samples"]["films"]:
        theirs = [float(answer[0]) for answer in sample["filtered_resps"]]
        assert theirs == pytest.approx(ours, abs=1e-4)
    right = sum(question["answer"] == int(np.argmax(ours)) for question in QUESTIONS) / len(QUESTIONS)
    assert found["results"]["films"]["acc,none"] == pytest.approx(right)
