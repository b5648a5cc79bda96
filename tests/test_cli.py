"""The command line: help without torch, one JSON object, exit code 2 and no traceback for a user's mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import halfseen
from halfseen import cli

WITH_HELP = [[verb] for verb in cli.VERBS] + [["pretrain", "bert"], ["finetune", "tag"], ["score", "glue"], ["compare", "corruptions"]]


@pytest.mark.parametrize("words", WITH_HELP, ids=" ".join)
def test_help_is_free_of_heavy_libraries(words: list[str]) -> None:
    code = (
        "import sys; from halfseen import cli\n"
        f"try: code = cli.main({[*words, '--help']!r})\n"
        "except SystemExit as end: code = end.code or 0\n"
        "heavy = {'torch', 'sklearn', 'scipy', 'datasets', 'transformers', 'matplotlib'} & sys.modules.keys()\n"
        "sys.exit(f'imports {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "usage: " in done.stdout


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == halfseen.__version__


def test_no_words_show_the_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    said = capsys.readouterr().out
    assert [verb for verb in cli.VERBS if verb not in said] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pretran", "bert"], "no verb 'pretran'; did you mean 'pretrain'?"),
        (["pretrain", "brt", "x"], "no method 'brt'; did you mean 'bert'?"),
        (["finetune", "clasify"], "no kind 'clasify'; did you mean 'classify'?"),
        (["score", "glu"], "no suite 'glu'; did you mean 'glue'?"),
        (["xyz"], "no verb 'xyz'; take one of demo, pretrain"),
        (["fill", "--model", "there/is/none", "a [MASK]"], "no model 'there/is/none'; name a folder, minilm, or hf:NAME"),
        (["pretrain", "bert", "x", "--out", "y", "--minutes", "soon"], "see halfseen pretrain bert --help"),
    ],
)
def test_a_mistake_is_said_in_words(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 2
    said = capsys.readouterr()
    assert said.err.startswith("halfseen: ")
    assert message in said.err
    assert "Traceback" not in said.err + said.out


def test_a_mistake_as_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["encode", "--model", str(tmp_path / "none"), "texts.txt", "--out", str(tmp_path / "v.npz"), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert set(error) == {"what", "where", "way_out"}
    assert error["way_out"] or error["where"]


def test_the_package_runs_as_a_program() -> None:
    done = subprocess.run([sys.executable, "-m", "halfseen.cli", "nonsense"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no verb 'nonsense'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_enough_is_no_fault() -> None:
    """As in `halfseen predict ... | head`: the pipe is closed while the answers are printed."""
    code = """
import os, sys
from halfseen import cli
cli.imported = lambda where: (lambda *given: print("x" * 100_000)) if where == "a:show" else (lambda *given: {})
cli.parse = lambda *given: None
cli.VERBS = {"say": cli.Verb("says", "o:Options", "a:run", "a:show")}
read, write = os.pipe()
os.close(read)
os.dup2(write, sys.stdout.fileno())
sys.exit(cli.main(["say"]))
"""
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert made.returncode == 141
    assert made.stderr == ""
