"""`halfseen encode`: the vectors of texts, for use elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from halfseen.train.options import InferencePrecision


@dataclass(frozen=True, kw_only=True)
class EncodeOptions:
    """Texts to vectors."""

    model: str
    """A folder of ours or in the Hugging Face layout, minilm, or hf:NAME."""
    file: tyro.conf.Positional[Path]
    """Texts: one a line (txt), or a table with a text column (tsv, csv, jsonl, parquet)."""
    out: Path
    """Where the vectors go: an .npz file with `vectors` (float32, one row a text) and `ids`."""
    text: str | None = None
    """Column of the text."""
    precision: InferencePrecision = "measured"
    """Type of the products: the faster of float32 and bfloat16 on this machine, or one of these; int8 is coarser, and fast everywhere."""


def encode(
    file: str | Path, *, model: str, out: str | Path, text: str | None = None, precision: InferencePrecision = "measured"
) -> dict[str, Any]:
    """Writes the vectors, and returns {"out", "texts", "width", "seconds"}. Raises UserError if `out` is there already."""
    from halfseen.contracts import UserError

    out = Path(out)
    try:
        out.open("xb").close()  # before the work, not after it
    except FileExistsError:
        raise UserError("is there already", where=str(out), way_out="choose another --out") from None
    except OSError as error:
        raise UserError(f"cannot be written ({error.strerror})", where=str(out), way_out="choose another --out") from error
    try:
        return encode_into(out, Path(file), model, text, precision)
    except BaseException:
        out.unlink(missing_ok=True)
        raise


def encode_into(out: Path, file: Path, model: str, text: str | None, precision: InferencePrecision) -> dict[str, Any]:
    """`encode` to a file that stands ready."""
    import time

    import numpy as np

    from halfseen.apps.model import load
    from halfseen.data.labels import read_labelled

    samples = read_labelled(file, "classify", text=text, labelled=False).samples
    opened = load(model)
    started = time.perf_counter()
    vectors = opened.encode([sample.x for sample in samples], precision=precision)
    seconds = time.perf_counter() - started
    with out.open("wb") as stream:
        np.savez(stream, vectors=vectors, ids=np.array([sample.id for sample in samples]))
    return {"out": str(out), "texts": len(samples), "width": vectors.shape[1], "seconds": seconds}


def run(options: EncodeOptions) -> dict[str, Any]:
    return encode(options.file, model=options.model, out=options.out, text=options.text, precision=options.precision)
