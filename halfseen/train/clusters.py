"""What steps of speech sound like, as clusters: found by k-means on some of the training steps, told of all, and kept beside the frames.

Shapes: P pieces, K steps of E numbers each; V clusters.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from halfseen.contracts import Array, Sample, UserError
from halfseen.data.cepstra import COEFFICIENTS, cepstra
from halfseen.data.corpus import in_order
from halfseen.data.draw import KeyedDraw
from halfseen.data.files import sync, write_json, writing
from halfseen.data.speech_batch import Frames
from halfseen.data.speech_corpus import Pieces, SpeechCorpus
from halfseen.methods.hubert import Hubert

FITTED_STEPS = 60_000
"""Steps that clusters are found on, at most."""
HALF_SURE = 100
"""Loud frames of a piece that tell half of what its voice has in common."""
SOFT, EVERY = 0.3, 10
"""Share of the frames that are pauses, or as soft; and of the pieces every so many-th tells what is usual."""
BATCH_FRAMES = 8000
AT_ONCE = 20_000
"""Steps whose distances from all centres are held at once."""
Told = Callable[[Pieces], Iterable[tuple[Array, Array]]]
"""Pieces to their places and their x_KE, some at a time: ids_P and the steps of all these laid end to end."""


def file_of(round: int) -> str:
    return f"clusters-{round + 1}.bin"


def facts_of(round: int) -> str:
    return f"clusters-{round + 1}.json"


class ClusteredPieces:
    """Pieces whose samples bring their clusters: `clusters`, one a step of `stack` frames."""

    def __init__(self, pieces: Pieces, stack: int, cluster_K: Array, starts_P: Array) -> None:
        self.pieces, self.stack, self.lengths = pieces, stack, pieces.lengths
        self._cluster, self._starts = cluster_K, starts_P

    def __len__(self) -> int:
        return len(self.pieces)

    def sample(self, i: int) -> Sample:
        made = self.pieces.sample(i)
        start = int(self._starts[self.pieces.ids[i]])
        return Sample(made.id, made.x, {"clusters": self._cluster[start : start + -(-len(made.x) // self.stack)]})


def starts_of(corpus: SpeechCorpus, stack: int) -> Array:
    """Where each piece's clusters begin in the file, and after the last how many there are."""
    steps_P = np.zeros(len(corpus.train) + len(corpus.heldout), np.int64)
    for side in (corpus.train, corpus.heldout):
        steps_P[side.ids] = -(-side.lengths // stack)
    return np.concatenate([[0], np.cumsum(steps_P)])


def cepstra_of_steps(stack: int, usual_Q: Array) -> Told:
    """Each step's mean of its frames' cepstra, less what the piece's loud frames have in the mean beside what is usual: of many frames most
    of it, as it is then the voice and the microphone, and of a single word little."""

    def told(pieces: Pieces) -> Iterator[tuple[Array, Array]]:
        for i in range(len(pieces)):
            frames_TQ = cepstra(pieces.raw(i))
            base_TQ = frames_TQ[:, :COEFFICIENTS]
            loud_NQ = loud(base_TQ)
            base_TQ -= len(loud_NQ) / (len(loud_NQ) + HALF_SURE) * (loud_NQ.mean(0) - usual_Q)
            yield pieces.ids[i : i + 1], mean_of_steps(frames_TQ, stack)

    return told


def usual_cepstrum(pieces: Pieces) -> Array:
    """usual_Q: the mean over the loud frames of some of the pieces."""
    some = range(0, len(pieces), EVERY)
    return np.asarray(loud(np.concatenate([cepstra(pieces.raw(i))[:, :COEFFICIENTS] for i in some])).mean(0))


def loud(base_TQ: Array) -> Array:
    """The frames that are not among the softest: the first coefficient is the loudness."""
    return base_TQ[base_TQ[:, 0] >= np.quantile(base_TQ[:, 0], SOFT)]


def mean_of_steps(x_TE: Array, stack: int) -> Array:
    """x_KE; the last step may have fewer frames."""
    edges = np.arange(0, len(x_TE), stack)
    return np.asarray(np.add.reduceat(x_TE, edges) / np.diff(np.append(edges, len(x_TE)))[:, None], np.float32)


def states_of_steps(method: Hubert, bfloat16: bool) -> Told:
    """What the method's middle layer says of each step."""

    @torch.no_grad()
    def told(pieces: Pieces) -> Iterator[tuple[Array, Array]]:
        for samples in in_order(pieces, tokens=BATCH_FRAMES):
            seen = Frames.of(samples).to(next(method.parameters()).device)
            with torch.autocast(seen.x.device.type, torch.bfloat16, enabled=bfloat16):
                x_KE = method.middle(seen).cpu().numpy()
            yield np.array([int(sample.id.removeprefix("piece:")) for sample in samples]), x_KE

    return told


def write_clusters(folder: Path, round: int, corpus: SpeechCorpus, told: Told, *, stack: int, count: int, seed: int) -> None:
    """Finds `count` clusters on training steps, and leaves each step's in the folder.

    Raises UserError if there are fewer training steps than clusters.
    """
    starts_P = starts_of(corpus, stack)
    chosen_KE = some_steps(corpus.train, told, stack)
    if len(chosen_KE) < count:
        raise UserError(f"{len(chosen_KE):,} steps to learn from, for {count:,} clusters", way_out="give more recordings, or ask for fewer")
    centre_VE = centres(chosen_KE, count, seed)
    cluster_K = np.zeros(starts_P[-1], np.uint16)
    for side in (corpus.train, corpus.heldout):
        for ids_P, x_KE in told(side):
            cluster_K[np.concatenate([np.arange(starts_P[i], starts_P[i + 1]) for i in ids_P])] = nearest(x_KE, centre_VE)
    write_json(folder / facts_of(round), quality(chosen_KE, centre_VE))
    with writing(folder):
        (folder / file_of(round)).write_bytes(cluster_K.tobytes())
        sync(folder / file_of(round))


def centres(x_KE: Array, count: int, seed: int) -> Array:
    """centre_VE, by k-means on some thousand steps at a time (Sculley 2010)."""
    from sklearn.cluster import MiniBatchKMeans

    found = MiniBatchKMeans(count, batch_size=5000, init_size=20 * count, n_init=1, max_iter=20, random_state=seed).fit(x_KE)
    return np.asarray(found.cluster_centers_, np.float32)


def some_steps(pieces: Pieces, told: Told, stack: int) -> Array:
    """Of all pieces' steps every n-th, so that at most FITTED_STEPS are held."""
    every = -(-int((-(-pieces.lengths // stack)).sum()) // FITTED_STEPS)
    kept, before = [], 0
    for _, x_KE in told(pieces):
        kept.append(x_KE[-before % every :: every])
        before += len(x_KE)
    return np.concatenate(kept)


def nearest(x_KE: Array, centre_VE: Array) -> Array:
    """cluster_K: the centre at the least distance."""
    half_V = 0.5 * np.square(centre_VE).sum(1)
    parts = [(x_KE[at : at + AT_ONCE] @ centre_VE.T - half_V).argmax(1) for at in range(0, len(x_KE), AT_ONCE)]
    return np.concatenate(parts).astype(np.uint16)


def quality(x_KE: Array, centre_VE: Array) -> dict[str, float]:
    """explained: the share of the steps' variance that is between clusters. perplexity: how many clusters, used alike, tell as much."""
    cluster_K = nearest(x_KE, centre_VE)
    within = np.square(x_KE - centre_VE[cluster_K]).sum()
    share_V = np.bincount(cluster_K, minlength=len(centre_VE)) / len(cluster_K)
    used_V = share_V[share_V > 0]
    total = np.square(x_KE - x_KE.mean(0)).sum()
    return {"explained": float(1 - within / total), "perplexity": float(np.exp(-(used_V * np.log(used_V)).sum()))}


def open_clusters(folder: Path, round: int, corpus: SpeechCorpus, stack: int) -> tuple[ClusteredPieces, ClusteredPieces, dict[str, float]]:
    """Training and held-out pieces with their clusters, and the clusters' quality. Raises UserError if they are missing or damaged."""
    starts_P = starts_of(corpus, stack)
    try:
        cluster_K = np.memmap(folder / file_of(round), np.uint16, mode="r", shape=(int(starts_P[-1]),))
        facts = json.loads((folder / facts_of(round)).read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"missing or damaged ({error})", where=str(folder / file_of(round)), way_out="start the run anew") from error
    train, heldout = (ClusteredPieces(side, stack, cluster_K, starts_P) for side in (corpus.train, corpus.heldout))
    return train, heldout, facts


def guesses(train: ClusteredPieces, heldout: ClusteredPieces, method: Hubert) -> dict[str, float]:
    """Of held-out hidden steps: how often the commonest cluster is right, and that of the last step seen before; and the cross-entropy, in
    nats, of always saying how common each is. Clusters are counted on the training pieces."""
    counts_V = np.bincount(
        np.concatenate([train.sample(i).meta["clusters"] for i in range(len(train))]), minlength=method.counts[method.round]
    )
    common, nats_V = counts_V.argmax(), -np.log((counts_V + 1) / (counts_V + 1).sum())
    right, last, nats, scored = 0, 0, 0.0, 0
    for samples in in_order(heldout, tokens=BATCH_FRAMES):
        split = method.split(samples, KeyedDraw(0, 0, samples))
        target_M = split.target.numpy()
        before_M = cluster_before(samples, split.seen.hidden.numpy(), method.net.stack)
        right += int((target_M == common).sum())
        last += int((target_M == np.where(before_M < 0, common, before_M)).sum())
        nats, scored = nats + float(nats_V[target_M].sum()), scored + len(target_M)
    return {"guess_accuracy": right / scored, "last_accuracy": last / scored, "guess_loss": nats / scored}


def cluster_before(samples: list[Sample], hidden_N: Array, stack: int) -> Array:
    """The cluster of the last step that is seen before each hidden one in its sample, -1 where there is none."""
    found, at = [], 0
    for sample in samples:
        hidden_K = hidden_N[at : at + len(sample.x) : stack]
        at += len(sample.x)
        seen_K = np.maximum.accumulate(np.where(hidden_K, -1, np.arange(len(hidden_K))))
        found.append(np.where(seen_K < 0, -1, sample.meta["clusters"].astype(np.int64)[seen_K])[hidden_K])
    return np.concatenate(found)
