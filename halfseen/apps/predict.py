"""`halfseen predict`: a fine-tuned model's answers for a file without labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from halfseen.data.schemes import Scheme


@dataclass(frozen=True, kw_only=True)
class PredictOptions:
    """Answers for new data."""

    model: Path
    """A folder that `halfseen finetune` wrote."""
    file: tyro.conf.Positional[Path]
    """What to answer for, in the format of the training file; labels are not needed, and not read."""
    text: str | None = None
    """Column of the text (the first one, of pairs)."""
    second: str | None = None
    """Column of the second text."""
    scheme: Scheme | None = None
    """How the lines are laid out, if it is neither seen nor that of the training file."""


def predict(
    file: str | Path, *, model: str | Path, text: str | None = None, second: str | None = None, scheme: Scheme | None = None
) -> dict[str, Any]:
    """What `halfseen predict --json` prints: {"kind", "predictions": [{"id", "prediction"}, ...]}."""
    from halfseen.data.labels import read_labelled
    from halfseen.tasks.saved import load_learnt, load_task

    kind, method = load_task(Path(model))
    learnt = load_learnt(Path(model))
    samples = read_labelled(Path(file), kind, text=text, second=second, scheme=scheme, labelled=False, learnt=learnt).samples
    answers = method.predict(samples)
    return {"kind": kind, "predictions": [{"id": sample.id, "prediction": answer} for sample, answer in zip(samples, answers, strict=True)]}


def run(options: PredictOptions) -> dict[str, Any]:
    return predict(options.file, model=options.model, text=options.text, second=options.second, scheme=options.scheme)
