"""The sections of the page, each '' where there is nothing to show."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from halfseen.data.claim import REBUILT
from halfseen.report import plots
from halfseen.report.efficiency import PERCENT, SCRATCH, arms_of, curves, metric_of, tasks_of
from halfseen.report.examples import continuations_html, examples_html, fills_html, restorations_html
from halfseen.report.material import Material
from halfseen.report.results import Results
from halfseen.report.sizes import size_curves
from halfseen.report.tables import apart, score_html
from halfseen.report.training import BASELINES, REBUILDERS, TOLD, Run, describe
from halfseen.report.words import CONTROLS, arm_name, duration

COUNTED = {
    "labels": "labelled items",
    "shots": "examples in the prompt",
    "steps": "training steps",
    "recordings": "recordings of the target",
    "units": "units",
}
"""What stands below a curve, by what is counted along it."""
HELD_OUT = {"tokens": "text", "samples": "samples", "frames": "speech"}
"""What is held out, by what a run counts."""


def figure(svg: str, caption: str = "", *, title: str = "", kind: str = "") -> str:
    head = f"<h3>{escape(title)}</h3>" if title else ""
    foot = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure class="{kind}">{head}{svg}{foot}</figure>'


def efficiency(material: Material) -> str:
    """The headline's curve large, the others small; for a suite, the differences on all tasks."""
    large = ""
    small: list[str] = []
    for part in material.parts:
        gaps = {
            title: found.difference
            for title, found in part.verdicts
            if found.difference and found.arm == part.verdicts[0][1].arm and (row := metric_of(part.results, found.task)) and not row.unit
        }
        if len(gaps) > 1:
            caption = f"Each task at its largest number of labels: mean over seeds, and its {PERCENT} interval."
            large += figure(plots.differences(gaps, width=350), caption, title=part.name, kind="middle")
        for task in tasks_of(part.results):
            found, row = curves(part.results, task), metric_of(part.results, task)
            if row is None or max(map(len, found.values()), default=0) < 2:
                continue
            look, title = plots.styles(list(found)), part.title(task)
            counted = COUNTED[part.results.counted]
            key, narrow = plots.legend(list(found), look), plots.label_efficiency(found, row, look, counted, width=350, height=290)
            if large or small:
                small.append(figure(key + narrow, title=title))
                continue
            wide = plots.label_efficiency(found, row, look, counted, width=680, height=390)
            caption = f"Mean over seeds; the band is one standard error to either side. The number of {counted} is on a logarithmic scale."
            both = f'<div class="wide">{wide}</div><div class="narrow">{narrow}</div>'
            large = figure(key + both, caption, title=title, kind="large")
    return large + grid(small)


def pictures(material: Material) -> str:
    """What a verb left to be shown beside its results."""
    drawn = [
        (one.get("kind", ""), figure(one["svg"], one["caption"], title=one["title"], kind=one.get("kind", ""))) for one in material.pictures
    ]
    return "".join(shown for kind, shown in drawn if kind) + grid([shown for kind, shown in drawn if not kind])


def sizes(material: Material) -> str:
    """GPT-3's figure 1.3: the mean over all tasks against the number of weights, a curve for no, one and most examples."""
    found = []
    for part in material.parts:
        if len(set(part.results.sizes.values())) > 1:
            curves = size_curves(part.results)
            drawn = plots.model_sizes(curves, width=680, height=390)
            caption = f"Mean accuracy over {len(curves.tasks)} tasks; the band is one standard error to either side. Dashed: chance."
            found.append(figure(plots.named_legend(list(curves.by_shots)) + drawn, caption, title=part.name, kind="large"))
    return "".join(found)


def losses(material: Material) -> str:
    """Models and random weights, at each task's largest label count."""
    found = []
    for part in material.parts:
        for task in tasks_of(part.results):
            fits = [f for f in part.results.fits if f.task == task and f.losses and (f.arm == SCRATCH or f.arm not in CONTROLS)]
            if not fits:
                continue
            labels = max(fit.labels for fit in fits)
            fits = [fit for fit in fits if fit.labels == labels]
            arms, look = list(dict.fromkeys(fit.arm for fit in fits)), plots.styles(arms_of(part.results, task))
            drawn = plots.legend(arms, look) + plots.loss_curves(fits, look, width=350, height=260)
            caption = f"{labels:,} labels; mean over seeds, the band from the lowest to the highest."
            found.append(figure(drawn, caption, title=part.title(task)))
    return grid(found)


def grid(figures: list[str]) -> str:
    return f'<div class="figures">{"".join(figures)}</div>' if figures else ""


