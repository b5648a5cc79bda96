"""`halfseen detect` on images: learn what is usual, and say which others are odd, and where in them.

Shapes: R images of H rows and W columns, C channels; x_RHWC between 0 and 1.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from halfseen.apps.detect_options import DetectFitOptions, DetectScoreOptions
from halfseen.apps.image_detector import ImageDetector
from halfseen.apps.verdict import judged, truth, verdict
from halfseen.contracts import Array, UserError
from halfseen.data.arrays import MOST_BYTES
from halfseen.data.claim import claim
from halfseen.data.files import write_atomically
from halfseen.data.images import Images, open_images
from halfseen.data.intake import SIZE, ImageIntake, image_intake
from halfseen.data.mosaic import write_grid
from halfseen.train.progress import note

Numbers = NDArray[np.float64]
DOWN, ACROSS = ("top", "middle", "bottom"), ("left", "centre", "right")
"""The fields that an image is told by."""


def fit_images(options: DetectFitOptions) -> dict[str, Any]:
    """Raises UserError for a fault in the images or options."""
    images = open_images(options.path, labels=options.label)
    intake, _ = image_intake(images, options.size)
    if options.size is None:
        intake = replace(intake, height=min(SIZE, intake.height), width=min(SIZE, intake.width))
    if len(images) < 2:
        raise UserError("only one image; too few to say what is usual", where=str(options.path), way_out="give more of them")
    size = len(images) * math.prod(intake.shape) * 4
    if size > MOST_BYTES:
        what = f"{len(images):,} images of {intake.height} x {intake.width} are {size:,} bytes, more than {MOST_BYTES:,}"
        raise UserError(what, where=str(options.path), way_out="give fewer of them, or a smaller --size")
    classes = None
    if options.by == "confidence":
        classes = np.array(images.labels)
        if len(set(classes.tolist())) < 2:
            raise UserError("one class alone", where=f"{options.path}, label {options.label}", way_out="leave --by confidence away")
    claim(options.out)
    for line in images.notes:
        note(line)
    detector = ImageDetector(odd_share=options.odd_share, alarm=options.alarm, by=options.by, random_state=options.seed)
    detector.fit(fed(images, intake), classes)
    detector.save(options.out)
    size_told = f"{intake.height} x {intake.width}"
    return {"detector": str(options.out), "images": len(images), "size": size_told, "scores": [*detector.panel_.members]}


def score_images(options: DetectScoreOptions) -> dict[str, Any]:
    """Raises UserError for a fault in the images or options."""
    detector = ImageDetector.load(options.detector)
    images = open_images(options.path, labels=options.label)
    odd_R = None if options.label is None or images.labels is None else truth(images.labels, "image", images.ids, images.name)
    if options.picture and not detector.explains:
        what = f"a detector by {detector.by!r} cannot show what is odd"
        raise UserError(what, where="--picture", way_out="leave it away, or fit by neighbours or reconstruction")
    x_RHWC = fed(images, detector.intake_)
    found = verdict(detector, "image", images.ids, detector.oddness(x_RHWC), options.rate)
    if options.out:
        write_atomically(options.out, found.as_csv())
    order = found.oddest(options.top)
    because: list[dict[str, str]] = [{} for _ in order]
    told: dict[str, Any] = {}
    if detector.explains and len(order):
        error_RHW = detector.explain(x_RHWC[order])
        because = [where_odd(error_HW) for error_HW in error_RHW]
        if options.picture:
            write_picture(options.picture, x_RHWC[order], detector.rebuilt(x_RHWC[order]), error_RHW)
            told["picture"] = str(options.picture)
    if odd_R is not None:
        told["judged"] = judged(found.oddness, odd_R)
    return found.told(order, because) | told | ({"out": str(options.out)} if options.out else {})


def fed(images: Images, intake: ImageIntake) -> Array:
    """x_RHWC as the detector takes them. Raises UserError for all damaged files at once."""
    return replace(images, channels=intake.channels).stacked(intake.height, intake.width)


def where_odd(error_HW: Numbers) -> dict[str, str]:
    """Of nine fields of an image those that hold most of its error, each with its share."""
    whole = float(error_HW.sum())
    if whole == 0:
        return {}
    bands = [np.array_split(band_HW, 3, axis=1) for band_HW in np.array_split(error_HW, 3, axis=0)]
    shares = {f"{DOWN[i]} {ACROSS[j]}": float(field.sum()) / whole for i, row in enumerate(bands) for j, field in enumerate(row)}
    oddest = sorted(shares, key=lambda name: -shares[name])[:3]
    return {name: f"({100 * shares[name]:.0f} %)" for name in oddest}


def write_picture(path: Path, x_RHWC: Array, rebuilt_RHWC: Array, error_RHW: Numbers) -> None:
    """A row an image: itself, what was rebuilt, and where they differ, from black to white, in one scale for all."""
    heat_RHWC = glowing(np.sqrt(error_RHW) / max(float(np.sqrt(error_RHW).max()), 1e-12))
    three = [np.broadcast_to(one, heat_RHWC.shape) for one in (x_RHWC, np.clip(rebuilt_RHWC, 0, 1), heat_RHWC)]
    sheet = np.stack(three, axis=1).reshape(-1, *heat_RHWC.shape[1:])
    write_grid(path, sheet.transpose(0, 3, 1, 2), columns=3)


def glowing(heat_RHW: Numbers) -> Array:
    """From 0 to 1: black, red, yellow, white."""
    return np.clip(3 * heat_RHW[..., None] - np.array([0, 1, 2]), 0, 1).astype(np.float32)
