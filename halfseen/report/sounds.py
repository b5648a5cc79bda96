"""Recordings to listen to on the page: each with a picture of its frames, both in the page itself.

Shapes: N samples; T frames of F bands.
"""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from PIL import Image

from halfseen.contracts import Array
from halfseen.data.sound import wav_bytes

HEIGHT, WIDTH_A_SECOND = 120, 300
RANGE = 9.0
"""From black to white, in the logarithm of power: 39 dB below the loudest."""


@dataclass(frozen=True)
class Sound:
    """x_N, and its raw log-mel frames_TF."""

    name: str
    x: Array
    frames: Array


def example(title: str, sounds: Sequence[Sound], rate: int) -> dict[str, Any]:
    """What belongs together, as `SOUNDS` (data/claim) holds it."""
    return {
        "title": title,
        "sounds": [
            {
                "name": one.name,
                "wav": b64encode(wav_bytes(one.x, rate)).decode(),
                "png": spectrogram(one.frames),
                "seconds": round(len(one.x) / rate, 3),
            }
            for one in sounds
        ],
    }


def spectrogram(raw_TF: Array) -> str:
    """A PNG in base 64: time goes right, bands go up, what is loud is dark."""
    level_TF = np.clip((raw_TF - (raw_TF.max() - RANGE)) / RANGE, 0, 1)
    image = Image.fromarray((255 * (1 - level_TF)).astype(np.uint8).T[::-1])
    stream = io.BytesIO()
    image.resize((max(40, round(len(raw_TF) / 100 * WIDTH_A_SECOND)), HEIGHT), Image.Resampling.BICUBIC).save(stream, "PNG")
    return b64encode(stream.getvalue()).decode()


def sounds_html(examples: Sequence[Mapping[str, Any]]) -> str:
    """A row of recordings for each example."""
    return "".join(
        f'<h3>{escape(one["title"])}</h3>\n<div class="sounds">{"".join(map(sound_html, one["sounds"]))}</div>\n' for one in examples
    )


def sound_html(sound: Mapping[str, Any]) -> str:
    name = escape(sound["name"])
    picture = f'<img alt="spectrogram of {name}" src="data:image/png;base64,{sound["png"]}">'
    player = f'<audio controls preload="none" aria-label="{name}" src="data:audio/wav;base64,{sound["wav"]}"></audio>'
    return f"<figure><figcaption>{name}, {sound['seconds']:.2f} s</figcaption>{picture}{player}</figure>"
