"""Folders as the other rooms leave them, made up: a pre-training run, fine-tunings, a demo, a suite."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from halfseen.data.mosaic import write_grid
from halfseen.report.results import Example, Fit, Results, ScoreRow

VERSIONS = {"python": "3.11.2", "halfseen": "0.1.0", "torch": "2.13.0"}


def write_run(folder: Path, *, steps: int = 600, finished: bool = True) -> None:
    """A run of kind `halfseen pretrain`."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(1)
    lines = []
    for step in range(0, steps + 1, 5):
        line: dict[str, float] = {"step": step, "tokens": step * 4096, "seconds": 8 + step * 0.29}
        loss = 3.4 + 4.9 * math.exp(-step / 110) - 0.4 * step / steps
        if step:
            rate = 14000 + 400 * random.standard_normal()
            line |= {
                "loss": loss + 0.12 * random.standard_normal(),
                "learning_rate": 2e-3,
                "tokens_per_s": rate,
                "gemm_share": rate / 20000,
            }
        if step % 60 == 0:
            line |= {"heldout_loss": loss + 0.1, "heldout_accuracy": 0.34 - 0.30 * math.exp(-step / 200)}
        lines.append(line)
    heldout = {"loss": lines[-1]["heldout_loss"], "accuracy": lines[-1]["heldout_accuracy"]}
    heldout |= {"unigram_loss": 6.42, "unigram_accuracy": 0.047, "n": 20000}
    net = {"kind": "bert", "parameters": 5_400_000, "width": 256, "layers": 4, "heads": 4}
    recipe = {
        "method": "bert",
        "recipe": {"rate": 0.3, "units": "word", "pairs": "none", "start": "cooccurrence"},
        "net": {"width": 256, "layers": 4, "heads": 4, "causal": False, "norm_eps": 1e-5},
        "budget": {
            "asked": {"minutes": 3.0}, "steps": steps, "batch_tokens": 4096, "precision": "float32",
            "reason": "bfloat16 products are 0.6 times as fast as float32 here",
        },
        "data": {
            "paths": ["news/*.txt"], "files": 12, "bytes": 4_213_000, "documents": 9120, "duplicates_share": 0.031,
            "tokens": 2_810_000, "fingerprint": "9f2c41d07be8a6b3",
        },
        "seed": 0,
        "versions": VERSIONS,
        "command": f"halfseen pretrain bert 'news/*.txt' --out {folder.name} --minutes 3",
    }  # fmt: skip
    (folder / "recipe.json").write_text(json.dumps(recipe))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    if finished:
        summary = {"dir": str(folder), "tokens": steps * 4096, "tokens_per_s": 14000.0, "seconds": 179.0, "heldout": heldout, "net": net}
        (folder / "summary.json").write_text(json.dumps(summary))


def write_array_run(folder: Path, *, likelihood: bool = False) -> None:
    """A run of `halfseen pretrain autoencoder`, or of `vae`, on images."""
    folder.mkdir(parents=True)
    lines = []
    for step in range(0, 101, 10):
        error = 0.02 + 0.08 * math.exp(-step / 30)
        line: dict[str, float] = {"step": step, "samples": 256 * step, "seconds": 2 + step * 0.05, "heldout_loss": error}
        line |= {"heldout_bits_per_dimension": 3 + error} if likelihood else {"heldout_squared_error": error}
        lines.append(line | ({"loss": error, "samples_per_s": 5000.0, "gemm_share": 0.3} if step else {}))
    heldout = {name.removeprefix("heldout_"): value for name, value in lines[-1].items() if name.startswith("heldout_")}
    heldout |= {"mean_squared_error": 0.0675, "pca_squared_error": 0.0244, "n": 1000.0}
    recipe = {
        "method": "vae" if likelihood else "autoencoder",
        "data": {"path": "digits", "images": 10_000},
        "command": "halfseen pretrain",
    }
    summary = {"samples": 25_600, "seconds": 7.0, "heldout": heldout, "net": {"parameters": 10_000}}
    (folder / "recipe.json").write_text(json.dumps(recipe))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "summary.json").write_text(json.dumps(summary))
    write_grid(folder / "rebuilt.png", np.linspace(0, 1, 4 * 9).reshape(4, 1, 3, 3), columns=2)


