"""What speech brings to a run: recordings to memory-mapped log-mel frames, a net over them, held-out figures beside a guess, and the
finished model.

corpus/ in the run's folder holds the frames as the net is fed with them, most to train on and some held out.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

import torch

from halfseen.contracts import Array, Sample, UserError
from halfseen.data.claim import claim
from halfseen.data.clips import clips
from halfseen.data.corpus import Batches, Lengthy, in_order
from halfseen.data.draw import KeyedDraw
from halfseen.data.faults import all_faults
from halfseen.data.files import checksums
from halfseen.data.logmel import FRAMES_PER_SECOND, LogMel
from halfseen.data.pitch import at_frames, quick_pitch_of
from halfseen.data.sound import fitted, rate_of, read_sound, trimmed
from halfseen.data.speech_corpus import Heard, SpeechCorpus, files_of, open_speech, sound_rows, write_speech
from halfseen.hub.arrays import SPEECH, save_model
from halfseen.methods import METHODS, make
from halfseen.methods.hubert import Hubert
from halfseen.methods.speech import SpeechMethod, Telling
from halfseen.methods.speech_recipes import HubertRecipe, SpeechRecipe
from halfseen.train.budget import choose_bfloat16
from halfseen.train.card import speech_card
from halfseen.train.clusters import file_of, open_clusters
from halfseen.train.loop import evaluate, weights_of
from halfseen.train.modality import CHECKPOINTS, CORPUS, PREPARING, Opened, Prepared
from halfseen.train.options import SpeechOptions
from halfseen.train.progress import note
from halfseen.train.ranks import from_main
from halfseen.train.recipe_file import revive
from halfseen.train.rounds import Rounds, first_clusters

FULL_RATE, TELEPHONE_RATE = 16_000, 8_000
FULL_BANDS, FEWER_BANDS = 80, 40
HELDOUT_BATCH = 8000
"""Frames that are judged at once."""


class SpeechModality:
    unit = "frames"

    def settle(self, options: SpeechOptions, recipe: SpeechRecipe) -> tuple[SpeechOptions, list[str]]:
        return replace(options, batch_frames=options.batch_frames or recipe.batch), options.faults()

    def prepare(self, name: str, options: SpeechOptions, recipe: SpeechRecipe, asked: Mapping[str, float], started: float) -> Prepared:
        facts = from_main(lambda: gather(options, recipe))
        folder, frames = options.out / CORPUS, options.batch_frames or recipe.batch
        corpus = open_speech(folder)
        shape = recipe.shape(rate=facts["rate"])
        pieces: Lengthy = corpus.train
        written = files_of(recipe.sounds)
        if isinstance(recipe, HubertRecipe):
            from_main(lambda: first_clusters(folder, corpus, recipe, options.seed))
            pieces = open_clusters(folder, 0, corpus, recipe.net.stack)[0]
            written += (file_of(0),)

        def fresh() -> SpeechMethod:
            made: SpeechMethod = make(name, recipe, shape, corpus.tally.bands)
            made.initialise(options.seed)
            return made

        return Prepared(
            method=fresh(),
            fresh=fresh,
            batches=Batches(pieces, tokens=frames, seed=options.seed, extra=0),
            batch=frames,
            bfloat16=from_main(lambda: choose_bfloat16(options.precision)),
            facts={"net": asdict(shape), "data": facts, "corpus": checksums(folder, written)},
            decided=[
                f"net: {shape.layers} layers x {shape.width}; {corpus.tally.bands} bands of the mel scale at {facts['rate']:,} Hz",
                f"batches: {frames:,} frames, {frames / FRAMES_PER_SECOND:.0f} s",
            ],
        )

    def open(self, folder: Path, facts: Mapping[str, Any]) -> Opened:
        corpus = open_speech(folder / CORPUS)
        recipe: SpeechRecipe = revive(METHODS[facts["method"]][1], facts["recipe"])  # type: ignore[assignment]
        shape = revive(recipe.shape_kind, facts["net"])
        method: SpeechMethod = make(facts["method"], recipe, shape, corpus.tally.bands)
        length = round(float(corpus.train.lengths.mean()))
        fed: Material = material(folder / CORPUS, corpus, method, recipe, facts)

        def judge() -> dict[str, float]:
            return {f"heldout_{name}": value for name, value in fed.judge().items()}

        def keep(summary: dict[str, Any]) -> None:
            intake = LogMel(facts["data"]["rate"], corpus.tally.bands, tuple(corpus.tally.mean), tuple(corpus.tally.spread))
            save_model(
                folder,
                kind=SPEECH,
                method=facts["method"],
                recipe=recipe,
                shape=shape,
                intake=intake,
                tensors=weights_of(method),
                card=speech_card(facts, summary),
            )

        return Opened(
            method=method,
            batches=fed,
            judge=judge,
            baseline=fed.baseline,
            flops=lambda frames, scored: method.flops(frames, length),
            net={"layers": shape.layers, "width": shape.width},
            keep=keep,
        )


class Material(Protocol):
    """What is learnt from. Called: a step to its samples. judge: held-out figures. baseline: what stands beside the last of them."""

    @property
    def baseline(self) -> Mapping[str, float]: ...

    def __call__(self, step: int) -> tuple[int, Sequence[Sample]]: ...

    def judge(self) -> dict[str, float]: ...


def material(folder: Path, corpus: SpeechCorpus, method: SpeechMethod, recipe: SpeechRecipe, facts: Mapping[str, Any]) -> Material:
    budget = facts["budget"]
    given: dict[str, Any] = {"frames": budget["batch_frames"], "seed": facts["seed"], "bfloat16": budget["precision"] == "bfloat16"}
    if isinstance(recipe, HubertRecipe):
        assert isinstance(method, Hubert)
        return Rounds(folder, corpus, method, recipe, switch=max(1, round(recipe.first * budget["steps"])), **given)
    assert isinstance(method, Telling)
    return Told(corpus, method, **given)


class Told:
    """Frames to be told, and the error of a guess."""

    def __init__(self, corpus: SpeechCorpus, method: Telling, *, frames: int, seed: int, bfloat16: bool) -> None:
        self.batches = Batches(corpus.train, tokens=frames, seed=seed, extra=0)
        self.heldout = list(in_order(corpus.heldout, tokens=HELDOUT_BATCH))
        self.method, self.bfloat16, self.baseline = method, bfloat16, guessed(corpus, method)

    def __call__(self, step: int) -> tuple[int, Sequence[Sample]]:
        return self.batches(step)

    def judge(self) -> dict[str, float]:
        found = evaluate(self.method, self.heldout, self.method.split, bfloat16=self.bfloat16)
        return {name: value for name, value in found.items() if name != "n"}


def gather(options: SpeechOptions, recipe: SpeechRecipe) -> dict[str, Any]:
    """Claims the folder and leaves the frames in it; what is known of them."""
    claim(options.out, left_by=PREPARING)
    (options.out / PREPARING).touch()
    for half_done in (CORPUS, CHECKPOINTS):
        shutil.rmtree(options.out / half_done, ignore_errors=True)
    rate = options.rate or fitting_rate(options.paths)
    if faults := recipe.shape(rate=rate).faults():
        raise UserError("; ".join(faults), way_out="see `halfseen pretrain --help`")
    frames = LogMel(rate, options.bands or (FULL_BANDS if rate >= FULL_RATE else FEWER_BANDS))
    bad: list[UserError] = []
    corpus = write_speech(options.out / CORPUS, recordings(options, frames, bad, sounds=recipe.sounds), longest=recipe.piece)
    if bad:
        if not options.skip_bad:
            told = [f"{fault.where}: {fault.what}" for fault in bad]
            raise all_faults(told, where=", ".join(options.paths), way_out="get these files again, or leave them out with --skip-bad")
        for fault in bad:
            note(f"left out: {fault.where}: {fault.what}")
    tally = corpus.tally
    seconds = (tally.frames + tally.heldout_frames) / FRAMES_PER_SECOND
    note(f"{tally.recordings:,} recordings, {seconds / 60:.1f} minutes; {tally.heldout_frames / FRAMES_PER_SECOND:.0f} s held out")
    counts = {"recordings": tally.recordings, "duplicates": tally.duplicates, "left_out": len(bad), "seconds": seconds}
    return {"paths": list(options.paths), "rate": rate, "bands": tally.bands, "heldout_frames": tally.heldout_frames, **counts}


def fitting_rate(paths: Sequence[str]) -> int:
    """What telephones sound like needs no more than their rate."""
    first = next((rate for clip in clips(paths) if (rate := rate_of(clip.content)) is not None), FULL_RATE)
    return FULL_RATE if first >= FULL_RATE else TELEPHONE_RATE


def recordings(options: SpeechOptions, frames: LogMel, bad: list[UserError], *, sounds: bool) -> Iterator[Heard]:
    """Each as it is read, with its samples and pitch if these are asked for; what cannot be read is noted in `bad`."""
    for clip in clips(options.paths):
        try:
            x_N = read_sound(clip.content, clip.id, frames.rate)
        except UserError as fault:
            bad.append(fault)
            continue
        x_N = trimmed(x_N, frames.rate) if options.trim else x_N
        yield with_sound(x_N, frames) if sounds else Heard(frames(x_N))


def with_sound(x_N: Array, frames: LogMel) -> Heard:
    frames_TF, hop = frames(x_N), frames.rate // FRAMES_PER_SECOND
    count = len(frames_TF)
    samples_TH = fitted(x_N, count * hop).reshape(count, hop)
    return Heard(frames_TF, sound_rows(samples_TH, at_frames(quick_pitch_of(x_N, frames.rate), count)))


@torch.no_grad()
def guessed(corpus: SpeechCorpus, method: Telling) -> dict[str, float]:
    """What stands beside held-out figures: the error of a guess that needs no learning."""
    off, count = 0.0, 0.0
    for samples in in_order(corpus.heldout, tokens=HELDOUT_BATCH):
        split = method.split(samples, KeyedDraw(0, 0, samples))
        loss = method.guessed(split)
        off, count = off + float(loss.per_item.double().sum()), count + float(loss.weight.sum())
    return {"guess_loss": off / count, "n": count}
