"""Paths to documents: folders, globs, files of text and Hub data sets, read lazily, in a stable order, in bounded memory.

What is read, and what a document is, stands in `halfseen.data.formats`.
"""

from __future__ import annotations

import glob
import os
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b, file_digest, sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from halfseen.contracts import Sample, UserError
from halfseen.data.blocks import Found
from halfseen.data.faults import all_faults, did_you_mean
from halfseen.data.files import COMPRESSED, inner_suffix
from halfseen.data.formats import TABLES, kind, read
from halfseen.data.hub_sets import PREFIX, HubSet, open_hub_set
from halfseen.data.rows import TEXT

KINDS = "txt, md, jsonl, csv, tsv (each also .gz, .xz, .zst), parquet, tar (also .tar.gz, .tar.xz, .tar.zst)"


@dataclass(frozen=True)
class Sources:
    """What the paths turned out to be."""

    paths: tuple[str, ...]
    """As the user gave them."""
    files: tuple[Path, ...]
    """Absolute and sorted."""
    root: Path
    """The deepest folder that holds all files; their names are relative to it."""
    hub_sets: tuple[HubSet, ...]
    column: str
    ignored: Mapping[str, int]
    """Files in folders that were passed over: suffix, or (hidden), and how many."""
    bytes: int
    """Size on disk, so compressed where the files are; for Hub data sets what the Hub states, 0 if it does not."""

    def documents(self) -> Iterator[Sample]:
        """Every document, from the start at each call: Sample("folder/file.txt#17", text, {"path", "row"}).

        The number is the row, or in txt and md the document's own; pieces of a long document are #17, #17.2, #17.3.
        Raises UserError for whatever cannot be read, and if there is no text at all.
        """
        empty = True
        for file in self.files:
            name = self.name(file)
            for found in read(file, self.column):
                empty = False
                yield _sample(name, found)
        for hub_set in self.hub_sets:
            for found in hub_set.documents():
                empty = False
                yield _sample(hub_set.path, found)
        if empty:
            raise UserError("nothing but white space", where=", ".join(self.paths), way_out="name files with text")

    def name(self, file: Path) -> str:
        """The file's name for people and hashes, the same wherever the root stands."""
        return os.fsencode(file.relative_to(self.root).as_posix()).decode("utf-8", "replace")

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over every file's name, size and content, and every Hub data set's name and commit."""
        digest = sha256()
        for file in self.files:
            with file.open("rb") as stream:
                content = file_digest(stream, "sha256").hexdigest()
            digest.update(f"{self.name(file)}\0{file.stat().st_size}\0{content}\n".encode())
        for hub_set in self.hub_sets:
            digest.update(f"{hub_set.path}\0{hub_set.revision}\n".encode())
        return digest.hexdigest()


def _sample(name: str, found: Found) -> Sample:
    member, row, piece, text = found
    path = f"{name}/{member}" if member else name
    return Sample(f"{path}#{row}" if piece == 1 else f"{path}#{row}.{piece}", text, {"path": path, "row": row})


def open_sources(paths: Sequence[str], *, column: str = TEXT) -> Sources:
    """Finds what the paths name: folders (with all below), globs, files, and `hub:NAME` (see `halfseen.data.hub_sets`).

    In folders and globs, files of other kinds and hidden ones are counted and passed over. column: that of tables; left at
    its default, a table's only column of text will do. Raises UserError, for all paths at once, if one is not there, is
    of another kind or holds nothing that can be read, or if a table lacks the column.
    """
    files: dict[Path, int] = {}
    ignored: Counter[str] = Counter()
    hub_sets, faults = [], []
    for path in paths:
        try:
            if path.startswith(PREFIX):
                hub_sets.append(open_hub_set(path, column))
            else:
                found, passed_over = find_files(path)
                files |= {file: file.stat().st_size for file in found}
                ignored += passed_over
        except UserError as fault:
            faults.append(fault)
    for file in files:
        try:
            if kind(file) in TABLES:
                next(read(file, column), None)
        except UserError as fault:
            faults.append(fault)
    if faults:
        raise faults[0] if len(faults) == 1 else all_faults([str(fault) for fault in faults], where="", way_out="")
    return Sources(
        paths=tuple(paths),
        files=tuple(sorted(files)),
        root=Path(os.path.commonpath([file.parent for file in files])) if files else Path(),
        hub_sets=tuple(hub_sets),
        column=column,
        ignored=dict(ignored),
        bytes=sum(files.values()) + sum(hub_set.bytes for hub_set in hub_sets),
    )


def find_files(given: str) -> tuple[list[Path], Counter[str]]:
    """The files, as absolute paths, that a folder, glob or file's name stands for, and what was passed over."""
    path = Path(os.path.abspath(Path(given).expanduser()))
    hits = [path] if path.exists() else _matches(path)
    if not hits:
        raise missing_path(path, given)
    if hits == [path] and not path.is_dir() and _passed_over(path):
        raise UserError(f"a file of kind {suffix_of(path)}, which is not read", where=given, way_out=f"these kinds are: {KINDS}")
    files, ignored = [], Counter[str]()
    for file in (file for hit in hits for file in files_below(hit)):
        if reason := _passed_over(file):
            ignored[reason] += 1
        else:
            files.append(file)
    if not files:
        seen = ", ".join(f"{count:,} {suffix}" for suffix, count in ignored.most_common(10))
        raise UserError(
            f"no file that can be read; there is {seen or 'nothing'}", where=given, way_out=f"give files of these kinds: {KINDS}"
        )
    return files, ignored


