"""Checkpoints that survive: written beside, flushed to disk, renamed; checksummed; the last two kept. Never pickle.

A checkpoint is a folder `step-00001234` with `state.safetensors` and `state.json` (step, further facts, checksum).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from torch import Tensor

from halfseen.contracts import UserError
from halfseen.data.files import sync, write_atomically, writing

KEPT = 2


def save_checkpoint(folder: Path, step: int, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> Path:
    """Writes `folder`/step-…; older ones than the last two are removed only after the new one stands."""
    from safetensors.torch import save

    target, beside = folder / f"step-{step:08d}", folder / f".writing-{step:08d}"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
    data = save({name: value.contiguous() for name, value in tensors.items()})
    state = {"step": step, "facts": dict(facts), "sha256": sha256(data).hexdigest()}
    try:
        write_atomically(beside / "state.safetensors", data)
        write_atomically(beside / "state.json", json.dumps(state).encode())
    except UserError:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    with writing(target):
        shutil.rmtree(target, ignore_errors=True)
        beside.rename(target)
        sync(folder)
        for old in sorted(folder.glob("step-*"))[:-KEPT]:
            shutil.rmtree(old)
    return target


def remove_after(folder: Path, step: int) -> None:
    """Takes away what a restored run must not count among its checkpoints: damaged ones after `step`, and half-written ones."""
    with writing(folder):
        for path in [*folder.glob(".writing-*"), *(path for path in folder.glob("step-*") if path.name > f"step-{step:08d}")]:
            shutil.rmtree(path)


def load_checkpoint(folder: Path) -> tuple[int, dict[str, Tensor], dict[str, Any], list[str]] | None:
    """The newest whole checkpoint: step, tensors, facts, and the names of damaged ones that were passed over.

    None if there was never one. Raises UserError if all are damaged.
    """
    damaged: list[str] = []
    for path in sorted(folder.glob("step-*"), reverse=True):
        try:
            return *read_checkpoint(path), damaged
        except UserError as error:
            damaged.append(str(error))
    if damaged:
        raise UserError("; ".join(damaged), where=str(folder), way_out="start the run anew")
    return None


def read_checkpoint(path: Path) -> tuple[int, dict[str, Tensor], dict[str, Any]]:
    """Raises UserError if the folder is not what `save_checkpoint` wrote."""
    from safetensors.torch import load

    try:
        state = json.loads((path / "state.json").read_text())
        data = (path / "state.safetensors").read_bytes()
        step, facts, checksum = int(state["step"]), state["facts"], state["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"damaged checkpoint ({error})", where=str(path)) from error
    if sha256(data).hexdigest() != checksum:
        raise UserError("damaged checkpoint (its checksum is wrong)", where=str(path))
    return step, load(data), facts
