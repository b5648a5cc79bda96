"""Models of tables and images in a folder: config.json (method, recipe, shape, intake), model.safetensors, README.md. Never pickle."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as tensors_to_bytes

from halfseen.contracts import UserError
from halfseen.data.files import write_atomically, write_json
from halfseen.data.intake import Intake, intake_from_json

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
KIND = "halfseen-array"
"""What config.json calls our models of tables and images."""


@dataclass(frozen=True)
class Kept:
    """What a folder says: a method's name, its recipe and shape as dictionaries, its tensors, and how data are fed to it."""

    method: str
    recipe: dict[str, Any]
    shape: dict[str, Any]
    intake: Intake
    tensors: dict[str, torch.Tensor]


def save_arrays(
    folder: Path, *, method: str, recipe: Any, shape: Any, intake: Intake, tensors: dict[str, torch.Tensor], card: str | None = None
) -> None:
    """recipe, shape: dataclasses. Raises UnwritableError."""
    config = {"model_type": KIND, "method": method, "recipe": asdict(recipe), "shape": asdict(shape), "intake": intake.to_json()}
    write_json(folder / CONFIG, config)
    write_atomically(folder / WEIGHTS, tensors_to_bytes({name: value.detach().cpu().contiguous() for name, value in tensors.items()}))
    if card:
        write_atomically(folder / CARD, card.encode())


def read_arrays(folder: Path) -> Kept:
    """Raises UserError if a file is missing, damaged, or of another kind of model."""
    config_file, weights_file = folder / CONFIG, folder / WEIGHTS
    try:
        config = json.loads(config_file.read_text(encoding="utf-8"))
        if not isinstance(config, dict) or config.get("model_type") != KIND:
            raise UserError(
                "holds no model of tables or images",
                where=str(folder),
                way_out="name a folder of `halfseen pretrain autoencoder` or the like",
            )
        with safe_open(weights_file, framework="pt") as stored:
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - not a dict
        named = (config["method"], config["recipe"], config["shape"])
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise UserError(f"missing or damaged ({error})", where=str(folder), way_out="name a folder that a finished run left") from error
    return Kept(*named, intake_from_json(config["intake"], str(config_file)), tensors)
