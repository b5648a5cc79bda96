"""What recordings have in common, taken from their frames."""

from __future__ import annotations

import numpy as np
import torch

from halfseen.data.speech_batch import Frames, less_common


def test_what_frames_have_in_common_goes_by_how_many_there_are() -> None:
    rng, lengths = np.random.default_rng(2), torch.tensor([1000, 1, 20])
    spread = torch.from_numpy(rng.normal(size=(1021, 5)).astype(np.float32))
    common = torch.tensor([[3.0], [3.0], [-2.0]])[torch.repeat_interleave(lengths)]
    known = torch.arange(1021) < 1011  # half of the last recording: 10 frames tell of it
    of_each = less_common(Frames(common.expand(-1, 5), lengths), torch.ones(3), known).split([1000, 1, 20])
    for left, told in zip(of_each, (3 * 20 / 1020, 3 * 20 / 21, -2 * 20 / 30), strict=True):
        torch.testing.assert_close(left, torch.full_like(left, told), atol=1e-5, rtol=1e-5)
    one, two = (less_common(Frames(x, lengths), torch.ones(3))[:1000] for x in (spread, spread + common))
    torch.testing.assert_close(one + 3 * 20 / 1020, two, atol=1e-5, rtol=1e-5)


def test_a_share_of_it_may_stay() -> None:
    frames = Frames(torch.full((40, 2), 3.0), torch.tensor([20, 20]))
    left = less_common(frames, torch.tensor([0.0, 0.5]))
    torch.testing.assert_close(left, torch.tensor([[3.0], [2.25]])[frames.sample].expand(-1, 2))
