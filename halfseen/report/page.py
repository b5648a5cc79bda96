"""One self-contained HTML page of a folder: the verdict, curves, scores, examples, and the recipe that repeats it.

The page asks nothing of the network and runs no script. What a folder has nothing to say about is left out.
"""

from __future__ import annotations

import re
from html import escape
from importlib.resources import files
from pathlib import Path

from halfseen.contracts import UserError
from halfseen.report import sections
from halfseen.report.efficiency import Verdict
from halfseen.report.material import Material, gather
from halfseen.report.sounds import sounds_html
from halfseen.report.training import describe

PAGE = "report.html"
WORTH = {
    "tokens": "What that is worth shows when it is fine-tuned beside its controls: `halfseen finetune … --controls`.",
    "frames": "What that is worth shows when somebody has labels: `halfseen score speech`.",
    "samples": "What that is worth shows in use: `halfseen score codes`, `detect`, `sample`, `denoise`.",
    "disentangle": "What that is worth shows in use: `halfseen score voice`, `halfseen score units`, `halfseen convert`.",
    "vocoder": "What that is worth shows in use: `halfseen score voice … --vocoders`, `halfseen convert … --vocoder`.",
}
"""What stands below a run that nothing has judged yet, by its method, else by what it counts."""


def write_report(folder: Path) -> Path:
    """Writes report.html into the folder and returns its path.

    Raises UserError if the folder holds neither a pre-training run nor results, if a file is damaged, or if it cannot be written.
    """
    material = gather(folder)
    page = compose(material)
    path = folder / PAGE
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot be written ({error.strerror})", where=str(path), way_out="make room, or allow writing there") from error
    return path


def compose(material: Material) -> str:
    title = str(material.demo.get("title") or f"halfseen report: {material.folder.resolve().name}")
    verdicts = [(part, found) for part in material.parts for found in part.verdicts]
    learnt = any(part.results.counted == "labels" for part in material.parts)
    body = "\n".join([
        header(material, title, [found for _, found in verdicts]),
        section("What it was worth" if learnt else "What came out", sections.efficiency(material)),
        section("Size", sections.sizes(material)),
        section("Pictures", sections.pictures(material)),
        section("To listen to", sounds_html(material.sounds)),
        section("Learning from labels", sections.losses(material)),
        section("Scores, beside their controls", sections.scores(material)),
        section("What it says", sections.said(material)),
        section("Learning without labels", sections.learning(material)),
        section("How to repeat it", sections.recipe(material)),
    ])  # fmt: skip
    css = files("halfseen.report").joinpath("page.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>
{css}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def section(title: str, body: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{body}\n</section>" if body else ""


def header(material: Material, title: str, verdicts: list[tuple[str, Verdict]]) -> str:
    if verdicts:
        first = verdicts[0][1]
        claim, beside, outcome = sentence(first.sentence, first.key), first.beside, first.outcome
    elif said := next((part.results.verdict for part in material.parts if part.results.verdict), ""):
        claim, beside, outcome = escape(said), "", "unknown"
    elif material.parts:
        claim, beside, outcome = "These scores have no model among their arms: there is nothing to judge.", "", "unknown"
    else:
        run = material.runs[0]
        claim, outcome = sentence(describe(run), ""), "unknown"
        beside = WORTH.get(str(run.recipe.get("method")), WORTH[run.unit])
    more = "".join(f"<li><b>{escape(name)}</b> {sentence(found.sentence, found.key)}</li>" for name, found in verdicts[1:])
    paragraphs = "".join(f"<p>{escape(str(p))}</p>" for p in material.demo.get("paragraphs", ()))
    if len(verdicts) > 1 and verdicts[0][0]:
        title += f" · {verdicts[0][0]}"
    return (
        f'<header class="{outcome}">\n<p class="title">{escape(title)}</p>\n<h1>{claim}</h1>\n'
        + (f'<p class="beside">{code(beside)}</p>\n' if beside else "")
        + paragraphs
        + (f'<ul class="verdicts">{more}</ul>\n' if more else "")
        + "</header>"
    )


def sentence(text: str, key: str) -> str:
    """A verdict's sentence with its key set off, and its interval kept in one quieter piece."""
    whole = escape(re.sub(r"(?<=[\d±]) (?=times|points|[\d±])", "\u00a0", key))
    shown = escape(text).replace(escape(key), f"<em>{whole}</em>", 1) if key else escape(text)
    return re.sub(r" (\([^()]*\)\.)$", r' <span class="interval">\1</span>', shown)


def code(text: str) -> str:
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text))
