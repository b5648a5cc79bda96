"""What is compared: frozen states of recordings, from a model or from no model at all, computed once and kept on disk.

Shapes: T frames, L layers of width D; B bands.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Lock

import numpy as np
import torch
from torch import Tensor

from halfseen.contracts import Array, Sample, UserError
from halfseen.data.logmel import FRAMES_PER_SECOND, LogMel
from halfseen.data.speech_batch import Frames
from halfseen.methods.speech import SpeechMethod
from halfseen.methods.speech_recipes import SpeechRecipe
from halfseen.suites.speech_tasks.contract import Utterance
from halfseen.train.lanes import must_go_on, side_by_side

PIECE = SpeechRecipe.piece
BATCH_FRAMES = 8000
READ_FRAMES = 50_000
"""Frames that a lane has in memory before they become states."""
TOGETHER = 64
"""Recordings that a lane hears before it takes others."""
REACH = 2
"""Frames on either side that a difference is taken over, as Kaldi takes it."""

States = Callable[[Sequence[Array]], list[Array]]
"""Raw log-mel frames_TB of recordings to their states_TLD."""


class Arm:
    """name: what the tables call it. frames: how sound becomes log-mel frames. folder: a place of its own for what is computed. Several
    threads may ask at once."""

    frames_per_second = FRAMES_PER_SECOND

    def __init__(self, name: str, frames: LogMel, states: States, folder: Path) -> None:
        self.name, self.frames, self._states, self._folder = name, frames, states, folder
        self._kept: dict[str, Tensor] = {}
        self._one_at_a_time = Lock()

    def layers(self, utterances: Sequence[Utterance]) -> list[Tensor]:
        """states_TLD of each, float16, memory-mapped. Raises UserError for what cannot be heard."""
        with self._one_at_a_time:
            missing = list({each.id: each for each in utterances if each.id not in self._kept}.values())
            for heard in side_by_side(self._heard, [missing[at : at + TOGETHER] for at in range(0, len(missing), TOGETHER)]):
                self._kept |= heard
        return [self._kept[each.id] for each in utterances]

    def _heard(self, utterances: Sequence[Utterance]) -> dict[str, Tensor]:
        """The states of each by its id, in a file of their own."""
        sizes: list[tuple[int, ...]] = []
        raw: list[Array] = []
        with NamedTemporaryFile(dir=self._folder, suffix=".bin", delete=False) as file:
            for at, each in enumerate(utterances, 1):
                must_go_on()
                frames_TB = self.frames.raw(each.sound(self.frames.rate))
                if not len(frames_TB):
                    what = f"shorter than a frame of {1000 // self.frames_per_second} ms"
                    raise UserError(what, where=each.id, way_out="remove it, or give more of it")
                raw.append(frames_TB)
                if sum(map(len, raw)) >= READ_FRAMES or at == len(utterances):
                    for states_TLD in self._states(raw):
                        file.write(np.ascontiguousarray(states_TLD, np.float16).tobytes())
                        sizes.append(states_TLD.shape)
                    raw = []
        whole = torch.from_numpy(np.memmap(file.name, np.float16, mode="c"))
        parts = torch.split(whole, [math.prod(size) for size in sizes])
        return {each.id: part.view(size) for each, part, size in zip(utterances, parts, sizes, strict=True)}


def fbank(frames_TB: Array) -> Array:
    """Log-mel frames with their first and second differences, as one layer: (T, 1, 3 B)."""
    first_TB = differences(frames_TB)
    return np.concatenate([frames_TB, first_TB, differences(first_TB)], 1)[:, None]


def normalised_fbank(frames_TB: Array) -> Array:
    """The same, each number less its mean in the recording and divided by its spread there, as the benchmark's own FBANK is: of frames that
    are pooled by their mean nothing is left."""
    x_TLD = fbank(frames_TB)
    normalised: Array = (x_TLD - x_TLD.mean(0)) / np.maximum(x_TLD.std(0), 1e-5)
    return normalised


def differences(x_TB: Array) -> Array:
    """The slope of the straight line through each frame and REACH on either side; the ends go on as they are."""
    padded = np.pad(x_TB, ((REACH, REACH), (0, 0)), mode="edge")
    steps = range(1, REACH + 1)
    ahead = sum(n * (padded[REACH + n : len(x_TB) + REACH + n] - padded[REACH - n : len(x_TB) + REACH - n]) for n in steps)
    found: Array = ahead / (2 * sum(n * n for n in steps))
    return found


@torch.no_grad()
def model_states(method: SpeechMethod, frames: LogMel, raw: Sequence[Array], *, bfloat16: bool = False) -> list[Array]:
    """What goes into the first layer and what each gives, of recordings brought to the model's mean and spread; what is longer than
    training's pieces is heard in such pieces. bfloat16: products run in that."""
    pieces = [
        Sample(f"{i}:{at}", frames.standard(frames_TB[at : at + PIECE]))
        for i, frames_TB in enumerate(raw)
        for at in range(0, len(frames_TB), PIECE)
    ]
    found: dict[str, Array] = {}
    batch: list[Sample] = []
    for at, piece in enumerate(sorted(pieces, key=lambda piece: len(piece.x)), 1):
        must_go_on()
        batch.append(piece)
        if sum(len(each.x) for each in batch) >= BATCH_FRAMES or at == len(pieces):
            seen = Frames.of(batch)
            with torch.autocast(seen.x.device.type, torch.bfloat16, enabled=bfloat16):
                layers = method.layers(seen)
            layers_NLD = torch.stack([layer.half() for layer in layers], 1)
            found |= {each.id: states.numpy() for each, states in zip(batch, torch.split(layers_NLD, seen.lengths.tolist()), strict=True)}
            batch = []
    return [np.concatenate([found[f"{i}:{at}"] for at in range(0, len(frames_TB), PIECE)]) for i, frames_TB in enumerate(raw)]
