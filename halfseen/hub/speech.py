"""Models of speech in a folder: config.json (method, recipe, shape, log-mel frames), model.safetensors, README.md. Never pickle."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as tensors_to_bytes

from halfseen.data.files import write_atomically, write_json
from halfseen.data.logmel import LogMel
from halfseen.hub.arrays import CARD, CONFIG, WEIGHTS

KIND = "halfseen-speech"
"""What config.json calls our models of speech."""


def save_speech(folder: Path, *, method: str, recipe: Any, shape: Any, intake: LogMel, tensors: dict[str, torch.Tensor], card: str) -> None:
    """recipe, shape: dataclasses. Raises UnwritableError."""
    config = {"model_type": KIND, "method": method, "recipe": asdict(recipe), "shape": asdict(shape), "intake": intake.to_json()}
    write_json(folder / CONFIG, config)
    write_atomically(folder / WEIGHTS, tensors_to_bytes({name: value.detach().cpu().contiguous() for name, value in tensors.items()}))
    write_atomically(folder / CARD, card.encode())
