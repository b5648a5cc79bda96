"""The page: one file, complete, safe, in order; and its tables, plots and readers."""

import json
import re
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from halfseen.contracts import UserError
from halfseen.report import plots, terminal
from halfseen.report.efficiency import Difference
from halfseen.report.examples import examples_html, fills_html
from halfseen.report.page import write_report
from halfseen.report.results import Example, Results
from halfseen.report.tables import lines_of, score_html, score_table
from halfseen.report.training import describe, read_run
from halfseen.report.words import duration, error, figure, listed, metric_name, size, times
from tests.report.report_folders import class_examples, make_results, tag_examples, write_array_run, write_demo, write_run, write_suite

VOID = {"meta", "br", "img", "hr", "input", "link", "use", "path", "circle"}


class Reader(HTMLParser):
    """Checks that tags nest, and collects tags, ids and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.headings: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def read_page(folder: Path) -> tuple[str, Reader]:
    html = write_report(folder).read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    return html, reader


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Reader]:
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder)
    return read_page(folder)


def test_the_demo_page_has_every_section_in_order(demo: tuple[str, Reader]) -> None:
    html, page = demo
    assert page.headings == [
        "What it was worth",
        "Learning from labels",
        "Scores, beside their controls",
        "What it says",
        "Learning without labels",
        "How to repeat it",
    ]
    assert html.index("<h1>") < html.index("<h2>")
    assert "halfseen demo: Chinese · tagging" in page.text
    assert "Three minutes of reading news" in page.text
    assert re.search(r"Pre-training on 4\.2 MB of unlabelled text was worth\s\d\.\d\stimes as many labels \(90 % interval", page.text)
    assert page.text.index("tagging") < page.text.index("reviews")
    assert "nothing that could be measured here" in page.text
    assert "halfseen pretrain bert 'news/*.txt' --out pretrained --minutes 3" in page.text
    assert "9f2c41d07be8a6b3" in page.text


def test_the_page_needs_nothing_from_elsewhere(demo: tuple[str, Reader]) -> None:
    html, page = demo
    assert not {"script", "img", "link", "iframe"} & set(page.tags)
    assert set(re.findall(r"https?://[^\"' <]+", html)) == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "@import" not in html
    assert "<title>halfseen demo: Chinese</title>" in html
    assert 'name="viewport"' in html


def test_ids_are_unique(demo: tuple[str, Reader]) -> None:
    assert len(demo[1].ids) == len(set(demo[1].ids))


def test_texts_are_escaped(demo: tuple[str, Reader]) -> None:
    html, page = demo
    assert "<b>mutig</b> & klug" in page.text
    assert "&lt;b&gt;mutig&lt;/b&gt; &amp; klug" in html


def test_hostile_names_are_escaped_everywhere(tmp_path: Path) -> None:
    bad = "<script>alert(1)</script>"
    results = make_results(
        task=bad, metric=bad, arms=(bad, "scratch"), examples=[Example(task=bad, arm=bad, text=bad, truth=bad, prediction=bad, right=True)]
    )
    results.save(tmp_path)
    (tmp_path / "demo.json").write_text(json.dumps({"title": bad, "paragraphs": [bad]}))
    (tmp_path / "fills.json").write_text(json.dumps([{"text": f"{bad}[MASK]", "candidates": [{"token": bad, "probability": 1.0}]}]))
    html, page = read_page(tmp_path)
    assert "<script" not in html
    assert "script" not in page.tags


def test_a_run_alone(tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    html, page = read_page(tmp_path / "run")
    assert page.headings == ["Learning without labels", "How to repeat it"]
    assert "Pre-trained on 4.2 MB of unlabelled text for 3.0 minutes, it predicts 32.5 % of hidden tokens that it never saw" in page.text
    assert "always saying the commonest: 4.7 %" in page.text
    assert html.count("<svg xmlns") == 3
    assert "% of this machine's matrix-product peak" in page.text


@pytest.mark.parametrize(
    ("likelihood", "claim"),
    [
        (False, "it is off by 0.0229 in a number's mean square (principal components 0.0244, the mean 0.0675)"),
        (True, "it takes 3.02 bits for a number"),
    ],
)
def test_a_run_on_images(tmp_path: Path, likelihood: bool, claim: str) -> None:
    write_array_run(tmp_path / "run", likelihood=likelihood)
    html, page = read_page(tmp_path / "run")
    assert f"Pre-trained on 10,000 images for 7 s, and of samples that it never saw {claim}." in page.text
    labels = ["loss", "bits a number" if likelihood else "squared error a number", "samples/s"]
    assert re.findall('aria-label="(.*?) against', html) == labels
    assert "Median 5,000 samples/s. 30 % of this machine's matrix-product peak." in page.text
    assert "token" not in page.text
    assert html.count('src="data:image/png;base64,') == 1
    assert "Held-out images, each above what is made of it." in page.text


def test_a_run_that_was_killed(tmp_path: Path) -> None:
    write_run(tmp_path / "run", finished=False)
    with (tmp_path / "run" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 605, "lo')
    run = read_run(tmp_path / "run")
    assert run is not None
    assert run.lines[-1]["step"] == 600
    assert "so far" in describe(run)


def test_a_step_written_twice_counts_once(tmp_path: Path) -> None:
    write_run(tmp_path / "run", steps=60)
    path = tmp_path / "run" / "metrics.jsonl"
    path.write_text(path.read_text() + '{"step": 60, "tokens": 1, "seconds": 1.0, "loss": 9.0}\n')
    run = read_run(tmp_path / "run")
    assert run is not None
    assert [line["loss"] for line in run.lines if line["step"] == 60] == [9.0]


def test_the_run_of_a_model_elsewhere_is_found(tmp_path: Path) -> None:
    write_run(tmp_path / "models" / "base")
    folder = tmp_path / "out"
    folder.mkdir()
    make_results(task="classify", model="../models/base").save(folder)
    _, page = read_page(folder)
    assert "Learning without labels" in page.headings
    assert "on 4.2 MB of unlabelled text was worth" in page.text


def test_a_suite(tmp_path: Path) -> None:
    write_suite(tmp_path)
    _, page = read_page(tmp_path)
    assert re.search(r"was worth\s[\d.]+\s±\s[\d.]+\spoints over random weights on average over 6 tasks", page.text)
    assert "Not scored, as their data were not there: qqp, mnli." in page.text


def test_a_suites_plot_is_of_its_first_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[list[float]] = []
    monkeypatch.setattr(plots, "differences", lambda gaps, width: str(drawn.append([gap.mean for gap in gaps.values()])))
    good, bad = (make_results(task=task, counts=(100,), arms=("good", "bad", "scratch")) for task in ("a", "bb"))
    fits = [replace(fit, value=0.1) if fit.arm == "bad" else fit for fit in good.fits + bad.fits]
    replace(good, scores=good.scores + bad.scores, fits=tuple(fits)).save(tmp_path)
    write_report(tmp_path)
    assert len(drawn) == 1
    assert len(drawn[0]) == 2
    assert min(drawn[0]) > 0


def test_several_models_each_have_a_verdict(tmp_path: Path) -> None:
    make_results(task="classify", arms=("here", "minilm", "scratch")).save(tmp_path)
    _, page = read_page(tmp_path)
    assert "The pre-training of here was worth" in page.text
    assert "The pre-training of minilm was worth" in page.text


def test_without_controls_the_page_says_so(tmp_path: Path) -> None:
    make_results(task="classify", arms=("pretrained",)).save(tmp_path)
    _, page = read_page(tmp_path)
    assert "Pre-training was not compared with anything" in page.text
    assert "What it says" not in page.headings


def test_many_fits_stay_a_small_page(tmp_path: Path) -> None:
    examples = [
        Example(task="classify", arm=arm, text=f"text {i} " * 60, truth="a", prediction="b" if i % 3 else "a", right=not i % 3)
        for i in range(2000)
        for arm in ("pretrained", "scratch", "baseline")
    ]
    make_results(task="classify", counts=tuple(2**i for i in range(4, 16)), seeds=40, examples=examples).save(tmp_path)
    assert write_report(tmp_path).stat().st_size < 300_000


def test_the_same_folder_gives_the_same_page(tmp_path: Path) -> None:
    make_results(task="classify", examples=class_examples()).save(tmp_path)
    assert write_report(tmp_path).read_bytes() == write_report(tmp_path).read_bytes()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("other.txt", "x", "nothing to report: neither results.json (from `halfseen finetune` or `score`) nor recipe.json"),
        ("recipe.json", "{", "recipe.json: damaged"),
        ("results.json", "{}", "results.json: damaged results"),
    ],
)
def test_what_is_wrong_with_a_folder(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=re.escape(message)):
        write_report(tmp_path)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere: no such folder; name one that"):
        write_report(tmp_path / "nowhere")


def test_damaged_metrics_are_named_by_line(tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    path = tmp_path / "run" / "metrics.jsonl"
    path.write_text(path.read_text().replace('{"step": 5,', '{"step": 5', 1))
    with pytest.raises(UserError, match=r"metrics.jsonl: line 2 is damaged"):
        write_report(tmp_path / "run")


def test_an_unknown_headline(tmp_path: Path) -> None:
    write_demo(tmp_path)
    (tmp_path / "demo.json").write_text('{"headline": "poems"}')
    with pytest.raises(UserError, match="headline 'poems' is not one of reviews, tagging"):
        write_report(tmp_path)


def test_a_report_that_cannot_be_written(tmp_path: Path) -> None:
    make_results(task="classify").save(tmp_path)
    (tmp_path / "report.html").mkdir()
    with pytest.raises(UserError, match=r"report.html: cannot be written \("):
        write_report(tmp_path)


# Tables


def test_the_best_of_a_line_is_marked_by_the_metrics_direction() -> None:
    rows = make_results(task="classify", worth=9.0).scores
    assert all(line.best == {"pretrained"} for line in lines_of(rows))
    lower = [type(row)(**{**vars(row), "higher_is_better": False}) for row in rows]
    assert all(line.best == {"scratch"} for line in lines_of(lower))
    assert "lower is better" in score_html(lower)


def test_html_and_terminal_show_the_same_figures() -> None:
    from rich.console import Console

    rows = make_results(task="classify").scores
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(score_table(rows))
    terminal, html = console.export_text(), re.sub(r"<[^>]+>", "", score_html(rows))
    for line in lines_of(rows):
        for row in line.by_arm.values():
            text = f"{figure(row.value, '')} ± {figure(row.stderr, '')}"
            assert text in terminal
            assert text in html
    assert "Mean ± standard error over 3 seeds, on 1,180 test items" in html


@pytest.mark.parametrize(
    ("value", "stderr", "unit", "said"),
    [
        (0.5, 0.01234, "", "50.0 ± 1.2"), (0.5, 0.0001, "", "50.0 ± 0.01"), (3.0, 0.0472, "dB", "3.00 ± 0.05"),
        (46.04, 0.471, "units", "46.0 ± 0.5"), (152.4, 1.42, "bits/s", "152.4 ± 1.4"),
        (0.00421, 0.0003, "", "0.4 ± 0.03"), (2.0, 0.0, "", "200.0 ± 0.0"), (1.0, 1.3e-17, "", "100.0 ± 0.0"),
    ],
)  # fmt: skip
def test_an_error_has_the_decimals_of_its_figure(value: float, stderr: float, unit: str, said: str) -> None:
    assert f"{figure(value, unit)} ± {error(value, stderr, unit)}" == said


def test_many_arms_stand_below_each_other_the_best_first() -> None:
    from rich.console import Console

    (one, *_) = make_results(task="seq2seq").scores
    arms = {"mask": 0.3, "delete": 0.1, "rotate": 0.5, "infill": 0.4, "mass": 0.2, "scratch": 0.6, "baseline": 0.05}
    rows = [replace(one, arm=arm, name=name, value=value, main=name == "bleu") for arm, value in arms.items() for name in ("bleu", "chrf")]
    html = score_html(rows)
    Reader().feed(html)
    order = ["rotate", "infill", "mask", "mass", "delete", "random weights", "plain baseline"]
    assert re.findall(r'scope="row">([^<]*)<', html) == order
    assert "<th></th><th>BLEU</th><th>chrF</th>" in html
    assert "<b>60.0</b>" in html
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(score_table(rows))
    terminal = console.export_text()
    best = [cell for column in score_table(rows).columns for cell in column.cells if "[bold]" in str(cell)]
    assert [str(cell)[:10] for cell in best] == ["[bold]60.0"] * 2, "of each metric"
    assert [name for line in terminal.splitlines() for name in order if f" {name} " in line] == order
    more = [*rows, *(replace(row, labels=row.labels + 1, value=1 - row.value, higher_is_better=False) for row in rows)]
    more = [row for row in more if (row.arm, row.labels) != ("mass", one.labels)]
    html = score_html(more)
    assert re.findall(r'scope="row">([^<]*)<', html) == [name for name in order if name != "mass"] + order, "each count by itself"
    counts = [one.labels, one.labels + 1]
    assert re.findall(r"<tr><td>([^<]*)</td><th", html) == [f"{counts[0]:,}", *[""] * 5, f"{counts[1]:,}", *[""] * 6]
    assert "<th>labels</th><th></th><th>BLEU</th><th>chrF</th><th>BLEU ↓</th>" in html
    assert html.count("<td></td>") == (6 + 7) * 2 + (5 + 6), "of other counts' metrics, and counts that stand above"
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(score_table(more))
    counted = [line.split("│")[1].strip() for line in console.export_text().splitlines() if line.startswith("│")]
    assert [count for count in counted if count] == [f"{count:,}" for count in counts]
    assert 'scope="row">' not in score_html([row for row in rows if row.arm != "mass"]), "six stand side by side"


def test_what_a_narrow_terminal_cannot_show_side_by_side_stands_in_a_list(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (one, *_) = make_results(task="classify").scores
    arms = {"first": 0.9, "second": 0.5, "fbank": 0.97, "third": 0.95, "fourth": 0.7}
    rows = [asdict(replace(one, arm=arm, value=value, stderr=0.012)) for arm, value in arms.items()]

    def said(columns: int) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(columns))
        terminal.scores({"scores": rows})
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= columns
        return lines

    def cells(lines: list[str]) -> list[list[str]]:
        return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]

    assert [row[2:] for row in cells(said(100))] == [["90.0 ± 1.2", "50.0 ± 1.2", "95.0 ± 1.2", "70.0 ± 1.2", "97.0 ± 1.2"]]
    listed = cells(said(56))
    assert [row[-2:] for row in listed] == [
        ["third", "95.0 ± 1.2"], ["first", "90.0 ± 1.2"], ["fourth", "70.0 ± 1.2"], ["second", "50.0 ± 1.2"], ["FBANK", "97.0 ± 1.2"]
    ]  # fmt: skip
    assert [row[0] for row in listed] == [one.task, "", "", "", ""]


# Plots


def test_a_plot_is_fluid_named_and_themed() -> None:
    results = make_results(task="classify")
    look = plots.styles(["scratch", "pretrained"])
    drawn = plots.loss_curves(results.fits[:9] + results.fits[9:18], look, width=350, height=250)
    assert 'viewBox="0 0 350 250"' in drawn
    assert not re.search(r"<svg[^>]* width=", drawn)
    assert 'role="img" aria-label="training loss' in drawn
    assert "var(--arm-1, #0072b2)" in drawn
    assert ">epoch</text>" in drawn


def test_dollars_are_no_formula() -> None:
    gap = Difference(mean=0.02, stderr=0.01, low=0.0, high=0.04, seeds=3)
    drawn = plots.differences({"US$ to CA$": gap, "b": gap}, width=350)
    assert "US$ to CA$</text>" in drawn


def test_an_arm_looks_the_same_whatever_stands_beside_it() -> None:
    assert plots.styles(["scratch", "pretrained"])["pretrained"] == plots.styles(["pretrained", "baseline", "scratch"])["pretrained"]
    looks = plots.styles(["a", "b", "c", "d", "scratch", "baseline", "most-frequent"]).values()
    assert len({s.colour for s in looks}) == len({s.marker for s in looks}) == 7


def test_long_curves_are_averaged_down() -> None:
    x, y = plots.thin(np.arange(10_000.0), np.ones(10_000))
    assert len(x) == len(y) == plots.MOST_POINTS
    assert x.mean() == pytest.approx(4999.5, rel=1e-2)
    assert y.mean() == 1.0


# Examples


def results_with(examples: list[Example]) -> Results:
    return make_results(task=examples[0].task, examples=examples)


def test_tags_stand_under_their_words_with_the_mistakes_marked() -> None:
    html = examples_html(results_with(tag_examples()), "tag", "pretrained")
    assert '<span class="word bad">生活<small>✗ <s>vn</s> n</small></span>' in html
    assert "1 of 11 tags wrong" in html
    assert "✓ right" in html
    assert "✗ wrong" in html


def test_the_first_few_are_shown_with_what_the_controls_said() -> None:
    html = examples_html(results_with(class_examples()), "classify", "pretrained")
    assert html.count("✓ right") == html.count("✗ wrong") == 3
    assert html.count("<dt>random weights</dt>") == 6


def test_a_span_is_marked_in_its_passage() -> None:
    passage = "w " * 200 + "in the <old> harbour " + "z " * 200
    one = Example(task="span", arm="pretrained", text=f"Where? | {passage}", truth="<old> harbour", prediction="harbour", right=False)
    html = examples_html(results_with([one]), "span", "pretrained")
    assert "<b>Where?</b>" in html
    assert "<mark>&lt;old&gt; harbour</mark>" in html
    assert len(html) < 1200


def test_a_blank_shows_its_likeliest_filling() -> None:
    html = fills_html(
        [{"text": "台[MASK]大學", "candidates": [{"token": "灣", "probability": 0.62}, {"token": "北", "probability": 0.001}]}]
    )
    assert '台<span class="blank">灣</span>大學' in html
    assert "width:62%" in html


# Words


@pytest.mark.parametrize(("ratio", "text"), [(0.55, "0.55"), (1.04, "1.04"), (1.5, "1.5"), (5.12, "5.1"), (16.2, "16"), (1234.0, "1,234")])
def test_ratios(ratio: float, text: str) -> None:
    assert times(ratio) == text


def test_other_words() -> None:
    assert (figure(0.8512, ""), figure(-0.0312, "bits"), figure(123.4, "s")) == ("85.1", "−0.0312", "123.4")
    assert (size(4_213_000), size(900), size(2.5e9)) == ("4.2 MB", "900 bytes", "2.5 GB")
    assert (duration(12), duration(180), duration(7200)) == ("12 s", "3.0 minutes", "2.0 hours")
    assert (listed(["a"]), listed(["a", "b", "c"])) == ("a", "a, b and c")
    assert (metric_name("span_f1"), metric_name("tag_accuracy")) == ("span F1", "tag accuracy")


def test_a_run_that_restores_texts(tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    recipe = json.loads((tmp_path / "run" / "recipe.json").read_text())
    (tmp_path / "run" / "recipe.json").write_text(json.dumps(recipe | {"method": "bart"}))
    shown = {"corrupted": "the [MASK] <b>runs", "truth": "the warm <b>runs", "restored": "the cold runs"}
    (tmp_path / "run" / "restorations.json").write_text(json.dumps([shown, shown | {"restored": ""}]))
    html, page = read_page(tmp_path / "run")
    assert "it predicts 32.5 % of restored tokens that it never saw" in page.text
    assert "restored tokens predicted, %" in html
    assert "the [MASK] <b>runsit should writethe warm <b>runsit writesthe cold runs" in page.text
    assert "it writes(nothing)" in page.text
