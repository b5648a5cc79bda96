"""Frames of speech a second of HuBERT's pre-training, 4 layers x 512, steps of 20 ms, batches of 8,000 frames of natural lengths, bfloat16;
log-mel frames, in seconds of sound a second.

Peer: transformers' HubertModel of this size with a layer for the clusters of hidden steps, AdamW, samples of like lengths padded to the
longest of a batch: fed with the same log-mel steps (its convolutions left out), and with waveforms through its own convolutions. Each
contender in a process of its own. Clusters are drawn: they cost the same whatever they are.

Shapes: B samples of at most T steps, F numbers each; M hidden steps.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.interleave import Contender, apart, interleave
from halfseen.contracts import Array, Sample
from halfseen.data.clips import clips
from halfseen.data.corpus import Batches
from halfseen.data.draw import KeyedDraw
from halfseen.data.logmel import LogMel
from halfseen.data.sound import read_sound, trimmed
from halfseen.data.tokens import lay_rows, order_for_rows
from halfseen.methods.hubert import Hubert
from halfseen.methods.speech_recipes import HidingSize, HubertRecipe
from halfseen.nets.speech import alike, row_length
from halfseen.split.spans import HideSpans
from halfseen.train.budget import gemm_peak
from halfseen.train.loop import Loop
from halfseen.train.options import OptimOptions

LAYERS, WIDTH, HEADS, STACK, FRAMES, CLUSTERS = 4, 512, 8, 2, 8000, 100
RATE, BANDS = 8000, 40
SETS = ("fsdd", "speech_commands3", "librispeech_samples8k", "emodb8k")
RECIPE = HubertRecipe(net=HidingSize(layers=LAYERS, width=WIDTH, heads=HEADS, stack=STACK), clusters=CLUSTERS)


def heard(data: Path, every: int) -> list[Array]:
    """x_N of every n-th recording of the sets that are there, without silence at the ends."""
    archives = [str(file) for name in SETS for file in sorted((data / name).glob("*.tar.xz"))]
    return [trimmed(read_sound(clip.content, clip.id, RATE), RATE) for i, clip in enumerate(clips(archives)) if i % every == 0]


class Heard:
    """Samples as a corpus has them, with clusters."""

    def __init__(self, sounds: Sequence[Array]) -> None:
        rng, frames = np.random.default_rng(0), LogMel(RATE, BANDS)
        raw = [frames(x_N) for x_N in sounds]
        whole = np.concatenate(raw)
        standard = [(x_TF - whole.mean(0)) / whole.std(0) for x_TF in raw]
        self.samples = [Sample(str(i), x, {"clusters": rng.integers(0, CLUSTERS, -(-len(x) // STACK))}) for i, x in enumerate(standard)]
        self.lengths = np.array([len(sample.x) for sample in self.samples])

    def __len__(self) -> int:
        return len(self.samples)

    def sample(self, i: int) -> Sample:
        return self.samples[i]


def timed(step: Any, frames: Sequence[int], warmup: int) -> float:
    """Frames a second of the steps after the first `warmup`. step: called with the step's number."""
    for n in range(warmup):
        step(n)
    started = time.perf_counter()
    for n in range(warmup, len(frames)):
        step(n)
    return sum(frames[warmup:]) / (time.perf_counter() - started)


def ours(data: Path, every: int, warmup: int, steps: int) -> Contender:
    """The loop and the method that `pretrain` uses."""
    corpus = Heard(heard(data, every))

    def one() -> float:
        method = Hubert(RECIPE, RECIPE.shape(rate=8000), BANDS)
        method.initialise(0)
        batches = Batches(corpus, tokens=FRAMES, seed=0, extra=0)
        optim = OptimOptions()
        loop = Loop(method, batches, method.splitter, steps=warmup + steps, optim=optim, seed=0, bfloat16=True)
        frames = [int(sum(len(sample.x) for sample in batches(n)[1])) for n in range(warmup + steps)]
        return timed(lambda n: loop.step(), frames, warmup)

    return one


class Peer(nn.Module):
    """transformers' HuBERT and a layer for the clusters. waves: with its own convolutions."""

    def __init__(self, *, waves: bool, dropout: float) -> None:
        from transformers import HubertConfig, HubertModel

        super().__init__()
        own: dict[str, Any] = {} if waves else {"conv_dim": (8,) * 6 + (STACK * BANDS,)}
        config = HubertConfig(
            hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS, intermediate_size=4 * WIDTH, apply_spec_augment=True,
            layerdrop=0.0, hidden_dropout=dropout, attention_dropout=dropout, activation_dropout=0.0, feat_proj_dropout=0.0, **own,
        )  # fmt: skip
        self.model, self.head, self.waves = HubertModel(config), nn.Linear(WIDTH, CLUSTERS), waves
        if not waves:
            self.model.feature_extractor = nn.Identity()

    def forward(self, x: Tensor, valid_BT: Tensor, hidden_BT: Tensor, cluster_M: Tensor) -> Tensor:
        model = self.model
        x_BTF = model.feature_extractor(x).transpose(1, 2) if self.waves else x
        steps = min(x_BTF.shape[1], valid_BT.shape[1])
        valid_BT, hidden_BT = valid_BT[:, :steps], hidden_BT[:, :steps]
        x_BTD = model.feature_projection(x_BTF[:, :steps])
        x_BTD = model._mask_hidden_states(x_BTD, mask_time_indices=hidden_BT)
        states_BTD = model.encoder(x_BTD, attention_mask=valid_BT).last_hidden_state
        states_MD = states_BTD[hidden_BT & valid_BT]
        return F.cross_entropy(self.head(states_MD).float(), cluster_M[: len(states_MD)])


