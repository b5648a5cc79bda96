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
from halfseen.data.faults import all_faults
from halfseen.data.files import inner_suffix
from halfseen.data.images import Images, open_images
from halfseen.data.levels import levels
from halfseen.data.pixels import Channels, resized
from halfseen.data.scaling import TableScaler
from halfseen.data.tables import Table, read_table

TABLES = (".csv", ".tsv", ".parquet", ".npy")
SIZE = 64
"""Height and width of images that are not all of one size."""
SMALLEST_PIECE = 8
"""Height or width of a piece of an image."""
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

    def pieces(self, images: Images) -> Iterator[Array]:
        """As many as fit into each image side by side, the rest left away on all sides alike; in chunks of many images, so that which are
        held out does not hang on the first. Raises UserError, when all is read, for images that are smaller than one."""
        small: list[str] = []
        held: list[Array] = []
        for i in range(len(images)):
            image_HWC = images[i].x
            if image_HWC.shape[0] < self.height or image_HWC.shape[1] < self.width:
                small.append(f"{images.ids[i]} has {image_HWC.shape[0]} x {image_HWC.shape[1]} pixels")
                continue
            held.append(self.cut(image_HWC))
            if sum(cut.nbytes for cut in held) > CHUNK_BYTES:
                yield np.concatenate(held)
                held = []
        if held:
            yield np.concatenate(held)
        if small:
            what_to_do = f"remove them, or give --size {SMALLEST_PIECE} or more that fits into all"
            raise all_faults(small, where=f"{images.name}, cut into pieces of {self.height} x {self.width}", way_out=what_to_do)

    def cut(self, image_HWC: Array) -> Array:
        """The pieces of an image, uint8 (P, C, H, W)."""
        down, across = image_HWC.shape[0] // self.height, image_HWC.shape[1] // self.width
        top, left = (image_HWC.shape[0] - down * self.height) // 2, (image_HWC.shape[1] - across * self.width) // 2
        whole_HWC = image_HWC[top : top + down * self.height, left : left + across * self.width]
        pieces = whole_HWC.reshape(down, self.height, across, self.width, -1).transpose(0, 2, 4, 1, 3)
        return levels(pieces.reshape(-1, *self.shape))

    def one(self, image_HWC: Array) -> Array:
        """One image as uint8 of shape X."""
        sized = image_HWC if image_HWC.shape[:2] == (self.height, self.width) else resized(image_HWC, self.height, self.width)
        return np.ascontiguousarray(levels(sized).transpose(2, 0, 1))

    def to_json(self) -> dict[str, Any]:
        return {"images": {"channels": self.channels, "height": self.height, "width": self.width}}


Intake = TableIntake | ImageIntake


@dataclass(frozen=True)
class Opened:
    """What was found: its intake, x in chunks, how many, and what is worth a note; each one's name, and its label if it has one."""

    intake: Intake
    chunks: Iterator[Array]
    count: int
    notes: tuple[str, ...]
    facts: Mapping[str, Any]
    names: Sequence[Any]
    labels: Sequence[Any] | None


def open_data(path: str, *, label: str | None = None, size: int | None = None, cuts: bool = False) -> Opened:
    """A table or images, told by the file's name and, of NPZ, by its arrays. size: height and width of images, or, if it cuts, of pieces.

    Raises UserError for what is neither, and for --size beside a table.
    """
    if is_table(Path(path)):
        if size is not None:
            raise UserError("--size is given, but this is a table", where=path, way_out="leave --size away")
        table = read_table(path, label=label)
        scaler = TableScaler.fit(table)
        facts = {"rows": len(table), "columns": list(table.names)}
        x_RF = scaler.transform(table)
        return Opened(TableIntake(scaler), iter([x_RF]), len(table), (*table.notes, *scaler.notes), facts, *known_of(table))
    images = open_images(path, labels=label)
    intake, first = image_intake(images, size, cuts=cuts)
    images = replace(images, channels=intake.channels)
    passed_over = (
        [f"passed over: {', '.join(f'{count:,} {kind}' for kind, count in images.passed_over.items())}"] if images.passed_over else []
    )
    facts = {"images": len(images)}
    notes = (*passed_over, *images.notes)
    if cuts:
        each = sum((shape[0] // intake.height) * (shape[1] // intake.width) for shape in first) / len(first)
        facts |= {"pieces": f"{intake.height} x {intake.width}"}
        return Opened(intake, intake.pieces(images), max(1, round(each * len(images))), notes, facts, *known_of(images))
    return Opened(intake, intake.chunks(images), len(images), notes, facts, *known_of(images))


def image_intake(images: Images, size: int | None = None, *, cuts: bool = False) -> tuple[ImageIntake, list[tuple[int, ...]]]:
    """The size and channels that images are brought to, and the shapes of the first images, from all over, that it was told by.

    size: height and width; by default that of all if they have the same, or SIZE; of pieces at most SIZE.
    """
    first = [images[i].x.shape for i in np.unique(np.linspace(0, len(images) - 1, 64).astype(int))]
    channels: Channels = 3 if any(shape[2] == 3 for shape in first) else 1
    if size:
        height, width = size, size
    elif cuts:
        height, width = (max(SMALLEST_PIECE, min(SIZE, *(shape[axis] for shape in first))) for axis in (0, 1))
    else:
        height, width = first[0][:2] if len({shape[:2] for shape in first}) == 1 else (SIZE, SIZE)
    return ImageIntake(channels, height, width), first


def known_of(found: Table | Images) -> tuple[Sequence[Any], Sequence[Any] | None]:
    """The rows' numbers or the images' ids, and their labels."""
    if isinstance(found, Table):
        return found.numbers.tolist(), None if found.label is None else found.label.values.tolist()
    return found.ids, found.labels


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
