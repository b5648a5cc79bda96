"""A detector of tables in a folder: detector.json and detector.safetensors."""

from __future__ import annotations

from pathlib import Path

from halfseen.apps.detector import AnomalyDetector
from halfseen.apps.estimator_files import DAMAGED, damaged, read_estimator, write_estimator
from halfseen.apps.panel import Panel
from halfseen.data.scaling import TableScaler

NAME = "detector"


def save_detector(detector: AnomalyDetector, folder: Path) -> None:
    """Raises UnwritableError."""
    facts = {"scaler": detector.scaler_.to_json(), "offset": detector.offset_, "weights": dict(detector.panel_.weights)}
    write_estimator(folder, NAME, detector, facts, detector.panel_.state())


def load_detector(folder: Path) -> AnomalyDetector:
    """Raises UserError if the folder holds no detector, or a damaged one."""
    detector: AnomalyDetector
    detector, facts, arrays = read_estimator(folder, NAME, AnomalyDetector, written_by="`halfseen detect fit`")
    try:
        detector.scaler_ = TableScaler.from_json(facts["scaler"], str(folder))
        detector.offset_ = float(facts["offset"])
        detector.panel_ = Panel.of(arrays, facts["weights"])
    except DAMAGED as error:
        raise damaged(folder, error) from error
    return detector
