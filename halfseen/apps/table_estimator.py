"""What our scikit-learn estimators of tables take.

Shapes: R rows, F columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_random_state, validate_data

from halfseen.apps.kept_estimator import KeptEstimator


class TableEstimator(KeptEstimator):
    """Takes arrays of numbers, missing ones as NaN, and DataFrames, which may hold categories."""

    def checked(self, X: Any, *, reset: bool) -> Any:
        """An array of numbers, or a DataFrame with categories as it is. Raises ValueError or TypeError as scikit-learn does."""
        if hasattr(X, "columns") and hasattr(X, "dtypes") and any(kind.kind not in "biuf" for kind in map(np.dtype, map(_kind, X.dtypes))):
            from sklearn.utils.validation import _check_feature_names, _check_n_features

            _check_feature_names(self, X, reset=reset)
            _check_n_features(self, X, reset=reset)
            return X
        fewest = 2 if reset else 1
        x_RF = validate_data(self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=fewest)
        return np.asarray(x_RF)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def seed_of(random_state: Any) -> int:
    return 0 if random_state is None else int(check_random_state(random_state).randint(2**31 - 1))


def _kind(dtype: Any) -> Any:
    return dtype if isinstance(dtype, np.dtype) else getattr(dtype, "numpy_dtype", np.dtype(object))
