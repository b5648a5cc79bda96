"""What is hidden from a head while it learns: how much, where, and that nothing is when it is judged."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from halfseen.suites.speech_tasks.ctc import DROPPED, WIDTH, Recurrent
from halfseen.suites.speech_tasks.sequence import Batch
from halfseen.suites.speech_tasks.specaugment import FEATURE_SPANS, spans, spared


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def runs_of(hidden_N: torch.Tensor) -> list[int]:
    """Widths of what is hidden in one piece."""
    text = "".join("x" if each else " " for each in hidden_N.tolist())
    return list(map(len, text.split()))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5), st.integers(5, 30)), min_size=1, max_size=4), st.integers(0, 99))
def test_spans_keep_to_their_number_width_and_sequence(samples: list[tuple[int, int, int]], seed: int) -> None:
    counts, widest, sizes = (torch.tensor(column) for column in zip(*samples, strict=True))
    hidden_BN = spans(counts, widest, sizes, 30, drawn(seed))
    assert hidden_BN.shape == (len(samples), 30)
    for hidden_N, (count, width, size) in zip(hidden_BN, samples, strict=True):
        assert not hidden_N[size:].any()
        assert len(runs_of(hidden_N)) <= count
        assert hidden_N.sum() <= count * width


def test_a_span_has_every_width_and_reaches_every_place() -> None:
    many = torch.ones(4000, dtype=torch.long)
    hidden_BN = spans(many, 3 * many, 10 * many, 10, drawn())
    widths_W = torch.bincount(hidden_BN.sum(1), minlength=4) / 4000
    torch.testing.assert_close(widths_W, torch.full((4,), 0.25), atol=0.03, rtol=0)
    assert hidden_BN.any(0).all()


def test_frames_and_features_are_hidden_whole() -> None:
    lengths = torch.tensor([100, 50, 10])
    told = [spared(torch.ones(3, 100, 64), lengths, drawn(seed)) == 0 for seed in range(200)]
    frames_SBT, features_SBD = (torch.stack([each.all(axis) for each in told]) for axis in (2, 1))
    assert all(torch.equal(each, each.all(2)[:, :, None] | each.all(1)[:, None]) for each in told)
    assert frames_SBT[:, 0].sum(1).max() <= 4 * 4
    assert frames_SBT[:, 0].sum(1).float().mean() > 5, "of 4 spans of 2 frames in the mean, few meet"
    assert frames_SBT[:, 1].sum(1).max() <= 2 * 2
    assert not frames_SBT[:, 2].any(), "short ones keep every frame"
    assert not frames_SBT[:, 1, 50:].any()
    assert features_SBD.sum(2).max() <= FEATURE_SPANS * 4
    assert features_SBD.sum(2).float().mean() > FEATURE_SPANS


def test_long_recordings_keep_most_of_their_frames() -> None:
    hidden = [spared(torch.ones(1, 1000, 1), torch.tensor([1000]), drawn(seed)) == 0 for seed in range(50)]
    share = torch.stack(hidden).float().mean()
    assert 0.25 < share < 0.42, "of twenty spans; of forty it would be 0.55"


def test_both_layers_are_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = Batch(torch.randn(2, 3, 30, 16, generator=drawn()), torch.tensor([30, 20, 10]), (0, 1, 2))
    head = Recurrent(0, 2, 16, 5)
    heard: list[torch.Tensor] = []

    def thinned(_: Recurrent, x_BTE: torch.Tensor) -> torch.Tensor:
        heard.append(x_BTE)
        return x_BTE

    monkeypatch.setattr(Recurrent, "thinned", thinned)
    head(batch)
    assert [each.shape for each in heard] == [(3, 30, 2 * WIDTH)] * 2
    assert not torch.equal(*heard)


def test_heads_are_hidden_from_while_they_learn_alone() -> None:
    batch = Batch(torch.randn(2, 3, 90, 16, generator=drawn()), torch.tensor([90, 70, 50]), (0, 1, 2))
    one, same, other = (Recurrent(seed, 2, 16, 5) for seed in (0, 0, 1))
    for head in (same, other):
        head.load_state_dict(one.state_dict())
    before = torch.random.get_rng_state()
    first, second = one(batch), one(batch)
    assert not torch.equal(first, second)
    torch.testing.assert_close(same(batch), first, rtol=0, atol=0)
    assert not torch.equal(other(batch), first)
    assert torch.equal(torch.random.get_rng_state(), before), "other threads draw from it"
    x_BTE = torch.ones(4, 50, 100)
    thinned_BTE = one.thinned(x_BTE)
    assert abs((thinned_BTE == 0).float().mean() - DROPPED) < 0.01
    assert abs(thinned_BTE.mean() - 1) < 0.02
    one.eval()
    torch.testing.assert_close(one(batch), one(batch), rtol=0, atol=0)
    assert one.thinned(x_BTE) is x_BTE
    same.eval()
    with torch.no_grad():
        torch.testing.assert_close(same(batch), one(batch), rtol=0, atol=0)
