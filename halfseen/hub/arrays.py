"""Models of tables, images and speech in a folder: config.json (method, recipe, shape, intake), model.safetensors, README.md."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as tensors_to_bytes

from halfseen.contracts import UserError
from halfseen.data.files import write_atomically, write_json
from halfseen.data.intake import Intake, intake_from_json

Filled = TypeVar("Filled", bound=torch.nn.Module)

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
KIND, SPEECH = "halfseen-array", "halfseen-speech"
"""What config.json calls our models of tables and images, and of speech."""


@dataclass(frozen=True)
class Kept:
    """What a folder says: a method's name, its recipe and shape as dictionaries, its tensors, and how data are fed to it."""

    method: str
    recipe: dict[str, Any]
    shape: dict[str, Any]
    intake: Intake
    tensors: dict[str, torch.Tensor]


class Feeds(Protocol):
    def to_json(self) -> dict[str, Any]: ...


def save_model(
    folder: Path,
    *,
    kind: str = KIND,
    method: str,
    recipe: Any,
    shape: Any,
    intake: Feeds,
    tensors: dict[str, torch.Tensor],
    card: str | None = None,
) -> None:
    """kind: what config.json shall call itself. recipe, shape: dataclasses. Raises UnwritableError."""
    config = {"model_type": kind, "method": method, "recipe": asdict(recipe), "shape": asdict(shape), "intake": intake.to_json()}
    write_json(folder / CONFIG, config)
    write_atomically(folder / WEIGHTS, tensors_to_bytes({name: value.detach().cpu().contiguous() for name, value in tensors.items()}))
    if card:
        write_atomically(folder / CARD, card.encode())


def read_arrays(folder: Path) -> Kept:
    """Raises UserError if a file is missing, damaged, or of another kind of model."""
    config, tensors = read_model(
        folder, KIND, of="tables or images", way_out="name a folder of `halfseen pretrain autoencoder` or the like"
    )
    return Kept(config["method"], config["recipe"], config["shape"], intake_from_json(config["intake"], str(folder / CONFIG)), tensors)


def read_model(folder: Path, kind: str, *, of: str, way_out: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """What config.json holds, with method, recipe, shape and intake, and the tensors by name. kind: what it must call itself.

    Raises UserError if a file is missing, damaged, or of another kind of model.
    """
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        if not isinstance(config, dict) or config.get("model_type") != kind:
            raise UserError(f"holds no model of {of}", where=str(folder), way_out=way_out)
        with safe_open(folder / WEIGHTS, framework="pt") as stored:
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - not a dict
        if missing := [name for name in ("method", "recipe", "shape", "intake") if name not in config]:
            raise ValueError(f"no {missing[0]}")
    except (OSError, ValueError, SafetensorError) as error:
        raise UserError(f"missing or damaged ({error})", where=str(folder), way_out="name a folder that a finished run left") from error
    return config, tensors


def filled(make: Callable[[], Filled], tensors: dict[str, torch.Tensor], folder: Path) -> Filled:
    """A module with these weights. Raises UserError if they are not its."""
    with torch.device("meta"):  # sizes that are claimed take no memory before they are held against the weights
        module = make()
    wanted, found = ({name: tuple(value.shape) for name, value in named.items()} for named in (module.state_dict(), tensors))
    if strange := sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)):
        what = f"{', '.join(strange[:3])}: {len(strange)} weights do not fit the net that {CONFIG} tells of"
        raise UserError(what, where=str(folder / WEIGHTS), way_out="get the folder again")
    floats = {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}
    module.load_state_dict(floats, assign=True)
    return module.eval()
