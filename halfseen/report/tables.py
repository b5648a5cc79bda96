"""Scores as a table, for the terminal and for the page: all arms side by side, with standard errors, the best in bold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from halfseen.report.intervals import CHANCE, MAJORITY, at_chance, interval
from halfseen.report.results import ScoreRow
from halfseen.report.words import CONTROLS, arm_name, error, figure, in_order, metric_name

if TYPE_CHECKING:
    from rich.table import Table

MANY = 6
"""More arms than that, on one task, get a row each and not a column."""


@dataclass(frozen=True)
class Line:
    """One row: a task's metric at one label count. `best` names the arms with the best mean, as it is shown."""

    task: str
    labels: int
    metric: str
    items: int
    by_arm: dict[str, ScoreRow]
    best: frozenset[str]


def lines_of(rows: Iterable[ScoreRow]) -> list[Line]:
    """Tasks in the order given, then label counts, the main metric first."""
    rows = list(rows)
    tasks = list(dict.fromkeys(row.task for row in rows))

    def place(row: ScoreRow) -> tuple[int, int, bool, str]:
        return tasks.index(row.task), row.labels, not row.main, row.name

    lines = []
    for _, group in groupby(sorted(rows, key=place), key=place):
        by_arm = {row.arm: row for row in group}
        one = next(iter(by_arm.values()))
        shown = {arm: figure(row.value, row.unit) for arm, row in by_arm.items()}
        top = (max if one.higher_is_better else min)(by_arm.values(), key=lambda row: row.value)
        best = frozenset(arm for arm, text in shown.items() if text == shown[top.arm] and len(by_arm) > 1)
        metric = metric_name(one.name) + (f", {one.unit}" if one.unit else "") + ("" if one.higher_is_better else " ↓")
        lines.append(Line(one.task, one.labels, metric, one.n, by_arm, best))
    return lines


@dataclass(frozen=True)
class Block:
    """One label count. arms: a row each. lines: a column each, a metric's; None where nobody has it at that count."""

    labels: int
    arms: list[str]
    lines: list[Line | None]


def turned(arms: Sequence[str], lines: Sequence[Line]) -> tuple[list[str], list[Block]] | None:
    """The metrics and a block for each label count, its best arm first and controls last, if arms are many; else None."""
    if len(arms) <= MANY or len({line.task for line in lines}) > 1:
        return None
    metrics = list(dict.fromkeys(line.metric for line in lines))
    blocks = []
    for labels, group in groupby(lines, key=lambda line: line.labels):
        by_metric = {line.metric: line for line in group}
        there = [arm for arm in arms if any(arm in line.by_arm for line in by_metric.values())]
        order = ranked(next(iter(by_metric.values())).by_arm, there)
        blocks.append(Block(labels, order, [by_metric.get(metric) for metric in metrics]))
    return metrics, blocks


def apart(rows: Iterable[ScoreRow]) -> dict[str, list[ScoreRow]]:
    """Rows by task where tasks have arms of their own, more than fit beside each other; else all of them under no name."""
    by_task: dict[str, list[ScoreRow]] = {}
    for row in rows:
        by_task.setdefault(row.task, []).append(row)
    arms = [{row.arm for row in some} for some in by_task.values()]
    if len(set().union(*arms)) > MANY and any(one != arms[0] for one in arms):
        return by_task
    return {"": [row for some in by_task.values() for row in some]}


def honesty(rows: Sequence[ScoreRow]) -> str:
    """What stands behind the figures, in words."""
    controls = ("most-frequent", CHANCE, MAJORITY)
    seeds = sorted({row.seeds for row in rows if row.arm not in controls} or {row.seeds for row in rows})
    items = {row.n for row in rows}
    on = f", on {items.pop():,} test items" if len(items) == 1 else ""
    points = " Shares and correlations are shown times 100." if any(not row.unit for row in rows) else ""
    lower = " ↓: lower is better." if any(not row.higher_is_better for row in rows) else ""
    if any(row.arm == CHANCE for row in rows):
        over = f"test items and {seeds[-1]} seed{'s' * (seeds[-1] != 1)}"
        best = "the best mean is bold; at chance: the interval holds what chance reaches"
        return f"Mean and 95 % interval over {over}{on}; {best}.{points}{lower}"
    over = "test items, one seed" if seeds == [1] else f"{' to '.join(str(s) for s in dict.fromkeys((seeds[0], seeds[-1])))} seeds"
    return f"Mean ± standard error over {over}{on}; the best mean is bold.{points}{lower}"


def score_table(rows: Sequence[ScoreRow], title: str = "", *, counted: str = "labels") -> Table:
    """For the terminal, all arms side by side. counted: what `labels` of the rows counts."""
    from rich.markup import escape as plain

    arms, lines = in_order(row.arm for row in rows), lines_of(rows)
    tasks = len({line.task for line in lines}) > 1
    table = framed(rows, title)
    if many := turned(arms, lines):
        metrics, blocks = many
        several = len(blocks) > 1
        for head in [counted] * several + ["", *metrics]:
            table.add_column(plain(head), justify="right" if head else "left", overflow="fold")
        for block in blocks:
            for i, arm in enumerate(block.arms):
                count = [f"{block.labels:,}" if i == 0 else ""] * several
                table.add_row(*count, plain(arm_name(arm)), *(marked(line, arm) if line else "" for line in block.lines))
            table.add_section()
        return table
    for name in ("task", counted, "metric") if tasks else (counted, "metric"):
        table.add_column(name, justify="right" if name == counted else "left", no_wrap=name != "metric")
    for arm in arms:  # a long name may break, a figure may not, but how sure it is may stand below it
        pieces = [piece for line in lines for piece in cell_text(line, arm).replace(" ±", "±").split()]
        table.add_column(plain(arm_name(arm)), justify="right", min_width=max(map(len, pieces)))
    previous = None
    for line in lines:
        if previous not in (None, line.task):
            table.add_section()
        first = (plain(line.task) if line.task != previous else "",) if tasks else ()
        table.add_row(*first, f"{line.labels:,}", plain(line.metric), *(marked(line, arm) for arm in arms))
        previous = line.task
    return table


