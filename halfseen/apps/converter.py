"""What somebody says in another's voice, by either of two roads: two codes put together, or the nearest frames of the other's recordings.

Shapes: N samples; T frames of F bands, as `LogMel.raw` gives them; R frames of the target's; D numbers of a hidden state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch.nn import functional as F

from halfseen.apps.vocoder import Source, Vocoder
from halfseen.contracts import Array, Sample
from halfseen.data.logmel import LogMel
from halfseen.data.pitch import Pitch, pitch_of
from halfseen.data.speech_batch import Frames
from halfseen.methods.disentangle import Disentangle
from halfseen.methods.speech import SpeechMethod
from halfseen.nets.speech import mean_over_frames

PITCH_SECONDS = 20
"""Of a target's recordings its pitch is found in no more: it takes the longest of all, and mean and spread do not change any more."""
NEAREST = 4
"""Frames of the target's that stand for one of the source's (arXiv:2305.18975, section 3)."""
AROUND = 3
"""Frames to either side that are compared, too: what is alike for a moment alone is often another sound."""
SMOOTH = 3.5
"""Frames: the standard deviation of the Gaussian that smooths the ways. Chosen on three speakers of fsdd and seven of EmoDB."""
AT_ONCE = 2**24
"""Pairs of frames that are compared at once: a target may be an hour long."""
FLAT = 0.1
"""Added to a band's spread."""


@dataclass(frozen=True)
class Voice:
    """A target: raw frames of each recording, and its pitch if it is ever voiced."""

    frames: tuple[Array, ...]
    pitch: Pitch | None


def voice_of(sounds: Sequence[Array], heard: LogMel) -> Voice:
    """Of recordings x_N at the model's rate; the pitch of the first that make PITCH_SECONDS."""
    before = np.cumsum([0, *map(len, sounds)])
    hertz = np.concatenate([pitch_of(x_N, heard.rate) for x_N, at in zip(sounds, before, strict=False) if at < PITCH_SECONDS * heard.rate])
    return Voice(tuple(heard.raw(x_N) for x_N in sounds), Pitch.of(hertz))


class Road(Protocol):
    """A way from a source's raw_TF to the same said by a voice."""

    name: str
    heard: LogMel

    def __call__(self, raw_TF: Array, voice: Voice) -> Array: ...


class Codes:
    """The source's content code and the target's speaker code, decoded (arXiv:1904.05742)."""

    name = "codes"

    def __init__(self, method: Disentangle, heard: LogMel) -> None:
        self.method, self.heard = method, heard

    @torch.no_grad()
    def __call__(self, raw_TF: Array, voice: Voice) -> Array:
        seen = self.seen(raw_TF)
        told_TF = self.method.net.spoken(self.method.content(seen), self.speaker(voice), seen)
        return self.heard.unstandard(told_TF.numpy())

    @torch.no_grad()
    def speaker(self, voice: Voice) -> torch.Tensor:
        """speaker_1E: the mean over recordings, by their lengths."""
        seen = self.seen(*voice.frames)
        weight_S1 = seen.lengths[:, None] / seen.lengths.sum()
        return (self.method.net.speaker(seen) * weight_S1).sum(0, keepdim=True)

    def seen(self, *raws: Array) -> Frames:
        return Frames.of([Sample(str(i), self.heard.standard(raw_TF)) for i, raw_TF in enumerate(raws)])


class Neighbours:
    """Each frame of the source is moved by its way to the mean of the target's frames nearest to it in a model's states (kNN-VC).

    Two voices are near each other where both are brought to one mean and spread before the net, and to one mean behind it. The ways are
    smoothed over time, so that a wrong neighbour moves a sound but does not replace it; on few minutes of speech that keeps more words.
    """

    name = "neighbours"

    def __init__(self, method: SpeechMethod, heard: LogMel) -> None:
        self.method, self.heard = method, heard

    def __call__(self, raw_TF: Array, voice: Voice) -> Array:
        from scipy.ndimage import gaussian_filter1d

        source_TD, target_RD = self.states([raw_TF]), self.states(voice.frames)
        way_TF = np.concatenate(voice.frames)[nearest(source_TD, target_RD)].mean(1) - raw_TF
        return np.asarray(raw_TF + gaussian_filter1d(way_TF, SMOOTH, axis=0, mode="nearest"))

    @torch.no_grad()
    def states(self, raws: Sequence[Array]) -> torch.Tensor:
        """states_ND of recordings of one voice: content codes if the model has them, else what the middle layer says."""
        every_NF = np.concatenate(raws)
        mean_F, spread_F = every_NF.mean(0), every_NF.std(0) + FLAT
        seen = Frames.of([Sample(str(i), (raw_TF - mean_F) / spread_F) for i, raw_TF in enumerate(raws)])
        if isinstance(self.method, Disentangle):
            return self.method.encode(seen).states
        net = self.method.net
        states_ND = net(seen, every_layer=True).layers[net.shape.middle].float()
        return states_ND - mean_over_frames(states_ND, seen)[seen.sample]


def nearest(source_TD: torch.Tensor, target_RD: torch.Tensor) -> Array:
    """place_TK: for each frame the NEAREST of the target's whose states, and those around them, are most alike by their cosines."""
    beyond = (0, 0, AROUND, AROUND)
    source, target = (F.pad(F.normalize(states, dim=1), beyond) for states in (source_TD, target_RD))
    count, found = len(target_RD), []
    step = max(1, AT_ONCE // count)
    for first in range(0, len(source_TD), step):
        alike = source[first : first + step + 2 * AROUND] @ target.T
        some = len(alike) - 2 * AROUND
        alike_IR = torch.as_tensor(sum(alike[i : i + some, i : i + count] for i in range(2 * AROUND + 1)))
        found.append(alike_IR.topk(min(NEAREST, count), dim=1).indices)
    return np.asarray(torch.cat(found).numpy())


def convert_sound(x_N: Array, voice: Voice, road: Road, vocoder: Vocoder) -> Array:
    """x_N, as long, in the target's voice."""
    return vocoder(road(road.heard.raw(x_N), voice), Source(x_N, road.heard.rate), voice.pitch)
