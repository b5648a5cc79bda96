"""The size of the net follows the time there is and the speed of the machine."""

from __future__ import annotations

import pytest
import torch

from halfseen.train import budget


def sizes(monkeypatch: pytest.MonkeyPatch, gflops: float) -> list[tuple[int, int]]:
    monkeypatch.setattr(budget, "gemm_peak", lambda dtype, **given: gflops)
    options = {"bfloat16": False, "vocabulary": 8192, "length": 128, "scored_share": 0.15}
    return [(c.layers, c.width) for minutes in (0.1, 3, 20, 6000) if (c := budget.choose_size(60 * minutes, **options))]


def test_more_time_and_faster_machines_take_larger_nets(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, fast = sizes(monkeypatch, 200.0), sizes(monkeypatch, 2000.0)
    for found in (slow, fast):
        assert [budget.LADDER.index(size) for size in found] == sorted(budget.LADDER.index(size) for size in found)
    assert slow[0] == budget.LADDER[0]
    assert fast[-1] == budget.LADDER[-1]
    assert all(budget.LADDER.index(b) >= budget.LADDER.index(a) for a, b in zip(slow, fast, strict=True))


def test_precision_is_the_faster_one_or_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for ratio, expected in ((0.7, False), (1.1, False), (4.0, True)):
        monkeypatch.setattr(budget, "gemm_peak", lambda dtype, ratio=ratio, **given: 100 * (ratio if dtype == torch.bfloat16 else 1))
        assert budget.choose_bfloat16("measured") is expected
        assert budget.choose_bfloat16("float32") is False
        assert budget.choose_bfloat16("bfloat16") is True


def test_the_peak_is_measured() -> None:
    assert 0.1 < budget.gemm_peak(torch.float32, 256) < 1e6
