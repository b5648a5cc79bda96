"""What plots say beside their lines."""

from __future__ import annotations

import re
from io import StringIO

from rich.console import Console

from halfseen.report import plots
from halfseen.report.efficiency import Point
from halfseen.report.gains import gain_bars
from halfseen.report.results import ScoreRow
from halfseen.report.terminal import gains


def test_points_that_stand_close_share_a_label_and_the_next_has_its_own() -> None:
    counts = [14, 41, 75, 115, 161, 212, 267, 327, 390, 456, 527, 600]
    row = ScoreRow(task="copy", arm="net", name="accuracy", value=0.5, n=9, stderr=0.1, seeds=1, labels=14, unit="", higher_is_better=True)
    curve = {"net": [Point(labels=n, mean=0.5, stderr=0.1, seeds=1) for n in counts]}
    drawn = plots.label_efficiency(curve, row, plots.styles(["net"]), "training steps", width=600, height=300)
    labelled = [int(word) for word in re.findall(r">([\d,]+)</text>", drawn) if word.isdigit() and int(word) in counts]
    assert labelled == [14, 41, 75, 115, 212, 327, 527]


def test_a_gain_of_nothing_has_no_sign() -> None:
    drawn = gain_bars({"pretrained": {"qbe": (-0.003, 0.01)}}, {"qbe": "query by example"}, width=680)
    assert re.findall(r">(-?\d+)</text>", drawn) == ["0"]
    found = {"gains": {"pretrained": {"qbe": [{"value": -0.003}]}}, "tasks": {"qbe": {"material": "pairs", "chance": None}}}
    console = Console(file=StringIO(), width=200)
    console.print(gains(found))
    row = next(line for line in console.file.getvalue().splitlines() if "qbe" in line)
    assert row.split("│")[-2].strip() == "0"
