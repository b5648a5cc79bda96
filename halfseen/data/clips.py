"""Where recordings are: folders, sound files, tar archives of them, and manifests that name them; found here, read by `sound`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from halfseen.contracts import UserError
from halfseen.data.archives import members, reading
from halfseen.data.faults import all_faults
from halfseen.data.files import UNREADABLE, decode_error, inner_suffix, open_text
from halfseen.data.records import csv_records, json_records
from halfseen.data.sound import SUFFIXES
from halfseen.data.sources import files_below, missing_path, suffix_of

KINDS = f"folders, {', '.join(SUFFIXES)}, tar (also .gz, .xz, .zst), and manifests (csv, jsonl) with a column `path`"


class Clip(NamedTuple):
    """id: its path below the folder, or in the archive. content: where it is, or its bytes. told: what else its manifest says of it."""

    id: str
    content: Path | bytes
    told: Mapping[str, str] = MappingProxyType({})


def clips(paths: Sequence[str]) -> Iterator[Clip]:
    """All recordings, an archive's one after the other, so that only one is in memory.

    Raises UserError for a path that is not there or holds no recording, and for files that a manifest names and are not there.
    """
    for given in paths:
        path = Path(given).expanduser()
        if not path.exists():
            raise missing_path(path.absolute(), given)
        passed_over, none = Counter[str](), True
        for clip in _clips(path, given, passed_over):
            none = False
            yield clip
        if none:
            seen = ", ".join(f"{count:,} {suffix}" for suffix, count in passed_over.most_common(10))
            raise UserError(f"no recording; there is {seen or 'nothing'}", where=given, way_out=f"these are read: {KINDS}")


def _clips(path: Path, given: str, passed_over: Counter[str]) -> Iterator[Clip]:
    kind = inner_suffix(path)
    if path.is_dir():
        for file in files_below(path):
            if file.name.startswith(".") or not file.is_file():
                passed_over["(hidden)" if file.name.startswith(".") else "(not a file)"] += 1
            elif suffix_of(file) in SUFFIXES:
                yield Clip(file.relative_to(path).as_posix(), file)
            elif inner_suffix(file) == ".tar":
                yield from _packed(file, file.relative_to(path).as_posix(), passed_over)
            else:
                passed_over[suffix_of(file)] += 1
    elif kind == ".tar":
        yield from _packed(path, path.name, passed_over)
    elif kind in (".csv", ".jsonl"):
        yield from _named(path)
    elif suffix_of(path) in SUFFIXES:
        yield Clip(path.name, path)
    else:
        raise UserError(f"a file of kind {suffix_of(path)}, which is no recording", where=given, way_out=f"these are read: {KINDS}")


def _packed(archive: Path, called: str, passed_over: Counter[str]) -> Iterator[Clip]:
    """The recordings in a tar archive."""
    try:
        with reading(archive):
            for name, raw in members(archive, SUFFIXES, passed_over):
                yield Clip(f"{called}/{name}", raw.read())
    except UNREADABLE as error:
        raise decode_error(archive, error) from error


def _named(manifest: Path) -> Iterator[Clip]:
    """The files that a manifest names, below its own folder if they are not absolute."""
    try:
        rows = list(_csv_rows(manifest) if inner_suffix(manifest) == ".csv" else _jsonl_rows(manifest))
    except UNREADABLE as error:
        raise decode_error(manifest, error) from error
    found = [(number, manifest.parent / Path(row["path"]).expanduser(), row) for number, row in rows]
    if faults := [f"row {number} names {file}, which is not there" for number, file, _ in found if not file.is_file()]:
        raise all_faults(faults, where=str(manifest), way_out="paths are looked for below the manifest's folder")
    for _, file, row in found:
        yield Clip(str(file), file, row)


def _csv_rows(manifest: Path) -> Iterator[tuple[int, dict[str, str]]]:
    records = csv_records(manifest)
    header = next(records, [])
    if "path" not in header:
        raise UserError(
            f"no column 'path' among {', '.join(header) or 'none'}", where=str(manifest), way_out="name the files in a column 'path'"
        )
    for number, row in enumerate(records, 2):
        if row:
            if len(row) != len(header):
                what = f"row {number} has {len(row)} cells, the header {len(header)}"
                raise UserError(what, where=str(manifest), way_out="let each row have a cell for each column")
            yield number, dict(zip(header, row, strict=True))


def _jsonl_rows(manifest: Path) -> Iterator[tuple[int, dict[str, str]]]:
    faults: list[str] = []
    with open_text(manifest) as lines:
        for number, row in json_records(lines, faults.append):
            if isinstance(row.get("path"), str):
                yield number, {name: str(value) for name, value in row.items() if value is not None}
            else:
                faults.append(f"row {number} has no text under 'path'")
    if faults:
        raise all_faults(faults, where=str(manifest), way_out="let each line be an object whose 'path' names a file")
