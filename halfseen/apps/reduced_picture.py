"""The ways side by side in one picture, each row a point, coloured by its label.

Shapes: R rows; z_RE of each way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from halfseen.contracts import Array, UserError

MOST_CLASSES = 50
"""Labels of more kinds are a scale if they are numbers, and else no classes."""
MOST_NAMED = 20
"""In the legend; with more, colours are told apart by nobody."""
ACROSS, SIDE_INCHES = 4, 4.0
GREY = (0.79, 0.8, 0.82, 1.0)


@dataclass(frozen=True)
class Labels:
    """Of the rows. names: of the classes, sorted; classes_R: their places, -1 where nobody knows, or None if there are no classes.

    scale_R: numbers, where labels are that and too many to be classes; NaN where nobody knows.
    """

    shown: Sequence[str]
    names: tuple[str, ...] = ()
    classes: NDArray[np.int64] | None = None
    scale: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, values: Sequence[Any] | None, where: str) -> Self | None:
        """Raises UserError if no row has one."""
        if values is None:
            return None
        gone_R = np.array([value is None or value != value for value in values])  # noqa: PLR0124 - NaN is not itself
        if gone_R.all():
            raise UserError("no row has a label", where=where, way_out="name another --label, or leave it away")
        numbers = all(isinstance(value, int | float) for value in values if value is not None)
        shown = ["" if gone else f"{value:g}" if numbers else str(value) for gone, value in zip(gone_R, values, strict=True)]
        kinds = sorted({name for name in shown if name}, key=(float if numbers else str))
        if len(kinds) <= MOST_CLASSES:
            places = {name: i for i, name in enumerate(kinds)}
            return cls(shown, tuple(kinds), np.array([places.get(name, -1) for name in shown]))
        if not numbers:
            return cls(shown)
        return cls(shown, scale=np.array([np.nan if gone else float(value) for gone, value in zip(gone_R, values, strict=True)]))


def write_picture(path: Path, ways: Mapping[str, Array], labels: Labels | None) -> None:
    """ways: titles to z_RE, of which the first two numbers are drawn; one number is spread out by chance from top to bottom."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    down = math.ceil(len(ways) / ACROSS)
    across = math.ceil(len(ways) / down)
    figure = Figure(figsize=(SIDE_INCHES * across + 1, SIDE_INCHES * down), layout="constrained")
    rows = len(next(iter(ways.values())))
    look: dict[str, Any] = {"s": max(1.0, min(16.0, 12_000 / rows)), "linewidths": 0}
    order_R = np.random.default_rng(0).permutation(rows)  # so that no class lies above all others
    handles: list[Any] = []
    for i, (title, z_RE) in enumerate(ways.items(), start=1):
        axes = figure.add_subplot(down, across, i)
        axes.set_title(title.replace("$", r"\$"), fontsize=11)
        axes.set_xticks([])
        axes.set_yticks([])
        across_R = z_RE[:, 0]
        down_R = z_RE[:, 1] if z_RE.shape[1] > 1 else np.random.default_rng(1).random(rows)
        if labels is not None and labels.scale is not None:
            drawn = axes.scatter(across_R[order_R], down_R[order_R], c=labels.scale[order_R], cmap="viridis", plotnonfinite=True, **look)
            if i == len(ways):
                figure.colorbar(drawn, ax=axes, shrink=0.6)
        elif labels is not None and labels.classes is not None:
            map_ = colormaps["tab10" if len(labels.names) <= 10 else "tab20" if len(labels.names) <= MOST_NAMED else "turbo"]
            shade = np.linspace(0, 1, max(2, len(labels.names))) if len(labels.names) > MOST_NAMED else np.arange(len(labels.names))
            colours = np.array([map_(value) for value in shade] + [GREY])
            axes.scatter(across_R[order_R], down_R[order_R], c=colours[labels.classes[order_R]], **look)
            handles = [axes.scatter([], [], color=colours[j], s=30, label=name) for j, name in enumerate(labels.names)]
        else:
            axes.scatter(across_R, down_R, color="#0072b2", **look)
    if 0 < len(handles) <= MOST_NAMED:
        figure.legend(handles=handles, loc="outside right center", frameon=False, fontsize=9)
    figure.savefig(path, dpi=110, metadata={"Software": None})
