"""Views of images and rows: they keep to their bounds, are drawn for each sample alone, and patches are hidden in their number."""

from __future__ import annotations

import numpy as np
import torch

from halfseen.contracts import Sample
from halfseen.data.draw import KeyedDraw
from halfseen.methods.array_recipes import Views
from halfseen.split.patches import HIDDEN, HidePatches
from halfseen.split.views import ViewsOfImages, ViewsOfRows

STILL = Views(crop=1.0, turn=0.0, warp=0.0, light=0.0, blur=0.0, erase=0.0)


def batch(of: tuple[int, ...], count: int = 40) -> list[Sample]:
    rng = np.random.default_rng(0)
    return [Sample(str(i), rng.random(of).astype(np.float32)) for i in range(count)]


def views(how: Views, samples: list[Sample]):  # type: ignore[no-untyped-def]
    return ViewsOfImages(how)(samples, KeyedDraw(0, 0, samples)).seen


def test_a_view_that_changes_nothing_is_the_image() -> None:
    samples = batch((3, 8, 10))
    seen = views(STILL, samples)
    x = torch.from_numpy(np.stack([sample.x for sample in samples]))
    # a whole crop of a ratio other than 1 is cut at the edges: only its longer side shrinks
    assert float((seen.a - x).abs().mean()) < float((seen.a - x.flip(0)).abs().mean())


def test_views_are_drawn_for_each_sample_alone() -> None:
    samples = batch((1, 9, 12))
    whole, alone = views(Views(flip=True), samples), views(Views(flip=True), samples[5:6])
    torch.testing.assert_close(alone.a[0], whole.a[5])
    torch.testing.assert_close(alone.b[0], whole.b[5])
    assert not torch.equal(whole.a, whole.b)
    assert float(whole.a.min()) >= 0
    assert float(whole.a.max()) <= 1


def test_light_blur_and_boxes_change_what_they_say() -> None:
    grey = [Sample(str(i), np.full((1, 16, 16), 0.4, np.float32)) for i in range(400)]
    lit = views(Views(crop=1, turn=0, warp=0, blur=0, erase=0, light=0.5), grey).a
    assert 0.05 < float(lit.mean((1, 2, 3)).std()) < 0.2
    assert float(lit.std((1, 2, 3)).max()) < 1e-5, "all of an image is lit alike"
    boxed = views(Views(crop=1, turn=0, warp=0, blur=0, light=0, erase=0.5), grey).a
    share = (boxed == 0.5).float().mean((1, 2, 3))
    assert abs(float((share > 0).float().mean()) - 0.5) < 0.08
    assert float(share[share > 0].min()) > 0.05
    assert float(share.max()) < 0.35
    dot = [Sample(str(i), np.pad(np.ones((1, 1, 1), np.float32), ((0, 0), (8, 7), (8, 7)))) for i in range(200)]
    soft = views(Views(crop=1, turn=0, warp=0, light=0, erase=0, blur=1.0), dot).a
    assert float(soft.max()) < 0.3
    torch.testing.assert_close(soft.sum((1, 2, 3)).mean(), torch.tensor(1.0), atol=0.2, rtol=0)


def test_half_of_the_views_are_mirrored_if_asked() -> None:
    left = np.zeros((1, 8, 8), np.float32)
    left[..., :4] = 1
    samples = [Sample(str(i), left) for i in range(300)]
    for flip, share in ((True, 0.5), (False, 1.0)):
        seen = views(Views(crop=1, turn=0, warp=0, light=0, blur=0, erase=0, flip=flip), samples).a
        assert abs(float((seen[..., 0] > seen[..., -1]).float().mean()) - share) < 0.1


def test_numbers_of_rows_are_those_of_other_rows_of_the_same_column() -> None:
    samples = [Sample(str(i), np.array([i, 1000 + i, -i], np.float32)) for i in range(200)]
    seen = ViewsOfRows(0.4)(samples, KeyedDraw(0, 0, samples)).seen
    x = torch.from_numpy(np.stack([sample.x for sample in samples]))
    assert abs(float((seen.a != x).float().mean()) - 0.4) < 0.05
    assert ((seen.a[:, 1] >= 1000) & (seen.a[:, 0] < 200)).all()
    assert not torch.equal(seen.a, seen.b)


def test_as_many_squares_are_hidden_in_every_image() -> None:
    samples = batch((3, 10, 12))
    found = HidePatches(0.5, 4)(samples, KeyedDraw(0, 0, samples))
    assert (found.seen[found.scored] == HIDDEN).all()
    assert torch.equal(found.seen[~found.scored], found.target[~found.scored])
    corner = found.scored[:, 0, ::4, ::4]
    assert (corner.flatten(1).sum(1) == round(0.5 * 9)).all()
    assert torch.equal(found.scored[:, 0, :4, :4], corner[:, :1, :1].expand(-1, 4, 4))
    assert len({tuple(one.flatten().tolist()) for one in corner}) > 10
