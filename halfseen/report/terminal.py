"""What a verb says on a terminal, from what it returns."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

WIDEST = 10_000
"""Columns of a terminal that every table fits."""


def facts(result: dict[str, Any]) -> None:
    """Names and values, nested ones indented."""
    for name, value in flat(result):
        Console().print(f"{name:<24} {value}", highlight=False, markup=False)


def flat(result: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for name, value in result.items():
        if isinstance(value, dict):
            lines += flat(value, f"{prefix}{name}.")
        elif value is not None:
            lines.append(
                (
                    prefix + name,
                    f"{value:,.4g}" if isinstance(value, float) else ", ".join(map(str, value)) if isinstance(value, list) else str(value),
                )
            )
    return lines


def scores(result: dict[str, Any]) -> None:
    """All arms side by side."""
    if "curves" in result:
        return curves(result)
    from halfseen.report.results import ScoreRow
    from halfseen.report.tables import apart, listed_table, score_table

    rows = [ScoreRow(**{name: value for name, value in row.items() if name in ScoreRow.__dataclass_fields__}) for row in result["scores"]]
    console, counted = Console(), result.get("counted", "labels")
    for task, some in apart(rows).items():
        table = score_table(some, task, counted=counted)
        fits = Measurement.get(console, console.options.update(width=WIDEST), table).minimum <= console.width
        console.print(table if fits else listed_table(some, task, counted=counted))
    if "gains" in result:
        Console().print(gains(result))
    for mean in result.get("mean", []):
        facts({f"{mean['arm']}, {mean['name']}": f"{mean['value']:.3f} ± {mean['stderr']:.3f}"})
    facts({"codes": result.get("codes", {})})
    for note in result.get("notes", []):
        Console().print(note, highlight=False, markup=False)
    facts({name: result[name] for name in ("missing", "verdict", "report") if result.get(name)})


def gains(result: dict[str, Any]) -> Table:
    """Tasks of speech, a line each: what they were asked of, and the share that each arm gains of what FBANK leaves."""
    from halfseen.report.words import arm_name

    table = Table("task", "asked of", "chance", *map(arm_name, result["gains"]), title="gain over FBANK, %", title_justify="left")
    for name, task in result["tasks"].items():
        some = [of.get(name) for of in result["gains"].values()]
        shown = ["–" if each is None else f"{100 * sum(one['value'] for one in each) / len(each):z.0f}" for each in some]
        table.add_row(name, task["material"], "" if task["chance"] is None else f"{100 * task['chance']:.1f}", *shown)
    return table


def curves(result: dict[str, Any]) -> None:
    """Codecs, a line each: PSNR at some rates, and the bits that equal quality takes."""
    at = result["psnr_db_at_bits_per_pixel"]
    table = Table(
        "", *(f"{rate} bits" for rate in next(iter(at.values()))), "bits for equal PSNR", title="PSNR in dB at so many bits a pixel"
    )
    for codec, found in at.items():
        bits = result["bd_rate_percent"][codec]
        table.add_row(
            codec, *("" if value is None else f"{value:.2f}" for value in found.values()), "" if bits is None else f"{bits:+.1f} %"
        )
    Console().print(table)
    facts({name: result[name] for name in ("images", "out") if name in result})


def predictions(result: dict[str, Any]) -> None:
    """One answer a line."""
    for row in result["predictions"]:
        answer = row["prediction"]
        print(" ".join(answer) if isinstance(answer, list | tuple) else answer)


def blanks(result: dict[str, Any]) -> None:
    """The candidates of each blank, likeliest first."""
    for number, blank in enumerate(result["blanks"], start=1):
        table = Table("token", "probability", title=f"blank {number}" if len(result["blanks"]) > 1 else None)
        for row in blank:
            table.add_row(row["token"], f"{row['probability']:.3f}")
        Console().print(table)


def say(piece: str) -> None:
    """A text as it is written."""
    print(piece, end="", flush=True)


def texts(result: dict[str, Any]) -> None:
    """Several texts one below the other; one alone was said as it was written. Then what else there is to know."""
    written = result["texts"]
    for number, text in enumerate(written, start=1):
        if len(written) > 1:
            print(f"{'' if number == 1 else chr(10)}--- {number} of {len(written)}\n{text['prompt']}{text['text']}")
        else:
            print()
        if text["kept"] is not None:
            note = f"The prompt was longer than the net takes beside so many new tokens: its last {text['kept']} tokens were read."
            Console(stderr=True).print(note, highlight=False, markup=False, soft_wrap=True)
        if "steps" in text:
            table = Table("token", "likeliest at this step")
            for step in text["steps"]:
                shown = "  ".join(f"{row['token']!r} {row['probability']:.3f}" for row in step["candidates"])
                table.add_row(repr(step["token"]), shown)
            Console(markup=False).print(table)


def demo(result: dict[str, Any]) -> None:
    """The demo prints as it goes; this is its last line."""
    facts({"report": result["report"]})


def oddities(result: dict[str, Any]) -> None:
    """The oddest rows or images, and why."""
    if result.get("oddest"):
        thing = next(iter(result["oddest"][0]))
        table = Table(thing, "oddness", "p-value", "because of")
        for one in result["oddest"]:
            because = ", ".join(f"{column} {value}" for column, value in one["because"].items())
            table.add_row(str(one[thing]), f"{one['oddness']:.2f}", f"{one['p_value']:.2g}", because)
        Console().print(table)
    facts({name: value for name, value in result.items() if name != "oddest"})


def reductions(result: dict[str, Any]) -> None:
    """The ways side by side; a dash where a way cannot say."""
    names = ("trustworthiness", "continuity", "accuracy", "share_lost")
    table = Table("way", "trustworthiness", "continuity", "accuracy", "lost", "seconds")
    for one in result["ways"]:
        figures = ["–" if one[name] is None else f"{one[name]:.3f}" for name in names]
        table.add_row(one["way"], *figures, "–" if one["seconds"] is None else f"{one['seconds']:.1f}")
    Console().print(table)
    facts({name: value for name, value in result.items() if name != "ways"})
