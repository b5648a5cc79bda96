"""Corruptions of rows and images, by the numbers of a draw alone."""

from __future__ import annotations

import numpy as np
import pytest

from halfseen.contracts import Sample
from halfseen.data.draw import KeyedDraw
from halfseen.split.noise import Corrupted
from halfseen.split.noise_beside import NoiseBeside


def batch(of: tuple[int, ...], count: int = 50) -> list[Sample]:
    rng = np.random.default_rng(0)
    return [Sample(str(i), rng.uniform(0.2, 0.8, of).astype(np.float32)) for i in range(count)]


def split(noise: str, amount: float, of: tuple[int, ...] = (40,)):  # type: ignore[no-untyped-def]
    samples = batch(of)
    return Corrupted(noise, amount)(samples, KeyedDraw(0, 0, samples))  # type: ignore[arg-type]


def test_without_noise_seen_is_the_target() -> None:
    found = split("none", 0.5)
    assert (found.seen == found.target).all()
    assert found.scored.all()


def test_normal_noise_has_its_deviation() -> None:
    found = split("gaussian", 0.3)
    off = (found.seen - found.target).numpy()
    assert abs(off.std() - 0.3) < 0.02
    assert abs(off.mean()) < 0.02


@pytest.mark.parametrize(("of", "extremes"), [((40,), (-3.0, 3.0)), ((1, 5, 8), (0.0, 1.0))])
def test_shares_are_hidden(of: tuple[int, ...], extremes: tuple[float, float]) -> None:
    masked = split("mask", 0.25, of)
    assert abs(float((masked.seen == 0).float().mean()) - 0.25) < 0.03
    assert (masked.seen[masked.seen != 0] == masked.target[masked.seen != 0]).all()
    salted = split("salt-and-pepper", 0.25, of)
    for extreme in extremes:
        assert abs(float((salted.seen == extreme).float().mean()) - 0.125) < 0.03
    kept = (salted.seen != extremes[0]) & (salted.seen != extremes[1])
    assert (salted.seen[kept] == salted.target[kept]).all()


def test_noise_stands_beside_the_sample() -> None:
    samples = batch((3,), count=400)
    found = NoiseBeside(5)(samples, KeyedDraw(0, 0, samples))
    assert (found.seen.x == found.target).all()
    assert found.seen.noise.shape == (400, 5)
    assert abs(float(found.seen.noise.mean())) < 0.1
    assert abs(float(found.seen.noise.std()) - 1) < 0.1
    assert len(found.seen) == 400
