"""VoxCeleb1 as it is handed out: wav/SPEAKER/VIDEO/NUMBER.wav, and lists of which recordings belong to which part and which pairs are
to be told apart (Nagrani et al. 2017, arXiv:1706.08612).

The wav/ of the training and of the test speakers may also lie apart, in dev/ and test/.
"""

from __future__ import annotations

from pathlib import Path

from halfseen.contracts import UserError
from halfseen.data.faults import all_faults
from halfseen.data.files import read_lines
from halfseen.suites.speech_tasks.contract import PARTS, Trial, Utterance
from halfseen.suites.speech_tasks.folder import from_file

SPLIT, TRIALS = "iden_split.txt", "veri_test.txt"
FOLDERS = ("wav", "dev/wav", "test/wav")
LIST_WAY_OUT = "take the list and the recordings of one release of VoxCeleb1"


def utterance(root: Path, path: Path) -> Utterance:
    """path: .../SPEAKER/VIDEO/NUMBER.wav."""
    return from_file(path, root, None, path.parts[-3])


def identification(root: Path) -> dict[str, list[Utterance]]:
    """The parts `train`, `dev` and `test` of the list of identification.

    Raises UserError for lines that are no part and recording, and for recordings that are not there.
    """
    parts: dict[str, list[Utterance]] = {part: [] for part in PARTS}
    faults: list[str] = []
    for number, words in _lines(root / SPLIT):
        if len(words) != 2 or words[0] not in ("1", "2", "3") or words[1].count("/") != 2:
            faults.append(f"line {number}: {' '.join(words)!r} is no part (1, 2 or 3) and SPEAKER/VIDEO/NUMBER.wav")
        elif (path := _found(root, words[1])) is None:
            faults.append(f"line {number} names {words[1]}, which is not there")
        else:
            parts[PARTS[int(words[0]) - 1]].append(utterance(root, path))
    if faults:
        raise all_faults(faults, where=str(root / SPLIT), way_out=LIST_WAY_OUT)
    return parts


def trials(root: Path) -> tuple[list[Trial], list[Utterance]]:
    """The pairs of the list of verification, and the recordings that they name.

    Raises UserError for lines that are no trial, and for recordings that are not there.
    """
    found: list[Trial] = []
    named: dict[str, Utterance] = {}
    faults: list[str] = []
    for number, words in _lines(root / TRIALS):
        if len(words) != 3 or words[0] not in ("0", "1"):
            faults.append(f"line {number}: {' '.join(words)!r} is no trial (0 or 1, and two recordings)")
            continue
        for name in words[1:]:
            if name not in named and (path := _found(root, name)) is not None:
                named[name] = utterance(root, path)
            elif name not in named:
                faults.append(f"line {number}: the trial names {name}, which is not there")
        if all(name in named for name in words[1:]):
            found.append(Trial(named[words[1]].id, named[words[2]].id, words[0] == "1"))
    if faults:
        raise all_faults(faults, where=str(root / TRIALS), way_out=LIST_WAY_OUT)
    return found, list(named.values())


def everybody(root: Path) -> list[Utterance]:
    """All that lies below the folders of recordings."""
    return [utterance(root, path) for folder in (root / name for name in FOLDERS) for path in sorted(folder.glob("*/*/*.wav"))]


def _found(root: Path, name: str) -> Path | None:
    return next((path for folder in FOLDERS if (path := root / folder / name).is_file()), None)


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """Words of each line that has any, with its number."""
    found = [(number, words) for number, line in enumerate(read_lines(path), 1) if (words := line.split())]
    if not found:
        raise UserError("holds no line", where=str(path), way_out=LIST_WAY_OUT)
    return found
