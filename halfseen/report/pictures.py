"""Pictures that a verb leaves beside its results for the report, each an SVG with a title and a caption."""

from __future__ import annotations

from collections.abc import Sequence

from halfseen.contracts import Array
from halfseen.report.efficiency import Point
from halfseen.report.plots import INK, canvas, label_efficiency, legend, styles, svg
from halfseen.report.results import ScoreRow
from halfseen.report.words import metric_name

BLUE = (0.0, 0.447, 0.698)


def second_curve(rows: Sequence[ScoreRow], name: str, counted: str) -> dict[str, str]:
    """The curve of a figure that is not the main one, as the main one's is drawn: {"title", "svg", "caption"}."""
    found: dict[str, list[Point]] = {}
    for row in rows:
        if row.name == name:
            found.setdefault(row.arm, []).append(Point(labels=row.labels, mean=row.value, stderr=row.stderr, seeds=row.seeds))
    look = styles(list(dict.fromkeys(row.arm for row in rows)))  # an arm looks the same in every curve
    drawn = label_efficiency(found, next(row for row in rows if row.name == name), look, counted, width=350, height=290)
    return {"title": metric_name(name), "svg": legend(list(found), look) + drawn, "caption": ""}


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