def make_results(
    *,
    task: str,
    metric: str = "accuracy",
    counts: Sequence[int] = (32, 128, 512),
    worth: float = 5.0,
    seeds: int = 3,
    arms: Sequence[str] = ("pretrained", "scratch", "baseline"),
    examples: Sequence[Example] = (),
    model: str = "pretrained",
    noise: float = 0.006,
    start: float = 0.58,
) -> Results:
    """Arms on one logarithmic curve, the models' shifted by `worth`."""
    random = np.random.default_rng(len(task))
    fits, scores = [], []
    for arm in arms:
        for labels in counts:
            shift = {"scratch": 1.0, "baseline": worth**0.5, "most-frequent": 0.5}.get(arm, worth)
            mean = start + 0.055 * math.log(labels * shift / 32)
            values = [mean + noise * random.standard_normal() for _ in range(seeds)]
            for seed, value in enumerate(values):
                epochs = np.arange(12)
                speed = 3.0 if arm not in ("scratch",) else 9.0
                losses = (
                    ()
                    if arm in ("baseline", "most-frequent")
                    else tuple((1.1 * np.exp(-epochs / speed) + 0.04 * random.random(12)).tolist())
                )
                options = {} if arm == "most-frequent" else {"learning_rate": 1e-3, "epochs": 12} if losses else {"C": 1.0}
                fits.append(Fit(task=task, arm=arm, labels=labels, seed=seed, value=value, losses=losses, seconds=3.0, options=options))
            common = {"task": task, "arm": arm, "n": 1180, "seeds": seeds, "labels": labels, "unit": "", "higher_is_better": True}
            stderr = float(np.std(values, ddof=1) / math.sqrt(seeds)) if seeds > 1 else 0.014
            scores.append(ScoreRow(name=metric, value=float(np.mean(values)), stderr=stderr, **common))
            scores.append(ScoreRow(name="f1", value=float(np.mean(values)) - 0.02, stderr=stderr, main=False, **common))
    return Results(
        scores=tuple(scores), fits=tuple(fits), examples=tuple(examples), seconds=143.0,
        command=f"halfseen finetune {task} --model {model} --train train.csv --dev dev.csv --labels 32,128,512 --controls --out {task}",
        models={arm: model for arm in arms if arm not in ("scratch", "baseline", "most-frequent")},
        data={"train": {"file": "train.csv", "items": 6920}, "dev": {"file": "dev.csv", "items": 1180, "fingerprint": "ab93"}},
        versions=VERSIONS,
    )  # fmt: skip


def class_examples(task: str = "classify") -> list[Example]:
    items = [
        ("Ein schöner Film, <b>mutig</b> & klug.", "positive", "positive", "negative"),
        (
            "The second half is a long walk to a door that everybody saw.",
            "negative",
            "negative",
            "negative",
        ),
        ("房间很干净，服务也好，下次还会来。", "positive", "positive", "positive"),
        ("Not bad, not bad at all.", "positive", "negative", "negative"),
        ("I wanted to like it.", "negative", "positive", "negative"),
        ("Somebody paid for this.", "negative", "positive", "positive"),
    ]
    found = []
    for text, truth, ours, theirs in items:
        for arm, said in (("pretrained", ours), ("scratch", theirs), ("baseline", truth)):
            found.append(Example(task=task, arm=arm, text=text, truth=truth, prediction=said, right=said == truth))
    return found


def tag_examples(task: str = "tag") -> list[Example]:
    items = [
        ("迈向 充满 希望 的 新 世纪 ， 人民 生活 更 美好", "v v n u a n w n n d a", "v v n u a n w n vn d a"),
        ("中共中央 总书记 发表 重要 讲话", "nt n v a n", "nt n v a n"),
        ("北京 举行 新年 音乐会", "ns v t n", "ns v t n"),
        ("改革 开放 迈出 新 步伐 。", "vn vn v a n w", "v v v a n w"),
    ]
    found = []
    for text, truth, ours in items:
        for arm, said in (("pretrained", ours), ("scratch", " ".join(["n"] * len(truth.split())))):
            found.append(Example(task=task, arm=arm, text=text, truth=truth, prediction=said, right=said == truth))
    return found


def write_demo(folder: Path) -> None:
    """A folder of folders, as `halfseen demo` leaves it."""
    write_run(folder / "pretrained")
    model = str(folder / "pretrained")
    for name, results in (
        ("reviews", make_results(task="classify", worth=1.05, noise=0.012, examples=class_examples(), model=model)),
        (
            "tagging",
            make_results(
                task="tag", counts=(25, 100, 500), worth=5.1, start=0.62, examples=tag_examples(), model=model,
                arms=("pretrained", "scratch", "baseline", "most-frequent"),
            ),
        ),
    ):  # fmt: skip
        (folder / name).mkdir()
        results.save(folder / name)
    candidates = [{"token": t, "probability": p} for t, p in (("灣", 0.62), ("北", 0.17), ("中", 0.06), ("州", 0.03), ("大", 0.02))]
    fills = [
        {"text": "台[MASK]大學", "candidates": candidates},
        {"text": "他在北京[MASK]作。", "candidates": [{"token": "工", "probability": 0.91}]},
    ]
    (folder / "fills.json").write_text(json.dumps(fills, ensure_ascii=False))
    paragraphs = ["Three minutes of reading news and reviews that nobody labelled, then two tasks with a few labels each."]
    demo = {"headline": "tagging", "title": "halfseen demo: Chinese", "paragraphs": paragraphs}
    (folder / "demo.json").write_text(json.dumps(demo, ensure_ascii=False))


def write_suite(folder: Path) -> None:
    """One results.json with several tasks at one label count each."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [
        make_results(task=task, metric=metric, counts=(count,), worth=worth, noise=0.02, examples=class_examples(task))
        for task, metric, count, worth in (
            ("cola", "matthews", 8551, 2.0), ("sst2", "accuracy", 67349, 9.0), ("mrpc", "f1", 3668, 1.0),
            ("stsb", "pearson", 5749, 6.0), ("rte", "accuracy", 2490, 0.7), ("wnli", "accuracy", 635, 1.0),
        )
    ]  # fmt: skip
    scores = tuple(row for part in parts for row in part.scores if row.main)
    Results(
        scores=scores, fits=tuple(f for p in parts for f in p.fits), examples=tuple(e for p in parts for e in p.examples), seconds=3900.0,
        command="halfseen score glue --model pretrained --data glue --seeds 3 --controls", models={"pretrained": "pretrained"},
        data={"folder": "glue"}, versions=VERSIONS, missing=("qqp", "mnli"),
    ).save(folder)  # fmt: skip