def _matches(pattern: Path) -> list[Path]:
    """What a glob matches, each file once: ** follows links, which may lead in circles."""
    hits = (Path(hit) for hit in sorted(glob.glob(str(pattern), recursive=True), reverse=True))
    return list({hit.resolve(): hit for hit in hits}.values())


def files_below(path: Path) -> Iterator[Path]:
    """A file itself; of a folder, all files at any depth, and hidden or linked folders without what is in them."""
    if not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path, onerror=_unreadable_folder):
        closed = [name for name in folders if name.startswith(".") or Path(folder, name).is_symlink()]
        folders[:] = sorted(set(folders) - set(closed))
        yield from (Path(folder, name) for name in sorted([*closed, *names]))


def _unreadable_folder(error: OSError) -> None:
    raise UserError(
        f"cannot be read ({error.strerror})", where=str(error.filename), way_out="allow reading it, or name other folders"
    ) from error


def _passed_over(file: Path) -> str:
    """Why a file is not read, in a word; empty if it is."""
    if file.name.startswith("."):
        return "(hidden)"
    if not file.is_file():
        return "(not a file)"
    return suffix_of(file) if kind(file) is None else ""


def suffix_of(file: Path) -> str:
    """What a file is called by when it is not read: its suffix, the compression's with it."""
    packed = file.suffix if file.suffix.lower() in COMPRESSED else ""
    return inner_suffix(file) + packed or "(no suffix)"


def missing_path(path: Path, given: str) -> UserError:
    """Says which part of the path is not there, and what is there instead."""
    while not path.parent.is_dir():
        path = path.parent
    if glob.has_magic(path.name):
        return UserError("matches no file", where=given, way_out=f"in {path.parent} there is {_listing(path.parent)}")
    hint = did_you_mean(path.name, os.listdir(path.parent))
    return UserError(
        f"no such file or folder in {path.parent}: {path.name}", where=given, way_out=hint or f"there is {_listing(path.parent)}"
    )


def _listing(folder: Path, shown: int = 5) -> str:
    names = sorted(os.listdir(folder))
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "") if names else "nothing"


SHELVES = 16
"""Hashes are compared a shelf at a time, so that sorting takes a sixteenth of their memory."""


def first_occurrences(documents: Iterable[str]) -> NDArray[np.bool_]:
    """For each document whether it is the first of its kind; the share of exact duplicates is 1 - mean.

    Keeps 8 bytes a document (BLAKE2b; of 100 million documents, two different ones are taken for equal with a chance of
    1 in 4,000), and while comparing, 2 to 4 more.
    """
    digests = array("Q")
    for text in documents:
        digests.frombytes(blake2b(text.encode(), digest_size=8).digest())
    hash_N = np.frombuffer(digests, dtype=np.uint64)
    keep_N = np.zeros(len(hash_N), dtype=bool)
    shelf_N = hash_N.view(np.uint8).reshape(-1, 8)[:, 0] % SHELVES
    for shelf in range(SHELVES):
        here = np.flatnonzero(shelf_N == shelf)
        _, first = np.unique(hash_N[here], return_index=True)
        keep_N[here[first]] = True
    return keep_N
