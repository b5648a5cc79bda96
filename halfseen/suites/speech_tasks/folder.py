"""A folder of data for the tasks of speech: a set's own, or one that holds several; and the small sets that stand-ins are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from halfseen.contracts import Array, UserError
from halfseen.data.clips import clips
from halfseen.data.sound import read_sound, trimmed
from halfseen.suites.speech_tasks.contract import Utterance

SMALL_SETS = {
    "fsdd": r"(?P<label>\d)_(?P<speaker>[a-z]+)_\d+\.wav",
    "speech_commands3": r"(?P<label>[a-z]+)/(?P<speaker>[0-9a-f]+)_nohash_\d+\.wav",
    "librispeech_samples8k": r"(?P<label>[^/]+)/(?P<speaker>\d+)/[^/]+\.wav",
    "emodb8k": r"(?P<speaker>\d\d)[abc]\d\d(?P<label>[WLEAFTN])[a-z]\.wav",
}
"""Folders of small sets, and how a recording's path ends: whose it is, and the label that it bears."""

Item = TypeVar("Item")
Key = TypeVar("Key")


@dataclass(frozen=True, eq=False)
class Recording:
    """content: where it is, or its bytes. label: of fsdd the digit, of speech_commands3 the word, of librispeech_samples8k the group of
    speakers, of emodb8k the letter of the mood."""

    id: str
    content: Path | bytes
    speaker: str
    label: str

    def sound(self, rate: int) -> Array:
        """x_N without the silence at both ends. Raises UserError."""
        return trimmed(read_sound(self.content, self.id, rate), rate)


class DataFolder:
    """path: what --data names. What was read of it once is kept."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()
        if not self.path.is_dir():
            raise UserError("there is no such folder", where=str(path), way_out="name a set's folder, or one that holds several sets")
        self._small: dict[str, tuple[Recording, ...]] = {}

    @cached_property
    def roots(self) -> tuple[Path, ...]:
        """The folder itself and those in it, sorted: where a set's own files may lie."""
        return (self.path, *sorted(each for each in self.path.iterdir() if each.is_dir() and not each.name.startswith(".")))

    def root_with(self, *names: str) -> Path | None:
        """The first root that holds files or folders of all these names."""
        return next((root for root in self.roots if all((root / name).exists() for name in names)), None)

    def official(self, benchmark: str, *names: str) -> Path | None:
        """The root that holds a benchmark's set: files or folders of all these names. Raises UserError where the first of them is there
        and others are not, so that no stand-in is scored in its place."""
        root = self.root_with(names[0])
        if root is not None and (missing := [name for name in names if not (root / name).exists()]):
            raise UserError(f"{benchmark} without {', '.join(missing)}", where=str(root), way_out="get them, or name the small sets alone")
        return root

    def small_set(self, name: str) -> tuple[Recording, ...]:
        """The recordings of a folder called `name`, those in tar archives there too; none if it is not there."""
        if name not in self._small:
            pattern = re.compile(rf"(?:^|/){SMALL_SETS[name]}$")
            folder = next((root for root in self.roots if root.resolve().name == name), None)
            heard = [] if folder is None else sorted(clips([str(folder)]), key=lambda clip: clip.id)
            told = [(clip, pattern.search(clip.id)) for clip in heard]
            self._small[name] = tuple(
                Recording(f"{name}/{clip.id}", clip.content, f"{name}/{found['speaker']}", found["label"]) for clip, found in told if found
            )
        return self._small[name]


def from_file(path: Path, root: Path, target: object, speaker: str) -> Utterance:
    """A recording of an official set, as it is."""
    name = f"{root.name}/{path.relative_to(root).as_posix()}"
    return Utterance(name, partial(read_sound, path, name), target, speaker)


def speakers_apart(speakers: Iterable[str], seed: int, *, dev: float = 0.15, test: float = 0.25) -> dict[str, set[str]]:
    """Who is learnt from, chosen by, and tested on. Raises UserError if there are not three speakers."""
    names = sorted(set(speakers))
    if len(names) < 3:
        what = f"{len(names)} speakers, and three are needed: to learn from, to choose by, to be tested on"
        raise UserError(what, way_out="give recordings of more speakers")
    order = [names[i] for i in np.random.default_rng([seed, 5]).permutation(len(names))]
    tested, chosen = (max(1, round(share * len(names))) for share in (test, dev))
    return {"test": set(order[:tested]), "dev": set(order[tested : tested + chosen]), "train": set(order[tested + chosen :])}


def parted(items: Sequence[Item], speaker: Callable[[Item], str], seed: int) -> dict[str, tuple[Item, ...]]:
    """The items of each part, by who speaks."""
    sides = speakers_apart(map(speaker, items), seed)
    return {part: tuple(item for item in items if speaker(item) in names) for part, names in sides.items()}


def grouped(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """Items by what they have in common, in the order in which that is first seen."""
    found: dict[Key, list[Item]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found
