"""Who speaks when, as Kaldi's recipes keep it: a folder for each part with wav.scp and either segments and utt2spk or rttm, and perhaps
reco2dur (LibriMix as the benchmark prepares it; SUPERB, arXiv:2105.01051).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from halfseen.contracts import UserError
from halfseen.data.faults import all_faults
from halfseen.data.files import read_lines
from halfseen.suites.speech_tasks.mixtures import Turn

SPEAKERS = 2
LATE_S = 0.05
"""So much later than the recording ends a turn may end, as times are rounded."""
WAY_OUT = "prepare the part anew, as the benchmark's recipe does"


@dataclass(frozen=True)
class Conversation:
    """speakers: their names. turns: of each of them."""

    id: str
    path: Path
    speakers: tuple[str, ...]
    turns: tuple[tuple[Turn, ...], ...]


class Segment(NamedTuple):
    where: str
    recording: str
    speaker: str
    begin: str
    end: str


def conversations(folder: Path) -> list[Conversation]:
    """All of one part. Raises UserError for files that are missing, lines that do not fit each other, turns that are none or lie outside
    their recording, and recordings of more speakers than can be told."""
    wav = _table(folder, "wav.scp")
    faults = [f"wav.scp: {name} is a command, not a file ({told})" for name, told in wav.items() if told.endswith("|")]
    faults += [
        f"wav.scp names {told}, which is not there" for told in wav.values() if not told.endswith("|") and not (folder / told).is_file()
    ]
    durations = _table(folder, "reco2dur") if (folder / "reco2dur").exists() else {}
    turns: dict[str, dict[str, list[Turn]]] = {name: {} for name in wav}
    for segment in _segments(folder, faults):
        begin, end = _number(segment.begin), _number(segment.end)
        lasts = _number(durations[segment.recording]) if segment.recording in durations else None
        if segment.recording not in wav:
            faults.append(f"{segment.where} is of {segment.recording}, which wav.scp does not name")
        elif begin is None or end is None or not 0 <= begin < end:
            faults.append(f"{segment.where} goes from {segment.begin} to {segment.end}, which are no seconds")
        elif lasts is not None and end > lasts + LATE_S:
            faults.append(f"{segment.where} ends at {end:g} s, but reco2dur says that {segment.recording} ends at {lasts:g} s")
        else:
            turns[segment.recording].setdefault(segment.speaker, []).append((begin, end))
    faults += [f"{name} has {len(each)} speakers, of which {SPEAKERS} can be told" for name, each in turns.items() if len(each) > SPEAKERS]
    if faults:
        raise all_faults(faults, where=str(folder), way_out=WAY_OUT)
    if silent := [name for name, each in turns.items() if not each]:
        raise UserError(f"nobody speaks in {silent[0]}", where=str(folder), way_out="give its segments, or take it from wav.scp")
    return [
        Conversation(name, folder / told, tuple(sorted(turns[name])), tuple(tuple(turns[name][who]) for who in sorted(turns[name])))
        for name, told in wav.items()
    ]


def _segments(folder: Path, faults: list[str]) -> Iterator[Segment]:
    """Of the file `segments`, or else of `rttm`, whose third number is how long a turn lasts."""
    if (folder / "segments").exists():
        who = _table(folder, "utt2spk")
        for name, told in _table(folder, "segments").items():
            words = told.split()
            if len(words) != 3:
                faults.append(f"segments: {name} is followed by {told!r}, not by a recording, a begin and an end")
            elif name not in who:
                faults.append(f"segments: {name} has no speaker in utt2spk")
            else:
                yield Segment(f"segments: {name}", words[0], who[name], words[1], words[2])
        return
    if not (folder / "rttm").exists():
        raise UserError("neither segments nor rttm", where=str(folder), way_out=WAY_OUT)
    for number, line in enumerate(read_lines(folder / "rttm"), 1):
        words = line.split()
        if words[:1] == ["SPEAKER"]:
            if len(words) < 8:
                faults.append(f"rttm, line {number}: {len(words)} words, and who speaks is the eighth")
                continue
            begin, lasts = _number(words[3]), _number(words[4])
            end = words[4] if begin is None or lasts is None else str(begin + lasts)
            yield Segment(f"rttm, line {number}", words[1], words[7], words[3], end)


def _table(folder: Path, name: str) -> dict[str, str]:
    """First word of each line to the rest of it. Raises UserError if the file is not there."""
    if not (folder / name).is_file():
        raise UserError(f"no {name}", where=str(folder), way_out=WAY_OUT)
    pairs = [line.split(maxsplit=1) for line in read_lines(folder / name) if line.strip()]
    return {first: " ".join(rest).strip() for first, *rest in pairs}


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None
