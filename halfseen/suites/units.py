"""`halfseen score units`: a voice as a few discrete units of what is said: how they are used, how they line up with phones, how few bits
they take, and what is still recognised of them.

Units are the K clusters of a layer's states, each state at the nearest cluster's; a model whose content codes are discrete brings its own
beside them. From a half of the recordings the clusters, the means of their frames, the bits and the recogniser are learnt, and the other
half is measured. Beside each model stand the log-mel frames themselves and the same net with random weights.

Shapes: R recordings; N frames of all; K units; D numbers of a state, F bands.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from halfseen.apps.vocoder import griffin_lim
from halfseen.contracts import Array, Sample, UserError
from halfseen.data.claim import claim
from halfseen.data.logmel import FRAMES_PER_SECOND, LogMel
from halfseen.data.speech_batch import Frames
from halfseen.methods.disentangle import Disentangle
from halfseen.methods.speech import SpeechMethod
from halfseen.nets.codebook import k_means, nearest
from halfseen.report.page import write_report
from halfseen.report.results import Results, ScoreRow
from halfseen.suites.alignment import aligned, lexicon
from halfseen.suites.arms import twin
from halfseen.suites.options import UnitsOptions
from halfseen.suites.speech_models import FBANK, SCRATCH, opened_alike, random_name
from halfseen.suites.voice import Recording, read
from halfseen.suites.voice_judges import WordJudge
from halfseen.tasks.resamples import resamples
from halfseen.train.progress import ProgressBar
from halfseen.train.recipe_file import command_line, versions

MOST_FRAMES = 60_000
"""Frames that clusters are learnt from, drawn at random."""
MOST_UNITS = 4096
"""Of a model's own: their pairs are counted."""
CODES = -1
"""The layer that is a `disentangle` model's content codes."""
RESYNTHESISED = 200
"""Recordings that are made sound again from their units, and recognised."""


@dataclass(frozen=True)
class Halves:
    """Recordings to learn from and to measure, and the phone of each frame."""

    learn: list[Recording]
    test: list[Recording]
    phones: list[Array]
    """Of the recordings to measure."""


@dataclass(frozen=True)
class Told:
    """The unit_T of each frame of the recordings that are learnt from, and of those that are measured. pace: frames that share one."""

    count: int
    pace: int
    learn: list[Array]
    test: list[Array]

    @property
    def bits(self) -> Array:
        """bits_R of the recordings that are measured; a unit is told once for all frames that share it."""
        learn, test = ([unit_T[:: self.pace] for unit_T in some] for some in (self.learn, self.test))
        return bits_of(learn, test, self.count)


def run(options: UnitsOptions) -> dict[str, Any]:
    """What `halfseen score units --json` prints. Raises UserError for a fault in the models or data."""
    started = time.monotonic()
    opened, heard = opened_alike(options.model)
    for name, (method, _) in opened.items():
        if (count := alphabet(method)) > MOST_UNITS:
            raise UserError(
                f"has {count:,} units of its own", where=name, way_out=f"at most {MOST_UNITS:,} are measured; take fewer levels"
            )
    if options.out is not None:
        claim(options.out)
    recordings = read(options.data, options.label, options.speaker, heard)
    halves = halved(recordings, lexicon(options.lexicon, sorted({one.word for one in recordings})), options.seed)
    tell = WordJudge([one.raw for one in halves.learn], np.array([one.word for one in halves.learn]))
    states: dict[str, Any] = {FBANK: None}
    for name, (method, own) in opened.items():
        states[name] = (method, own)
        states[control_of(name, opened)] = (twin(method, options.seed), own)
    rows: list[ScoreRow] = []
    with ProgressBar("scoring units", len(states) * len(options.units)) as bar:
        for i, (arm, model) in enumerate(states.items()):
            learn, test = (states_of(some, model, options.layer) for some in (halves.learn, halves.test))
            pace = 1 if model is None else pace_of(model[0], options.layer)
            for j, units in enumerate(options.units):
                bar.update(i * len(options.units) + j, note=f"{arm}, {units}")
                rows += score(arm, clustered(learn, test, units, pace, options.seed), halves, heard, tell)
            if model is not None and options.layer == CODES and alphabet(model[0]):
                rows += score(own_name(arm), own_units(model[0], learn, test), halves, heard, tell)
        bar.update(len(states) * len(options.units))
    right = np.mean([tell(one.raw) == one.word for one in halves.test])
    results = Results(
        scores=tuple(rows), fits=(), examples=(), seconds=time.monotonic() - started, command=command_line(),
        models=dict(zip(opened, options.model, strict=True)), data={"data": options.data, "recordings": len(recordings)},
        versions=versions(), notes=(f"Of the recordings as they are {100 * right:.1f} % are recognised.",), counted="units",
        verdict=verdict(rows, opened),
    )  # fmt: skip
    if options.out is not None:
        results.save(options.out)
        write_report(options.out)
    return {
        "scores": results.printed(),
        "notes": list(results.notes),
        "counted": "units",
        "verdict": results.verdict,
        "seconds": results.seconds,
    }


