"""A detector in a folder: detector.json says how it was made and how columns are scaled, detector.safetensors holds its arrays."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as arrays_to_bytes

from halfseen.apps.detector import MEMBERS, AnomalyDetector
from halfseen.apps.outliers import Odds
from halfseen.contracts import Array, UserError
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
        "weights": detector.weights_,
    }
    arrays: dict[str, Array] = {"usual": detector.usual_}
    for name, member in detector.members_.items():
        arrays |= {f"{name}.{key}": np.asarray(value, order="C") for key, value in member.state().items()}
        arrays[f"{name}.odds"] = detector.odds_[name].scores
    write_json(folder / FACTS, facts)
    write_atomically(folder / ARRAYS, arrays_to_bytes(arrays))


def load_detector(folder: Path) -> AnomalyDetector:
    """Raises UserError if the folder holds no detector, or a damaged one."""
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        arrays = load_file(folder / ARRAYS)
        detector = AnomalyDetector(**facts["parameters"])
        detector.scaler_ = TableScaler.from_json(facts["scaler"], str(folder / FACTS))
        detector.offset_, detector.n_features_in_, detector.weights_ = (
            float(facts["offset"]),
            int(facts["features"]),
            dict(facts["weights"]),
        )
        if facts["columns"]:
            detector.feature_names_in_ = np.array(facts["columns"], dtype=object)
        detector.usual_, detector.members_, detector.odds_ = arrays["usual"], {}, {}
        for name in detector.weights_:
            state = {key.removeprefix(f"{name}."): value for key, value in arrays.items() if key.startswith(f"{name}.")}
            detector.odds_[name] = Odds(state.pop("odds"))
            detector.members_[name] = MEMBERS[name].of(state)
    except FileNotFoundError:
        raise UserError(f"no {FACTS}", where=str(folder), way_out="name a folder that `halfseen detect fit` wrote") from None
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise UserError(f"damaged ({error})", where=str(folder), way_out=ANEW) from error
    return detector
