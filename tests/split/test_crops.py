"""Windows that a codec learns from."""

from __future__ import annotations

import numpy as np
import torch

from halfseen.contracts import Sample
from halfseen.data.draw import KeyedDraw
from halfseen.split.crops import Crops


def samples(count: int, channels: int = 3) -> list[Sample]:
    levels = np.arange(channels * 64 * 48).reshape(channels, 64, 48) % 251
    return [Sample(f"p:{i}", levels.astype(np.uint8)) for i in range(count)]


def test_a_window_is_part_of_the_image_perhaps_mirrored_or_turned() -> None:
    batch = [Sample(f"p:{i}", samples(1)[0].x[:, :48]) for i in range(40)]
    split = Crops(16, 10.0, 140.0)(batch, KeyedDraw(0, 0, batch))
    assert split.seen.x.shape == (40, 3, 32, 32)
    assert split.target is split.seen.x
    image, seen = batch[0].x, set()
    for window in split.seen.x.numpy():
        ways = {
            (turned, down, across): (window.swapaxes(1, 2) if turned else window)[:, ::down, ::across]
            for turned in (False, True)
            for down in (1, -1)
            for across in (1, -1)
        }
        found = [
            (way, top, left)
            for way, made in ways.items()
            for top in range(17)
            for left in range(17)
            if np.array_equal(made, image[:, top : top + 32, left : left + 32])
        ]
        assert found
        seen.add(found[0])
    assert len({way for way, _, _ in seen}) == 8
    assert len({(top, left) for _, top, left in seen}) > 20


def test_steps_are_spread_evenly_in_their_logarithm_and_windows_are_multiples_of_the_unit() -> None:
    batch = samples(400)
    split = Crops(16, 10.0, 160.0)(batch, KeyedDraw(3, 0, batch))
    assert split.seen.x.shape[2:] == (48, 32)
    logs = torch.log2(split.seen.step / 10)
    assert 0 <= float(logs.min()) < 0.1
    assert 3.9 < float(logs.max()) <= 4
    assert abs(float(logs.mean()) - 2) < 0.2


def test_grey_images_are_seen_in_three_channels() -> None:
    batch = samples(2, channels=1)
    split = Crops(16, 10.0, 140.0)(batch, KeyedDraw(0, 0, batch))
    assert split.seen.x.shape[1] == 3
    assert torch.equal(split.seen.x[:, 0], split.seen.x[:, 2])
