"""Curves of codecs as one picture that stands alone: rate across, on a scale of doublings, quality up."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from halfseen.report.plots import CONTROL_STYLES, INK, MODELS, canvas

WIDTH, HEIGHT = 620, 400
LOOKS = (MODELS[0], CONTROL_STYLES["scratch"], CONTROL_STYLES["baseline"], MODELS[1])


def rate_distortion(lines: Mapping[str, Sequence[tuple[float, float]]], axis: str, *, most_rate: float = 1.6) -> bytes:
    """A PNG. lines: each codec's (bits a pixel, quality), the one that it is about first. axis: what quality is in."""
    figure, axes = canvas(WIDTH, HEIGHT, axis)
    for (name, points), look in zip(lines.items(), LOOKS, strict=False):
        shown = sorted(point for point in points if point[0] <= most_rate)
        axes.plot(
            *zip(*shown, strict=True), label=name, color=look.colour, linestyle=look.dash, marker=look.marker, linewidth=2, markersize=5
        )
    axes.set_xscale("log", base=2)
    axes.set_xticks(ticks := [0.1, 0.2, 0.4, 0.8, 1.6], [f"{tick:g}" for tick in ticks])
    axes.set_xlabel("bits a pixel, whole files", color=INK)
    axes.legend(frameon=False, labelcolor=INK)
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=110, facecolor="white")
    return held.getvalue()
