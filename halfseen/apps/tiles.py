"""A function of images, on a large one piece by piece, so that memory stays bounded and no seam shows.

Shapes: H rows and W columns of pixels, C channels.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from halfseen.contracts import Array

SIDE = 512


def in_tiles(function: Callable[[Array], Array], image_HWC: Array, *, reach: int, side: int = SIDE) -> Array:
    """What `function` makes of the whole, as it keeps height and width.

    reach: how far one of its pixels sees; each tile of `side` x `side` is given so much of what lies around it. Tiles begin at multiples of
    `side`, and reach should be one of what the function works on at once (2 x 2 pixels, say), as side should.
    """
    height, width = image_HWC.shape[:2]
    if max(height, width) <= side:
        return function(image_HWC)
    made_HWC = np.empty_like(image_HWC)
    for top in range(0, height, side):
        for left in range(0, width, side):
            above, before = min(top, reach), min(left, reach)
            given = image_HWC[top - above : top + side + reach, left - before : left + side + reach]
            bottom, right = min(top + side, height), min(left + side, width)
            made_HWC[top:bottom, left:right] = function(given)[above : above + bottom - top, before : before + right - left]
    return made_HWC
