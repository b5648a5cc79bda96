"""A prepared run from its newest checkpoint to a finished model: used by a fresh run and by `halfseen resume` alike."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from halfseen.contracts import InterruptedRunError, UserError
from halfseen.data.claim import RUN
from halfseen.data.files import UnwritableError, checksums, write_json
from halfseen.methods import METHODS
from halfseen.train.budget import gemm_peak
from halfseen.train.checkpoint import load_checkpoint, remove_after, save_checkpoint
from halfseen.train.loop import Loop
from halfseen.train.metrics_file import append_metrics, read_metrics, write_metrics
from halfseen.train.modality import CHECKPOINTS, CORPUS, PREPARING, Opened, modality
from halfseen.train.options import OptimOptions, ResumeOptions
from halfseen.train.progress import ProgressBar, note
from halfseen.train.ranks import from_main
from halfseen.train.recipe_file import read_recipe, revive

SUMMARY = "summary.json"
EVALUATIONS = 10
"""How often held-out text is judged on the way,"""
EVALUATION_SHARE = 0.1
"""unless that would take a larger share of a run by the clock: then less often, but twice at least."""
LOG_EVERY = 10
CHECKPOINT_SECONDS = 60.0
REPLANS = (1.0, 0.5, 0.2)
"""A run by the clock plans anew when the learning rate begins to fall, and when these shares of its fall are left."""


def resume(folder: str | Path) -> dict[str, Any]:
    """Goes on with a run that was interrupted, and returns what `halfseen pretrain --json` prints.

    Raises UserError if the folder holds no run, or one whose checkpoints are damaged.
    """
    folder = Path(folder)
    if not (folder / RUN).exists() and (folder / PREPARING).exists():
        raise UserError(
            "was interrupted before its training began", where=str(folder), way_out="give the same `halfseen pretrain` command again"
        )
    return carry_on(folder)


def run(options: ResumeOptions) -> dict[str, Any]:
    return resume(options.dir)


def carry_on(folder: Path, *, seconds_before: float | None = None) -> dict[str, Any]:
    """Trains from the newest checkpoint to the end and saves the model.

    seconds_before: how much of the budget is spent; by default as the checkpoint remembers.
    """
    try:
        return _carry_on(folder, seconds_before)
    except UnwritableError as error:
        way_out = f"make room, then go on with: halfseen resume {folder}"
        raise UserError(error.what, where=error.where, way_out=way_out) from error


def _carry_on(folder: Path, seconds_before: float | None) -> dict[str, Any]:
    started = time.monotonic()
    facts = read_recipe(folder)
    if "corpus" not in facts:  # neither do its checkpoints hold all that a checkpoint holds today
        raise UserError("was written by an older halfseen", where=str(folder), way_out="start the run anew")
    for name, found_now in checksums(folder / CORPUS, facts["corpus"]).items():
        if found_now != facts["corpus"][name]:
            raise UserError("is not what the run was started with", where=str(folder / CORPUS / name), way_out="start the run anew")
    found = load_checkpoint(folder / CHECKPOINTS)
    if found is None:
        raise UserError("no checkpoint", where=str(folder), way_out="start the run anew")
    step, tensors, state, damaged = found
    if "seen" not in state:
        raise UserError("was written by an older halfseen", where=str(folder), way_out="start the run anew")

    brings = modality(METHODS[facts["method"]][1].modality)
    opened = brings.open(folder, facts)
    loop = Loop(
        opened.method,
        opened.batches,
        opened.method.splitter,
        steps=state["steps"],
        optim=revive(OptimOptions, facts["optim"]),
        seed=facts["seed"],
        bfloat16=facts["budget"]["precision"] == "bfloat16",
    )
    loop.restore(tensors, step, state.get("decay_start"))
    spent = seconds_before if seconds_before is not None else float(state["seconds"])
    run = Run(folder, facts, loop, opened, unit=brings.unit, started=started - spent, state=state)
    for name in damaged:
        note(f"passed over: {name}")
    if run.main:
        remove_after(folder / CHECKPOINTS, step)
    run.train()
    return run.finish()


class Run:
    """One stretch of training, watched: metrics, held-out figures, checkpoints, Ctrl-C, the clock."""

    def __init__(
        self, folder: Path, facts: dict[str, Any], loop: Loop, opened: Opened, *, unit: str, started: float, state: Mapping[str, Any]
    ) -> None:
        self.folder, self.facts, self.loop, self.opened, self.unit = folder, facts, loop, opened, unit
        self.started, self.planned = started, int(state["planned"])
        self.judging = 0.0
        """Seconds that went into held-out text."""
        self.planned_at = (loop.step_number, self.seconds())
        self.minutes: float | None = facts["budget"]["asked"].get("minutes")
        self.main = loop.accelerator.is_main_process
        self.last_checkpoint = time.monotonic()
        self.lines = [line for line in read_metrics(folder) if line["step"] <= loop.step_number]
        self.seen = int(state["seen"])
        """How much of the unit."""
        self.window: list[float] = list(state["window"])
        """Loss and weight, summed over the steps since the last line."""

    def seconds(self) -> float:
        return time.monotonic() - self.started

    def train(self) -> None:
        loop = self.loop
        if self.main:
            write_metrics(self.folder, self.lines)
        if not self.lines:
            self.write({"step": 0, self.unit: 0, "seconds": self.seconds(), **self.judge()})
        evaluations = from_main(lambda: affordable_evaluations(self.minutes, self.lines[0]["evaluation_seconds"]))
        judged = evaluations * loop.step_number // loop.steps
        with catch_interrupt(self.folder) as interrupted, ProgressBar("pre-training", loop.steps) as bar:
            while loop.step_number < loop.steps:
                if self.planned < len(REPLANS) and loop.step_number >= int(loop.steps * (1 - loop.options.decay * REPLANS[self.planned])):
                    self.replan(evaluations)
                stepped = loop.step()
                self.seen += stepped.tokens
                self.window = [self.window[0] + stepped.loss * stepped.weight, self.window[1] + stepped.weight]
                n = loop.step_number
                last = n == loop.steps
                evaluating = evaluations * n // loop.steps > judged
                judged = max(judged, evaluations * n // loop.steps)
                if n % LOG_EVERY == 0 or evaluating:
                    loss = self.window[0] / self.window[1]
                    self.window = [0.0, 0.0]
                    line = {
                        "step": n,
                        self.unit: self.seen,
                        "seconds": self.seconds(),
                        "loss": loss,
                        "learning_rate": stepped.learning_rate,
                    }
                    line |= {
                        f"{self.unit}_per_s": stepped.tokens / stepped.seconds,
                        "gemm_share": self.gemm_share(stepped.tokens, stepped.weight, stepped.seconds),
                    }
                    self.write(line | (self.judge() if evaluating else {}))
                    bar.update(n, note=f"{line[f'{self.unit}_per_s']:,.0f} {self.unit}/s  loss {loss:.2f}", total=loop.steps)
                if interrupted:
                    self.checkpoint()
                    raise InterruptedRunError(
                        f"interrupted at step {n} of {loop.steps}; everything is saved",
                        way_out=f"go on with: halfseen resume {self.folder}",
                    )
                every = self.facts["checkpoint_steps"]
                if last or (n % every == 0 if every else time.monotonic() - self.last_checkpoint > CHECKPOINT_SECONDS):
                    self.checkpoint()

    def judge(self) -> dict[str, float]:
        """Held-out figures, and the seconds that they took."""
        started = time.monotonic()
        found = self.opened.judge()
        seconds = time.monotonic() - started
        self.judging += seconds
        return found | {"evaluation_seconds": seconds}

    def replan(self, evaluations: int) -> None:
        """The number of steps is set anew by the clock, as fast as they went since the last time, with room for the evaluations to come."""
        self.planned += 1
        step, training = self.loop.step_number, self.seconds() - self.judging
        before, since = self.planned_at
        if self.minutes is not None and step > before:
            a_step = (training - since) / (step - before)
            a_pass = [line["evaluation_seconds"] for line in self.lines if "evaluation_seconds" in line][-1]
            to_come = math.ceil(evaluations * (1 - step / self.loop.steps))
            left = 60.0 * self.minutes - self.seconds() - to_come * a_pass - 1.0
            self.loop.decay_until(step + int(left / a_step))
            self.planned_at = (step, training)
            self.checkpoint()

    def gemm_share(self, tokens: int, scored: float, seconds: float) -> float:
        """The share of this machine's GEMM peak that goes into useful tokens."""
        import torch

        flops = self.opened.flops(tokens, scored)
        peak = gemm_peak(torch.bfloat16 if self.facts["budget"]["precision"] == "bfloat16" else torch.float32)
        return float(flops / seconds / 1e9 / peak)

    def write(self, line: dict[str, Any]) -> None:
        self.lines.append(line)
        if self.main:
            append_metrics(self.folder, line)

    def checkpoint(self) -> None:
        if self.main:
            state: dict[str, Any] = {"steps": self.loop.steps, "decay_start": self.loop.decay_start, "seconds": self.seconds()}
            state |= {"planned": self.planned, "seen": self.seen, "window": self.window}
            save_checkpoint(self.folder / CHECKPOINTS, self.loop.step_number, self.loop.state(), state)
        self.last_checkpoint = time.monotonic()

    def finish(self) -> dict[str, Any]:
        """Saves the model and the summary."""
        opened = self.opened
        final = [line for line in self.lines if "heldout_loss" in line][-1]
        measured = [line[f"{self.unit}_per_s"] for line in self.lines if f"{self.unit}_per_s" in line]
        heldout = {name.removeprefix("heldout_"): value for name, value in final.items() if name.startswith("heldout_")}
        summary = {
            "dir": str(self.folder),
            self.unit: self.seen,
            f"{self.unit}_per_s": float(np.median(measured)),
            "seconds": self.seconds(),
            "heldout": heldout | dict(opened.baseline),
            "net": {"kind": self.facts["method"], "parameters": sum(p.numel() for p in opened.method.parameters()), **opened.net},
        }
        if self.main:
            opened.keep(summary)
            write_json(self.folder / SUMMARY, summary)
        return summary


def affordable_evaluations(minutes: float | None, seconds: float) -> int:
    """How often held-out text is judged in a run of so many minutes, if it takes so many seconds."""
    return EVALUATIONS if minutes is None else int(np.clip(EVALUATION_SHARE * 60 * minutes / max(seconds, 1e-9), 2, EVALUATIONS))


@contextmanager
def catch_interrupt(folder: Path) -> Iterator[list[int]]:
    """Ctrl-C once is noted in the list, so that a step ends before the run is saved; twice, and it stops at once."""
    import threading

    noted: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return

    def on_signal(number: int, frame: FrameType | None) -> None:
        if noted:
            raise InterruptedRunError(
                "interrupted twice, before the run was saved", way_out=f"go on from its newest checkpoint with: halfseen resume {folder}"
            )
        noted.append(number)

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)
