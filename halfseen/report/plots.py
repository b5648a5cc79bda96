"""Plots as SVG text for the page: calm, fluid, readable without colour, light or dark.

Colours are CSS variables with a fallback, so the page's style decides; text stays text and takes the page's font. Names of arms
stand in an HTML legend beside the plot, where any script can be shown. Sizes are CSS pixels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from halfseen.contracts import Array
from halfseen.report.efficiency import Difference, Point
from halfseen.report.results import Fit, ScoreRow
from halfseen.report.sizes import SizeCurves
from halfseen.report.words import CONTROLS, arm_name, factor, in_order, metric_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, RULE = "#4a4f57", "#dfe2e6"
MOST_POINTS = 300
"""A curve of more points is averaged down to so many."""


@dataclass(frozen=True)
class Style:
    """How an arm looks in every plot; colours from Okabe and Ito, told apart by marker and dash as well."""

    variable: str
    colour: str
    marker: str
    dash: Any


MODELS = (
    Style("--arm-1", "#0072b2", "o", "-"),
    Style("--arm-2", "#009e73", "D", "-"),
    Style("--arm-3", "#b4568f", "^", "-"),
    Style("--arm-4", "#3f9bd4", "P", "-"),
)
BASELINE = Style("--baseline", "#6f7782", "v", (0, (1.2, 1.6)))
FREQUENT = Style("--frequent", "#a39b8f", "x", (0, (6, 2, 1, 2)))
CONTROL_STYLES = {
    "scratch": Style("--scratch", "#d55e00", "s", (0, (5, 2.5))),
    "baseline": BASELINE,
    "fbank": BASELINE,
    "fbank-normalised": FREQUENT,
    "most-frequent": FREQUENT,
    "chance": BASELINE,
    "majority": FREQUENT,
}
VARIABLES = {INK: "--ink-soft", RULE: "--rule", **{s.colour: s.variable for s in (*MODELS, *CONTROL_STYLES.values())}}


def styles(arms: Sequence[str]) -> dict[str, Style]:
    """One style an arm, the same for the same list of arms."""
    models = [arm for arm in in_order(arms) if arm not in CONTROLS]
    chosen = {arm: MODELS[i % len(MODELS)] for i, arm in enumerate(models)}
    return {arm: chosen.get(arm) or CONTROL_STYLES[arm] for arm in in_order(arms)}


def legend(arms: Sequence[str], style: Mapping[str, Style]) -> str:
    """The arms' names beside a piece of their line, in HTML."""
    return named_legend([arm_name(arm) for arm in in_order(arms)], [style[arm] for arm in in_order(arms)])


def named_legend(names: Sequence[str], style: Sequence[Style] = MODELS) -> str:
    """Names of lines, each beside a piece of its line."""
    shapes = {
        "o": '<circle cx="17" cy="7" r="4"/>',
        "D": '<path d="M17 2.5 21.5 7 17 11.5 12.5 7z"/>',
        "^": '<path d="M17 2.5 21.5 11h-9z"/>',
        "P": '<path d="M15 3h4v2.2h2v3.6h-2V11h-4V8.8h-2V5.2h2z"/>',
        "s": '<path d="M13.2 3.2h7.6v7.6h-7.6z"/>',
        "v": '<path d="M17 11.5 12.5 3h9z"/>',
        "x": '<path d="M13 3l8 8M21 3l-8 8" fill="none"/>',
    }
    items = []
    for name, s in zip(names, style, strict=False):
        dash = "" if s.dash == "-" else f' stroke-dasharray="{" ".join(str(2 * d) for d in s.dash[1])}"'
        line = f'<path d="M0 7H34" fill="none"{dash}/>'
        colour = f"var({s.variable},{s.colour})"
        swatch = f'<svg viewBox="0 0 34 14" width="34" height="14" aria-hidden="true" style="stroke:{colour};fill:{colour};stroke-width:2">'
        items.append(f"<li>{swatch}{line}{shapes[s.marker]}</svg>{escape(name)}</li>")
    return f'<ul class="legend">{"".join(items)}</ul>'


