"""How well scores tell whether two recordings are of one voice: the equal error rate.

Shapes: N trials.
"""

from __future__ import annotations

import numpy as np

from halfseen.contracts import Array, UserError


def equal_error_rate(score_N: Array, same_N: Array, weight_N: Array | None = None) -> float:
    """The rate at which as many pairs of two voices are accepted as pairs of one are refused, between 0 and 1.

    The ROC's points are joined by straight lines, as the benchmark does (SUPERB, arXiv:2105.01051). weight_N: how often each trial counts.
    Raises UserError if all trials are of one kind.
    """
    from sklearn.metrics import roc_curve

    if same_N.all() or not same_N.any():
        what = f"{int(same_N.sum())} of {len(same_N)} trials are of one voice"
        raise UserError(what, way_out="give trials of one voice and of two")
    accepted_P, told_P, _ = roc_curve(same_N, score_N, sample_weight=weight_N, drop_intermediate=False)
    # Each point accepts a trial more than the one before, so that the difference rises strictly from -1 to 1.
    return float(np.interp(0.0, accepted_P - (1.0 - told_P), accepted_P))
