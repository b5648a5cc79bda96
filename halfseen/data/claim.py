"""A verb's --out: made and tried before anything is computed, and never one that holds something already."""

from __future__ import annotations

from pathlib import Path

from halfseen.contracts import UserError

RUN, RESULTS = "recipe.json", "results.json"
"""What tells a folder of `pretrain`, and one of `finetune` or `score`."""
FILLS, CONTINUATIONS, RESTORATIONS = "fills.json", "continuations.json", "restorations.json"
"""Where a run leaves blanks that it filled, texts that it went on with, and texts that it restored."""
REBUILT = "rebuilt.png"
"""Where a run leaves some held-out images, and what it makes of them."""
PICTURES = "pictures.json"
"""Where a verb leaves more pictures for its report: [{"title", "svg", "caption"}, ...]."""
SOUNDS = "sounds.json"
"""Where a verb leaves recordings to listen to: [{"title", "sounds": [{"name", "wav", "png", "seconds"}]}, ...], files in base 64."""


def claim(out: Path, *, left_by: str = "") -> None:
    """Makes the folder. left_by: a file that an interrupted start of the same verb leaves; a folder that holds it is taken up again.

    Raises UserError if the folder holds something else already, or cannot be written.
    """
    anew = "choose another --out"
    try:
        out.mkdir(parents=True, exist_ok=True)
        if (out / RUN).exists():
            raise UserError("holds another run", where=str(out), way_out=f"{anew}, or go on with it: halfseen resume {out}")
        if not (left_by and (out / left_by).exists()) and any(out.iterdir()):
            held = "holds other results" if (out / RESULTS).exists() else "is not empty"
            raise UserError(held, where=str(out), way_out=anew)
        (out / ".writable").touch()
        (out / ".writable").unlink()
    except OSError as error:
        raise UserError(f"cannot be written ({error.strerror})", where=str(out), way_out=anew) from error
