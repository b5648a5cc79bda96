"""What people clean images with today, and how near to a clean image one is.

Shapes: image_HWC of C = 1 or 3 channels, float32, black 0 and white 1.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from halfseen.contracts import Array, UserError
from halfseen.data.levels import psnr

Cleaner = Callable[[Array], Array]
DB2 = np.array([-0.48296291314469025, 0.836516303737469, -0.22414386804185735, -0.12940952255092145])
"""The high-pass filter of Daubechies' wavelet with two vanishing moments."""
NOTHING = 1e-7
"""Details of a flat place, by rounding alone."""
HALF_OF_NORMAL = 0.6744897501960817
"""Half of all standard normal numbers are nearer to 0."""
WINDOW = 7
"""Side of the squares that SSIM compares."""


def deviation(image_HWC: Array) -> float:
    """An estimate of the noise's standard deviation, the mean over channels: the median size of the finest diagonal details of a wavelet,
    those left out that are 0 (Donoho and Johnstone 1994, section 4.2)."""
    from scipy.ndimage import convolve1d

    detail_HWC = convolve1d(convolve1d(image_HWC.astype(np.float64), DB2, axis=0, mode="reflect"), DB2, axis=1, mode="reflect")[::2, ::2]
    sizes = [np.abs(one_HW[np.abs(one_HW) > NOTHING]) for one_HW in np.moveaxis(detail_HWC, 2, 0)]
    return float(np.mean([np.median(size) if len(size) else 0.0 for size in sizes]) / HALF_OF_NORMAL)


def median(image_HWC: Array) -> Array:
    """Each number the median of 3 x 3 pixels of its channel."""
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(image_HWC, size=(3, 3, 1)))


def non_local_means(image_HWC: Array) -> Array:
    """Buades et al. 2011, with patches of 5 x 5 within 13 x 13 and h of 0.8 sigma, as scikit-image's guide has it; sigma is estimated."""
    from skimage.restoration import denoise_nl_means

    sigma = deviation(image_HWC)
    if not sigma > 0:
        return image_HWC
    settings = {"patch_size": 5, "patch_distance": 6, "h": 0.8 * sigma, "sigma": sigma}
    found = denoise_nl_means(image_HWC, **settings, fast_mode=True, channel_axis=-1)
    return np.asarray(found).reshape(image_HWC.shape)  # of one channel it leaves the last axis away


def bm3d(image_HWC: Array) -> Array:
    """Dabov et al. 2007, by the package of its authors; sigma is estimated."""
    from bm3d import bm3d, bm3d_rgb

    sigma = deviation(image_HWC)
    if not sigma > 0:
        return image_HWC
    image_HWC = image_HWC.astype(np.float64)
    return np.atleast_3d(bm3d_rgb(image_HWC, sigma) if image_HWC.shape[2] == 3 else bm3d(image_HWC[..., 0], sigma))


def others() -> dict[str, Cleaner]:
    """By their names; BM3D if its package is there. Raises UserError if scikit-image is not."""
    if find_spec("skimage") is None:
        raise UserError("the package scikit-image is not installed", where="--clean, --noise", way_out="pip install 'halfseen[images]'")
    found: dict[str, Cleaner] = {"median": median, "non-local means": non_local_means}
    return found | ({"bm3d": bm3d} if find_spec("bm3d") else {})


def nearness(image_HWC: Array, clean_HWC: Array) -> tuple[float, float]:
    """PSNR in dB and SSIM (Wang et al. 2004), of images between 0 and 1."""
    from skimage.metrics import structural_similarity

    alike = structural_similarity(image_HWC, clean_HWC, channel_axis=-1, data_range=1.0, win_size=WINDOW)
    return psnr(image_HWC, clean_HWC, white=1.0), float(alike)