def canvas(width: int, height: int, label: str) -> tuple[Figure, Axes]:
    """An empty plot: its y label is written above, where it needs no turning of the head."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 72, height / 72), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(plain(label), loc="left", color=INK, fontsize=12.5, pad=10)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(RULE)
    axes.grid(axis="y", color=RULE, linewidth=1)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, labelsize=12.5, length=0, pad=6)
    axes.locator_params(axis="y", nbins=5)
    axes.patch.set_visible(False)
    figure.patch.set_visible(False)
    return figure, axes


def plain(text: str) -> str:
    """A text in which dollars are dollars, not the ends of a formula."""
    return text.replace("$", r"\$")


def svg(figure: Figure, alt: str) -> str:
    """The figure as an <svg> for a page: fluid, named for those who cannot see it, the same bytes every time."""
    from io import StringIO

    from matplotlib import rc_context

    out = StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": alt}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = out.getvalue()
    text = re.sub(r"<!--.*?-->", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    text = re.sub(r"font: (?:\w+ )*([\d.]+px) [^;\"]*", r"font-size: \1", text)
    head, rest = text.split(">", 1)
    size = re.search(r'viewBox="[^"]*"', head)
    assert size is not None
    rest = re.sub("#[0-9a-f]{6}", lambda m: f"var({VARIABLES[m[0]]}, {m[0]})" if m[0] in VARIABLES else m[0], rest)
    namespaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {namespaces} {size[0]} role="img" aria-label="{escape(alt)}">' + re.sub(r"\s*\n\s*", "\n", rest).strip()


def draw(axes: Axes, x: Array, mean: Array, band: tuple[Array, Array], style: Style, *, marker: bool) -> None:
    """A line in its band."""
    axes.fill_between(x, *band, color=style.colour, alpha=0.16, linewidth=0)
    axes.plot(
        x, mean, color=style.colour, linestyle=style.dash, linewidth=2.2, marker=style.marker if marker else None, markersize=6.5,
        markeredgewidth=2 if style.marker == "x" else 0, solid_capstyle="round",
    )  # fmt: skip


def thousands(value: float, _: object = None) -> str:
    """1,024 as it is; 12000 as 12 k; 3400000 as 3.4 M."""
    for scale, unit in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if abs(value) >= scale:
            return f"{value / min(scale, 1e3 if unit == ' k' else scale):g}{unit}"
    return f"{value:,.0f}" if value == round(value) else f"{value:g}"


def label_efficiency(
    curves: Mapping[str, Sequence[Point]], row: ScoreRow, style: Mapping[str, Style], counted: str, *, width: int, height: int
) -> str:
    """The metric against the number of labels, or of what else is `counted` (log), one line an arm with a band of one standard error."""
    name, scale = metric_name(row.name), factor(row.unit)
    label = name if row.unit else f"{name} × 100" if "correlation" in name else f"{name}, %"
    figure, axes = canvas(width, height, label)
    for arm, points in reversed(list(curves.items())):
        mean, error = (scale * np.array([getattr(p, what) for p in points]) for what in ("mean", "stderr"))
        draw(axes, np.array([p.labels for p in points]), mean, (mean - error, mean + error), style[arm], marker=True)
    counts = sorted({p.labels for points in curves.values() for p in points})
    if counts[0] == 0:
        axes.set_xscale("symlog", linthresh=1)
    else:
        axes.set_xscale("log")
    place = np.log(np.maximum(counts, 0.3))  # about where 0 stands
    kept: list[int] = []
    for n, at in zip(counts, place, strict=True):
        if not kept or at - np.log(max(kept[-1], 0.3)) > 0.09 * (place[-1] - place[0]):
            kept.append(n)
    axes.set_xticks(kept, [f"{n:,}" for n in kept])
    axes.set_xticks([], minor=True)
    axes.set_xlabel(counted, color=INK, fontsize=12.5, labelpad=8)
    return svg(figure, f"{name} against the number of {counted}, for {', '.join(arm_name(arm) for arm in curves)} on {row.task}")


def model_sizes(curves: SizeCurves, *, width: int, height: int) -> str:
    """The mean over tasks against the number of weights (log), one line a number of shots, chance dashed."""
    figure, axes = canvas(width, height, "mean accuracy, %")
    for points, style in zip(curves.by_shots.values(), MODELS, strict=False):
        weights, mean, error = np.array(points).T
        draw(axes, weights, 100 * mean, (100 * (mean - error), 100 * (mean + error)), style, marker=True)
    if curves.chance is not None:
        axes.axhline(100 * curves.chance, color=CONTROL_STYLES["chance"].colour, linewidth=2, linestyle=(0, (5, 3)))
    axes.set_xscale("log")
    counts = sorted({int(point[0]) for points in curves.by_shots.values() for point in points})
    axes.set_xticks(counts, [thousands(float(f"{n:.2g}")) for n in counts])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("weights", color=INK, fontsize=12.5, labelpad=8)
    return svg(figure, f"mean accuracy over tasks against the number of weights, for {', '.join(curves.by_shots)}")


def loss_curves(fits: Sequence[Fit], style: Mapping[str, Style], *, width: int, height: int) -> str:
    """Mean training loss of each epoch, one line an arm; the band is the range over seeds."""
    from matplotlib.ticker import MaxNLocator

    figure, axes = canvas(width, height, "training loss")
    for arm in reversed(in_order(fit.arm for fit in fits)):
        losses = [fit.losses for fit in fits if fit.arm == arm]
        epochs = max(map(len, losses))
        grid = np.array([(*one, *[np.nan] * (epochs - len(one))) for one in losses])
        draw(axes, np.arange(1, epochs + 1), np.nanmean(grid, 0), (np.nanmin(grid, 0), np.nanmax(grid, 0)), style[arm], marker=epochs == 1)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.set_xlabel("epoch", color=INK, fontsize=12.5, labelpad=8)
    return svg(figure, f"training loss of {fits[0].task} by epoch, pre-trained against random weights, {fits[0].labels} labels")


def differences(found: Mapping[str, Difference], *, width: int) -> str:
    """What the pre-training was worth on each task, in points, with its interval."""
    figure, axes = canvas(width, 64 + 30 * len(found), "")
    places = np.arange(len(found))[::-1]
    for place, one in zip(places, found.values(), strict=True):
        style = MODELS[0] if one.outcome == "gain" else CONTROL_STYLES["scratch" if one.outcome == "cost" else "baseline"]
        axes.plot([100 * one.low, 100 * one.high], [place] * 2, color=style.colour, linewidth=2.2, solid_capstyle="round")
        axes.plot([100 * one.mean], [place], color=style.colour, marker=style.marker, markersize=8, markeredgewidth=0)
    axes.axvline(0, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_yticks(places, [plain(name) for name in found])
    axes.set_ylim(-0.6, len(found) - 0.4)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=RULE, linewidth=1)
    axes.set_xlabel("points over random weights", color=INK, fontsize=12.5, labelpad=8)
    return svg(figure, "points over random weights on each task, with intervals")


def thin(x: Array, y: Array) -> tuple[Array, Array]:
    """Neighbours averaged, so that at most MOST_POINTS are left."""
    bins = [b for b in np.array_split(np.arange(len(x)), min(len(x), MOST_POINTS)) if len(b)]
    return np.array([x[b].mean() for b in bins]), np.array([y[b].mean() for b in bins])


def over_run(
    lines: Sequence[Mapping[str, Any]], names: Sequence[str], label: str, *, x: str = "tokens read", level: float | None = None,
    scale: float = 1.0, from_zero: bool = False,
) -> str:  # fmt: skip
    """What a run's lines say of `names` against `x`: the last one strong, others faint; `level` is a dashed line."""
    figure, axes = canvas(350, 250, label)
    for name in names:
        points = np.array([(line[x], line[name]) for line in lines if name in line], dtype=float).reshape(-1, 2)
        px, py = thin(points[:, 0], scale * points[:, 1])
        look = {"linewidth": 2.2, "marker": "o" if len(px) < 40 else None} if name == names[-1] else {"linewidth": 1.2, "alpha": 0.45}
        axes.plot(px, py, color=MODELS[0].colour, markersize=4.5, **look)
    if level is not None:
        axes.axhline(scale * level, color=CONTROL_STYLES["baseline"].colour, linewidth=2, linestyle=(0, (5, 3)))
    if from_zero:
        axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(thousands)
    axes.yaxis.set_major_formatter(thousands)
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel(x, color=INK, fontsize=12.5, labelpad=8)
    return svg(figure, f"{label} against {x}")
