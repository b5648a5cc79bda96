"""Samples to log-mel frames, as Kaldi makes them: 25 ms every 10 ms, the logarithm of energies in bands of the mel scale.

Shapes: N samples; T frames of F bands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import kaldi_native_fbank as kaldi
import numpy as np

from halfseen.contracts import Array, UserError

FRAMES_PER_SECOND = 100
SCALE = 32768.0
"""Kaldi's samples are whole numbers of 16 bits."""


@dataclass(frozen=True)
class LogMel:
    """rate: samples a second. bands: F. mean_F, spread_F: of each band over all training frames; it is brought to 0 and 1 by them, so that
    what a single voice or microphone has more of is still there."""

    rate: int
    bands: int
    mean: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()

    def __call__(self, x_N: Array) -> Array:
        """frames_TF, float32."""
        return self.standard(self.raw(x_N))

    def raw(self, x_N: Array) -> Array:
        """frames_TF before any mean and spread."""
        options = kaldi.FbankOptions()
        options.frame_opts.samp_freq = self.rate
        options.frame_opts.dither = 0.0
        options.frame_opts.snip_edges = False
        options.mel_opts.num_bins = self.bands
        bank = kaldi.OnlineFbank(options)
        bank.accept_waveform(self.rate, np.asarray(x_N, np.float32) * np.float32(SCALE))
        bank.input_finished()
        return np.array([bank.get_frame(i) for i in range(bank.num_frames_ready)], np.float32).reshape(-1, self.bands)

    def standard(self, frames_TF: Array) -> Array:
        """Raw frames brought to the mean and spread of training, if these are known."""
        return (frames_TF - np.array(self.mean, np.float32)) / np.array(self.spread, np.float32) if self.spread else frames_TF

    def unstandard(self, frames_TF: Array) -> Array:
        """And back to raw ones."""
        return frames_TF * np.array(self.spread, np.float32) + np.array(self.mean, np.float32) if self.spread else frames_TF

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any], where: str) -> LogMel:
        """Raises UserError for what `to_json` did not write."""
        try:
            made = cls(int(told["rate"]), int(told["bands"]), *(tuple(map(float, told[name])) for name in ("mean", "spread")))
            fit = made.rate > 0 and made.bands == len(made.mean) == len(made.spread) > 0
            if not fit or not np.isfinite(made.mean).all() or not all(0 < value < np.inf for value in made.spread):
                raise ValueError("rate, bands, mean and spread do not fit")
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"damaged ({error})", where=where, way_out="take the file that training wrote") from error
        return made
