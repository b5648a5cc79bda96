"""recipe.json: all that decides a run's weights, and what it was measured and chosen on."""

from __future__ import annotations

import dataclasses
import json
import platform
import shlex
import sys
import typing
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from halfseen.contracts import UserError
from halfseen.data.claim import RUN
from halfseen.data.files import write_atomically

T = TypeVar("T")


def write_recipe(folder: Path, facts: Mapping[str, Any]) -> None:
    write_atomically(folder / RUN, (json.dumps(facts, ensure_ascii=False, indent=1) + "\n").encode())


def read_recipe(folder: Path) -> dict[str, Any]:
    """Raises UserError if the folder holds no run."""
    path = folder / RUN
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"no {RUN}", where=str(folder), way_out="name a folder that `halfseen pretrain` wrote") from None
    except ValueError as error:
        raise UserError(f"damaged ({error})", where=str(path), way_out="start the run anew") from error
    return facts


def revive(kind: type[T], raw: Mapping[str, Any]) -> T:
    """A dataclass from what `dataclasses.asdict` made of it, nested ones too, or from keywords as one writes them."""
    hints = typing.get_type_hints(kind)
    return kind(**{name: revived(value, hints.get(name)) for name, value in raw.items()})


def revived(value: Any, hint: Any) -> Any:
    """One field's value; JSON knows no tuples."""
    if isinstance(value, Mapping) and dataclasses.is_dataclass(hint):
        return revive(hint, value)  # type: ignore[arg-type]
    return tuple(value) if isinstance(value, list) and typing.get_origin(hint) is tuple else value


def versions() -> dict[str, str]:
    """The versions of what a result depends on."""
    names = ("halfseen", "torch", "accelerate", "tokenizers", "numpy", "scikit-learn")
    return {"python": platform.python_version()} | {name: version(name) for name in names}


def command_line() -> str:
    """The command that is running, as one would type it."""
    return shlex.join(["halfseen", *sys.argv[1:]]) if Path(sys.argv[0]).name in ("halfseen", "__main__.py") else "halfseen (from Python)"
