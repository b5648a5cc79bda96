"""A run by the clock ends when it should, and its figures are those of their formulas."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import halfseen
from halfseen.methods.bert import Bert
from halfseen.methods.recipes import BertRecipe
from halfseen.train import loop, pretrain, run, text
from tests.tiny import SHAPE, tokenizer

TEXTS = [f"the warm film number {i} moves us all , a dull and lifeless mess ." for i in range(300)]


class Clock:
    """Stands in for the module `time`; only steps and passes over held-out text take any."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    perf_counter = monotonic


@pytest.mark.parametrize(
    ("seconds_of", "a_pass", "passes"),
    [
        (lambda done: 1.0, 0.0, 10),
        (lambda done: 1.0 + done, 0.0, 10),
        (lambda done: 1.5 - done, 0.0, 10),
        (lambda done: 0.8 if done < 0.3 else 1.3, 0.0, 10),
        (lambda done: 1.0, 6.0, 4),
        (lambda done: 1.0 + done, 20.0, 2),
    ],
    ids=["even", "slower and slower", "faster and faster", "slower from a moment on", "much held-out text", "very much held-out text"],
)
def test_a_run_by_the_clock_ends_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds_of: Callable[[float], float], a_pass: float, passes: int
) -> None:
    """passes: how often held-out text may be judged, so that it takes a tenth of the time, or twice."""
    minutes, clock, plain, judge = 4.0, Clock(), loop.Loop.update, text.Heldout.__call__

    def update(self: loop.Loop, weight: float, n: int) -> float:
        clock.now += seconds_of(min(1.0, clock.now / (60 * minutes)))
        return plain(self, weight, n)

    def judged(self: text.Heldout) -> dict[str, float]:
        clock.now += a_pass
        return judge(self)

    monkeypatch.setattr(text.Heldout, "__call__", judged)
    for module in (loop, pretrain, run, text):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(loop.Loop, "update", update)
    (tmp_path / "text.txt").write_text("\n".join(TEXTS))
    found = halfseen.pretrain(
        "bert",
        tmp_path / "text.txt",
        out=tmp_path / "run",
        minutes=minutes,
        net={"layers": 1, "width": 32},
        vocabulary=320,
        batch_tokens=256,
    )
    assert found["seconds"] == pytest.approx(60 * minutes, rel=0.05)
    assert clock.now == found["seconds"]
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert sum("heldout_loss" in line for line in lines[1:]) == pytest.approx(passes, abs=1), "a plan anew moves them"
    assert lines[-1]["learning_rate"] < 0.15 * max(line.get("learning_rate", 0) for line in lines), "it has fallen by then"


def test_the_share_of_the_peak_counts_every_product(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forward and twice that backward: projections, feed-forward, attention, and the vocabulary layer where it is scored."""
    method = Bert(BertRecipe(), SHAPE, tokenizer().table)
    facts: dict[str, Any] = {"budget": {"precision": "float32"}}
    opened = SimpleNamespace(flops=lambda tokens, scored: method.flops(tokens, scored, 16))
    watched = SimpleNamespace(opened=opened, facts=facts)
    monkeypatch.setattr(run, "gemm_peak", lambda dtype: 2.0)
    width, ffn, layers, vocabulary = SHAPE.width, SHAPE.ffn_width, SHAPE.layers, len(tokenizer().table)
    a_token = layers * 2 * (4 * width * width + 3 * width * ffn + 2 * 16 * width)
    scored = 2 * width * width + 2 * width * vocabulary
    share = run.Run.gemm_share(watched, 1000, 150.0, 0.5)  # type: ignore[arg-type]
    assert share == pytest.approx(3 * (1000 * a_token + 150 * scored) / 0.5 / 2e9)
