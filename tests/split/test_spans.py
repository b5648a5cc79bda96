"""Spans of frames and bands hidden: as many as asked for, in every sample, the same whatever else is in the batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from halfseen.contracts import Array, Sample
from halfseen.data.draw import KeyedDraw
from halfseen.split.spans import HideFrames, HideSpans, HideSteps


def samples_of(lengths: list[int], *, bands: int = 12, stack: int = 1) -> list[Sample]:
    rng = np.random.default_rng(0)
    return [
        Sample(f"s{i}", rng.normal(size=(n, bands)).astype(np.float32), {"clusters": rng.integers(0, 50, -(-n // stack))})
        for i, n in enumerate(lengths)
    ]


def slowly(number_K: Array, share: float, span: int) -> Array:
    """One sample, a span after the other."""
    steps = len(number_K)
    probability, most = 1 - (1 - share) ** (1 / span), min(span, max(1, steps // 2))
    hidden_K = np.zeros(steps, dtype=bool)
    for k in range(steps):
        if number_K[k] < probability or k == number_K.argmin():
            hidden_K[k : k + most] = True
    return hidden_K


@given(st.lists(st.integers(1, 60), min_size=1, max_size=6), st.floats(0.05, 0.9), st.integers(1, 12))
def test_spans_are_those_that_a_slow_loop_finds(lengths: list[int], share: float, span: int) -> None:
    samples = samples_of(lengths)
    hidden_K = HideSpans(share, span, 1).steps(np.array(lengths), KeyedDraw(3, 1, samples))
    number_K = KeyedDraw(3, 1, samples)(np.array(lengths))
    edges = np.cumsum(lengths)[:-1]
    slow = [slowly(numbers, share, span) for numbers in np.split(number_K, edges)]
    np.testing.assert_array_equal(hidden_K, np.concatenate(slow))
    assert all(part.any() for part in np.split(hidden_K, edges))


def test_about_the_share_that_is_asked_for_is_hidden_in_long_samples() -> None:
    samples = samples_of([4000] * 5)
    for share in (0.15, 0.5):
        hidden_K = HideSpans(share, 10, 1).steps(np.array([4000] * 5), KeyedDraw(0, 0, samples))
        assert hidden_K.mean() == pytest.approx(share, abs=0.03)


def test_all_frames_of_a_step_are_hidden_or_none() -> None:
    samples = samples_of([31, 8, 50])
    hidden_N = HideSpans(0.4, 3, 4).frames(np.array([31, 8, 50]), KeyedDraw(0, 0, samples))
    for part in np.split(hidden_N, [31, 39]):
        assert all(len(set(part[at : at + 4].tolist())) == 1 for at in range(0, len(part), 4))


def test_what_is_scored_is_what_was_hidden_or_would_have_been() -> None:
    samples = samples_of([40] * 300)
    split = HideFrames(HideSpans(0.3, 5, 1), 4)(samples, KeyedDraw(0, 0, samples))
    band_NF = (split.scored & ~split.scored.all(1, keepdim=True)).numpy()
    assert (split.seen.x.numpy()[band_NF] == 0).all(), "a hidden band is the mean"
    widths = {int(row.sum()) for row in band_NF}
    assert widths == {0, 1, 2, 3, 4}
    free_N = ~split.scored.all(1).numpy()
    free_NF = free_N[:, None] & ~band_NF
    assert (split.seen.x.numpy()[free_NF] == split.target.numpy()[free_NF]).all(), "what is not scored stands as it is"
    hidden = (split.seen.hidden.numpy() & ~free_N).sum() / (~free_N).sum()
    assert hidden == pytest.approx(0.8, abs=0.08), "a tenth of the samples keeps its spans, a tenth has others of its frames there"
    other_N = ~free_N & ~split.seen.hidden.numpy() & (split.seen.x != split.target).any(1).numpy()
    frames = {frame.tobytes() for sample in samples for frame in sample.x}
    whole_N = other_N & ~band_NF.any(1)
    clear = [x.tobytes() in frames for x, row in zip(split.seen.x.numpy(), whole_N, strict=True) if row and (x != 0).all()]
    assert clear
    assert all(clear)


def test_no_band_is_hidden_when_none_is_asked_for() -> None:
    samples = samples_of([30] * 20)
    split = HideFrames(HideSpans(0.3, 5, 1), 0)(samples, KeyedDraw(0, 0, samples))
    assert (split.scored.all(1) == split.scored.any(1)).all()


def test_what_is_heard_is_disturbed_and_its_clusters_are_not() -> None:
    samples = samples_of([31, 8, 50], stack=4)
    plain, heard = (HideSteps(HideSpans(0.4, 2, 4), *how)(samples, KeyedDraw(0, 0, samples)) for how in ((0, 0), (0.2, 0.5)))
    cluster_N = np.concatenate([np.repeat(sample.meta["clusters"], 4)[: len(sample.x)] for sample in samples])
    np.testing.assert_array_equal(heard.target, cluster_N[heard.scored])
    assert not torch.equal(heard.seen.x, plain.seen.x)
    alone = HideSteps(HideSpans(0.4, 2, 4), 0.2, 0.5)(samples[2:], KeyedDraw(0, 0, samples[2:]))
    assert torch.equal(alone.seen.x, heard.seen.x[39:])
    louder = HideSteps(HideSpans(0.4, 2, 4), 0, 0.5)(samples, KeyedDraw(0, 0, samples)).seen.x - plain.seen.x
    for part in torch.split(louder, [31, 8, 50]):
        assert torch.allclose(part, part[:1].expand_as(part), atol=1e-5), "alike all through a recording"
        assert torch.allclose(part[0].diff(), part[0].diff()[0], atol=1e-5), "on a line over the bands"
        assert part.abs().max() <= 1.0


def test_some_samples_come_less_what_their_seen_frames_have_in_common() -> None:
    samples = samples_of([200, 8, 50] * 20, stack=4)
    plain, heard = (HideSteps(HideSpans(0.4, 2, 4), 0, 0, centred)(samples, KeyedDraw(0, 0, samples)) for centred in (0.0, 0.5))
    np.testing.assert_array_equal(heard.seen.hidden, plain.seen.hidden)
    known_N1, lengths = ~plain.seen.hidden[:, None], plain.seen.lengths.tolist()
    came = 0
    for x, y, known in zip(*(torch.split(part, lengths) for part in (plain.seen.x, heard.seen.x, known_N1)), strict=True):
        less = x - (x * known).sum(0) / (known.sum() + 20)
        as_it_is = torch.equal(y, x)
        assert as_it_is or torch.allclose(y, less, atol=1e-5)
        came += not as_it_is
    assert 15 <= came <= 45
    alone = HideSteps(HideSpans(0.4, 2, 4), 0, 0, 0.5)(samples[1:2], KeyedDraw(0, 0, samples[1:2]))
    torch.testing.assert_close(alone.seen.x, heard.seen.x[200:208])


def test_clusters_are_asked_for_at_the_first_frame_of_each_hidden_step() -> None:
    samples = samples_of([31, 8, 50], stack=4)
    split = HideSteps(HideSpans(0.4, 2, 4))(samples, KeyedDraw(0, 0, samples))
    cluster_N = np.concatenate([np.repeat(sample.meta["clusters"], 4)[: len(sample.x)] for sample in samples])
    np.testing.assert_array_equal(split.target, cluster_N[split.scored])
    assert split.seen.hidden[split.scored].all()
    assert len(split.scored) == sum(-(-part.sum() // 4) for part in np.split(split.seen.hidden.numpy(), [31, 39]))
    np.testing.assert_array_equal(
        split.seen.x, np.concatenate([sample.x for sample in samples]), "it is hidden by the net, not by the splitter"
    )
