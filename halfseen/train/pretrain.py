"""Pre-training from start to end: paths to a corpus, a budget to a plan, a plan to a model in the Hugging Face layout.

A run's folder holds everything about it: recipe.json (all that decides its weights), corpus/, checkpoints/, metrics.jsonl,
and at the end the model, its card and summary.json. A fresh run and a resumed one walk the same way: `prepare` leaves a
folder with a checkpoint of step 0, and `carry_on` goes on from a folder's newest checkpoint.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from halfseen.contracts import UserError
from halfseen.data.claim import claim
from halfseen.data.corpus import Batches, Corpus, checksums, content_hash, open_corpus, write_corpus
from halfseen.data.sources import Sources, first_occurrences, open_sources
from halfseen.data.tokenizers import Tokenizer, choose_kind
from halfseen.data.tokenizers import choose_size as choose_vocabulary
from halfseen.data.tokenizers import train as train_tokenizer
from halfseen.hub.find import find
from halfseen.hub.folder import Loaded, load
from halfseen.methods import METHODS, make
from halfseen.methods.cooccurrence import start_table
from halfseen.methods.recipes import NetSize, TextRecipe
from halfseen.methods.text import TextMethod
from halfseen.nets.shape import TransformerShape
from halfseen.nets.transformer import initialise
from halfseen.train.budget import Chosen, choose_bfloat16, choose_size, machine
from halfseen.train.checkpoint import save_checkpoint
from halfseen.train.loop import Loop
from halfseen.train.options import FRESH_RATE, LEARNT_RATE, PretrainOptions
from halfseen.train.progress import note
from halfseen.train.ranks import from_main
from halfseen.train.recipe_file import command_line, revive, versions, write_recipe
from halfseen.train.run import CHECKPOINTS, CORPUS, PREPARING, carry_on

DEFAULT_MINUTES = 20.0
TOKENIZER_BYTES = 20e6
"""A tokenizer is trained on about so much text at most."""
EXTRA_TOKENS = 3
"""[CLS] a [SEP] b [SEP]"""
START_SCALE = 20.0
"""Of 1, 3, 7.5 and 20, the one with the lowest held-out loss after 160 steps (docs/results.md)."""
CALIBRATION_SECONDS = 4.0
BYTES_PER_SECOND = 1.5e6
"""Text that is tokenised in a second, for a guess of how much of a large corpus fits the budget."""


def pretrain(
    method: str, paths: str | Path | list[str], *, out: str | Path, recipe: TextRecipe | None = None, **options: Any
) -> dict[str, Any]:
    """Trains a model on unlabelled data and returns what `halfseen pretrain --json` prints.

    options: the fields of `PretrainOptions` and of the method's recipe; those of `net` and `optim` as dictionaries or objects.
    recipe: a whole one to start from. Raises UserError for a fault in the data or options.
    """
    listed = (str(paths),) if isinstance(paths, str | Path) else tuple(map(str, paths))
    if method not in METHODS:
        raise UserError(f"no method '{method}'", way_out=f"take one of {', '.join(METHODS)}")
    kind = METHODS[method][1]
    names = {field.name for field in fields(kind)}
    given = {name: options.pop(name) for name in names & options.keys()}
    made = revive(kind, given)
    recipe = made if recipe is None else replace(recipe, **{name: getattr(made, name) for name in given})
    return train(method, revive(PretrainOptions, {"paths": listed, "out": Path(out), **options}), recipe)


def run(method: str, options: Any) -> dict[str, Any]:
    """The command line's way in: the options carry the method's `recipe`."""
    return train(method, options, options.recipe)


def train(method: str, options: PretrainOptions, recipe: TextRecipe) -> dict[str, Any]:
    started = time.monotonic()
    options = options if options.length is not None else replace(options, length=recipe.segment_tokens)
    faults = options.faults() + recipe.faults()
    if options.from_ is not None and recipe.net != NetSize():
        faults.append("--net is given beside --from, whose model has its own size")
    if options.from_ is not None and recipe.start != "cooccurrence":
        faults.append("--start is given beside --from, whose model has its own start")
    if faults:
        raise UserError("; ".join(faults), way_out="see `halfseen pretrain --help`")
    prepare(method, options, recipe, started)
    return carry_on(options.out, seconds_before=time.monotonic() - started)


def length_of(options: PretrainOptions) -> int:
    """Longest segment, special tokens included, which `train` has decided."""
    assert options.length is not None
    return options.length


@dataclass(frozen=True)
class Gathered:
    """What the main process found out: the text, its size, and what this machine can do with it."""

    data: dict[str, Any]
    bfloat16: bool
    chosen: Chosen


def prepare(method: str, options: PretrainOptions, recipe: TextRecipe, started: float) -> None:
    """Reads, tokenises, measures, plans: leaves a folder that `carry_on` can train."""
    optim = options.optim
    kind, rate = optim.kind or ("adamw" if options.from_ else recipe.optimizer), LEARNT_RATE if options.from_ else FRESH_RATE
    options = replace(options, optim=replace(optim, learning_rate=optim.learning_rate or rate, kind=kind))
    asked = {k: getattr(options, k) for k in ("minutes", "tokens", "steps") if getattr(options, k) is not None} or {
        "minutes": DEFAULT_MINUTES
    }
    base = load(find(options.from_)) if options.from_ else None
    longest = base.net.shape.max_length if base else recipe.net.max_length
    if longest < length_of(options):
        raise UserError(f"--length is {options.length}, but the net takes at most {longest} tokens", way_out="take a smaller --length")
    if base:
        must_suit(base, method, recipe, options)
    found = from_main(lambda: gather(options, recipe, base.tokenizer if base else None, asked, started))
    corpus, tokenizer = open_corpus(options.out / CORPUS), Tokenizer.load(options.out)
    shape = base.net.shape if base else recipe.shape(layers=found.chosen.layers, width=found.chosen.width)
    batch_tokens = options.batch_tokens or found.chosen.batch_tokens

    net = make(method, recipe, shape, tokenizer.table, corpus.train.elsewhere)
    initialise(net, options.seed)
    if base:
        net.net.load_state_dict(base.net.state_dict())
        if base.head is not None and net.head is not None:
            net.head.load_state_dict(base.head.state_dict())
    elif recipe.start == "cooccurrence":
        start_embedding(net, corpus, options.seed)

    batches = Batches(corpus.train, tokens=batch_tokens, seed=options.seed, extra=net.specials)
    facts = {
        "method": method,
        "recipe": asdict(recipe),
        "net": asdict(shape),
        "optim": asdict(options.optim),
        "seed": options.seed,
        "length": options.length,
        "from": options.from_,
        "tokenizer": {"fingerprint": tokenizer.fingerprint, "entries": len(tokenizer.table)},
        "data": found.data,
        "corpus": checksums(options.out / CORPUS),
        "versions": versions(),
        "command": command_line(),
        "checkpoint_steps": options.checkpoint_steps,
    }
    budget = {
        "asked": asked,
        "batch_tokens": batch_tokens,
        "precision": "bfloat16" if found.bfloat16 else "float32",
        "machine": machine(),
    }
    state = Loop(net, batches, net.splitter, steps=1, optim=options.optim, seed=options.seed, bfloat16=found.bfloat16)
    if "minutes" in asked:
        seconds_per_step = calibrate(make(method, recipe, shape, tokenizer.table, corpus.train.elsewhere), batches, options, found.bfloat16)
        left = 60.0 * asked["minutes"] - from_main(lambda: time.monotonic() - started)
        budget |= {"seconds_per_step": seconds_per_step}
        steps = max(1, int(left * 0.97 / seconds_per_step))
    else:
        steps = int(asked["steps"]) if "steps" in asked else max(1, round(asked["tokens"] / batch_tokens))

    plan = explain(options, recipe, shape, found.chosen, budget | {"steps": steps})
    for line in plan:
        note(line)

    def leave() -> None:
        spent = time.monotonic() - started
        begun = {"steps": steps, "seconds": spent, "planned": 0, "tokens": 0, "window": [0.0, 0.0]}
        save_checkpoint(options.out / CHECKPOINTS, 0, state.state(), begun)
        write_recipe(options.out, facts | {"budget": budget | {"steps": steps, "reason": "; ".join(plan)}})
        (options.out / PREPARING).unlink()

    from_main(leave)


def must_suit(base: Loaded, method: str, recipe: TextRecipe, options: PretrainOptions) -> None:
    """Raises UserError if the method cannot go on from this model."""
    known, wanted = base.net.shape.kind, recipe.shape(layers=1, width=64).kind
    if known != wanted:
        raise UserError(f"is {known}, but {method} goes on from {wanted}", where=f"--from {options.from_}", way_out="take another method")
    needed, there = recipe.sentinels(length_of(options) - EXTRA_TOKENS), len(base.tokenizer.table.sentinels)
    if there < needed:
        raise UserError(
            f"its tokenizer has {there} sentinels, but spans of this rate and length need {needed}",
            where=f"--from {options.from_}",
            way_out="go on from a model of `halfseen pretrain t5`, or hide fewer spans",
        )


def explain(options: PretrainOptions, recipe: TextRecipe, shape: TransformerShape, chosen: Chosen, budget: dict[str, Any]) -> list[str]:
    """What was decided, and by what, a line each."""
    given = [name for name in ("layers", "width") if getattr(recipe.net, name) is not None]
    size = f"{' and '.join(given)} as asked" if given else chosen.reason
    peaks = budget["machine"]["gemm_gflops"]
    measured = f"measured here, GFLOP/s of products: {', '.join(f'{name} {peak:,.0f}' for name, peak in peaks.items())}"
    steps = "as asked"
    if "minutes" in budget["asked"]:
        steps = f"what fits {budget['asked']['minutes']:g} minutes at {budget['seconds_per_step']:.3g} s a step; planned anew on the way"
    elif "tokens" in budget["asked"]:
        steps = f"for {budget['asked']['tokens']:,.0f} tokens as asked"
    return [
        f"net: {shape.layers_in_words} x {shape.width} ({f'as in {options.from_}' if options.from_ else size})",
        f"batches: {budget['batch_tokens']:,} tokens ({'as asked' if options.batch_tokens else 'by the time there is'})",
        f"steps: {budget['steps']:,} ({steps})",
        f"precision: {budget['precision']} ({measured if options.precision == 'measured' else 'as asked'})",
    ]


def gather(options: PretrainOptions, recipe: TextRecipe, tokenizer: Tokenizer | None, asked: dict[str, float], started: float) -> Gathered:
    """Claims the folder, leaves the corpus and the tokenizer in it, and chooses precision and size."""
    claim(options.out, left_by=PREPARING)
    (options.out / PREPARING).touch()
    for half_done in (CORPUS, CHECKPOINTS):
        shutil.rmtree(options.out / half_done, ignore_errors=True)
    source = open_sources(options.paths, column=options.column)
    if source.ignored:
        note(f"passed over in folders: {', '.join(f'{count:,} {suffix}' for suffix, count in source.ignored.items())}")
    sentinels = recipe.sentinels(length_of(options) - EXTRA_TOKENS)
    corpus, tokenizer, text_bytes = prepare_corpus(options, source, tokenizer, asked, sentinels)
    tokenizer.save(options.out)
    bfloat16 = choose_bfloat16(options.precision)
    seconds = 60.0 * asked["minutes"] - (time.monotonic() - started) if "minutes" in asked else 60.0 * DEFAULT_MINUTES
    if seconds <= CALIBRATION_SECONDS:
        raise UserError(f"reading took the whole budget of {asked['minutes']:g} minutes", way_out="give more minutes or less text")
    chosen = choose_size(
        seconds, bfloat16=bfloat16, vocabulary=len(tokenizer.table), length=length_of(options), scored_share=recipe.scored_share
    )
    return Gathered(describe_data(source, corpus, text_bytes), bfloat16, chosen)


def prepare_corpus(
    options: PretrainOptions, source: Sources, tokenizer: Tokenizer | None, asked: dict[str, float], sentinels: int
) -> tuple[Corpus, Tokenizer, int]:
    """Drops duplicates, trains a tokenizer if there is none, and writes the segments. Also returns the text's bytes.

    sentinels: entries that a new tokenizer keeps for hidden spans.
    """
    text_bytes = 0

    def texts() -> Iterator[str]:
        return (document.x for document in source.documents())

    def counted() -> Iterator[str]:
        nonlocal text_bytes
        for text in texts():
            text_bytes += len(text.encode())
            yield text

    keep = first_occurrences(counted())
    share = 1.0
    if "minutes" in asked:  # a tenth of the time may go into tokenising
        share = min(1.0, 6.0 * asked["minutes"] * BYTES_PER_SECOND / text_bytes)
    if tokenizer is None:
        read_share = min(1.0, TOKENIZER_BYTES / text_bytes)
        sample = [text for text, first in zip(texts(), keep, strict=True) if first and content_hash(text) < read_share]
        kind = choose_kind("".join(sample[:2000])) if options.tokenizer == "auto" else options.tokenizer
        tokenizer = train_tokenizer(sample, kind=kind, size=options.vocabulary or choose_vocabulary(text_bytes), sentinels=sentinels)
    folder, length = options.out / CORPUS, length_of(options) - EXTRA_TOKENS
    corpus = write_corpus(folder, texts, keep, tokenizer, length=length, tokens_expected=share * text_bytes / 4, share=share)
    return corpus, tokenizer, text_bytes


def start_embedding(method: TextMethod, corpus: Corpus, seed: int) -> None:
    """Tokens that occur start from their neighbours, special ones from zero; the others keep their random rows.

    A [MASK] that starts at random is one more word to unlearn: the held-out loss after 48 steps was 0.2 higher with it (one seed).
    The table is made START_SCALE times larger, so that the optimizer's steps, whose size does not depend on the table's, do not
    wipe out at once what it brought; the vocabulary layer, which shares it, begins with a norm that much smaller. Learned positions,
    which are added to it, are made as much larger.
    """
    import torch

    table = method.net.embedding.weight
    found = start_table(corpus.train, *table.shape, spread=float(table.detach().std()), seed=seed)
    placed_V = np.abs(found).sum(1) > 0
    placed_V[sorted(method.tokens.special)] = True
    with torch.no_grad():
        table[torch.from_numpy(placed_V)] = torch.from_numpy(found[placed_V])
        for name, parameter in method.net.named_parameters():
            if name == "embedding.weight" or name.endswith("position.weight"):
                parameter.mul_(START_SCALE)
        dict(method.output_norm.named_parameters())["weight"].div_(START_SCALE)


def calibrate(method: TextMethod, batches: Batches, options: PretrainOptions, bfloat16: bool) -> float:
    """Trains a throw-away net for some seconds: the median seconds of a step."""
    initialise(method, options.seed)
    loop = Loop(method, batches, method.splitter, steps=10**6, optim=options.optim, seed=options.seed, bfloat16=bfloat16)
    loop.step()
    seconds: list[float] = []
    while from_main(lambda: sum(seconds) < CALIBRATION_SECONDS or len(seconds) < 3):
        seconds.append(loop.step().seconds)
    return from_main(lambda: float(np.median(seconds)))


def describe_data(source: Sources, corpus: Corpus, text_bytes: int) -> dict[str, Any]:
    tally = corpus.tally
    return {
        "paths": list(source.paths),
        "files": len(source.files),
        "ignored": dict(source.ignored),
        "bytes": text_bytes,
        "fingerprint": source.fingerprint,
        "duplicates_share": tally.duplicates / max(1, tally.documents),
        **asdict(tally),
    }
