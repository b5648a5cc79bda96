"""`halfseen sample`: the decoder alone as a generator, as one picture of many images, with what tells whether they are any good.

Shapes: N images of shape X = (C, H, W); code_NE.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from halfseen.apps.array_model import open_array_model
from halfseen.apps.sample_options import SampleOptions
from halfseen.contracts import Array, UserError
from halfseen.data.array_corpus import ArrayData, stacked
from halfseen.data.intake import ImageIntake
from halfseen.data.mosaic import write_grid
from halfseen.methods.array import Rebuilding
from halfseen.methods.vae import Vae

Numbers = NDArray[np.float64]
FEATURES = 50
"""Principal components of the real images, in which distances are measured."""
MIXTURE, MOST_REAL = 20, 5000
STEPS, PLANE = 10, 2.5
"""Images from one sample to another, and how far the plane reaches to each side, in standard deviations."""


def sample(model: str | Path, *, out: str | Path, **options: Any) -> dict[str, Any]:
    """What `halfseen sample --json` prints. options: the fields of `SampleOptions`."""
    return run(SampleOptions(model=Path(model), out=Path(out), **options))


def run(options: SampleOptions) -> dict[str, Any]:
    """Raises UserError for a fault in the model, data or options."""
    if faults := options.faults():
        raise UserError("; ".join(faults), way_out="see `halfseen sample --help`")
    if options.out.exists():
        raise UserError("is there already", where=str(options.out), way_out="choose another --out")
    method, intake = open_array_model(options.model)
    if not isinstance(intake, ImageIntake) or not isinstance(method, Rebuilding):
        raise UserError("rebuilds no images", where=str(options.model), way_out="take a model of `halfseen pretrain vae` on images")
    if options.data is None and not isinstance(method, Vae):
        raise UserError("its codes are not spread like normal numbers", where=str(options.model), way_out="take a vae, or give --data")
    real = None if options.data is None else real_images(options.data, intake)
    draw = Codes(method, real, options.seed)
    code_NE = {"samples": draw.some, "between": draw.between, "plane": draw.plane}[options.what](options.n)
    made = decoded(method, code_NE)
    columns = STEPS if options.what == "between" else int(np.ceil(np.sqrt(len(made))))
    write_grid(options.out, made, columns)
    found: dict[str, Any] = {"out": str(options.out), "images": len(made), "drawn_from": draw.source}
    if real is not None and options.what == "samples":
        found |= compared(decoded(method, draw.some(max(500, options.n))), real)
    return found


class Codes:
    """Codes to decode: normal numbers, or a mixture of normals fitted to the codes of real images."""

    def __init__(self, method: Rebuilding, real: Array | None, seed: int) -> None:
        self.rng, self.mixture = np.random.default_rng(seed), None
        self.source, self.middle, self.spread = "normal numbers", np.zeros(method.shape.code), np.ones(method.shape.code)
        if real is not None:
            from sklearn.mixture import GaussianMixture

            code_RE = coded(method, real)
            parts = min(MIXTURE, max(1, len(code_RE) // 20))
            self.mixture = GaussianMixture(parts, covariance_type="diag", reg_covar=1e-4, random_state=seed).fit(code_RE)
            self.source, self.middle, self.spread = f"a mixture of {parts} normals", code_RE.mean(0), code_RE.std(0)

    @property
    def size(self) -> int:
        """Numbers of a code; of a map of codes more than the shape says."""
        return len(self.middle)

    def some(self, n: int) -> Numbers:
        if self.mixture is None:
            return self.rng.normal(size=(n, self.size))
        chosen_N = self.rng.choice(len(self.mixture.weights_), n, p=self.mixture.weights_ / self.mixture.weights_.sum())
        spread_NE = np.sqrt(self.mixture.covariances_[chosen_N])
        return np.asarray(self.mixture.means_[chosen_N] + spread_NE * self.rng.normal(size=(n, self.size)))

    def between(self, n: int) -> Numbers:
        """n ways of ten steps, each from one drawn code to another, in a straight line."""
        from_NE, to_NE, share_T11 = self.some(n), self.some(n), np.linspace(0, 1, STEPS)[:, None, None]
        return ((1 - share_T11) * from_NE + share_T11 * to_NE).swapaxes(0, 1).reshape(n * STEPS, self.size)

    def plane(self, n: int) -> Numbers:
        """The two numbers of the code that vary most, from left to right and from top to bottom; the others at their mean."""
        side = max(2, int(np.sqrt(n)))
        first, second = np.argsort(-self.spread, kind="stable")[[0, min(1, self.size - 1)]]
        code_NE = np.tile(self.middle, (side * side, 1))
        steps = np.linspace(-PLANE, PLANE, side)
        code_NE[:, first] += np.tile(steps, side) * self.spread[first]
        if second != first:
            code_NE[:, second] += np.repeat(steps, side) * self.spread[second]
        return code_NE


def real_images(path: str, intake: ImageIntake) -> Array:
    """At most MOST_REAL of them, uint8 (R, C, H, W). Raises UserError if there are fewer than two."""
    _, chunks = intake.read(path)
    found: list[Array] = []
    for chunk in chunks:
        found.append(chunk)
        if sum(map(len, found)) >= MOST_REAL:
            break
    real = np.concatenate(found)[:MOST_REAL]
    if len(real) < 2:
        raise UserError("only one image", where=path, way_out="give more of them")
    return real


@torch.no_grad()
def coded(method: Rebuilding, images: Array) -> Numbers:
    rows = ArrayData("real", images).in_order(256)
    return np.concatenate([method.code(torch.from_numpy(stacked(some))).double().numpy() for some in rows])


@torch.no_grad()
def decoded(method: Rebuilding, code_NE: Numbers) -> Array:
    """float32 (N, C, H, W) from 0 to 1."""
    parts = [method.rebuilt(torch.from_numpy(code_NE[at : at + 256].astype(np.float32))) for at in range(0, len(code_NE), 256)]
    return torch.cat(parts).clamp(0, 1).numpy()


def compared(made: Array, real: Array) -> dict[str, Any]:
    """How far the samples are from the real images, and whether they merely repeat some.

    frechet_distance: of normals fitted to both in the real images' principal components (as FID is, arXiv:1706.08500, with other features);
    real images from real ones beside it. nearest: the median distance of a sample to the nearest real image, over that of a real image to
    its nearest other: far below 1, and the decoder has learnt them by heart.
    """
    from sklearn.decomposition import PCA
    from sklearn.neighbors import NearestNeighbors

    made_NP, real_RP = made.reshape(len(made), -1), stacked_images(real)
    features = min(FEATURES, real_RP.shape[1], len(real_RP) // 4 or 1)
    components = PCA(features, random_state=0).fit(real_RP)
    near_made = NearestNeighbors(n_neighbors=1).fit(real_RP).kneighbors(made_NP)[0][:, 0]
    near_real = NearestNeighbors(n_neighbors=2).fit(real_RP).kneighbors(real_RP[: len(made_NP)])[0][:, 1]
    halves = components.transform(real_RP[::2]), components.transform(real_RP[1::2])
    return {
        "features": f"{features} principal components of the real images",
        "frechet_distance": frechet(components.transform(made_NP), components.transform(real_RP)),
        "frechet_distance_of_halves_of_the_real": frechet(*halves),
        "nearest": float(np.median(near_made) / max(float(np.median(near_real)), 1e-12)),
    }


def stacked_images(images: Array) -> Array:
    return images.reshape(len(images), -1).astype(np.float32) / 255


def frechet(a_NF: Array, b_MF: Array) -> float:
    """|mean a - mean b|^2 + trace(A + B - 2 (A B)^(1/2)), of the covariances A and B (Dowson and Landau 1982)."""
    covariance_a, covariance_b = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (a_NF, b_MF))
    values = np.linalg.eigvals(covariance_a @ covariance_b).real
    off = np.square(a_NF.mean(0) - b_MF.mean(0)).sum()
    return float(off + np.trace(covariance_a) + np.trace(covariance_b) - 2 * np.sqrt(np.maximum(values, 0)).sum())
