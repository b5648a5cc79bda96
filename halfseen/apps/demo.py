"""`halfseen demo`: unlabelled text and a few labels, a BERT, fine-tuning beside controls, and what it was worth."""

from __future__ import annotations

import json
import os
import sys
import time
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

MINUTES = 3.0
LEARNING_RATES = {"zh": (1e-3,), "en": (1e-4, 3e-4, 1e-3)}
"""To choose from. Two Chinese tasks leave no time to choose; an existing checkpoint needs a lower rate than a small net."""


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """The whole story in some minutes, on real text that comes with packages."""

    language: Literal["zh", "en"] = "zh"
    """Chinese news and reviews, or English film reviews."""
    out: Path = Path("halfseen-demo")
    """Folder for everything; if it is taken, the next free number is added."""
    minutes: float = MINUTES
    """Time for the pre-training."""
    seeds: int = 2
    """How often each fine-tuning is repeated."""


def demo(language: Literal["zh", "en"] = "zh", **options: Any) -> dict[str, Any]:
    """Pre-trains, fills blanks, fine-tunes beside the controls, and writes the report.

    Returns {"dir", "seconds", "verdicts", "fills", "report"}. options: the fields of `DemoOptions`. Raises UserError if the
    package with the text is not installed.
    """
    if "out" in options:
        options["out"] = Path(options["out"])
    return run(DemoOptions(language=language, **options))


def run(options: DemoOptions) -> dict[str, Any]:
    from halfseen.apps.demo_data import prepare
    from halfseen.apps.fill import fill
    from halfseen.data.claim import FILLS
    from halfseen.report.page import write_report
    from halfseen.tasks.finetune import finetune
    from halfseen.train.pretrain import pretrain

    started = time.monotonic()
    say = Console(stderr=True, highlight=False).print
    out = free_folder(options.out)
    data = prepare(options.language, out / "data")
    models = [str(out / "pretrained"), *existing(options.language, say)]

    say(f"[bold]1. Pre-training[/] for {options.minutes:g} minutes on {data.text.stat().st_size / 1e6:.1f} MB of unlabelled text")
    learnt = pretrain("bert", data.text, out=models[0], minutes=options.minutes)
    heldout = learnt["heldout"]
    say(f"   hidden tokens guessed: {heldout['accuracy']:.1%}; by always guessing the commonest: {heldout['unigram_accuracy']:.1%}")

    say("[bold]2. Filling blanks[/]")
    fills = []
    for text in data.blanks:
        candidates = fill(text, model=models[0])["blanks"][0]
        fills.append({"text": text, "candidates": candidates})
        say(
            "   "
            + text.replace("[MASK]", "\\[MASK]")
            + "  "
            + "  ".join(f"{c['token'].strip()} {c['probability']:.0%}" for c in candidates)
        )

    verdicts = {}
    for number, task in enumerate(data.tasks, start=3):
        say(f"[bold]{number}. Fine-tuning: {task.name}[/], {task.labels.replace(',', ' and ')} labels, each beside its controls")
        found = finetune(
            task.kind,  # type: ignore[arg-type]
            model=tuple(models),
            train=task.train,
            dev=task.dev,
            out=out / task.name,
            labels=task.labels,
            seeds=options.seeds,
            controls=True,
            learning_rates=LEARNING_RATES[options.language],
        )
        verdicts[task.name] = found["verdict"]
        say_scores(found["scores"], say)
        say(f"   {found['verdict']}")

    seconds = time.monotonic() - started
    words = {
        "headline": data.tasks[0].name,
        "title": "What pre-training was worth, in a few minutes on this machine",
        "paragraphs": [f"Made by halfseen demo --language {options.language} in {seconds / 60:.1f} minutes, pre-training included."],
    }
    (out / FILLS).write_text(json.dumps(fills, ensure_ascii=False, indent=1), encoding="utf-8")
    (out / "demo.json").write_text(json.dumps(words, ensure_ascii=False, indent=1), encoding="utf-8")
    page = write_report(out)
    if sys.stdout.isatty() and (sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        webbrowser.open(page.resolve().as_uri())
    return {"dir": str(out), "seconds": seconds, "verdicts": verdicts, "fills": fills, "report": str(page)}


def free_folder(wanted: Path) -> Path:
    """The folder, or its first free number: nothing of an earlier demo is overwritten."""
    number, out = 1, wanted
    while out.exists():
        number += 1
        out = wanted.with_name(f"{wanted.name}-{number}")
    return out


def existing(language: str, say: Any) -> list[str]:
    """English has a checkpoint in a package, as one more arm; without the package the demo says how to get it."""
    from halfseen.contracts import UserError
    from halfseen.hub.find import MINILM, find

    if language != "en":
        return []
    try:
        find(MINILM)
    except UserError as missing:
        say(f"Without the existing checkpoint as one more arm: {missing}")
        return []
    return [MINILM]


def say_scores(scores: list[dict[str, Any]], say: Any) -> None:
    from halfseen.report.results import ScoreRow
    from halfseen.report.tables import score_table

    say(score_table([ScoreRow(**row) for row in scores]))
