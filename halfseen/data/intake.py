"""What a model for rows or images is fed: the same numbers from any file, as they were made of what it was trained on.

Shapes: R rows or images of shape X: (F,) float32 for rows; (C, H, W) uint8 for images.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from halfseen.contracts import Array, UserError
from halfseen.data.arrays import Npz
from halfseen.data.files import inner_suffix
from halfseen.data.images import Images, open_images
from halfseen.data.pixels import Channels, resized
from halfseen.data.scaling import TableScaler
from halfseen.data.tables import Table, read_table

TABLES = (".csv", ".tsv", ".parquet", ".npy")
SIZE = 64
"""Height and width of images that are not all of one size."""
CHUNK_BYTES = 32 << 20


@dataclass(frozen=True)
class TableIntake:
    """Columns scaled as the training rows were."""

    scaler: TableScaler

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.scaler.names),)

    def read(self, source: Any, *, label: str | None = None) -> tuple[Table, Array]:
        """A path, an array or a DataFrame: the table and x_RF. Raises UserError for what does not fit the training's columns."""
        table = read_table(source, label=label, kinds=self.scaler.kinds)
        return table, self.scaler.transform(table)

    def to_json(self) -> dict[str, Any]:
        return {"table": self.scaler.to_json()}


@dataclass(frozen=True)
class ImageIntake:
    """Images brought to one size and number of channels."""

    channels: Channels
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.channels, self.height, self.width)

    def read(self, path: str | Path, *, label: str | None = None) -> tuple[Images, Iterator[Array]]:
        """The images, and x_RCHW of them in chunks."""
        images = open_images(path, labels=label, channels=self.channels)
        return images, self.chunks(images)

    def chunks(self, images: Images) -> Iterator[Array]:
        at_once = max(1, CHUNK_BYTES // math.prod(self.shape))
        for at in range(0, len(images), at_once):
            yield np.stack([self.one(images[i].x) for i in range(at, min(at + at_once, len(images)))])

    def one(self, image_HWC: Array) -> Array:
        """One image as uint8 of shape X."""
        sized = image_HWC if image_HWC.shape[:2] == (self.height, self.width) else resized(image_HWC, self.height, self.width)
        return np.ascontiguousarray(np.round(sized * 255).astype(np.uint8).transpose(2, 0, 1))

    def to_json(self) -> dict[str, Any]:
        return {"images": {"channels": self.channels, "height": self.height, "width": self.width}}


Intake = TableIntake | ImageIntake


@dataclass(frozen=True)
class Opened:
    """What was found: its intake, x in chunks, how many, and what is worth a note."""

    intake: Intake
    chunks: Iterator[Array]
    count: int
    notes: tuple[str, ...]
    facts: Mapping[str, Any]


def open_data(path: str, *, label: str | None = None, size: int | None = None) -> Opened:
    """A table or images, told by the file's name and, of NPZ, by its arrays. size: height and width of images.

    Raises UserError for what is neither, and for --size beside a table.
    """
    if is_table(Path(path)):
        if size is not None:
            raise UserError("--size is given, but this is a table", where=path, way_out="leave --size away")
        table = read_table(path, label=label)
        scaler = TableScaler.fit(table)
        facts = {"rows": len(table), "columns": list(table.names)}
        return Opened(TableIntake(scaler), iter([scaler.transform(table)]), len(table), (*table.notes, *scaler.notes), facts)
    images = open_images(path, labels=label)
    first = [images[i].x.shape for i in np.unique(np.linspace(0, len(images) - 1, 64).astype(int))]
    channels: Channels = 3 if any(shape[2] == 3 for shape in first) else 1
    height, width = (size, size) if size else (first[0][:2] if len({shape[:2] for shape in first}) == 1 else (SIZE, SIZE))
    images = replace(images, channels=channels)
    intake = ImageIntake(channels, height, width)
    passed_over = (
        [f"passed over: {', '.join(f'{count:,} {kind}' for kind, count in images.passed_over.items())}"] if images.passed_over else []
    )
    facts = {"images": len(images)}
    return Opened(intake, intake.chunks(images), len(images), (*passed_over, *images.notes), facts)


def is_table(path: Path) -> bool:
    if path.suffix.lower() == ".npz" and path.is_file():
        return "images" not in Npz(path).names
    return inner_suffix(path) in TABLES


def intake_from_json(found: Any, where: str) -> Intake:
    """Of what `to_json` gave. Raises UserError if it is something else."""
    if isinstance(found, dict) and "table" in found:
        return TableIntake(TableScaler.from_json(found["table"], where))
    try:
        sizes: Sequence[int] = [found["images"][name] for name in ("channels", "height", "width")]
        channels, height, width = (int(n) for n in sizes)
        if channels not in (1, 3) or min(height, width) < 1:
            raise ValueError(f"images of {channels} x {height} x {width}")
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"says of neither a table nor images ({error!r})", where=where, way_out="take the file that training wrote"
        ) from error
    return ImageIntake(channels, height, width)  # type: ignore[arg-type]