def control_of(model: str, models: Collection[str]) -> str:
    """The arm that is the same net with random weights."""
    return SCRATCH if len(models) == 1 else random_name(model)


def own_name(arm: str) -> str:
    return f"{arm}, its own units"


def verdict(rows: Sequence[ScoreRow], models: Collection[str]) -> str:
    """Those units of a model that line up best with phones, in a sentence."""
    value = {(row.arm, row.labels, row.name): row.value for row in rows}
    arms = {one: control_of(one, models) for one in models}
    arms |= {own_name(one): own_name(control) for one, control in arms.items()}
    arm, count = max(((row.arm, row.labels) for row in rows if row.arm in arms), key=lambda units: value[*units, "pnmi"])
    pnmi, bits, words = (value[arm, count, name] for name in ("pnmi", "bits_a_second", "word_recognised"))
    beside = f"with random weights: {100 * value[arms[arm], count, 'pnmi']:.0f} %"
    if (plain := value.get((FBANK, count, "pnmi"))) is not None:
        beside += f"; as many of log-mel frames: {100 * plain:.0f} %"
    told = f"{arm}: {count:,} units tell {100 * pnmi:.0f} % of what there is to know of phones ({beside})"
    return f"{told}, in {bits:,.0f} bits a second, and by them alone {100 * words:.0f} % of the words are still recognised."


def halved(recordings: Sequence[Recording], phones: dict[str, list[str]], seed: int) -> Halves:
    """By a draw; phones are aligned over all recordings, on frames whose bands have each speaker's mean and deviation 0 and 1."""
    order = np.random.default_rng(seed).permutation(len(recordings))
    by_speaker = {who: np.concatenate([one.raw for one in recordings if one.speaker == who]) for who in {one.speaker for one in recordings}}
    moments = {who: (every_NF.mean(0), every_NF.std(0) + 1e-3) for who, every_NF in by_speaker.items()}
    frames = [(one.raw - moments[one.speaker][0]) / moments[one.speaker][1] for one in recordings]
    phone_of = aligned(frames, [phones[one.word] for one in recordings])
    middle = len(order) // 2
    learn, test = ([recordings[i] for i in some] for some in (order[:middle], order[middle:]))
    return Halves(learn, test, [phone_of[i] for i in order[middle:]])


@torch.no_grad()
def states_of(recordings: Sequence[Recording], model: tuple[SpeechMethod, LogMel] | None, layer: int) -> list[torch.Tensor]:
    """states_TD of each; without a model its frames, each band brought to mean 0 and deviation 1 over all of them."""
    if model is None:
        every_NF = np.concatenate([one.raw for one in recordings])
        return [torch.from_numpy((one.raw - every_NF.mean(0)) / (every_NF.std(0) + 1e-3)).float() for one in recordings]
    method, heard = model
    found = []
    for one in recordings:
        seen = Frames.of([Sample("x", heard.standard(one.raw))])
        codes = isinstance(method, Disentangle) and layer == CODES
        found.append(method.encode(seen).states if codes else method.net(seen, every_layer=True).layers[layer].float())
    return found


def alphabet(method: SpeechMethod) -> int:
    """Units of a method's own; 0 if it has none."""
    return method.alphabet if isinstance(method, Disentangle) else 0


def pace_of(method: SpeechMethod, layer: int) -> int:
    """Frames that share a state."""
    if isinstance(method, Disentangle):
        return method.shape.pace if layer == CODES else 1
    return method.net.stack


def clustered(learn: Sequence[torch.Tensor], test: Sequence[torch.Tensor], count: int, pace: int, seed: int) -> Told:
    """Each state's cluster, of so many."""
    every_ND = torch.cat(list(learn))
    drawn = torch.randperm(len(every_ND), generator=torch.Generator().manual_seed(seed))[:MOST_FRAMES]
    entry_KD = k_means(every_ND[drawn], count)
    return Told(count, pace, *([nearest(states_TD, entry_KD).numpy() for states_TD in some] for some in (learn, test)))


def own_units(method: SpeechMethod, learn: Sequence[torch.Tensor], test: Sequence[torch.Tensor]) -> Told:
    """Discrete content codes as they are."""
    assert isinstance(method, Disentangle)
    return Told(method.alphabet, method.shape.pace, *([method.units(states_TK).numpy() for states_TK in some] for some in (learn, test)))