def peer(data: Path, every: int, warmup: int, steps: int, waves: bool, dropout: float) -> Contender:
    sounds = heard(data, every)
    corpus = Heard(sounds)
    spans = HideSpans(RECIPE.share, RECIPE.span, 1)
    batches = alike_batches(corpus.lengths)

    def fed(chosen: Array) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        samples = [corpus.samples[i] for i in chosen]
        steps_B = np.array([-(-len(sample.x) // STACK) for sample in samples])
        hidden = np.split(spans.steps(steps_B, KeyedDraw(0, 0, samples)), np.cumsum(steps_B)[:-1])
        longest = int(steps_B.max())
        x_BTF, hidden_BT = np.zeros((len(samples), longest * STACK, BANDS), np.float32), np.zeros((len(samples), longest), bool)
        for row, (sample, hidden_T) in enumerate(zip(samples, hidden, strict=True)):
            x_BTF[row, : len(sample.x)] = sample.x
            hidden_BT[row, : len(hidden_T)] = hidden_T
        valid_BT = np.arange(longest) < steps_B[:, None]
        x = torch.from_numpy(x_BTF).view(len(samples), longest, -1)
        if waves:  # 320 samples a step, as its convolutions take them; 160 would be theirs at 8,000 a second
            x = torch.zeros(len(samples), (longest + 1) * 320)
            for row, i in enumerate(chosen):
                some = torch.from_numpy(np.repeat(sounds[i], 2)[: x.shape[1]])  # as long as at 16,000 samples a second
                x[row, : len(some)] = some
        return x, torch.from_numpy(valid_BT), torch.from_numpy(hidden_BT), torch.randint(0, CLUSTERS, (int(hidden_BT.sum()),))

    def one() -> float:
        torch.manual_seed(0)
        model = Peer(waves=waves, dropout=dropout).train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
        order = np.random.default_rng(0).permutation(len(batches))

        def step(n: int) -> None:
            with torch.autocast("cpu", torch.bfloat16):
                loss = model(*fed(batches[order[n % len(order)]]))
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()

        frames = [int(corpus.lengths[batches[order[n % len(order)]]].sum()) for n in range(warmup + steps)]
        return timed(step, frames, warmup)

    return one


def alike_batches(lengths: Array) -> list[Array]:
    """Samples of like lengths, about FRAMES frames a batch: padding costs the peer little."""
    order = np.argsort(lengths, kind="stable")
    edges = np.searchsorted(np.cumsum(lengths[order]), np.arange(FRAMES, lengths.sum(), FRAMES))
    return [batch for batch in np.split(order, edges) if len(batch)]


def logmel(data: Path, every: int) -> Contender:
    torch.set_num_threads(1)
    sounds, frames = heard(data, every), LogMel(RATE, BANDS)

    def one() -> float:
        started = time.process_time()
        for x_N in sounds:
            frames(x_N)
        return sum(map(len, sounds)) / RATE / (time.process_time() - started)

    return one


def waste(corpus: Heard) -> dict[str, dict[str, float]]:
    """Of the batches of an epoch: the share of attention's places that hold no step, and the scores for each step. Rows of like lengths are
    ours; beside them rows as long as a batch's longest sample, and a row for each sample."""
    batches, steps = Batches(corpus, tokens=FRAMES, seed=0, extra=0), 0
    laid: dict[str, list[tuple[int, int]]] = {"rows of like lengths": [], "rows of the longest": [], "a row for each sample": []}
    for n in range(batches.per_epoch):
        steps_S = np.array([-(-len(sample.x) // STACK) for sample in batches(n)[1]])
        steps, longest = steps + int(steps_S.sum()), int(steps_S.max())
        for group in alike(steps_S):
            length = row_length(steps_S[group])
            laid["rows of like lengths"].append((rows_for(steps_S[group], length), length))
        laid["rows of the longest"].append((rows_for(steps_S[order_for_rows(steps_S, longest)], longest), longest))
        laid["a row for each sample"].append((len(steps_S), longest))
    places = {name: sum(rows * length for rows, length in found) for name, found in laid.items()}
    scores = {name: sum(rows * length**2 for rows, length in found) for name, found in laid.items()}
    return {name: {"empty": 1 - steps / places[name], "scores_a_step": scores[name] / steps} for name in laid}


def rows_for(steps_S: Array, length: int) -> int:
    return int(lay_rows(steps_S, length)[0][-1]) + 1


def run(data: Path, *, rounds: int, smoke: bool) -> dict[str, Any]:
    every, fixed = (40, (1, 1)) if smoke else (3, (1, 4))
    contenders = {
        "transformers, log-mel steps": apart(peer, data, every, *fixed, False, 0.1),
        "transformers, log-mel steps, no dropout": apart(peer, data, every, *fixed, False, 0.0),
        "transformers, waveforms": apart(peer, data, every, *fixed, True, 0.1),
        "halfseen": apart(ours, data, every, *fixed),
    }
    table = interleave(contenders, rounds=rounds, unit="frames/s", reference="transformers, log-mel steps")
    corpus = Heard(heard(data, every))
    made = interleave({"log-mel": apart(logmel, data, every)}, rounds=rounds, unit="s of sound/s", reference="log-mel")
    flops = Hubert(RECIPE, RECIPE.shape(rate=8000), BANDS).flops(1, round(float(corpus.lengths.mean())))
    share = max(table[-1].rates) * flops / 1e9 / gemm_peak(torch.bfloat16, 2048)
    return {"tables": {"HuBERT": table, "log-mel": made}, "best_share_of_peak": share, "rows": waste(corpus)}
