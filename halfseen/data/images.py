"""Images to samples, lazily: folders, image files, tar archives of them, NPZ, and IDX as MNIST has it.

Shapes: N images of H rows and W columns, C channels. Sample.x is float32 (H, W, C) from 0 to 1; `pixels` says how a file becomes that.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os.path import commonpath
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from halfseen.contracts import Array, Sample, UserError
from halfseen.data.archives import LARGEST_MEMBER, members, reading
from halfseen.data.arrays import MOST_BYTES, Npz, read_idx
from halfseen.data.faults import all_faults
from halfseen.data.files import UNREADABLE, decode_error, inner_suffix
from halfseen.data.pixels import Channels, as_channels, decode, measure, on_white, resized
from halfseen.data.sources import files_below, missing_path, suffix_of

__all__ = ["FOLDERS", "Channels", "Images", "open_images", "resized"]

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
FOLDERS = "folders"
KINDS = "folders, PNG, JPEG, WebP, tar (also .gz, .xz, .zst), NPZ, and IDX (`idx` in its name, also .gz)"

HEADERS = 1 << 16
"""Bytes of each file in a folder that are read to measure it; of a JPEG with a longer header, all."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Images:
    """N images, decoded one by one when they are asked for."""

    name: str
    """The path, as it was given."""
    ids: tuple[str, ...]
    """In order: `folder/a.png` below the folder, `faces.tar/a.png`, `faces.npz#17` counted from 0."""
    labels: tuple[str, ...] | None
    source: Sequence[Path | bytes] | Array
    """Files, their content, or pixels (N, H, W, C) of uint8 or uint16."""
    channels: Channels | None = None
    """What every image is turned to; None: to what it is."""
    passed_over: Mapping[str, int]
    """Files that are no images: suffix, or (hidden), and how many."""
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, i: int) -> Sample:
        """Sample(id, image, {"label"} if there are labels). Raises UserError if the file is damaged or has gone."""
        return Sample(self.ids[i], self._image(i), {} if self.labels is None else {"label": self.labels[i]})

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    def stacked(self, height: int, width: int) -> NDArray[np.float32]:
        """All of them, `resized` (N, height, width, C). Raises UserError for all damaged files at once, and for too many bytes."""
        found: list[NDArray[np.float32]] = []
        faults: list[str] = []
        for i in range(len(self)):
            try:
                image = resized(self._image(i), height, width)
            except UserError as fault:
                faults.append(f"{fault.where}: {fault.what}")
                continue
            if found and image.shape != found[0].shape:
                names = {1: "grey", 3: "in colour"}
                what = f"{self.ids[i]} is {names[image.shape[-1]]}, others are {names[found[0].shape[-1]]}"
                raise UserError(what, where=self.name, way_out="ask for channels=1 or channels=3")
            found.append(image)
            if image.nbytes * len(self) > MOST_BYTES:
                what = f"{len(self):,} images of {height} x {width} are {image.nbytes * len(self):,} bytes, more than {MOST_BYTES:,}"
                raise UserError(what, where=self.name, way_out="make them smaller, or take them one by one")
        if faults:
            raise all_faults(faults, where=self.name, way_out="remove these files, or get them again")
        return np.stack(found)

    def _image(self, i: int) -> NDArray[np.float32]:
        item = self.source[i]
        if isinstance(item, np.ndarray):
            values = item.astype(np.float32) / np.float32(np.iinfo(item.dtype).max)
            return as_channels(on_white(values) if values.shape[-1] == 4 else values, self.channels)
        if isinstance(item, Path):
            return decode(_content(item), str(item), self.channels)
        return decode(item, self.ids[i], self.channels)


def open_images(path: str | Path, *, labels: str | Path | None = None, channels: Channels | None = None) -> Images:
    """Finds the images and measures each, but decodes none.

    A folder is read with all below it, sorted, a tar archive in its order; what has another suffix or is hidden is counted and passed
    over. labels: "folders" for the first folder in which images differ; of NPZ, whose images are the array `images` (N, H, W) or
    (N, H, W, C), the name of another; of IDX a file, by default the one beside it whose name says `labels` for `images`.
    Raises UserError if there is no image, or for all files at once whose header is damaged or that have too many pixels.
    """
    given = Path(path).expanduser()
    if not given.exists():
        raise missing_path(given.absolute(), str(path))
    suffix = inner_suffix(given)
    if given.is_dir():
        found = _folder(given)
    elif suffix == ".tar":
        found = _archive(given)
    elif suffix_of(given) in SUFFIXES:
        found = _files([given], given.parent, given, Counter())
    elif suffix_of(given) == ".npz":
        return _npz(given, labels, channels)
    elif "idx" in given.name.lower():
        return _idx(given, labels, channels)
    else:
        raise UserError(f"a file of kind {suffix_of(given)}, which is no image", where=str(path), way_out=f"these are read: {KINDS}")
    if labels is not None and labels != FOLDERS:
        raise UserError(f"labels {str(labels)!r}", where=str(path), way_out="files have their folders' names as labels: 'folders', or none")
    names = _folder_labels(found.ids, str(path)) if labels else None
    return replace(found, name=str(path), labels=names, channels=channels)


def _folder(folder: Path) -> Images:
    files, passed_over = [], Counter[str]()
    for file in sorted(files_below(folder)):
        if file.name.startswith("."):
            passed_over["(hidden)"] += 1
        elif not file.is_file():
            passed_over["(not a file)"] += 1
        elif suffix_of(file) not in SUFFIXES:
            passed_over[suffix_of(file)] += 1
        else:
            files.append(file)
    return _files(files, folder, folder, passed_over)


