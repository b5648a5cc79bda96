"""What is compared: frozen states of recordings, from a model or from no model at all, computed once and kept on disk.

Shapes: T frames, L layers of width D; B bands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from halfseen.contracts import Array, Sample, UserError
from halfseen.data.logmel import FRAMES_PER_SECOND, LogMel
from halfseen.data.speech_batch import Frames
from halfseen.methods.speech import SpeechMethod
from halfseen.methods.speech_recipes import SpeechRecipe
from halfseen.suites.speech_tasks.contract import Utterance

PIECE = SpeechRecipe.piece
BATCH_FRAMES = 8000
READ_FRAMES = 100_000
"""Frames that are in memory before they become states."""
REACH = 2
"""Frames on either side that a difference is taken over, as Kaldi takes it."""

States = Callable[[Sequence[Array]], list[Array]]
"""Raw log-mel frames_TB of recordings to their states_TLD."""


class Arm:
    """name: what the tables call it. frames: how sound becomes log-mel frames. folder: a place of its own for what is computed."""

    frames_per_second = FRAMES_PER_SECOND

    def __init__(self, name: str, frames: LogMel, states: States, folder: Path) -> None:
        self.name, self.frames, self._states, self._folder = name, frames, states, folder
        self._kept: dict[str, Array] = {}
        self._files = 0

    def layers(self, utterances: Sequence[Utterance]) -> list[Array]:
        """states_TLD of each, float16, memory-mapped. Raises UserError for what cannot be heard."""
        missing = list({each.id: each for each in utterances if each.id not in self._kept}.values())
        some: list[tuple[str, Array]] = []
        for at, each in enumerate(missing, 1):
            frames_TB = self.frames.raw(each.sound(self.frames.rate))
            if not len(frames_TB):
                what = f"shorter than a frame of {1000 // self.frames_per_second} ms"
                raise UserError(what, where=each.id, way_out="remove it, or give more of it")
            some.append((each.id, frames_TB))
            if sum(len(frames_TB) for _, frames_TB in some) >= READ_FRAMES or at == len(missing):
                self._keep([name for name, _ in some], self._states([frames_TB for _, frames_TB in some]))
                some = []
        return [self._kept[each.id] for each in utterances]

    def _keep(self, names: Sequence[str], found: Sequence[Array]) -> None:
        path = self._folder / f"{self._files}.bin"
        self._files += 1
        with path.open("wb") as stream:
            for states_TLD in found:
                stream.write(np.ascontiguousarray(states_TLD, np.float16).tobytes())
        flat = np.memmap(path, np.float16, mode="r")
        ends = np.cumsum([states_TLD.size for states_TLD in found])
        for name, states_TLD, end in zip(names, found, ends, strict=True):
            self._kept[name] = flat[end - states_TLD.size : end].reshape(states_TLD.shape)


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
        batch.append(piece)
        if sum(len(each.x) for each in batch) >= BATCH_FRAMES or at == len(pieces):
            seen = Frames.of(batch)
            with torch.autocast(seen.x.device.type, torch.bfloat16, enabled=bfloat16):
                layers = method.layers(seen)
            layers_NLD = torch.stack([layer.half() for layer in layers], 1)
            found |= {each.id: states.numpy() for each, states in zip(batch, torch.split(layers_NLD, seen.lengths.tolist()), strict=True)}
            batch = []
    return [np.concatenate([found[f"{i}:{at}"] for at in range(0, len(frames_TB), PIECE)]) for i, frames_TB in enumerate(raw)]
