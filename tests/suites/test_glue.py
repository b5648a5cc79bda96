"""GLUE's official layout to samples, the mean that may not be called GLUE's, and the submission files."""

from __future__ import annotations

import lzma
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from halfseen.contracts import UserError
from halfseen.report.results import ScoreRow
from halfseen.suites.glue import TASKS, available, glue_mean, read_task, write_submission
from halfseen.tasks.metrics import METRICS

PARSES = "\t".join(["p"] * 7)
MNLI_DEV = f"index\t{PARSES}\tsentence1\tsentence2\tlabel1\tlabel2\tgold_label\n"

FILES = {
    "CoLA/train": "a\t1\t\tOne sentence.\nb\t0\t*\tSentence one.\n",
    "CoLA/dev": 'a\t1\t\tShe said "no.\n',
    "CoLA/test": "index\tsentence\n0\tFirst.\n1\tSecond.\n",
    "SST-2/train": "sentence\tlabel\nhide new \t0\nlovely \t1\n",
    "SST-2/dev": "sentence\tlabel\nfine film\t1\n",
    "MRPC/train": '\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t1\t2\tHe came .\t" He came .\n0\t3\t4\tA .\tB .\n',
    "MRPC/dev": "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t1\t2\tC .\tD .\n",
    "MRPC/test": "\ufeffindex\t#1 ID\t#2 ID\t#1 String\t#2 String\n0\t1\t2\tE .\tF .\n",
    "QQP/train": "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n7\t1\t2\tWhy?\tHow?\t0\n8\t1\t2\tcut\n9\t1\t2\tWhy?\tWhy so?\t1\n",
    "QQP/dev": "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n7\t1\t2\tWhy?\tHow?\t0\n",
    "STS-B/train": "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
    "0\tg\tf\ty\t1\tnone\tnone\tA plane.\tAn air plane.\t5.000\n1\tg\tf\ty\t1\tnone\tnone\tA.\tB.\t3.8\n",
    "STS-B/dev": "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
    "0\tg\tf\ty\t1\tnone\tnone\tC.\tD.\t0\n",
    "MNLI/train": f"index\t{PARSES}\tsentence1\tsentence2\tlabel1\tgold_label\n0\t{PARSES}\tA\tB\tneutral\tneutral\n"
    f"1\t{PARSES}\tC\tD\tentailment\tentailment\n",
    "MNLI/dev_matched": f"{MNLI_DEV}0\t{PARSES}\tE\tF\tneutral\tneutral\tcontradiction\n",
    "MNLI/dev_mismatched": f"{MNLI_DEV}0\t{PARSES}\tG\tH\tneutral\tx\tneutral\n",
    "MNLI/test_matched": f"index\t{PARSES}\tsentence1\tsentence2\n0\t{PARSES}\tI\tJ\n",
    "MNLI/test_mismatched": f"index\t{PARSES}\tsentence1\tsentence2\n0\t{PARSES}\tK\tL\n1\t{PARSES}\tM\tN\n",
    "diagnostic/diagnostic": "index\tsentence1\tsentence2\n0\tThe cat.\tA cat.\n",
    "QNLI/train": "index\tquestion\tsentence\tlabel\n305\tWhen?\tIn 2005.\tentailment\n1\tWho?\tThen.\tnot_entailment\n",
    "QNLI/dev": "index\tquestion\tsentence\tlabel\n5\tWhere?\tHere.\tentailment\n",
    "RTE/train": "index\tsentence1\tsentence2\tlabel\n0\tA.\tB.\tnot_entailment\n1\tC.\tD.\tentailment\n",
    "RTE/dev": "index\tsentence1\tsentence2\tlabel\n0\tE.\tF.\tentailment\n",
    "WNLI/train": "index\tsentence1\tsentence2\tlabel\n0\tA.\tB.\t1\n1\tC.\tD.\t0\n",
    "WNLI/dev": "index\tsentence1\tsentence2\tlabel\n0\tE.\tF.\t0\n",
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        put(tmp_path, name, text)
    return tmp_path


def put(data: Path, name: str, text: str) -> Path:
    path = data / f"{name}.tsv"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def told(error: pytest.ExceptionInfo[UserError], data: Path) -> str:
    return str(error.value).replace(str(data), "DATA")


@pytest.mark.parametrize(
    ("name", "train", "dev"),
    [
        ("cola", [("One sentence.", "1"), ("Sentence one.", "0")], [('She said "no.', "1")]),
        ("sst2", [("hide new ", "0"), ("lovely ", "1")], [("fine film", "1")]),
        ("mrpc", [(("He came .", '" He came .'), "1"), (("A .", "B ."), "0")], [(("C .", "D ."), "1")]),
        ("qqp", [(("Why?", "How?"), "0"), (("Why?", "Why so?"), "1")], [(("Why?", "How?"), "0")]),
        ("stsb", [(("A plane.", "An air plane."), 5.0), (("A.", "B."), 3.8)], [(("C.", "D."), 0.0)]),
        ("mnli", [(("A", "B"), "neutral"), (("C", "D"), "entailment")], [(("E", "F"), "contradiction")]),
        ("qnli", [(("When?", "In 2005."), "entailment"), (("Who?", "Then."), "not_entailment")], [(("Where?", "Here."), "entailment")]),
        ("rte", [(("A.", "B."), "not_entailment"), (("C.", "D."), "entailment")], [(("E.", "F."), "entailment")]),
        ("wnli", [(("A.", "B."), "1"), (("C.", "D."), "0")], [(("E.", "F."), "0")]),
    ],
)
def test_every_task_is_read_from_its_own_columns(data: Path, name: str, train: list[Any], dev: list[Any]) -> None:
    found = read_task(data, name)
    assert [(sample.x, sample.meta["label"]) for sample in found.train.samples] == train
    assert [(sample.x, sample.meta["label"]) for sample in found.dev.samples] == dev
    assert found.train.kind == found.dev.kind == found.task.kind
    assert found.train.labels == tuple(sorted(found.task.labels))
    assert set(found.task.metrics) <= set(METRICS)


def test_mnli_has_two_dev_parts_and_three_submissions(data: Path) -> None:
    found = read_task(data, "mnli")
    assert found.mismatched is not None
    assert [(sample.x, sample.meta["label"]) for sample in found.mismatched.samples] == [(("G", "H"), "neutral")]
    assert found.test is not None
    assert [sample.x for sample in found.test] == [("I", "J")]
    assert {name: [sample.x for sample in samples] for name, samples in found.further_tests.items()} == {
        "MNLI-mm": [("K", "L"), ("M", "N")],
        "AX": [("The cat.", "A cat.")],
    }


def test_unlabelled_samples_have_no_label_and_may_be_missing(data: Path) -> None:
    cola = read_task(data, "cola")
    assert cola.test is not None
    assert [(sample.x, dict(sample.meta)) for sample in cola.test] == [("First.", {}), ("Second.", {})]
    assert read_task(data, "sst2").test is None
    assert read_task(data, "sst2").mismatched is None


def test_compressed_files_give_the_same_samples(data: Path) -> None:
    plain = read_task(data, "sst2").train.samples
    path = data / "SST-2" / "train.tsv"
    path.with_name("train.tsv.xz").write_bytes(lzma.compress(path.read_bytes()))
    path.unlink()
    assert read_task(data, "sst2").train.samples == plain


def test_rows_that_qqp_is_known_to_hold_cut_short_are_counted(data: Path) -> None:
    assert read_task(data, "qqp").train.skipped == 1


def test_missing_tasks_are_named(data: Path) -> None:
    assert available(data) == (tuple(TASKS), ())
    (data / "QQP" / "dev.tsv").unlink()
    (data / "MNLI" / "dev_mismatched.tsv").unlink()
    assert available(str(data)) == (("cola", "sst2", "mrpc", "stsb", "qnli", "rte", "wnli"), ("qqp", "mnli"))
    with pytest.raises(UserError) as error:
        read_task(data, "mnli")
    assert told(error, data) == "DATA/MNLI: no dev_mismatched.tsv, neither plain nor compressed; leave out mnli, or put MNLI's files there"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("SST-2", "GLUE has no task 'SST-2'; did you mean 'sst2'?"),
        ("sts", "GLUE has no task 'sts'; did you mean 'stsb'?"),
        ("boolq", "GLUE has no task 'boolq'; take one of cola, sst2, mrpc, qqp, stsb, mnli, qnli, rte, wnli"),
    ],
)
def test_an_unknown_task(data: Path, name: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        read_task(data, name)
    assert told(error, data) == message


def test_a_folder_that_is_not_there(data: Path) -> None:
    for read in (lambda: available(data / "glue"), lambda: read_task(data / "glue", "rte")):
        with pytest.raises(UserError) as error:
            read()
        assert told(error, data) == "DATA/glue: there is no such folder; name the folder that holds CoLA, SST-2, ..., or hub:nyu-mll/glue"


@pytest.mark.parametrize(
    ("file", "task", "text", "message"),
    [
        ("RTE/train", "rte", "index\tsentence1\tsentence2\tlabel\n0\tA.\tentailment\n", "row 2 has 3 columns, not 4 or more"),
        ("CoLA/dev", "cola", "a\t1\t\tFine.\nlonely\n", "row 2 has 1 column, not 4 or more"),
        ("SST-2/dev", "sst2", "fine\t1\nbad\t0\n", "no column 'sentence' and 'label'; its first row is 'fine', '1'"),
        ("WNLI/dev", "wnli", "index\tsentence1\tsentence2\tlabel\n", "holds no samples"),
        (
            "RTE/dev",
            "rte",
            "index\tsentence1\tsentence2\tlabel\n0\tA.\tB.\tentails\n1\tA.\n",
            "2 faults: row 2 has label 'entails', not one of entailment, not_entailment, row 3 has 2 columns, not 4 or more",
        ),
        ("STS-B/dev", "stsb", FILES["STS-B/dev"].replace("D.\t0", "D.\tnan"), "row 2 has score 'nan', not a number from 0 to 5"),
        ("STS-B/dev", "stsb", FILES["STS-B/dev"].replace("D.\t0", "D.\tmuch"), "row 2 has score 'much', not a number from 0 to 5"),
        ("CoLA/test", "cola", "index\tsentence\n0\tA.\n2\tB.\n", "row 3 has index '2', not 1"),
    ],
)
def test_faulty_files_are_told_by_row(data: Path, file: str, task: str, text: str, message: str) -> None:
    put(data, file, text)
    with pytest.raises(UserError) as error:
        read_task(data, task)
    assert told(error, data) == f"DATA/{file}.tsv: {message}; get the file again, in GLUE's official layout"


def scored(task: str, values: list[float], *, arm: str = "pretrained", labels: int | None = None, n: int | None = None) -> list[ScoreRow]:
    metrics = [(name, items) for items in TASKS[task].dev_items for name in TASKS[task].metrics]
    same = {"stderr": 0.09, "seeds": 3, "unit": "", "higher_is_better": True}
    return [
        ScoreRow(task=task, arm=arm, name=name, value=value, n=n or items, labels=labels or TASKS[task].train_items, **same)  # type: ignore[arg-type]
        for value, (name, items) in zip(values, metrics, strict=True)
    ]


def nine() -> list[ScoreRow]:
    return [row for name, task in TASKS.items() for row in scored(name, [0.5] * (len(task.metrics) * len(task.dev_items)))]


def test_nine_whole_tasks_are_glue() -> None:
    (mean,) = glue_mean(nine())
    assert mean["name"] == "GLUE mean (dev)"
    assert mean["arm"] == "pretrained"
    assert mean["value"] == pytest.approx(0.5)
    assert mean["stderr"] == pytest.approx(0.03)  # nine independent errors of .09: .09 / sqrt(9)
    assert mean["tasks"] == list(TASKS)


def test_a_task_with_two_figures_counts_once_with_their_mean() -> None:
    (mean,) = glue_mean([*scored("mrpc", [0.9, 0.7]), *scored("rte", [0.6])])
    assert mean["name"] == "mean of 2 of 9 tasks"
    assert mean["value"] == pytest.approx(0.7)


def test_each_arm_has_its_mean_at_the_largest_label_count() -> None:
    rows = [*scored("rte", [0.2], labels=32), *scored("rte", [0.6]), *scored("rte", [0.5], arm="scratch"), *scored("cola", [0.0])]
    found = {mean["arm"]: (mean["value"], mean["tasks"]) for mean in glue_mean(rows)}
    assert found == {"pretrained": (pytest.approx(0.3), ["rte", "cola"]), "scratch": (pytest.approx(0.5), ["rte"])}


def test_what_is_smaller_than_glue_is_not_called_glue() -> None:
    def renamed(task: str, rows: list[ScoreRow]) -> str:
        (mean,) = glue_mean([*(row for row in nine() if row.task != task), *rows])
        return str(mean["name"])

    assert renamed("qnli", scored("qnli", [0.5], n=801)) == "mean of 9 of 9 tasks, reduced: qnli"
    assert renamed("rte", scored("rte", [0.5], labels=32)) == "mean of 9 of 9 tasks, reduced: rte"
    assert renamed("mnli", scored("mnli", [0.5, 0.5])[:1]) == "mean of 9 of 9 tasks, reduced: mnli"
    assert renamed("mrpc", scored("mrpc", [0.5, 0.5], labels=3667)) == "GLUE mean (dev)"
    assert renamed("wnli", []) == "mean of 8 of 9 tasks"


def test_submissions_are_what_the_site_takes(tmp_path: Path) -> None:
    path = write_submission(tmp_path, TASKS["sst2"], ["1", "0"])
    assert (path.name, path.read_bytes()) == ("SST-2.tsv", b"index\tprediction\n0\t1\n1\t0\n")
    path = write_submission(tmp_path, TASKS["stsb"], [5.2, -0.1, 3.14159])
    assert (path.name, path.read_text()) == ("STS-B.tsv", "index\tprediction\n0\t5.000\n1\t0.000\n2\t3.142\n")
    names = [write_submission(tmp_path, TASKS["mnli"], ["neutral"], name=name).name for name in (None, "MNLI-mm", "AX")]
    assert names == ["MNLI-m.tsv", "MNLI-mm.tsv", "AX.tsv"]
    assert write_submission(tmp_path, TASKS["qnli"], ["not_entailment"]).read_text() == "index\tprediction\n0\tnot_entailment\n"
    with pytest.raises(ValueError, match=r"RTE has no labels \['1'\]"):
        write_submission(tmp_path, TASKS["rte"], ["1"])
    with pytest.raises(ValueError, match="SST-2 is submitted as SST-2, not as AX"):
        write_submission(tmp_path, TASKS["sst2"], ["1"], name="AX")


def test_the_hubs_numbers_become_names(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_dataset(name: str, config: str, *, split: str) -> list[dict[str, Any]]:
        assert name == "nyu-mll/glue"
        label = {"train": 0, "validation_matched": 1, "validation_mismatched": 2}.get(split, -1)
        return [{"premise": f"{config} {split}", "hypothesis": "so", "label": label, "idx": 0}]

    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    found = read_task("hub:nyu-mll/glue", "mnli")
    assert [(s.x, s.meta["label"]) for s in found.train.samples] == [(("mnli train", "so"), "entailment")]
    assert [(s.x, s.meta["label"]) for s in found.dev.samples] == [(("mnli validation_matched", "so"), "neutral")]
    assert found.mismatched is not None
    assert [s.meta["label"] for s in found.mismatched.samples] == ["contradiction"]
    assert found.test is not None
    assert [(s.x, dict(s.meta)) for s in found.test] == [(("mnli test_matched", "so"), {})]
    assert [s.x for s in found.further_tests["AX"]] == [("ax test", "so")]


def test_the_hub_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionError("Couldn't reach 'nyu-mll/glue' on the Hub")

    monkeypatch.setattr("datasets.load_dataset", refuse)
    monkeypatch.setattr("datasets.get_dataset_config_names", refuse)
    with pytest.raises(UserError) as error:
        available("hub:nyu-mll/glue")
    cannot = "cannot be reached (Couldn't reach 'nyu-mll/glue' on the Hub); check the network, or name local files"
    assert str(error.value) == f"hub:nyu-mll/glue: {cannot}"
    with pytest.raises(UserError) as error:
        read_task("hub:nyu-mll/glue", "rte")
    assert str(error.value) == f"hub:nyu-mll/glue/rte@train: {cannot}"


@pytest.mark.skipif("HALFSEEN_DATA" not in os.environ, reason="HALFSEEN_DATA names no folder with glue/")
def test_the_real_files() -> None:
    data = Path(os.environ["HALFSEEN_DATA"]) / "glue"
    present, missing = available(data)
    assert missing == ("qqp", "mnli")
    found = {name: read_task(data, name) for name in present}
    assert {name: (len(task.train.samples), len(task.dev.samples)) for name, task in found.items()} == {
        "cola": (8551, 1043),
        "sst2": (67349, 872),
        "mrpc": (3667, 408),
        "stsb": (5749, 1500),
        "qnli": (3581, 801),
        "rte": (2490, 277),
        "wnli": (635, 71),
    }
    assert Counter(sample.meta["label"] for sample in found["rte"].dev.samples) == {"entailment": 146, "not_entailment": 131}
    assert Counter(sample.meta["label"] for sample in found["sst2"].dev.samples) == {"1": 444, "0": 428}
    assert found["cola"].train.samples[0].x == "Our friends won't buy this analysis, let alone the next one we propose."
    assert found["stsb"].dev.samples[1].meta["label"] == 4.75
    assert all(not task.train.skipped and task.test is None for task in found.values())
