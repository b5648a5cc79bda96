"""A detector in a folder: detector.json says how it was made and how columns are scaled, detector.safetensors holds its arrays."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as arrays_to_bytes

from halfseen.apps.detector import AnomalyDetector
from halfseen.apps.panel import Panel
from halfseen.contracts import UserError
from halfseen.data.files import write_atomically, write_json
from halfseen.data.scaling import TableScaler

FACTS, ARRAYS = "detector.json", "detector.safetensors"
ANEW = "fit the detector anew"


def save_detector(detector: AnomalyDetector, folder: Path) -> None:
    """Raises UnwritableError."""
    facts = {
        "parameters": detector.get_params(),
        "scaler": detector.scaler_.to_json(),
        "offset": detector.offset_,
        "columns": getattr(detector, "feature_names_in_", np.array([])).tolist(),
        "features": detector.n_features_in_,
        "weights": dict(detector.panel_.weights),
    }
    write_json(folder / FACTS, facts)
    write_atomically(folder / ARRAYS, arrays_to_bytes(detector.panel_.state()))


def load_detector(folder: Path) -> AnomalyDetector:
    """Raises UserError if the folder holds no detector, or a damaged one."""
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        arrays = load_file(folder / ARRAYS)
        detector = AnomalyDetector(**facts["parameters"])
        detector.scaler_ = TableScaler.from_json(facts["scaler"], str(folder / FACTS))
        detector.offset_, detector.n_features_in_ = float(facts["offset"]), int(facts["features"])
        detector.panel_ = Panel.of(arrays, facts["weights"])
        if facts["columns"]:
            detector.feature_names_in_ = np.array(facts["columns"], dtype=object)
    except FileNotFoundError:
        raise UserError(f"no {FACTS}", where=str(folder), way_out="name a folder that `halfseen detect fit` wrote") from None
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise UserError(f"damaged ({error})", where=str(folder), way_out=ANEW) from error
    return detector
