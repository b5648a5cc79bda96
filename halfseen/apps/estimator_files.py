"""An estimator in a folder: NAME.json says how it was made, NAME.safetensors holds its arrays. Never pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as arrays_to_bytes

from halfseen.apps.table_estimator import KeptEstimator
from halfseen.contracts import Array, UserError
from halfseen.data.files import write_atomically, write_json

DAMAGED = (ValueError, KeyError, TypeError, AttributeError, RuntimeError)
"""What a file raises that says something else than was written."""


def files_of(folder: Path, name: str) -> tuple[Path, Path]:
    """What says how it was made, and its arrays."""
    return folder / f"{name}.json", folder / f"{name}.safetensors"


def write_estimator(folder: Path, name: str, estimator: KeptEstimator, facts: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """facts, arrays: what was learnt, beside parameters and names of columns. Raises UnwritableError."""
    facts_file, arrays_file = files_of(folder, name)
    write_json(facts_file, estimator.facts() | dict(facts))
    write_atomically(arrays_file, arrays_to_bytes({key: np.asarray(value, order="C") for key, value in arrays.items()}))


def read_estimator(folder: Path, name: str, kind: type[KeptEstimator], *, written_by: str) -> tuple[Any, dict[str, Any], dict[str, Array]]:
    """An estimator of this kind with its parameters and columns, and the facts and arrays that go into it.

    Raises UserError if the folder holds none, or a damaged one. What is made of facts and arrays may raise DAMAGED: see `damaged`.
    """
    facts_file, arrays_file = files_of(folder, name)
    try:
        facts = json.loads(facts_file.read_text(encoding="utf-8"))
        arrays = load_file(arrays_file)
        estimator = kind.of_facts(facts)
    except FileNotFoundError:
        raise UserError(f"no {facts_file.name}", where=str(folder), way_out=f"name a folder that {written_by} wrote") from None
    except (OSError, SafetensorError, *DAMAGED) as error:
        raise damaged(folder, error) from error
    return estimator, facts, arrays


def damaged(folder: Path, error: Exception) -> UserError:
    said = next(iter(str(error).splitlines()), type(error).__name__)
    return UserError(f"damaged ({said})", where=str(folder), way_out="fit it anew")
