"""Noise of drawn strength, and hidden pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from halfseen.contracts import Sample
from halfseen.data.draw import KeyedDraw
from halfseen.split.hidden_pixels import STEP, HiddenPixels, grid, means_around
from halfseen.split.varied_noise import GREY_SHARE, VariedNoise


def images(channels: int, count: int = 400) -> list[Sample]:
    rng = np.random.default_rng(0)
    return [Sample(str(i), rng.uniform(0.2, 0.8, (channels, 6, 8)).astype(np.float32)) for i in range(count)]


@pytest.mark.parametrize("noise", ["gaussian", "mask", "salt-and-pepper"])
def test_strength_is_drawn_up_to_the_highest(noise: str) -> None:
    batch = images(1)
    found = VariedNoise(noise, 0.3)(batch, KeyedDraw(0, 0, batch))  # type: ignore[arg-type]
    off = (found.seen - found.target).numpy()
    strength = off.std(axis=(1, 2, 3)) if noise == "gaussian" else (off != 0).mean(axis=(1, 2, 3))
    assert abs(strength.mean() - 0.15) < 0.02
    assert strength.min() < 0.05
    assert strength.max() > 0.25
    assert strength.max() < 0.5
    assert found.scored.all()


def test_some_images_in_colour_are_grey_with_grey_noise() -> None:
    batch = images(3)
    found = VariedNoise("gaussian", 0.2)(batch, KeyedDraw(0, 0, batch))
    seen, target = found.seen.numpy(), found.target.numpy()
    grey = (target == target[:, :1]).all((1, 2, 3))
    assert abs(grey.mean() - GREY_SHARE) < 0.06
    assert (seen[grey] == seen[grey, :1]).all()
    assert not (seen[~grey] == seen[~grey, :1]).all((1, 2, 3)).any()
    np.testing.assert_array_equal(target[~grey], np.stack([one.x for one in batch])[~grey])
    first = int(np.flatnonzero(grey)[0])
    np.testing.assert_allclose(target[first, 0], np.einsum("chw,c->hw", batch[first].x, [0.299, 0.587, 0.114]), rtol=1e-5)


def test_hidden_pixels_are_scored_and_nothing_else() -> None:
    batch = images(3, count=300)
    found = HiddenPixels()(batch, KeyedDraw(0, 0, batch))
    assert (found.target.numpy() == np.stack([one.x for one in batch])).all()
    assert ((found.seen != found.target) <= found.scored).all(), "what is not hidden is seen as it is"
    assert (found.scored == found.scored[:, :1]).all(), "all channels of a pixel are hidden together"
    firsts = {tuple(torch.nonzero(one[0])[0].tolist()) for one in found.scored}
    assert firsts == {(row, column) for row in range(STEP) for column in range(STEP)}


def test_what_stands_in_a_hidden_pixels_place_does_not_tell_it() -> None:
    x = torch.rand(2, 3, 7, 9)
    hidden = grid((7, 9), 2, 3)
    changed = torch.where(hidden, torch.rand_like(x), x)
    torch.testing.assert_close(means_around(x)[..., hidden], means_around(changed)[..., hidden])


def test_means_around_by_hand() -> None:
    x = torch.arange(9.0).reshape(1, 1, 3, 3)
    found = means_around(x)[0, 0]
    assert found[1, 1] == pytest.approx((0.5 * (0 + 2 + 6 + 8) + 1 + 3 + 5 + 7) / 6)
    assert found[0, 0] == pytest.approx((1 + 3 + 0.5 * 4) / 2.5), "beyond the border there is nothing"
    assert float(means_around(torch.ones(1, 1, 1, 1))) == 0, "a pixel alone has nothing around"


def test_every_pixel_is_hidden_once() -> None:
    times = torch.stack([grid((10, 11), row, column) for row in range(STEP) for column in range(STEP)]).sum(0)
    assert (times == 1).all()