def scores(material: Material) -> str:
    found = []
    for part in material.parts:
        tasks = tasks_of(part.results)
        title = part.title(tasks[0]) if len(tasks) == 1 else part.name
        name = f"<h3>{escape(title)}</h3>\n" if title else ""
        notes = [f"Not scored, as their data were not there: {', '.join(part.results.missing)}."] if part.results.missing else []
        shown = "".join(f'\n<p class="note">{escape(note)}</p>' for note in (*notes, *part.results.notes))
        for task, rows in apart(part.results.scores).items():
            found.append((f"<h3>{escape(task)}</h3>\n" if task else name) + score_html(rows, counted=part.results.counted))
        found[-1] += shown
    return "\n".join(found)


def said(material: Material) -> str:
    blocks = [f"<h3>Blanks, filled</h3>\n{fills_html(material.fills)}"] if material.fills else []
    if material.continuations:
        note = "Held-out texts, gone on with: at each step the five likeliest tokens, of which the first is taken."
        blocks.append(f'<h3>Token by token</h3>\n<p class="note">{note}</p>\n{continuations_html(material.continuations)}')
    if material.restorations:
        note = "Held-out texts, corrupted as in training, and what the decoder makes of them."
        blocks.append(f'<h3>Texts, restored</h3>\n<p class="note">{note}</p>\n{restorations_html(material.restorations)}')
    for part in material.parts:
        for task in tasks_of(part.results):
            arm = next((a for a in arms_of(part.results, task) if a not in CONTROLS), None)
            cards = examples_html(part.results, task, arm) if arm else ""
            if cards:
                note = f"The first that {arm_name(str(arm))} got right and the first it got wrong, in the order of the dev file."
                blocks.append(f'<h3>{escape(part.title(task))}</h3>\n<p class="note">{escape(note)}</p>\n{cards}')
    return "\n".join(blocks)


def learning(material: Material) -> str:
    """Held-out and training curves against tokens, speed against time, for each run."""
    blocks = []
    for run in material.runs:
        if not run.lines:
            continue
        name = f"<h3>{escape(run.folder.resolve().name)}</h3>\n" if len(material.runs) > 1 else ""
        words = f"<p>{escape(describe(run))}</p>\n" if material.parts or len(material.runs) > 1 else ""
        blocks.append(name + words + grid(run_figures(run)))
    return "\n".join(blocks)


def run_figures(run: Run) -> list[str]:
    """Loss, accuracy and speed, each where the run's metrics hold it."""
    unit, heldout, found = run.unit, run.heldout, []
    across = f"{unit} read"
    lines = [{**line, across: line[unit], "minutes": line["seconds"] / 60} for line in run.lines]
    loss, accuracy = heldout.get("unigram_loss", heldout.get("guess_loss")), heldout.get("unigram_accuracy")
    dashed = " The dashed line " + (
        f"says {TOLD[method][1]}." if (method := str(run.recipe.get("method"))) in TOLD else "always says the commonest token."
    )
    if clusters := unit == "frames" and "accuracy" in heldout:
        loss, accuracy = heldout["guess_loss"], heldout["last_accuracy"]
        dashed = " The dashed line says how common each cluster is. Where the second round begins, other clusters are asked for."

    def shown(*names: str) -> list[str]:
        return [name for name in names if any(name in line for line in lines)]

    if names := shown("loss", "heldout_loss"):
        label = "loss, nats a token" if unit == "tokens" else "loss"
        drawn = plots.over_run(lines, names, label, x=across, level=loss)
        found.append(figure(drawn, f"Faint: training batches. Strong: held-out {HELD_OUT[unit]}." + (dashed if loss else "")))
    if names := shown("heldout_squared_error"):
        others = {name: heldout[key] for name, key in REBUILDERS.items() if key in heldout}
        drawn = plots.over_run(lines, names, "squared error a number", x=across, level=next(iter(others.values()), None), from_zero=True)
        told = ", ".join(f"{name} {value:.3g}" for name, value in others.items())
        found.append(figure(drawn, "Held-out samples." + (f" The dashed line is the first of these: {told}." if told else "")))
    if (run.folder / REBUILT).is_file():
        picture = png(run.folder / REBUILT, "held-out images, and what was made of them")
        found.append(figure(picture, "Held-out images, each above what is made of it."))
    if names := shown("heldout_bits_per_dimension"):
        found.append(figure(plots.over_run(lines, names, "bits a number", x=across), "Held-out samples."))
    if names := shown("heldout_accuracy"):
        label = "clusters of hidden steps named, %" if clusters else f"{run.asked} tokens predicted, %"
        drawn = plots.over_run(lines, names, label, x=across, level=accuracy, scale=100, from_zero=True)
        if clusters:
            dashed = f" The dashed line names that of the last step heard.{clusters_told(heldout)}"
        found.append(figure(drawn, f"Held-out {HELD_OUT[unit]}." + (dashed if accuracy else "")))
    if names := shown("heldout_bits_per_byte"):
        drawn = plots.over_run(lines, names, "bits a byte", level=heldout.get("bigram_bits_per_byte"))
        beside = ", ".join(f"{name} {heldout[key]:.2f}" for name, key in BASELINES.items() if key in heldout)
        found.append(figure(drawn, "Held-out text." + (f" The dashed line is the first of these: {beside}." if beside else "")))
    if names := shown(f"{unit}_per_s"):
        found.append(figure(plots.over_run(lines, names, f"{unit}/s", x="minutes", from_zero=True), speed(run)))
    return found


