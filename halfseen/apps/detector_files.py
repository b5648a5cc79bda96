"""A detector in a folder: detector.json and detector.safetensors of one of tables, image-detector.* of one of images."""

from __future__ import annotations

from pathlib import Path

from halfseen.apps.components import Components
from halfseen.apps.detector import AnomalyDetector
from halfseen.apps.estimator_files import DAMAGED, damaged, files_of, read_estimator, write_estimator
from halfseen.apps.image_detector import ImageDetector
from halfseen.apps.panel import Panel
from halfseen.contracts import Array, UserError
from halfseen.data.intake import ImageIntake, intake_from_json
from halfseen.data.scaling import TableScaler

TABLES, IMAGES = "detector", "image-detector"
VIEW = "view."
"""What the names of a view's arrays begin with."""
FIT = "`halfseen detect fit`"


def save_detector(detector: AnomalyDetector | ImageDetector, folder: Path) -> None:
    """Raises UnwritableError."""
    facts = {"offset": detector.offset_, "weights": dict(detector.panel_.weights)}
    arrays: dict[str, Array] = detector.panel_.state()
    if isinstance(detector, AnomalyDetector):
        write_estimator(folder, TABLES, detector, facts | {"scaler": detector.scaler_.to_json()}, arrays)
        return
    view = {} if detector.view_ is None else detector.view_.state()
    arrays |= {f"{VIEW}{key}": value for key, value in view.items()}
    write_estimator(folder, IMAGES, detector, facts | {"intake": detector.intake_.to_json()}, arrays)


def load_detector(folder: Path) -> AnomalyDetector | ImageDetector:
    """Raises UserError if the folder holds no detector, or a damaged one."""
    of_images = files_of(folder, IMAGES)[0].exists()
    detector: AnomalyDetector | ImageDetector
    kind = ImageDetector if of_images else AnomalyDetector
    detector, facts, arrays = read_estimator(folder, IMAGES if of_images else TABLES, kind, written_by=FIT)
    try:
        view = {key.removeprefix(VIEW): arrays.pop(key) for key in list(arrays) if key.startswith(VIEW)}
        if isinstance(detector, AnomalyDetector):
            detector.scaler_ = TableScaler.from_json(facts["scaler"], str(folder))
        else:
            intake = intake_from_json(facts["intake"], str(folder))
            if not isinstance(intake, ImageIntake):
                raise ValueError("it is not fed with images")
            detector.intake_, detector.view_ = intake, Components.of(view) if view else None
        detector.offset_ = float(facts["offset"])
        detector.panel_ = Panel.of(arrays, facts["weights"])
    except DAMAGED as error:
        raise damaged(folder, error) from error
    return detector


def load_of_tables(folder: Path) -> AnomalyDetector:
    """Raises UserError for a detector of images as well."""
    detector = load_detector(folder)
    if isinstance(detector, ImageDetector):
        raise UserError("a detector of images, and this is a table", where=str(folder), way_out=f"take one that {FIT} made of a table")
    return detector


def load_of_images(folder: Path) -> ImageDetector:
    """Raises UserError for a detector of tables as well."""
    detector = load_detector(folder)
    if isinstance(detector, AnomalyDetector):
        raise UserError("a detector of tables, and these are images", where=str(folder), way_out=f"take one that {FIT} made of images")
    return detector