def listed_table(rows: Sequence[ScoreRow], title: str = "", *, counted: str = "labels") -> Table:
    """For a terminal too narrow for `score_table`: a figure a row, each metric's best first and controls last."""
    from rich.markup import escape as plain

    table = framed(rows, title)
    for name in ("task", counted, "metric", "arm"):
        table.add_column(name, justify="right" if name == counted else "left", overflow="fold")
    table.add_column("", justify="right", no_wrap=True)
    for line in lines_of(rows):
        first = [plain(line.task), f"{line.labels:,}", plain(line.metric)]
        for arm in ranked(line.by_arm, list(line.by_arm)):
            table.add_row(*first, plain(arm_name(arm)), marked(line, arm))
            first = ["", "", ""]
        table.add_section()
    return table


def framed(rows: Sequence[ScoreRow], title: str) -> Table:
    from rich.markup import escape as plain
    from rich.table import Table

    return Table(title=plain(title) or None, caption=honesty(rows) if rows else None, title_justify="left", caption_justify="left")


def ranked(main: Mapping[str, ScoreRow], arms: Iterable[str]) -> list[str]:
    """The best by a metric first, controls last."""
    value = {arm: -row.value if row.higher_is_better else row.value for arm, row in main.items()}
    return sorted(arms, key=lambda arm: (arm in CONTROLS, value.get(arm, float("inf"))))


def cell_text(line: Line, arm: str) -> str:
    row = line.by_arm.get(arm)
    return f"{figure(row.value, row.unit)} {spread(row, line)}".strip() if row else ""


def marked(line: Line, arm: str) -> str:
    """For the terminal, the best in bold."""
    text = cell_text(line, arm)
    return f"[bold]{text}[/bold]" if arm in line.best else text


def spread(row: ScoreRow, line: Line) -> str:
    """How sure a figure is: its interval, beside chance, and whether it holds that; its standard error elsewhere."""
    if CHANCE not in line.by_arm:
        return f"± {error(row.value, row.stderr, row.unit)}"
    if row.arm in (CHANCE, MAJORITY):
        return ""
    low, high = (figure(end, row.unit) for end in interval(row))
    return f"({low}–{high})" + (" at chance" if at_chance(row, line.by_arm) else "")


def score_html(rows: Sequence[ScoreRow], *, counted: str = "labels") -> str:
    """For the page: a table in a box of its own that scrolls sideways; a column of tasks, or test items, only if they differ."""
    arms, lines = in_order(row.arm for row in rows), lines_of(rows)
    if many := turned(arms, lines):
        metrics, blocks = many
        several = len(blocks) > 1
        bodies = []
        for block in blocks:
            body = ""
            for arm in block.arms:
                first = f"<td>{'' if body else f'{block.labels:,}'}</td>" if several else ""
                cells = "".join(cell_html(line, arm) if line else "<td></td>" for line in block.lines)
                body += f'<tr>{first}<th class="text" scope="row">{escape(arm_name(arm))}</th>{cells}</tr>\n'
            bodies.append(f"<tbody>{body}</tbody>")
        head = [counted] * several + ["", *metrics]
        return boxed("".join(f"<th>{escape(name)}</th>" for name in head), bodies, rows)
    tasks, items = len({line.task for line in lines}) > 1, len({line.items for line in lines}) > 1
    head = ['<th class="text">task</th>'] if tasks else []
    head += [f"<th>{escape(counted)}</th>", '<th class="text">metric</th>', *(f"<th>{escape(arm_name(arm))}</th>" for arm in arms)]
    head += ["<th>test items</th>"] if items else []
    bodies = []
    for task, group in groupby(lines, key=lambda line: line.task):
        body = ""
        for line in group:
            first = f'<th class="text" scope="row">{escape(task) if not body else ""}</th>' if tasks else ""
            cells = "".join(cell_html(line, arm) for arm in arms)
            last = f"<td>{line.items:,}</td>" if items else ""
            body += f'<tr>{first}<td>{line.labels:,}</td><td class="text">{escape(line.metric)}</td>{cells}{last}</tr>\n'
        bodies.append(f"<tbody>{body}</tbody>")
    return boxed("".join(head), bodies, rows)


def boxed(head: str, bodies: Sequence[str], rows: Sequence[ScoreRow]) -> str:
    table = f'<table class="scores"><thead><tr>{head}</tr></thead>{"".join(bodies)}</table>'
    return f'<div class="scroll" tabindex="0">{table}</div>\n<p class="note">{escape(honesty(rows))}</p>'


def cell_html(line: Line, arm: str) -> str:
    row = line.by_arm.get(arm)
    if row is None:
        return "<td></td>"
    value = figure(row.value, row.unit)
    return f"<td>{f'<b>{value}</b>' if arm in line.best else value} <small>{spread(row, line)}</small></td>"
