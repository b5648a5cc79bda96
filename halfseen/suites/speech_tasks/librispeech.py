"""LibriSpeech in its official layout (Panayotov et al. 2015): train-clean-100, dev-clean and test-clean, as the benchmark takes them."""

from __future__ import annotations

from pathlib import Path

from halfseen.contracts import UserError
from halfseen.data.faults import all_faults
from halfseen.data.files import read_lines
from halfseen.suites.speech_tasks.contract import Utterance
from halfseen.suites.speech_tasks.folder import DataFolder, from_file

PARTS = {"train": "train-clean-100", "dev": "dev-clean", "test": "test-clean"}
LEXICON = "librispeech-lexicon.txt"

Spoken = dict[str, tuple[Utterance, ...]]


def librispeech(data: DataFolder) -> Spoken | None:
    """Utterances of each part; target: the words, as they are written there. Raises UserError if one part alone is there, or recordings are
    missing."""
    root = data.official("LibriSpeech", *PARTS.values())
    if root is None:
        return None
    faults: list[str] = []
    found: Spoken = {}
    for part, folder in PARTS.items():
        some = []
        for file in sorted((root / folder).glob("*/*/*.trans.txt")):
            for line in filter(None, read_lines(file)):
                name, *words = line.split()
                recording = file.with_name(f"{name}.flac")
                if not words or not recording.is_file():
                    faults.append(f"{name} has no {'recording' if words else 'words'}")
                some.append(from_file(recording, root, tuple(words), name.split("-")[0]))
        if not some:
            faults.append(f"{folder} holds no transcript")
        found[part] = tuple(some)
    if faults:
        raise all_faults(faults, where=str(root), way_out="get LibriSpeech again, in its official layout")
    return found


def lexicon(data: DataFolder) -> dict[str, tuple[str, ...]] | None:
    """Each word's phones, the first way that LibriSpeech's lexicon says it; None if that is not there."""
    root = data.root_with(LEXICON)
    if root is None:
        return None
    path: Path = root / LEXICON
    found: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(read_lines(path), 1):
        if line:
            word, *phones = line.split()
            if not phones:
                raise UserError(f"line {number} gives {word!r} no phones", where=str(path), way_out="get the lexicon again")
            found.setdefault(word, tuple(phones))
    return found
