"""The verbs. No logic: each verb is an options class, the function that takes it, and a few words for a terminal."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any, NoReturn

import tyro

KINDS = {
    "classify": "a text to a class",
    "pair": "two texts to a class",
    "tag": "every word to a tag",
    "span": "a question and a passage to a piece of the passage",
    "regress": "a text, or two, to a number",
    "seq2seq": "a text to a text: translation, summaries, corrections",
}


STUDIES = {
    "copy": "a text that begins again, and the head that goes on with it (arXiv:2209.11895)",
    "dictionary": "words translated by a dictionary that is new in every prompt",
    "regression": "linear functions, each learnt from the prompt (arXiv:2208.01066)",
}


@dataclass(frozen=True)
class Verb:
    """help: one line. options, run, show: `module:name`, imported when used. which: what may follow the verb, if anything."""

    help: str
    options: str
    run: str
    show: str = "halfseen.report.terminal:facts"
    which: str | None = None
    live: str | None = None
    """What prints while it runs, told as `say` unless one object is printed."""


VERBS = {
    "demo": Verb(
        "the whole story in some minutes, on real text",
        "halfseen.apps.demo:DemoOptions",
        "halfseen.apps.demo:run",
        "halfseen.report.terminal:demo",
    ),
    "pretrain": Verb("learn from unlabelled data", "halfseen.train.options:RunOptions", "halfseen.train.pretrain:run", which="method"),
    "resume": Verb("go on with an interrupted run", "halfseen.train.options:ResumeOptions", "halfseen.train.run:run"),
    "finetune": Verb(
        "learn from labels, and compare",
        "halfseen.tasks.options:FinetuneOptions",
        "halfseen.tasks.finetune:run",
        "halfseen.report.terminal:scores",
        "kind",
    ),
    "predict": Verb(
        "a fine-tuned model's answers",
        "halfseen.apps.predict:PredictOptions",
        "halfseen.apps.predict:run",
        "halfseen.report.terminal:predictions",
    ),
    "fill": Verb("guess what was hidden", "halfseen.apps.fill:FillOptions", "halfseen.apps.fill:run", "halfseen.report.terminal:blanks"),
    "encode": Verb("texts to vectors", "halfseen.apps.encode:EncodeOptions", "halfseen.apps.encode:run"),
    "generate": Verb(
        "go on writing",
        "halfseen.apps.generate:GenerateOptions",
        "halfseen.apps.generate:run",
        "halfseen.report.terminal:texts",
        live="halfseen.report.terminal:say",
    ),
    "score": Verb(
        "a suite of tasks", "halfseen.suites.options:SUITES", "halfseen.suites.score:run", "halfseen.report.terminal:scores", "suite"
    ),
    "compare": Verb(
        "one choice against others, at equal time",
        "halfseen.suites.options:CorruptionOptions",
        "halfseen.suites.corruptions:run",
        "halfseen.report.terminal:scores",
        "comparison",
    ),
    "prompt": Verb(
        "answers from the prompt alone",
        "halfseen.suites.options:PromptOptions",
        "halfseen.suites.prompt:run",
        "halfseen.report.terminal:scores",
    ),
    "show": Verb(
        "what small nets learn in context",
        "halfseen.lens.options:ShowOptions",
        "halfseen.lens.show:run",
        "halfseen.report.terminal:scores",
        "study",
    ),
    "detect": Verb(
        "what is odd in a table or among images",
        "halfseen.apps.detect_options:OPTIONS",
        "halfseen.apps.detect:run",
        "halfseen.report.terminal:oddities",
        "action",
    ),
    "reduce": Verb(
        "rows or images as points of a map",
        "halfseen.apps.reduce_options:ReduceOptions",
        "halfseen.apps.reduce:run",
        "halfseen.report.terminal:reductions",
    ),
    "sample": Verb("new images from a model's decoder", "halfseen.apps.sample_options:SampleOptions", "halfseen.apps.sample:run"),
    "denoise": Verb("clean images", "halfseen.apps.denoise_options:DenoiseOptions", "halfseen.apps.denoise:run"),
    "compress": Verb("an image to a small file", "halfseen.apps.compress_options:CompressOptions", "halfseen.apps.compress:run_compress"),
    "decompress": Verb("and back", "halfseen.apps.compress_options:DecompressOptions", "halfseen.apps.compress:run_decompress"),
    "convert": Verb("what one says in another's voice", "halfseen.apps.convert_options:ConvertOptions", "halfseen.apps.convert:run"),
    "report": Verb("one HTML page of what came out", "halfseen.apps.report:ReportOptions", "halfseen.apps.report:run"),
    "export": Verb("the Hugging Face layout, and ONNX", "halfseen.apps.export:ExportOptions", "halfseen.apps.export:run"),
}


def imported(where: str) -> Any:
    module, name = where.split(":")
    return getattr(import_module(module), name)


def choices(which: str) -> dict[str, str]:
    """What may follow a verb, and what it means."""
    if which == "kind":
        return KINDS
    if which == "suite":
        return {
            "glue": "the nine tasks of GLUE (arXiv:1804.07461)",
            "codes": "what codes of rows or images are worth, by labels",
            "compression": "a codec beside JPEG, WebP and AVIF",
            "speech": "what frozen layers tell of recordings, by labels",
            "voice": "what conversions to another's voice are worth, by judges that no converter met",
            "units": "a voice as discrete units: usage, phones, bits, and what is recognised",
        }
    if which == "comparison":
        return {"corruptions": "what is hidden from an encoder whose decoder restores it (arXiv:1910.10683, tables 4 to 7)"}
    if which == "study":
        return STUDIES
    if which == "action":
        return {"fit": "learn what is usual", "score": "say what is odd, and why"}
    methods = imported("halfseen.methods:METHODS")
    return {name: (recipe.__doc__ or "").splitlines()[0] for name, (_, recipe) in methods.items()}


def usage(title: str, things: dict[str, str], tail: str) -> str:
    width = max(map(len, things))
    return "\n".join([f"usage: {title}", "", *(f"  {name:<{width}}  {meaning}" for name, meaning in things.items()), "", tail])


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a verb. Returns the exit code: 0, or 2 for a mistake of the user's; an interrupted run gives 130."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in arguments
    arguments = [word for word in arguments if word != "--json"]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(
            usage(
                "halfseen VERB ...",
                {name: verb.help for name, verb in VERBS.items()},
                "halfseen VERB --help says more; --json prints one object.",
            )
        )
        return 0 if arguments else 2
    if arguments[0] == "--version":
        print(imported("halfseen:__version__"))
        return 0
    try:
        return call(arguments, as_json)
    except BrokenPipeError:  # whoever read the output, `head` perhaps, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (Exception, KeyboardInterrupt) as error:
        from halfseen.contracts import InterruptedRunError, UserError

        told = InterruptedRunError("interrupted", way_out="give the command again") if isinstance(error, KeyboardInterrupt) else error
        if not isinstance(told, UserError):
            raise
        if os.environ.get("RANK", "0") == "0":
            complain(told, as_json)
        return 130 if isinstance(told, InterruptedRunError) else 2


def call(arguments: list[str], as_json: bool) -> int:
    name, *rest = arguments
    if name not in VERBS:
        refuse(name, "verb", list(VERBS))
    verb, title = VERBS[name], f"halfseen {name}"
    run: Callable[..., dict[str, Any]]
    options = imported(verb.options)
    first: tuple[Any, ...] = ()
    if verb.which:
        allowed = choices(verb.which)
        if not rest or rest[0] in ("-h", "--help"):
            print(usage(f"{title} {verb.which.upper()} ...", allowed, f"{title} {verb.which.upper()} --help shows its options."))
            return 0 if rest else 2
        if rest[0] not in allowed:
            refuse(rest[0], verb.which, list(allowed))
        first, rest, title = (rest[0],), rest[1:], f"{title} {rest[0]}"
        if isinstance(options, dict):
            options = options[first[0]]
        if verb.which == "method":
            recipe = imported("halfseen.methods:METHODS")[first[0]][1]
            options = with_recipe(imported("halfseen.train.options:OPTIONS")[recipe.modality], recipe)
    parsed = parse(options, rest, title)
    run = imported(verb.run)
    result = run(*first, parsed, **({} if as_json or not verb.live else {"say": imported(verb.live)}))
    if os.environ.get("RANK", "0") != "0":  # of several processes one speaks
        return 0
    if as_json:
        print(json.dumps(result, ensure_ascii=False, allow_nan=False))
    else:
        imported(verb.show)(result)
    sys.stdout.flush()
    return 0


def with_recipe(options: type, recipe: type) -> type:
    """The options of `pretrain` and those of a method, in one class."""
    field = ("recipe", Annotated[recipe, tyro.conf.arg(name="")], dataclasses.field(default_factory=recipe))
    made = dataclasses.make_dataclass(options.__name__, [field], bases=(options,), frozen=True, kw_only=True)
    made.__doc__ = recipe.__doc__
    return made


def parse(options: type, words: list[str], title: str) -> Any:
    """Raises UserError for options that do not fit; --help prints and ends the program."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return tyro.cli(options, args=words, prog=title)
    except SystemExit as end:
        if not end.code:
            raise
        from halfseen.contracts import UserError

        lines = [line.strip("│╭╮╰╯─ \t") for line in said.getvalue().splitlines()]
        raise UserError(" ".join(line for line in lines if line), where=title, way_out=f"see {title} --help") from None


def refuse(word: str, thing: str, known: list[str]) -> NoReturn:
    from difflib import get_close_matches

    from halfseen.contracts import UserError

    near = get_close_matches(word, known, n=1)
    raise UserError(f"no {thing} '{word}'", way_out=f"did you mean '{near[0]}'?" if near else f"take one of {', '.join(known)}")


def complain(error: Any, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"error": {"what": error.what, "where": error.where, "way_out": error.way_out}}, ensure_ascii=False))
    else:
        print(f"halfseen: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
