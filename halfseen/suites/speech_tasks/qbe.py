"""Query by example: which recordings hold a spoken query, by dynamic time warping over frozen states; nothing is learnt but which layer.

Shapes: Q queries of T frames, R recordings of F frames together, states of width D; K thresholds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from halfseen.contracts import Array, UserError
from halfseen.data.faults import all_faults
from halfseen.data.files import read_lines
from halfseen.suites.speech_tasks.arm import Arm
from halfseen.suites.speech_tasks.contract import Material, Metric, Outcome, SpeechTask, Trial, Utterance, stand_in
from halfseen.suites.speech_tasks.figures import bootstrapped
from halfseen.suites.speech_tasks.folder import DataFolder, from_file, parted
from halfseen.suites.speech_tasks.joined import DIGITS, digit_strings, draw_for, joined
from halfseen.suites.speech_tasks.sequence import moments
from halfseen.train.lanes import must_go_on

PRIOR, COST_MISS, COST_FALSE_ALARM = 0.0008, 100.0, 1.0
"""How rare a match is taken to be, and what mistakes cost (QUESST 2014, Anguera et al. 2015)."""
ENGLISH = "nnenglish"
LEXEME = re.compile(r"LEXEME\s+(quesst14_\d+).*?(quesst14_(?:dev|eval)_\d+)")
BETA = COST_FALSE_ALARM / COST_MISS * (1 / PRIOR - 1)
QUERIES, STRINGS = {"dev": 15, "test": 40}, {"dev": 40, "test": 110}
"""Of each speaker: pairs of digits that are asked for, and strings that are searched."""
GAP = 2
"""Frames between recordings that are searched end to end: as far as a path goes on at once."""
ROW_FRAMES = 10_000


class QueryByExample(SpeechTask):
    name, title, aspect, benchmark = "qbe", "query by example", "content", "QUESST 2014"
    metrics: ClassVar = (Metric("mtwv", 0.0988, 1.0, higher_is_better=True),)

    def find(self, data: DataFolder, seed: int) -> Material | None:
        lists = [f"scoring/language_key_{name}.lst" for name in ("utterances", "dev", "eval")]
        if (root := data.official("QUESST 2014", *lists)) is not None:
            return quesst(root)
        return pairs_in_strings(data, seed)

    def score(self, arm: Arm, material: Material, seed: int) -> Outcome:
        dev = distances(arm, material.dev, material.trials["dev"], None)
        found = [mtwv(*curves(material.trials["dev"], of_layer)) for of_layer in dev]
        layer = int(np.argmax(found))
        (test,) = distances(arm, material.test, material.trials["test"], layer, by=material.dev)
        miss_QK, alarm_QK = curves(material.trials["test"], test)
        figure = bootstrapped(self.metrics[0], lambda weight_Q: mtwv(miss_QK, alarm_QK, weight_Q), len(miss_QK))
        return Outcome((figure,), {"layer": layer, "dev": [round(value, 4) for value in found]}, chance=0.0)

    def labels(self, material: Material) -> int:
        return 0


def quesst(root: Path) -> Material:
    """QUESST 2014 in its official layout, its English part, as the benchmark takes it. Raises UserError for what its lists name and is not
    there."""
    faults: list[str] = []

    def listed(name: str) -> tuple[Utterance, ...]:
        rows = [line.split() for line in read_lines(root / "scoring" / f"language_key_{name}.lst") if line]
        files = [root / row[0].partition("/")[2] for row in rows if row[1:] == [ENGLISH]]
        faults.extend(f"{file.relative_to(root)} is not there" for file in files if not file.is_file())
        return tuple(from_file(file, root, file.stem, "") for file in files)

    searched = listed("utterances")
    parts: dict[str, tuple[Utterance, ...]] = {}
    trials: dict[str, tuple[Trial, ...]] = {}
    for part, name in (("dev", "dev"), ("test", "eval")):
        queries, truth = listed(name), root / "scoring" / f"groundtruth_quesst14_{name}" / f"quesst14_{name}.rttm"
        held = {found.groups() for line in read_lines(truth) if (found := LEXEME.match(line))}
        trials[part] = tuple(Trial(query.id, each.id, (each.target, query.target) in held) for query in queries for each in searched)
        parts[part] = (*queries, *searched)
        if not any(trial.match for trial in trials[part]):
            faults.append(f"{truth.name} names no match")
    if faults:
        raise all_faults(faults, where=str(root), way_out="get QUESST 2014 again, in its official layout")
    return Material("QUESST 2014", True, (), parts["dev"], parts["test"], trials)


def pairs_in_strings(data: DataFolder, seed: int) -> Material | None:
    """Two digits said one after the other, and strings of digits by others of the same part. Nothing is learnt, so that whoever is not
    tested on is chosen by."""
    strings = digit_strings(data)
    if not strings:
        return None
    sides = parted(strings, lambda each: each.speaker, seed)
    clips = {(clip.speaker, DIGITS[int(clip.label)]): clip for clip in data.small_set("fsdd")}
    parts: dict[str, tuple[Utterance, ...]] = {"train": ()}
    trials: dict[str, tuple[Trial, ...]] = {}
    for part, searched in (("dev", (*sides["train"], *sides["dev"])), ("test", sides["test"])):
        queries: list[Utterance] = []
        recordings: list[Utterance] = []
        for speaker in sorted({each.speaker for each in searched}):
            recordings += [each for each in searched if each.speaker == speaker][: STRINGS[part]]
            draw = draw_for("queries", speaker)
            known = [digit for digit in DIGITS if (speaker, digit) in clips]
            for i in range(QUERIES[part]):
                asked = tuple(known[k] for k in draw.integers(0, len(known), 2))
                queries.append(joined(f"queries/{speaker}/{i}", [clips[speaker, digit] for digit in asked], asked))
        trials[part] = tuple(
            Trial(query.id, each.id, query.target in zip(each.target, each.target[1:], strict=False))
            for query in queries
            for each in recordings
            if each.speaker != query.speaker
        )
        if not any(trial.match for trial in trials[part]):
            what = f"of the speakers that are {'tested on' if part == 'test' else 'chosen by'} none says a pair of digits that another says"
            raise UserError(what, where="fsdd", way_out="give six speakers or more, with several clips of each digit")
        parts[part] = (*queries, *recordings)
    return stand_in("pairs of digits in digit strings", parts, trials)


def distances(
    arm: Arm, utterances: Sequence[Utterance], trials: Sequence[Trial], layer: int | None, by: Sequence[Utterance] | None = None
) -> list[Array]:
    """How far each trial's query is from the nearest piece of its recording, in each layer or in one. by: whose mean and spread states are
    brought to 0 and 1 with; the utterances' own by default."""
    states = dict(zip([each.id for each in utterances], arm.layers(utterances), strict=True))
    mean_LD, spread_LD = moments(list(states.values()) if by is None else arm.layers(by))
    asked: dict[str, list[int]] = {}
    for i, trial in enumerate(trials):
        asked.setdefault(trial.first, []).append(i)
    alike: dict[tuple[str, ...], list[str]] = {}
    for query, places in asked.items():
        alike.setdefault(tuple(trials[i].second for i in places), []).append(query)
    found = []
    for k in range(len(mean_LD)) if layer is None else [layer]:
        unit = {name: F.normalize((each[:, k].float() - mean_LD[k]) / spread_LD[k], dim=1) for name, each in states.items()}
        far_N = np.empty(len(trials))
        for names, queries in alike.items():
            rows = list(end_to_end([unit[name] for name in names]))
            for query in queries:
                must_go_on()
                far_N[asked[query]] = np.concatenate([nearest(unit[query], row) for row in rows])
        found.append(far_N)
    return found


