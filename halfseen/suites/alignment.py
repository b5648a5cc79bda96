"""Which phone is said when, for recordings of words whose phones a lexicon tells: Viterbi training with one mean a phone.

Every recording begins cut into equal pieces, a phone each; then, in turns, a phone's mean is taken over its frames, and each recording is
cut anew where its frames are nearest to the means in order (segmental k-means, Juang and Rabiner 1990).

Shapes: T frames of F numbers; Q phones of a word in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from halfseen.contracts import Array, UserError
from halfseen.data.faults import all_faults
from halfseen.data.files import open_text
from halfseen.suites.speech_tasks.joined import PHONES

ROUNDS = 5


def lexicon(path: Path | None, words: Sequence[str]) -> dict[str, list[str]]:
    """Each word's phones: of a file, a line a word, its phones after it; by default those of the English digits, as names or as numbers.

    Raises UserError for words that it does not hold, all at once.
    """
    known = {name: phones.split() for i, (word, phones) in enumerate(PHONES.items()) for name in (word, str(i))}
    if path is not None:
        with open_text(path) as lines:
            known = {parts[0]: parts[1:] for line in lines if len(parts := line.split()) > 1}
    if missing := [f"no phones of {word!r}" for word in words if word not in known]:
        raise all_faults(missing, where=str(path or "--lexicon"), way_out="give a file with a line for each word: the word, and its phones")
    return {word: known[word] for word in words}


def aligned(frames: Sequence[Array], phones: Sequence[Sequence[str]]) -> list[Array]:
    """phone_T of each recording, as text. Raises UserError for a recording with fewer frames than phones."""
    for frames_TF, some in zip(frames, phones, strict=True):
        if len(frames_TF) < len(some):
            raise UserError(f"a recording of {len(frames_TF)} frames, but its word has {len(some)} phones", way_out="leave it out")
    cuts = [
        np.repeat(np.arange(len(p)), np.diff(np.linspace(0, len(x), len(p) + 1).astype(int))) for x, p in zip(frames, phones, strict=True)
    ]
    names = [np.array(p) for p in phones]
    for _ in range(ROUNDS):
        means = phone_means(frames, [name[cut] for name, cut in zip(names, cuts, strict=True)])
        cuts = [best_cut(x, np.stack([means[phone] for phone in p])) for x, p in zip(frames, phones, strict=True)]
    return [name[cut] for name, cut in zip(names, cuts, strict=True)]


def phone_means(frames: Sequence[Array], phone_of: Sequence[Array]) -> Mapping[str, Array]:
    every_NF, phone_N = np.concatenate(frames), np.concatenate(phone_of)
    return {str(phone): every_NF[phone_N == phone].mean(0) for phone in np.unique(phone_N)}


def best_cut(frames_TF: Array, means_QF: Array) -> Array:
    """place_T: which of the phones each frame is, in order and each at least once, so that squared distances are least in all."""
    cost_TQ = np.square(frames_TF[:, None] - means_QF[None]).sum(2)
    total_Q = np.full(len(means_QF), np.inf)
    total_Q[0] = cost_TQ[0, 0]
    came = np.zeros(cost_TQ.shape, bool)
    for t in range(1, len(cost_TQ)):
        before_Q = np.concatenate([[np.inf], total_Q[:-1]])
        came[t] = before_Q < total_Q
        total_Q = np.minimum(before_Q, total_Q) + cost_TQ[t]
    place_T = np.empty(len(cost_TQ), np.int64)
    place_T[-1] = len(means_QF) - 1
    for t in range(len(cost_TQ) - 1, 0, -1):
        place_T[t - 1] = place_T[t] - came[t, place_T[t]]
    return place_T
