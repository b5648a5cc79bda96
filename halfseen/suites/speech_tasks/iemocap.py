"""IEMOCAP as it is handed out: Session1 to Session5, each with dialog/EmoEvaluation/DIALOGUE.txt, which says what annotators heard, and
sentences/wav/DIALOGUE/UTTERANCE.wav (Busso et al. 2008).

Two people speak in a session, and in no other.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from halfseen.contracts import UserError
from halfseen.data.faults import all_faults
from halfseen.data.files import read_lines

MOODS = {"neu": "neutral", "hap": "happy", "exc": "happy", "sad": "sad", "ang": "angry"}
"""The benchmark's four classes; excitement counts as happiness, other moods are left out (SUPERB, arXiv:2105.01051)."""
SESSIONS = tuple(f"Session{i}" for i in range(1, 6))
TURN = re.compile(r"\[[\d.]+ - [\d.]+\]\t(?P<id>\S+)\t(?P<mood>\w+)\t")


class Said(NamedTuple):
    """speaker: the session and F or M."""

    id: str
    path: Path
    mood: str
    speaker: str
    session: str


def utterances(root: Path) -> list[Said]:
    """All that the sessions at hand hold. Raises UserError for utterances that have no recording, and if none is evaluated."""
    found: list[Said] = []
    faults: list[str] = []
    for session in (name for name in SESSIONS if (root / name).is_dir()):
        for evaluation in sorted((root / session / "dialog" / "EmoEvaluation").glob("Ses*.txt")):
            for line in read_lines(evaluation):
                match = TURN.match(line)
                if not match or match["mood"] not in MOODS:
                    continue
                name = match["id"]
                path = root / session / "sentences" / "wav" / name.rpartition("_")[0] / f"{name}.wav"
                if path.is_file():
                    found.append(Said(name, path, MOODS[match["mood"]], f"{session}{name.rpartition('_')[2][0]}", session))
                else:
                    faults.append(f"{evaluation.name} evaluates {name}, but there is no {path.relative_to(root)}")
    if faults:
        raise all_faults(faults, where=str(root), way_out="unpack the sessions whole")
    if not found:
        raise UserError(
            "no evaluated utterance", where=str(root), way_out="keep SessionN/dialog/EmoEvaluation/*.txt and SessionN/sentences/wav"
        )
    return found
