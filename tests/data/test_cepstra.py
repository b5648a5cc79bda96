"""Cepstra of log-mel frames: a reference library's cosines, and slopes."""

from __future__ import annotations

import librosa
import numpy as np

from halfseen.data.cepstra import cepstra, changes


def test_they_are_those_of_a_reference_library() -> None:
    frames_TF = np.random.default_rng(0).normal(size=(50, 40)).astype(np.float32)
    found_TQ = cepstra(frames_TF)
    assert found_TQ.shape == (50, 39)
    np.testing.assert_allclose(found_TQ[:, :13], librosa.feature.mfcc(S=frames_TF.T, n_mfcc=13, norm="ortho").T, atol=1e-5)
    for order, at in ((1, 13), (2, 26)):
        theirs_TQ = librosa.feature.delta(found_TQ[:, at - 13 : at].T, width=5, order=1, mode="nearest").T
        np.testing.assert_allclose(found_TQ[:, at : at + 13], theirs_TQ, atol=1e-4, err_msg=f"change {order}")


def test_a_line_changes_by_its_slope() -> None:
    line_TQ = 0.5 * np.arange(20.0)[:, None] + 3
    np.testing.assert_allclose(changes(line_TQ)[2:-2], 0.5)
    assert changes(line_TQ[:1]) == 0, "a single frame does not change"
