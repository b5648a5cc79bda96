"""Curves of codecs as one picture that stands alone: rate across, on a scale of doublings, quality up."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from itertools import cycle

from halfseen.report.plots import CONTROL_STYLES, INK, MODELS, canvas

WIDTH, HEIGHT = 620, 400
PEERS = {"JPEG": CONTROL_STYLES["scratch"], "WebP": CONTROL_STYLES["baseline"], "AVIF": MODELS[1]}
OURS = (MODELS[0], MODELS[2], MODELS[3])
"""Looks of known codecs, and of all others in turn."""


def rate_distortion(lines: Mapping[str, Sequence[tuple[float, float]]], axis: str, *, most_rate: float = 1.6) -> bytes:
    """A PNG. lines: each codec's (bits a pixel, quality). axis: what quality is in."""
    figure, axes = canvas(WIDTH, HEIGHT, axis)
    others = cycle(OURS)
    for name, points in lines.items():
        look = PEERS.get(name) or next(others)
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
