"""What arms gain on several tasks, as bars beside each other."""

from __future__ import annotations

from collections.abc import Mapping

from halfseen.report.plots import INK, RULE, canvas, legend, plain, styles, svg
from halfseen.report.words import arm_name, in_order

THICK = 0.8
"""Of the room between two tasks, what their bars take."""
LEAST = -60.0
"""Percent: what loses more than that ends there, and its figure says how much it is."""


def gain_bars(gains: Mapping[str, Mapping[str, tuple[float, float]]], titles: Mapping[str, str], *, width: int) -> str:
    """gains: of each arm and task the share that is gained, and its standard error. titles: of the tasks, in order."""
    arms = in_order(gains)
    look = styles(arms)
    figure, axes = canvas(width, 70 + (16 + 17 * len(arms)) * len(titles), "")
    for row, name in enumerate(titles):
        for k, arm in enumerate(arms):
            found = gains[arm].get(name)
            if found is None:
                continue
            value, error = 100 * found[0], 100 * found[1]
            place = -row + THICK / 2 - (k + 0.5) * THICK / len(arms)
            shown = max(value, LEAST)
            axes.barh(place, shown, height=0.9 * THICK / len(arms), color=look[arm].colour, alpha=1.0 if name == "mean" else 0.75)
            axes.plot([max(value - error, LEAST), max(value + error, LEAST)], [place] * 2, color=INK, linewidth=1.2)
            end = max(shown, value + error, 0.0)
            axes.annotate(f"{value:z.0f}", (end, place), xytext=(5, 0), textcoords="offset points", va="center", color=INK, fontsize=10.5)
    axes.axvline(0, color=INK, linewidth=1)
    axes.set_yticks([-row for row in range(len(titles))], [plain(title) for title in titles.values()])
    axes.set_ylim(-len(titles) + 0.4, 0.6)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=RULE, linewidth=1)
    axes.set_xlabel("percent of what FBANK leaves to be gained", color=INK, fontsize=12.5, labelpad=8)
    drawn = svg(figure, f"gain over FBANK on {len(titles)} tasks, for {', '.join(arm_name(arm) for arm in arms)}")
    return legend(arms, look) + drawn