def _files(files: Sequence[Path], root: Path, given: Path, passed_over: Counter[str]) -> Images:
    ids = [file.relative_to(root).as_posix() for file in files]
    return _measured(ids, files, given, passed_over)


def _archive(path: Path) -> Images:
    """The files of an archive stay packed as images are, but in memory: a compressed archive is read from its beginning alone."""
    ids: list[str] = []
    contents: list[bytes] = []
    size, passed_over = 0, Counter[str]()
    try:
        with reading(path):
            for name, raw in members(path, SUFFIXES, passed_over):
                content = raw.read()
                size += len(content)
                if size > LARGEST_MEMBER:
                    what = f"its images are more than {LARGEST_MEMBER:,} bytes"
                    raise UserError(what, where=str(path), way_out="unpack it, and name the folder")
                ids.append(f"{path.name}/{PurePosixPath(name)}")
                contents.append(content)
    except UNREADABLE as error:
        raise decode_error(path, error) from error
    return _measured(ids, contents, path, passed_over)


def _measured(ids: Sequence[str], items: Sequence[Path | bytes], given: Path, passed_over: Counter[str]) -> Images:
    if not items:
        seen = ", ".join(f"{count:,} {suffix}" for suffix, count in passed_over.most_common(10))
        raise UserError(f"no image; there is {seen or 'nothing'}", where=str(given), way_out=f"give {', '.join(SUFFIXES)} files")
    faults, narrowed = [], 0
    for name, item in zip(ids, items, strict=True):
        head = item if isinstance(item, bytes) else _header(item)
        try:
            narrowed += measure(head, name).narrowed
        except UserError as fault:
            faults.append(fault)
    if faults:
        told = [f"{fault.where}: {fault.what}" for fault in faults]
        raise all_faults(told, where=str(given), way_out=faults[0].way_out)
    notes = (f"{narrowed:,} of {len(items):,} images have 16 bits a channel, of which 8 are read",) if narrowed else ()
    return Images(name=str(given), ids=tuple(ids), labels=None, source=items, passed_over=dict(passed_over), notes=notes)


def _header(file: Path) -> bytes:
    """Enough of the file to measure it."""
    try:
        with file.open("rb") as stream:
            head = stream.read(HEADERS)
            try:
                measure(head, str(file))
            except UserError:
                head += stream.read()
    except OSError as error:
        raise UserError(f"cannot be read ({error.strerror})", where=str(file), way_out="allow reading it, or remove it") from error
    return head


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"cannot be read ({error.strerror})", where=str(file), way_out="leave it where it was when it was found") from error


def _folder_labels(ids: Sequence[str], where: str) -> tuple[str, ...]:
    """The first part of each name below what all have in common."""
    parents = [str(PurePosixPath(name).parent) for name in ids]
    common = commonpath(parents) if "." not in parents else ""
    below = [PurePosixPath(name).relative_to(common).parts for name in ids]
    faults = [f"{name} stands beside folders" for name, parts in zip(ids, below, strict=True) if len(parts) == 1]
    if len(faults) == len(ids):
        faults = ["its images stand in one folder"]
    if faults:
        raise all_faults(faults, where=where, way_out="put the images of each label in a folder of its name")
    return tuple(parts[0] for parts in below)


def _npz(path: Path, labels: str | Path | None, channels: Channels | None) -> Images:
    file = Npz(path)
    pixels = file.read("images")
    name = f"{path}, array images"
    if pixels.dtype not in (np.uint8, np.uint16):
        raise UserError(f"of {pixels.dtype}", where=name, way_out="save uint8 from 0 to 255, or uint16 from 0 to 65535")
    if pixels.ndim not in (3, 4) or not pixels.size or (pixels.ndim == 4 and pixels.shape[-1] not in (1, 3, 4)):
        what = f"shape {pixels.shape}, neither (N, H, W) nor (N, H, W, C) with 1, 3 or 4 channels"
        raise UserError(what, where=name, way_out="let the first axis count images and the last channels")
    found = None if labels is None else _label_names(file.read(str(labels)), len(pixels), f"{path}, array {labels}")
    return _stack(path, pixels if pixels.ndim == 4 else pixels[..., None], found, channels)


def _idx(path: Path, labels: str | Path | None, channels: Channels | None) -> Images:
    pixels = read_idx(path, 3)
    beside = Path(labels) if labels is not None else _labels_beside(path)
    found = None if beside is None else _label_names(read_idx(beside, 1), len(pixels), str(beside))
    return _stack(path, pixels[..., None], found, channels)


def _stack(path: Path, pixels_NHWC: Array, labels: tuple[str, ...] | None, channels: Channels | None) -> Images:
    ids = tuple(f"{path.name}#{i}" for i in range(len(pixels_NHWC)))
    return Images(name=str(path), ids=ids, labels=labels, source=pixels_NHWC, channels=channels, passed_over={})


def _label_names(values: Array, count: int, where: str) -> tuple[str, ...]:
    if values.shape != (count,) or values.dtype.kind not in "biuU":
        what = f"shape {values.shape} of {values.dtype} for {count:,} images"
        raise UserError(what, where=where, way_out=f"give a whole number or a name for each: shape ({count},)")
    return tuple(map(str, values.tolist()))


def _labels_beside(path: Path) -> Path | None:
    """The file of labels that goes with a file of images, as MNIST names them, packed or not."""
    name = re.sub("(?i)idx3", "idx1", re.sub("(?i)images", "labels", path.name)).removesuffix(".gz")
    found = [path.with_name(name), path.with_name(f"{name}.gz")]
    return next((file for file in found if file != path and file.exists()), None)
