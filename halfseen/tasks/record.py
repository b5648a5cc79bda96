"""A comparison's folder: claimed before it begins, and its results and report kept, whole or as far as it came."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from halfseen.contracts import InterruptedRunError
from halfseen.data.claim import claim
from halfseen.data.labels import Labelled
from halfseen.hub.folder import Loaded
from halfseen.report.page import write_report
from halfseen.report.results import Results
from halfseen.tasks.compare import Compared
from halfseen.train.recipe_file import command_line, versions


@dataclass
class Record:
    """What a verb that compares has found so far, and the folder it goes to, if there is one."""

    out: Path | None
    started: float = field(default_factory=time.monotonic)
    compared: Compared = field(default_factory=Compared)
    models: dict[str, Loaded] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    counted: str = "labels"
    verdict: str = ""
    sizes: dict[str, int] = field(default_factory=dict)
    unit: str = "trainings"
    """What one of the fits is, said when it is interrupted."""
    left_by: str = ""
    """A file that an interrupted start leaves, which tells that it can be gone on with."""
    earlier: float = 0.0
    """Seconds of the fits that an interrupted start left."""

    def __post_init__(self) -> None:
        if self.out is not None:
            claim(self.out, left_by=self.left_by)

    def keep(self) -> Results:
        """Everything found so far; written with its report if there is a folder."""
        results = Results(
            scores=tuple(self.compared.scores),
            fits=tuple(self.compared.fits),
            examples=tuple(self.compared.examples),
            seconds=self.earlier + time.monotonic() - self.started,
            command=command_line(),
            models={name: str(model.folder) for name, model in self.models.items()},
            data=self.data,
            versions=versions(),
            missing=self.missing,
            notes=tuple(self.notes),
            counted=self.counted,
            verdict=self.verdict,
            sizes=self.sizes,
        )
        if self.out is not None:
            results.save(self.out)
            write_report(self.out)
        return results

    @contextmanager
    def kept_if_interrupted(self) -> Iterator[None]:
        """What is done is kept, whatever ends it; Ctrl-C becomes an InterruptedRunError."""
        try:
            yield
        except Exception:
            if self.compared.fits:
                self.keep()
            raise
        except KeyboardInterrupt:
            done = len(self.compared.fits)
            if self.out is None or not done:
                what = f"interrupted after {done} {self.unit}; nothing is written"
                raise InterruptedRunError(what, way_out="give the command again") from None
            self.keep()
            raise InterruptedRunError(
                f"interrupted after {done} {self.unit}; their results and report are written",
                where=str(self.out),
                way_out=f"give the command again{'' if self.left_by else ' with another --out'} for the rest",
            ) from None


def describe(labelled: Labelled) -> dict[str, Any]:
    """A labelled file's counts and fingerprint."""
    content = sha256()
    for sample in labelled.samples:
        content.update(repr((sample.x, sorted(sample.meta.items()))).encode())
    return {"path": labelled.path, "items": len(labelled.samples), "labels": list(labelled.labels), "fingerprint": content.hexdigest()[:16]}
