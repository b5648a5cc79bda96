"""Arms: what they are called, what they learn from, and what their rates are chosen by."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import halfseen
from halfseen.contracts import Sample, Score, UserError
from halfseen.data.labels import Labelled
from halfseen.report.words import CONTROLS
from halfseen.tasks import compare as comparing
from halfseen.tasks import fit as fitting
from halfseen.tasks.compare import Compared, compare, load_models, make_arms, spell, subset, whose_random_weights
from halfseen.tasks.fit import make
from halfseen.tasks.options import CompareOptions
from halfseen.tasks.regress import Regress
from halfseen.tasks.task import Task
from tests.tiny import model_folder, net, tokenizer


def labelled(counts: dict[str, int]) -> Labelled:
    samples = [Sample(f"{label}{i}", f"{label} film {i}", {"label": label}) for label, n in counts.items() for i in range(n)]
    return Labelled("classify", tuple(samples), tuple(sorted(counts)), "rows.tsv")


@pytest.mark.parametrize(
    ("counts", "count"), [({"a": 98, "b": 1, "c": 1}, 10), ({f"c{i}": 3 for i in range(20)}, 20), ({"a": 5, "b": 95}, 3)]
)
def test_a_subset_has_just_as_many_items_as_asked(counts: dict[str, int], count: int) -> None:
    chosen = subset(labelled(counts), count, seed=0)
    assert len(chosen) == count
    assert set(Counter(sample.meta["label"] for sample in chosen)) == set(counts), "no class is left out"


def test_several_models_go_by_the_names_they_were_given(tmp_path: Path) -> None:
    one, two = model_folder(tmp_path / "a" / "minilm-old"), model_folder(tmp_path / "b" / "mine")
    assert list(load_models([str(one)])) == ["pretrained"]
    models = load_models([str(one), str(two)])
    assert list(models) == ["minilm-old", "mine"]
    assert whose_random_weights(models) == "", "both networks are alike"
    same = model_folder(tmp_path / "c" / "mine")
    assert list(load_models([str(two), str(same)])) == [str(two), str(same)]
    with pytest.raises(UserError, match="more than once; name each model once"):
        load_models([str(two), str(two)])


@pytest.mark.parametrize("name", CONTROLS)
def test_a_model_called_as_a_control_keeps_its_folder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model_folder(tmp_path / name), model_folder(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    assert list(load_models([f"./{name}", "mine"])) == [f"./{name}", "mine"]
    with pytest.raises(UserError, match=rf"a model called {name} cannot stand beside the control of that name; write \./{name}"):
        load_models([name, "mine"])


def test_random_weights_say_whose_network_they_are(tmp_path: Path) -> None:
    models = load_models([str(model_folder(tmp_path / "mine")), "minilm"])
    assert whose_random_weights(models) == "Random weights are those of mine's network; minilm has another one."


def test_a_rate_is_chosen_by_the_metric_that_the_task_is_judged_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def judge(truth: Any, prediction: Any, names: Any) -> list[Score]:
        asked.append(tuple(names))
        return [Score("mcc", 0.5, 4, 0.1)]

    monkeypatch.setattr(fitting, "judge", judge)
    monkeypatch.setattr(Task, "epochs_for", lambda self, count: 1)
    data = labelled({"0": 10, "1": 10})
    models = load_models([str(model_folder(tmp_path / "model"))])
    options = CompareOptions(model=("model",), seeds=1, learning_rates=(1e-3, 1e-2))
    compare("cola", data, data, make_arms(models, "classify", controls=False), options, Compared(), metrics=("mcc",))
    assert asked == [("mcc",)] * 2


def test_numbers_are_scaled_by_the_labels_that_are_seen() -> None:
    samples = tuple(Sample(str(i), "film", {"label": float(i)}) for i in range(100))
    data, words = Labelled("regress", samples, (), "rows.tsv"), tokenizer()
    method = make("regress", net(len(words.table)), words, data, samples[:3], "mean")
    assert isinstance(method, Regress)
    assert method.centre == 1.0


def test_tagged_words_are_spelled_as_a_sentence_and_pairs_with_a_bar() -> None:
    assert spell(("hello", "there"), " ") == "hello there"
    assert spell(("one text", "another"), " | ") == "one text | another"
    assert spell(0.123, " | ") == "0.12"


def test_what_was_done_is_kept_when_a_training_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tmp_path / "train.tsv", tmp_path / "dev.tsv"
    for path in rows:
        path.write_text("text\tlabel\n" + "".join(f"a warm {path.stem} {i}\tgood\na dull {path.stem} {i}\tbad\n" for i in range(4)))
    real, trained = comparing.fit, []

    def fit(*given: Any, **options: Any) -> Any:
        trained.append(1)
        if len(trained) == 2:
            raise UserError("the gradient is not finite at step 3")
        return real(*given, **options)

    monkeypatch.setattr(comparing, "fit", fit)
    out, model = tmp_path / "out", model_folder(tmp_path / "model")
    with pytest.raises(UserError, match="not finite"):
        halfseen.finetune("classify", model=str(model), train=str(rows[0]), dev=str(rows[1]), out=str(out), learning_rates=(1e-3,))
    assert {path.name for path in out.iterdir()} == {"results.json", "report.html", "model", "fits.jsonl"}
    assert halfseen.predict(str(rows[1]), model=str(out))
    halfseen.finetune("classify", model=str(model), train=str(rows[0]), dev=str(rows[1]), out=str(out), learning_rates=(1e-3,))
    assert {path.name for path in out.iterdir()} == {"results.json", "report.html", "model"}, "the same command went on and ended"


def test_a_finetuning_without_its_files_is_refused() -> None:
    with pytest.raises(TypeError, match="'train', 'dev', and 'out'"):
        halfseen.finetune("classify", model="model")
