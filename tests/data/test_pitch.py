"""A recording's pitch, in two ways, and in the middle of its frames."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from halfseen.contracts import UserError
from halfseen.data.pitch import Pitch, at_frames, pitch_of, pyworld, quick_pitch_of
from tests.spoken import said


@pytest.mark.parametrize("found_by", [pitch_of, quick_pitch_of])
@pytest.mark.parametrize("hertz", [100.0, 220.0])
def test_the_pitch_that_was_said_is_found(found_by: object, hertz: float) -> None:
    assert callable(found_by)
    found = Pitch.of(found_by(said(hertz, 1.0), 8000))
    assert found is not None
    assert np.exp(found.mean) == pytest.approx(hertz, rel=0.05)
    assert found.voiced > 60
    silence = 1e-4 * np.random.default_rng(0).normal(size=8000).astype(np.float32)
    assert (found_by(silence, 8000) > 0).mean() < 0.3


def test_frames_have_the_pitch_of_their_middles() -> None:
    hertz_P = np.arange(9.0)
    assert at_frames(hertz_P, 4).tolist() == [1, 3, 5, 7]
    assert at_frames(hertz_P, 3).tolist() == [1, 3, 5]
    assert at_frames(hertz_P, 6).tolist() == [1, 3, 5, 7, 0, 0]


def test_without_the_package_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyworld", None)
    with pytest.raises(UserError, match=r"the package pyworld is not installed; pip install 'halfseen\[speech\]'"):
        pyworld()