def score(arm: str, told: Told, halves: Halves, heard: LogMel, tell: WordJudge) -> list[ScoreRow]:
    """All figures of one arm's units."""
    joint_RKQ = joint_counts(told.test, halves.phones)
    bits_R, frames_R = told.bits, np.array([len(unit_T) for unit_T in told.test])

    def figures(weight_R: Array) -> dict[str, float]:
        joint_KQ = np.tensordot(weight_R, joint_RKQ, 1)
        bits = FRAMES_PER_SECOND * float(weight_R @ bits_R) / float(weight_R @ frames_R)
        return agreement(joint_KQ) | {"units_used_alike": perplexity(joint_KQ.sum(1)), "bits_a_second": bits}

    recordings = len(told.test)
    values = figures(np.ones(recordings))
    drawn_again = [figures(weight_R) for weight_R in resamples(recordings)]
    errors = {name: float(np.std([one[name] for one in drawn_again], ddof=1)) for name in values}
    mean_KF = unit_means(np.concatenate(told.learn), np.concatenate([one.raw for one in halves.learn]), told.count)
    some = list(zip(halves.test, told.test, strict=True))[:RESYNTHESISED]
    right = [tell(heard.raw(griffin_lim(mean_KF[unit_T], heard, len(one.x)))) == one.word for one, unit_T in some]
    values["word_recognised"] = float(np.mean(right))
    errors["word_recognised"] = float(np.std(right) / np.sqrt(len(right)))
    return [
        ScoreRow(
            task="units", arm=arm, name=name, value=value, n=len(right) if name == "word_recognised" else recordings, seeds=1,
            labels=told.count, stderr=errors[name], unit={"units_used_alike": "units", "bits_a_second": "bits/s"}.get(name, ""),
            higher_is_better=name != "bits_a_second", main=name == "pnmi",
        )
        for name, value in values.items()
    ]  # fmt: skip


def joint_counts(unit_of: Sequence[Array], phone_of: Sequence[Array]) -> Array:
    """joint_RKQ: how many frames of each recording have each unit and phone, of those that occur."""
    used, names = np.unique(np.concatenate(unit_of)), np.unique(np.concatenate(phone_of))
    joint_RKQ = np.zeros((len(unit_of), len(used), len(names)))
    for i, (unit_T, phone_T) in enumerate(zip(unit_of, phone_of, strict=True)):
        np.add.at(joint_RKQ[i], (np.searchsorted(used, unit_T), np.searchsorted(names, phone_T)), 1)
    return joint_RKQ


def agreement(joint_KQ: Array) -> dict[str, float]:
    """Of units and phones, from how many frames have both (HuBERT, arXiv:2106.07447): phone purity, the share of frames whose
    phone is the commonest of their unit; cluster purity, the share whose unit is the commonest of their phone; PNMI, the share of the
    phones' entropy that the units take away."""
    share_KQ = joint_KQ / joint_KQ.sum()
    unit_K, phone_Q = share_KQ.sum(1), share_KQ.sum(0)
    shared = entropy(unit_K) + entropy(phone_Q) - entropy(share_KQ.ravel())
    return {"pnmi": shared / entropy(phone_Q), "phone_purity": float(share_KQ.max(1).sum()), "cluster_purity": float(share_KQ.max(0).sum())}


def entropy(share: Array) -> float:
    """In bits."""
    some = share[share > 0]
    return float(-(some * np.log2(some)).sum())


def perplexity(count_K: Array) -> float:
    """So many units, used alike, would be as uncertain."""
    return float(2 ** entropy(count_K / count_K.sum()))


def bits_of(learnt: Sequence[Array], told: Sequence[Array], units: int) -> Array:
    """bits_R: what an arithmetic coder takes for a recording's units when it knows the one before each, with the pairs' counts in the
    recordings learnt from, and one more for each (Laplace). A recording begins after a unit of its own."""
    count_KK = np.full((units + 1, units), 1.0)
    for unit_T in learnt:
        np.add.at(count_KK, (np.concatenate([[units], unit_T[:-1]]), unit_T), 1)
    bits_KK = -np.log2(count_KK / count_KK.sum(1, keepdims=True))
    return np.array([bits_KK[np.concatenate([[units], unit_T[:-1]]), unit_T].sum() for unit_T in told])


def unit_means(unit_N: Array, raw_NF: Array, units: int) -> Array:
    """mean_KF of the frames of each unit; of one that is never used the mean of all."""
    total_KF = np.zeros((units, raw_NF.shape[1]))
    np.add.at(total_KF, unit_N, raw_NF)
    count_K1 = np.bincount(unit_N, minlength=units)[:, None]
    return np.asarray(np.where(count_K1 > 0, total_KF / np.maximum(count_K1, 1), raw_NF.mean(0)))
