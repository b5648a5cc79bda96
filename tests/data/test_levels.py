"""Images in 256 levels, and how near one is to another."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from halfseen.data.levels import levels, png, psnr


def test_psnr() -> None:
    black = np.zeros((3, 4, 4), np.uint8)
    assert psnr(black, black, white=255) == 100
    assert psnr(black, black + np.uint8(255), white=255) == pytest.approx(0)
    assert psnr(black, black + np.uint8(1), white=255) == pytest.approx(20 * math.log10(255))
    one, other = np.random.default_rng(0).random((2, 5, 6))
    assert psnr(one, other, white=1.0) == pytest.approx(peak_signal_noise_ratio(one, other, data_range=1))
    assert psnr(one, one + 1e-9, white=1.0) == 100


def test_levels_are_the_nearest() -> None:
    assert levels(np.array([0.0, 0.49 / 255, 0.51 / 255, 1.0])).tolist() == [0, 0, 1, 255]


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_png(channels: int, mode: str) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (5, 7, channels)).astype(np.uint8)
    opened = Image.open(io.BytesIO(png(pixels)))
    assert opened.mode == mode
    assert np.array_equal(np.asarray(opened).reshape(5, 7, channels), pixels)
