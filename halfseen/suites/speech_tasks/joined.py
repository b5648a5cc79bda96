"""Stand-ins that are joined from small sets: strings of digits by one voice, and commands of a word and digits.

fsdd's clips are spoken digits of six speakers, speech_commands3's are words of 160 speakers. A string or a command is clips one after the
other, each as loud as the others, with pauses of faint noise between; which, is drawn by what it is called alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from zlib import crc32

import numpy as np

from halfseen.contracts import Array, UserError
from halfseen.suites.speech_tasks.contract import Utterance
from halfseen.suites.speech_tasks.folder import DataFolder, Recording, parted

PHONES = {
    "zero": "Z IH R OW",
    "one": "W AH N",
    "two": "T UW",
    "three": "TH R IY",
    "four": "F AO R",
    "five": "F AY V",
    "six": "S IH K S",
    "seven": "S EH V AH N",
    "eight": "EY T",
    "nine": "N AY N",
}
"""Digits in ARPAbet, as Americans say them."""
PHONES_OF_DIGITS = {word: tuple(phones.split()) for word, phones in PHONES.items()}
DIGITS = tuple(PHONES)
STRING = (3, 7)
"""Digits of a string: at least, and fewer than."""
PAUSE_S = (0.03, 0.25)
LEVEL = 0.05
"""Root mean square of each clip in what is joined."""
FAINT = 1e-4
"""That of pauses, 54 dB below."""
PARTS_OF_COMMANDS = {"train": 480, "dev": 120, "test": 240}

Drawn = tuple[Sequence[Recording], object]
"""Clips to join, and the target of what comes out."""


def draw_for(*names: object) -> np.random.Generator:
    """Random numbers that hang on these names alone."""
    return np.random.default_rng(crc32("/".join(map(str, names)).encode()))


def joined(name: str, clips: Sequence[Recording], target: object) -> Utterance:
    def sound(rate: int) -> Array:
        draw = draw_for(name)

        def pause() -> Array:
            return draw.normal(0, FAINT, int(draw.uniform(*PAUSE_S) * rate)).astype(np.float32)

        pieces = [pause()]
        for clip in clips:
            x_N = clip.sound(rate)
            pieces += [x_N * np.float32(LEVEL / np.sqrt(np.square(x_N).mean())), pause()]
        return np.concatenate(pieces)

    return Utterance(name, sound, target, "+".join(sorted({clip.speaker for clip in clips})))


def digit_strings(data: DataFolder) -> list[Utterance]:
    """Each clip of fsdd in one string of its speaker, but for a rest that is too short for one; a speaker of one clip or two has none.
    target: the digits' names."""
    clips = data.small_set("fsdd")
    found: list[Utterance] = []
    for speaker in sorted({clip.speaker for clip in clips}):
        own = [clip for clip in clips if clip.speaker == speaker]
        draw = draw_for("strings", speaker)
        order = [own[i] for i in draw.permutation(len(own))]
        while len(order) >= STRING[0]:
            count = int(draw.integers(*STRING))
            taken, order = order[:count], order[count:]
            found.append(joined(f"digit strings/{speaker}/{len(found)}", taken, tuple(DIGITS[int(clip.label)] for clip in taken)))
    return found


def commands(
    data: DataFolder, kind: str, seed: int, drawn: Callable[[Callable[[str], Recording], np.random.Generator], Drawn]
) -> dict[str, tuple[Utterance, ...]] | None:
    """Of each part so many commands as PARTS_OF_COMMANDS says, said by the speakers of that part. drawn: which clips of words and of digits
    a command has, from what gives a clip of a label; None where one of the sets is not there. Raises UserError if a part lacks a label."""
    words, digits = data.small_set("speech_commands3"), data.small_set("fsdd")
    if not words or not digits:
        return None
    sides = parted(words, lambda clip: clip.speaker, seed), parted(digits, lambda clip: clip.speaker, seed)
    found: dict[str, tuple[Utterance, ...]] = {}
    for part, count in PARTS_OF_COMMANDS.items():
        pool: dict[str, list[Recording]] = {}
        for side in sides:
            for clip in side[part]:
                pool.setdefault(clip.label, []).append(clip)
        some = []
        for i in range(count):
            name = f"{kind}/{seed}/{part}/{i}"
            draw = draw_for("clips", name)
            some.append(joined(name, *drawn(partial(any_of, pool, part, draw), draw)))
        found[part] = tuple(some)
    return found


def any_of(pool: Mapping[str, Sequence[Recording]], part: str, draw: np.random.Generator, label: str) -> Recording:
    """Raises UserError if nobody of the part says it."""
    if label not in pool:
        what = f"{label!r} is said by nobody of {part}'s speakers"
        raise UserError(what, where="commands", way_out="give recordings of it by more speakers, or another --seeds")
    return pool[label][int(draw.integers(len(pool[label])))]
