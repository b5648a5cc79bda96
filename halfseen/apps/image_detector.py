"""What is odd among images, and where in them.

Shapes: R images of C channels, H rows and W columns; laid out as rows of F numbers between 0 and 1. T training images.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from halfseen.apps.components import Components
from halfseen.apps.detecting import Detecting
from halfseen.apps.panel import BESIDE
from halfseen.contracts import Array
from halfseen.data.intake import ImageIntake, intake_from_json

Numbers = NDArray[np.float64]
KEPT_NUMBERS = 1 << 25
"""Of all neighbours together: 134 MB, 10,000 images of 28 x 28 or 2,700 of 64 x 64 in colour."""
VIEW = "view."
"""What the names of the components' arrays begin with."""
BY_COMPONENTS = ("mixture", "confidence")
"""Scores that read principal components and what these leave over: pixels are too many for them."""


class ImageDetector(Detecting):
    """Learns from images most of which are usual, and says of others how odd they are: by default by the nearest ones in pixels, in edges
    and in spectra.

    Attributes after `fit`, beside those of every detector: intake_ (the images' size and channels), view_ (Components, or None for pixels).
    """

    file, written_by = "image-detector", "`halfseen detect fit` made of images"
    usually = ("neighbours", *BESIDE)

    def fit(self, X: Any, y: Any = None) -> Self:
        """X: images, (R, H, W) or (R, H, W, C) with 1 or 3 channels, uint8 or shares between 0 and 1. y: the classes of usual images,
        looked at by `confidence` alone. Raises ValueError for what is not so."""
        x_RHWC = as_images(X)
        self._check_parameters(y)
        if len(x_RHWC) < 2:
            raise ValueError(f"{len(x_RHWC)} images; too few to say what is usual: a minimum of 2 is required")
        _, height, width, channels = x_RHWC.shape
        self.intake_ = ImageIntake(channels, height, width)
        self.n_features_in_ = height * width * channels
        x_TF = as_rows(x_RHWC)
        most = {"most": max(2, min(10_000, KEPT_NUMBERS // x_TF.shape[1]))}
        shape = {"shape": self.intake_.shape}
        more: dict[str, dict[str, Any]] = {"neighbours": most, "reconstruction": shape, **dict.fromkeys(BESIDE, most | shape)}
        if self.by == "confidence":
            check_consistent_length(x_RHWC, y)
            more["confidence"] = {"classes": column_or_1d(y)}
        self.view_ = Components.fit(x_TF) if self.by in BY_COMPONENTS else None
        self._learn(self._seen(x_TF), more)
        return self

    def oddness(self, X: Any) -> Numbers:
        return self.panel_(self._seen(self._rows(X)))

    def rebuilt(self, X: Any) -> Array:
        """The images as an auto-encoder rebuilds them, or the means of their nearest neighbours, (R, H, W, C).

        Raises ValueError for a detector by another score.
        """
        x_RF = self._rows(X)
        self._errors(x_RF[:0])
        assert self.panel_.telling is not None
        return as_pictures(self.panel_.telling.rebuilt(x_RF), self.intake_)

    def explain(self, X: Any) -> Numbers:
        """Squared difference from what was rebuilt, a mean over channels, (R, H, W). Raises ValueError as `rebuilt` does."""
        return as_pictures(self._errors(self._rows(X)), self.intake_).mean(-1)

    def _rows(self, X: Any) -> Array:
        check_is_fitted(self, "panel_")
        x_RHWC = as_images(X)
        channels, height, width = self.intake_.shape
        if x_RHWC.shape[1:] != (height, width, channels):
            raise ValueError(f"images of {x_RHWC.shape[1:]}, but ImageDetector learnt from ones of {(height, width, channels)}")
        return as_rows(x_RHWC)

    def _seen(self, x_RF: Array) -> Array:
        return x_RF if self.view_ is None else self.view_(x_RF)

    def _facts_beside(self) -> dict[str, Any]:
        return {"intake": self.intake_.to_json()}

    def _arrays_beside(self) -> dict[str, Array]:
        return {} if self.view_ is None else {f"{VIEW}{key}": value for key, value in self.view_.state().items()}

    def _take_beside(self, facts: Mapping[str, Any], arrays: Mapping[str, Array], where: str) -> None:
        intake = intake_from_json(facts["intake"], where)
        if not isinstance(intake, ImageIntake):
            raise ValueError("it is not fed with images")
        view = {key.removeprefix(VIEW): value for key, value in arrays.items() if key.startswith(VIEW)}
        self.intake_, self.view_ = intake, Components.of(view) if view else None


def as_images(X: Any) -> Array:
    """(R, H, W, C) of float32. Raises ValueError or TypeError for what are no images."""
    x = np.asarray(X)
    if x.dtype.kind not in "buif":
        raise TypeError(f"images of {x.dtype}; give an array of numbers")
    if x.ndim == 3:
        x = x[..., None]
    if x.ndim != 4 or x.shape[3] not in (1, 3) or not min(x.shape[1:]):
        raise ValueError(f"shape {x.shape}, neither (R, H, W) nor (R, H, W, C) with 1 or 3 channels")
    shares = x.astype(np.float32) / 255 if x.dtype == np.uint8 else x.astype(np.float32)
    if not np.isfinite(shares).all():
        raise ValueError("images contain NaN or infinity")
    if shares.size and (shares.min() < 0 or shares.max() > 1):
        raise ValueError(f"numbers from {shares.min():g} to {shares.max():g}; give uint8, or shares between 0 and 1")
    return shares


def as_rows(x_RHWC: Array) -> Array:
    """Channel by channel, as nets want them."""
    return np.ascontiguousarray(x_RHWC.transpose(0, 3, 1, 2)).reshape(len(x_RHWC), -1)


def as_pictures(x_RF: Array, intake: ImageIntake) -> Array:
    """Back to (R, H, W, C)."""
    return x_RF.reshape(len(x_RF), *intake.shape).transpose(0, 2, 3, 1)
