"""`halfseen fill`: the likeliest tokens for the blanks of a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import tyro


@dataclass(frozen=True, kw_only=True)
class FillOptions:
    """Guess what was hidden."""

    model: str
    """A folder of ours or in the Hugging Face layout, minilm, or hf:NAME."""
    text: tyro.conf.Positional[str]
    """Text with [MASK] where a token is missing: "the film was [MASK]"."""
    top: Annotated[int, tyro.conf.arg(aliases=("-k",))] = 5
    """How many candidates for each blank."""


def fill(text: str, *, model: str, top: int = 5) -> dict[str, Any]:
    """What `halfseen fill --json` prints: {"text", "blanks": [[{"token", "probability"}, ...], ...]}.

    Raises UserError if the text has no blank or `top` is below 1.
    """
    from halfseen.apps.model import load
    from halfseen.contracts import UserError

    if top < 1:
        raise UserError(f"--top is {top}, but must be at least 1")
    blanks = load(model).fill(text, top=top)
    return {"text": text, "blanks": [[{"token": token, "probability": p} for token, p in blank] for blank in blanks]}


def run(options: FillOptions) -> dict[str, Any]:
    return fill(options.text, model=options.model, top=options.top)