def clusters_told(heldout: Mapping[str, float]) -> str:
    """How good the clusters are, if there are some."""
    if "clusters_explained" not in heldout:
        return ""
    share, alike = heldout["clusters_explained"], heldout["clusters_perplexity"]
    return f" Clusters explain {100 * share:.0f} % of what their steps differ in, and tell as much as {alike:.0f} that are used alike."


def png(path: Path, alt: str) -> str:
    """A picture that stands in the page itself."""
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{b64encode(path.read_bytes()).decode()}">'


def speed(run: Run) -> str:
    name = f"{run.unit}_per_s"
    rates = sorted(line[name] for line in run.lines if name in line)
    shares = sorted(line["gemm_share"] for line in run.lines if "gemm_share" in line)
    words = f"Median {rates[len(rates) // 2]:,.0f} {run.unit}/s." if rates else ""
    return words + (f" {100 * shares[len(shares) // 2]:.0f} % of this machine's matrix-product peak." if shares else "")


def recipe(material: Material) -> str:
    """Commands, data, seeds, versions: of each fine-tuning, then of each pre-training."""
    blocks = []
    for part in material.parts:
        results = part.results
        seeds = ", ".join(str(s) for s in sorted({fit.seed for fit in results.fits}))
        facts = {
            "seeds": seeds,
            "time": duration(results.seconds),
            "models": results.models,
            "data": results.data,
            "versions": results.versions,
        }
        name = part.name or ("Fine-tuning" if results.counted == "labels" else "The measurement")
        blocks.append(f"<h3>{escape(name)}</h3>\n{command(results.command)}{facts_html(facts)}{choices(results)}")
    for run in material.runs:
        facts = {name: value for name, value in run.recipe.items() if name != "command"}
        name = run.folder.resolve().name if len(material.runs) > 1 else "Pre-training"
        blocks.append(f"<h3>{escape(name)}</h3>\n{command(str(run.recipe.get('command', '')))}{facts_html(facts)}")
    return "\n".join(blocks)


def command(text: str) -> str:
    return f'<pre class="command"><code>{escape(text)}</code></pre>\n' if text else ""


def choices(results: Results) -> str:
    """What each arm chose on its training labels: the options of its first seed, at its largest label count."""
    last = {(fit.task, fit.arm): fit for fit in sorted(results.fits, key=lambda fit: (fit.labels, -fit.seed)) if fit.options}
    tasks = list(dict.fromkeys(fit.task for fit in results.fits))
    told = sorted(last.items(), key=lambda item: tasks.index(item[0][0]))
    rows = {f"{task}, {arm_name(arm)}, {fit.labels:,} {results.counted}": fit.options for (task, arm), fit in told}
    by = "dev, never on test" if results.counted == "recordings" else "a part of the training labels, never on dev"
    return f'<p class="note">Chosen on {by} (first seed):</p>\n{facts_html(rows)}' if rows else ""


def facts_html(facts: Mapping[str, Any]) -> str:
    rows = [(name.replace("_", " "), lines_html(value)) for name, value in facts.items()]
    body = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{value}</td></tr>' for name, value in rows if value)
    return f'<div class="scroll" tabindex="0"><table class="facts">{body}</table></div>'


def lines_html(value: Any) -> str:
    """Facts of several things, which are facts themselves, on a line each."""
    if isinstance(value, Mapping) and len(value) > 1 and all(isinstance(inner, Mapping) for inner in value.values()):
        return "<br>".join(value_html({name: inner}) for name, inner in value.items())
    return value_html(value)


def value_html(value: Any) -> str:
    """Nested facts on one flowing line: 'width 256 · layers 4'; '' for nothing."""
    if isinstance(value, Mapping):
        pairs = [(str(name).replace("_", " "), value_html(inner)) for name, inner in value.items()]
        return " · ".join(f"<span><i>{escape(name)}</i> {inner}</span>" for name, inner in pairs if inner)
    if isinstance(value, list | tuple):
        return ", ".join(value_html(inner) for inner in value)
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: ""}[value]
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and value >= 1 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and value > 9999 else escape(str(value))
