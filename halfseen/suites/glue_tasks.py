"""The nine tasks of GLUE (Wang et al. 2018, arXiv:1804.07461): what each asks, how its files are laid out, how it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from halfseen.contracts import UserError
from halfseen.data.faults import did_you_mean
from halfseen.data.labels import Kind

BINARY = ("0", "1")
ENTAILMENT = ("entailment", "not_entailment")


@dataclass(frozen=True, kw_only=True)
class GlueTask:
    """One task. Columns go by the names in the header of train.tsv, dev.tsv and test.tsv."""

    name: str
    title: str
    """As the papers write it."""
    kind: Kind
    metrics: tuple[str, ...]
    """Official metrics by their names in `tasks.metrics.METRICS`, the main one first."""
    texts: tuple[str, ...]
    label: str = "label"
    labels: tuple[str, ...] = ()
    """The classes by name, sorted; none for STS-B, whose labels are numbers."""
    numbered: Mapping[str, int] | None = None
    """Columns by number, where train and dev have no header (CoLA)."""
    dev: tuple[str, ...] = ("dev",)
    tests: Mapping[str, str]
    """The file that is submitted, and the file of unlabelled samples that it answers (below the suite's folder)."""
    hub_texts: tuple[str, ...]
    """The same columns as the Hub's copy names them."""
    hub_labels: tuple[str, ...] = ()
    """The classes in the order of the Hub's numbers."""
    train_items: int
    dev_items: tuple[int, ...]
    """Official counts: a task with fewer is a reduced one. Rows that are cut short are not counted."""
    cut_rows: bool = False
    """Whether the official files hold rows that are cut short, which everybody leaves out (QQP)."""

    @property
    def folder(self) -> str:
        return self.title


def _two_sentences(name: str, title: str, labels: tuple[str, ...], train_items: int, dev_items: int) -> GlueTask:
    """RTE and WNLI: a premise and a hypothesis, entailed or not."""
    texts = ("sentence1", "sentence2")
    return GlueTask(
        name=name,
        title=title,
        kind="pair",
        metrics=("accuracy",),
        texts=texts,
        labels=labels,
        tests={title: f"{title}/test"},
        hub_texts=texts,
        hub_labels=labels,
        train_items=train_items,
        dev_items=(dev_items,),
    )


_ALL = (
    GlueTask(
        name="cola",
        title="CoLA",
        kind="classify",
        metrics=("mcc",),
        texts=("sentence",),
        labels=BINARY,
        numbered={"sentence": 3, "label": 1},
        tests={"CoLA": "CoLA/test"},
        hub_texts=("sentence",),
        hub_labels=BINARY,
        train_items=8551,
        dev_items=(1043,),
    ),
    GlueTask(
        name="sst2",
        title="SST-2",
        kind="classify",
        metrics=("accuracy",),
        texts=("sentence",),
        labels=BINARY,
        tests={"SST-2": "SST-2/test"},
        hub_texts=("sentence",),
        hub_labels=BINARY,
        train_items=67349,
        dev_items=(872,),
    ),
    GlueTask(
        name="mrpc",
        title="MRPC",
        kind="pair",
        metrics=("f1", "accuracy"),
        texts=("#1 String", "#2 String"),
        label="Quality",
        labels=BINARY,
        tests={"MRPC": "MRPC/test"},
        hub_texts=("sentence1", "sentence2"),
        hub_labels=BINARY,
        train_items=3668,
        dev_items=(408,),
    ),
    GlueTask(
        name="qqp",
        title="QQP",
        kind="pair",
        metrics=("f1", "accuracy"),
        texts=("question1", "question2"),
        label="is_duplicate",
        labels=BINARY,
        tests={"QQP": "QQP/test"},
        hub_texts=("question1", "question2"),
        hub_labels=BINARY,
        train_items=363846,
        dev_items=(40430,),
        cut_rows=True,
    ),
    GlueTask(
        name="stsb",
        title="STS-B",
        kind="regress",
        metrics=("pearson", "spearman"),
        texts=("sentence1", "sentence2"),
        label="score",
        tests={"STS-B": "STS-B/test"},
        hub_texts=("sentence1", "sentence2"),
        train_items=5749,
        dev_items=(1500,),
    ),
    GlueTask(
        name="mnli",
        title="MNLI",
        kind="pair",
        metrics=("accuracy",),
        texts=("sentence1", "sentence2"),
        label="gold_label",
        labels=("contradiction", "entailment", "neutral"),
        dev=("dev_matched", "dev_mismatched"),
        tests={"MNLI-m": "MNLI/test_matched", "MNLI-mm": "MNLI/test_mismatched", "AX": "diagnostic/diagnostic"},
        hub_texts=("premise", "hypothesis"),
        hub_labels=("entailment", "neutral", "contradiction"),
        train_items=392702,
        dev_items=(9815, 9832),
    ),
    GlueTask(
        name="qnli",
        title="QNLI",
        kind="pair",
        metrics=("accuracy",),
        texts=("question", "sentence"),
        labels=ENTAILMENT,
        tests={"QNLI": "QNLI/test"},
        hub_texts=("question", "sentence"),
        hub_labels=ENTAILMENT,
        train_items=104743,
        dev_items=(5463,),
    ),
    _two_sentences("rte", "RTE", ENTAILMENT, 2490, 277),
    _two_sentences("wnli", "WNLI", BINARY, 635, 71),
)

TASKS: dict[str, GlueTask] = {task.name: task for task in _ALL}
"""Name to task, in the order of the paper."""


def task_named(name: str) -> GlueTask:
    """Raises UserError if there is no such task."""
    if name not in TASKS:
        spelled = name.lower().replace("-", "")
        raise UserError(f"GLUE has no task {name!r}", way_out=did_you_mean(spelled, TASKS) or f"take one of {', '.join(TASKS)}")
    return TASKS[name]
