"""Several faults of one input, said at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from halfseen.contracts import UserError

SHOWN = 10
"""How many faults are written out; the others are counted."""


def all_faults(faults: Sequence[str], *, where: str, way_out: str) -> UserError:
    """One UserError for all of them: the first ten in full, and the count."""
    if len(faults) == 1:
        return UserError(faults[0], where=where, way_out=way_out)
    shown = ", ".join(faults[:SHOWN]) + (f", and {len(faults) - SHOWN:,} more" if len(faults) > SHOWN else "")
    return UserError(f"{len(faults):,} faults: {shown}", where=where, way_out=way_out)


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """`did you mean 'neutral'?`, or nothing if no choice is like the word."""
    close = get_close_matches(word, list(choices), n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def brief(text: str, width: int = 30) -> str:
    """A cell as a message shows it: quoted, cut after `width` characters."""
    return repr(text if len(text) <= width else text[: width - 1] + "…")