@dataclass(frozen=True, eq=False)
class Row:
    """Recordings one behind the other. states_FD: GAP frames of nothing follow each. begins_R: of each recording. gaps: places of what is
    nothing."""

    states: Tensor
    begins: Array
    gaps: Array


def end_to_end(recordings: Sequence[Tensor]) -> Iterator[Row]:
    """In rows of some ROW_FRAMES, which stay near a core. recordings: states_TD, each frame of length 1."""
    after = recordings[0].new_zeros(GAP, recordings[0].shape[1])
    ends = np.cumsum([len(each) for each in recordings])
    of_row = ends // ROW_FRAMES
    for number in np.unique(of_row):
        some = [each for each, own in zip(recordings, of_row, strict=True) if own == number]
        lengths_R = np.array(list(map(len, some)))
        ends_R = np.cumsum(lengths_R + GAP) - GAP
        states_FD = torch.cat([each for one in some for each in (one, after)])
        yield Row(states_FD, ends_R - lengths_R, np.concatenate([ends_R + i for i in range(GAP)]))


def nearest(query_TD: Tensor, row: Row) -> Array:
    """The mean cosine distance along the best path of the query through each recording, (R,), that may begin and end anywhere.

    With each frame of the query the recording goes on by none, one or two frames, so that every path has T steps (the asymmetric pattern of
    Sakoe and Chiba 1978). A path takes no frame from beside the recording.
    """
    cost_TF = (1 - query_TD @ row.states.T).numpy()
    cost_TF[:, row.gaps] = np.inf
    path_F = cost_TF[0]
    for cost_F in cost_TF[1:]:
        before = path_F.copy()
        np.minimum(before[1:], path_F[:-1], out=before[1:])
        np.minimum(before[2:], path_F[:-2], out=before[2:])
        path_F = before + cost_F
    found: Array = np.minimum.reduceat(path_F, row.begins) / len(query_TD)
    return found


def curves(trials: Sequence[Trial], far: Array) -> tuple[Array, Array]:
    """miss_QK and alarm_QK: of each query that something holds, the share of its matches that a threshold misses, and of the others that it
    takes. A query's distances are brought to mean 0 and deviation 1 before, as thresholds are for all queries alike."""
    names = np.array([trial.first for trial in trials])
    match = np.array([trial.match for trial in trials])
    near = np.empty(len(trials))
    for name in set(names.tolist()):
        own = far[names == name]
        near[names == name] = -(own - own.mean()) / max(own.std(), 1e-9)
    threshold_K = np.append(np.unique(near), np.inf)
    asked = sorted(set(names[match].tolist()))

    def taken(own: Array) -> Array:
        """The share at or above each threshold."""
        return 1 - np.searchsorted(np.sort(own), threshold_K, side="left") / max(len(own), 1)

    miss = [1 - taken(near[(names == name) & match]) for name in asked]
    alarm = [taken(near[(names == name) & ~match]) if (~match[names == name]).any() else np.zeros(len(threshold_K)) for name in asked]
    return np.array(miss), np.array(alarm)


def mtwv(miss_QK: Array, alarm_QK: Array, weight_Q: Array | None = None) -> float:
    """The largest term-weighted value over all thresholds: 1 - the mean over queries of P_miss + BETA P_fa (Fiscus et al. 2007)."""
    weight_Q = np.ones(len(miss_QK)) if weight_Q is None else weight_Q
    value_K = 1 - weight_Q @ (miss_QK + BETA * alarm_QK) / weight_Q.sum()
    return float(value_K.max())
