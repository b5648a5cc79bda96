"""Frames in steps, and short samples in rows of their own: nothing changes but the time it takes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from halfseen.contracts import Sample
from halfseen.data.speech_batch import Frames, HiddenFrames, Steps
from halfseen.nets.shape import TransformerShape
from halfseen.nets.speech import FrameNet, GroupedLayout, alike, row_length
from halfseen.nets.transformer import initialise

SHAPE = TransformerShape(layers=2, width=32, heads=2, max_length=1000)


def frames_of(lengths: list[int], bands: int = 5) -> list[Sample]:
    rng = np.random.default_rng(1)
    return [Sample(str(i), rng.normal(size=(n, bands)).astype(np.float32)) for i, n in enumerate(lengths)]


def net_of(**options: object) -> FrameNet:
    net = FrameNet(SHAPE, 5, **options)  # type: ignore[arg-type]
    initialise(net, 0)
    return net.eval()


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(1, 5), st.randoms())
def test_every_frame_is_found_where_it_is_said_to_stand(lengths: list[int], stack: int, random: object) -> None:
    order = list(range(len(lengths)))
    random.shuffle(order)  # type: ignore[attr-defined]
    steps = Steps.of(np.array(lengths), np.array(order), stack)
    np.testing.assert_array_equal(steps.frame[steps.step, steps.slot], np.arange(sum(lengths)))
    assert steps.lengths.tolist() == [-(-lengths[s] // stack) for s in order]
    sample_N = np.repeat(np.arange(len(lengths)), lengths)
    assert (sample_N[steps.frame] == sample_N[steps.frame[:, :1]]).all(), "a step holds frames of one sample"


@pytest.mark.parametrize("stack", [1, 3])
@torch.no_grad()
def test_samples_of_all_lengths_together_say_what_each_says_alone(stack: int) -> None:
    net, samples = net_of(stack=stack), frames_of([30, 500, 3, 1, 90, 200, 64, 65])
    together = net(Frames.of(samples), every_layer=True)
    for sample, last, *layers in zip(
        samples,
        *(torch.split(x, [len(one.x) for one in samples]) for x in (together.last, *together.layers)),
        strict=True,
    ):
        alone = net(Frames.of([sample]), every_layer=True)
        torch.testing.assert_close(alone.last, last, atol=1e-5, rtol=1e-5)
        for one, other in zip(alone.layers, layers, strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_the_net_says_the_same_whatever_is_in_a_hidden_frame() -> None:
    net = net_of(hides=True)
    seen = Frames.of(frames_of([30]))
    hidden = torch.arange(30) % 7 == 0
    other = torch.where(hidden[:, None], torch.full_like(seen.x, 9.0), seen.x)
    one, two = (net(HiddenFrames(x, seen.lengths, hidden)).last for x in (seen.x, other))
    torch.testing.assert_close(one, two)
    assert not torch.allclose(one, net(Frames(torch.where(hidden[:, None], 0.0, seen.x), seen.lengths)).last), "hidden is not the mean"


def test_rows_of_short_samples_are_short_and_leave_few_gaps() -> None:
    rng = np.random.default_rng(0)
    lengths = np.concatenate([rng.integers(10, 60, 200), rng.integers(200, 500, 8)])
    groups = alike(lengths)
    assert sorted(np.concatenate(groups).tolist()) == list(range(len(lengths)))
    layout = GroupedLayout(lengths[np.concatenate(groups)], [len(g) for g in groups], SHAPE, torch.device("cpu"))
    sizes = [tuple(tokens.owner.shape) for tokens in layout.tokens]
    longest = [lengths[lengths <= 64].max(), lengths[lengths <= 256].max(), lengths.max()]
    assert [length for _, length in sizes] == [64, *(row_length(np.array([n])) for n in longest[1:])]
    cells = sum(rows * length * length for rows, length in sizes)
    one_grid = -(-int(lengths.sum()) // 512) * 512 * 512
    assert cells < 0.6 * one_grid
    assert sum(rows * length for rows, length in sizes) < 1.4 * lengths.sum()
