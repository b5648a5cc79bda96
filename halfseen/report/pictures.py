"""Pictures that a verb leaves beside its results for the report, each an SVG with a title and a caption."""

from __future__ import annotations

from collections.abc import Sequence

from halfseen.contracts import Array
from halfseen.report.plots import INK, canvas, svg

BLUE = (0.0, 0.447, 0.698)


def attention_map(weights_QK: Array, names: Sequence[str], *, alt: str, size: int = 380) -> str:
    """What each token looks at: a row a token, dark where its attention is. names: of the tokens, from 0 to the last."""
    from matplotlib.colors import LinearSegmentedColormap

    figure, axes = canvas(size, size, "from a token (down) to tokens before it (across)")
    shades = LinearSegmentedColormap.from_list("attention", [(*BLUE, 0.0), (*BLUE, 1.0)])
    axes.imshow(weights_QK, cmap=shades, vmin=0.0, vmax=1.0, interpolation="nearest")
    axes.grid(visible=False)
    axes.tick_params(labelsize=5.5, pad=2)
    for set_ticks in (axes.set_xticks, axes.set_yticks):
        set_ticks(range(len(names)), names, color=INK)
    return svg(figure, alt)
