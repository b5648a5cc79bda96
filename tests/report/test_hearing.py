"""A run on speech in one sentence: what it told, and beside it its method's own guess."""

from __future__ import annotations

import pytest

from halfseen.report.training import hearing


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("apc", ", it is off by 0.3 in frames to come that it never heard (to say that nothing changes: 0.4)."),
        ("tera", ", it is off by 0.3 in hidden frames that it never heard (to say the last one heard before: 0.4)."),
        ("disentangle", ", it is off by 0.3 in frames that it never heard (to say each recording's mean: 0.4)."),
        ("vocoder", ", it is off by 0.3 in spectra of sound that it never heard (to say a hum or a hiss, as loud: 0.4)."),
    ],
)
def test_each_method_has_its_own_guess(method: str, said: str) -> None:
    assert hearing({"loss": 0.3, "guess_loss": 0.4}, method) == said
    assert hearing({}, method) == ".", "of a run that nothing has judged yet"
