"""The draws of a bootstrap over items (Efron 1979), the same for the same number of items."""

from __future__ import annotations

import numpy as np

from halfseen.contracts import Array

RESAMPLES = 200
KEY = 20260101


def resamples(n: int) -> Array:
    """How often each of n items is drawn in each of RESAMPLES bootstrap samples: weights_BN (float64)."""
    draw = np.random.Generator(np.random.Philox(key=KEY))
    return np.stack([np.bincount(draw.integers(0, n, n), minlength=n) for _ in range(RESAMPLES)]).astype(np.float64)
