"""What a person sees while a run goes on: a bar with tokens/s, loss and time left, on standard error."""

from __future__ import annotations

from types import TracebackType
from typing import Self


def note(text: str) -> None:
    """A line on standard error; of several processes the main one says it."""
    from rich.console import Console

    from halfseen.train.ranks import processes

    if processes().is_main_process:
        Console(stderr=True).print(text, highlight=False, markup=False, soft_wrap=True)


class ProgressBar:
    """One line that moves; where standard error is no terminal, only its end. Of several processes the main one shows it."""

    def __init__(self, title: str, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        from halfseen.train.ranks import processes

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=False,
            disable=not processes().is_main_process,
        )
        self._task = self._bar.add_task(title, total=total, note="")

    def update(self, done: int, *, note: str = "", total: int | None = None) -> None:
        self._bar.update(self._task, completed=done, note=note, total=total)

    def __enter__(self) -> Self:
        self._bar.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.__exit__(kind, value, trace)
