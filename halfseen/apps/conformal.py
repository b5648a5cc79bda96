"""Where to draw the line between usual and odd: conformal p-values and false-discovery control.

Shapes: R rows; T training rows that the score did not learn from, or that were left out of their own score. Higher scores are odder.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from halfseen.contracts import Array

Numbers = NDArray[np.float64]


def p_values(score_R: Array, usual_T: Array) -> Numbers:
    """(1 + training rows that are at least as odd) / (1 + T): for a usual row at most p with a chance of at most p, whatever the score is
    (Vovk et al. 2005; Bates et al. 2023, arXiv:2104.08279)."""
    sorted_T = np.sort(usual_T)
    at_least_R = len(sorted_T) - np.searchsorted(sorted_T, score_R, side="left")
    return np.asarray((1 + at_least_R) / (1 + len(sorted_T)), np.float64)


def discoveries(p_R: Array, rate: float) -> NDArray[np.bool_]:
    """Which rows to call odd so that in the mean at most a share `rate` of them is usual (Benjamini and Hochberg 1995)."""
    order = np.argsort(p_R, kind="stable")
    allowed = rate * (1 + np.arange(len(p_R))) / max(1, len(p_R))
    passing = np.flatnonzero(p_R[order] <= allowed)
    found = np.zeros(len(p_R), bool)
    if len(passing):
        found[order[: passing[-1] + 1]] = True
    return found
