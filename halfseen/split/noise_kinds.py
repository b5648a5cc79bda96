"""The kinds of noise, free of torch so that recipes can name them: what each does to numbers stands at `noise.Corrupted`."""

from __future__ import annotations

from typing import Literal, get_args

Noise = Literal["gaussian", "mask", "salt-and-pepper"]
NOISES: tuple[Noise, ...] = get_args(Noise)
