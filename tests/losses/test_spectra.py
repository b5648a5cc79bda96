"""The distance of spectra: by hand, whatever the phases, each sample for itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import get_window

from halfseen.data.speech_batch import Frames
from halfseen.losses.spectra import FLOOR, SHARE, sizes, spectral_distance

HOP = 80
LENGTHS = (5, 1, 9)


def sounds(seed: int) -> torch.Tensor:
    return 0.1 * torch.randn(sum(LENGTHS), HOP, generator=torch.Generator().manual_seed(seed))


FRAMES = Frames(torch.zeros(sum(LENGTHS), 1), torch.tensor(LENGTHS))
ALL = torch.ones(sum(LENGTHS), 1, dtype=torch.bool)


def by_hand(told_TH: np.ndarray, target_TH: np.ndarray) -> float:
    """Of one sample, spectrum by spectrum."""
    total = 0.0
    for size, step in ((512, 80), (256, 40), (128, 20), (64, 20)):
        window = get_window("hann", size) / size * 2
        told, target = (
            np.stack([np.abs(np.fft.rfft(window * x_L[at : at + size])) for at in range(0, len(x_L) - size, step)], 1)
            for x_L in (np.pad(x_TH.flatten(), size // 2) for x_TH in (told_TH, target_TH))
        )
        off = np.abs(np.log(told + FLOOR) - np.log(target + FLOOR)).mean(0).sum() * step / HOP
        total += off + SHARE * len(told_TH) * np.linalg.norm(told - target) / np.linalg.norm(target)
    return total / 4


def test_it_is_what_the_paper_says() -> None:
    told, target = sounds(0), sounds(1)
    loss = spectral_distance(told, target, ALL, FRAMES)
    assert loss.weight.tolist() == list(LENGTHS)
    pieces = zip(*(torch.split(x, LENGTHS) for x in (told, target)), strict=True)
    np.testing.assert_allclose(loss.per_item, [by_hand(a.numpy(), b.numpy()) for a, b in pieces], rtol=1e-4)
    np.testing.assert_allclose(loss.parts["logarithms"] + SHARE * loss.parts["sizes"], loss.per_item, rtol=1e-6)


def test_phases_do_not_count_and_loudness_does() -> None:
    target = sounds(1)
    assert float(spectral_distance(-target, target, ALL, FRAMES).per_item.max()) < 1e-3
    loss = spectral_distance(2 * target, target, ALL, FRAMES)
    np.testing.assert_allclose(loss.parts["sizes"] / loss.weight, 1, atol=1e-4)
    np.testing.assert_allclose(loss.parts["logarithms"] / loss.weight, np.log(2), atol=0.01)


def test_what_is_not_scored_does_not_count() -> None:
    told, target = sounds(0).requires_grad_(), sounds(1)
    some = ALL.clone()
    some[5] = False
    loss = spectral_distance(told, target, some, FRAMES)
    assert loss.weight.tolist() == [5, 0, 9]
    assert float(loss.per_item[1].detach()) == 0
    loss.per_item.sum().backward()
    assert told.grad is not None
    assert float(told.grad[5].abs().max()) == 0
    assert float(told.grad[4].abs().max()) > 0
    silent = spectral_distance(torch.zeros_like(target), torch.zeros_like(target), ALL, FRAMES)
    assert torch.isfinite(silent.per_item).all()


def test_a_wave_of_size_one_has_half_of_that_in_its_bin() -> None:
    x_L = torch.cos(2 * torch.pi * 16 * torch.arange(2560) / 256)
    found_BK = sizes(x_L, 256, 80)
    assert found_BK.shape == (129, 32)
    assert found_BK[16, 10:20].tolist() == pytest.approx([0.5] * 10, abs=1e-4)
