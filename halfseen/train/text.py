"""What text brings to a run: documents to a tokenised corpus, its net and vocabulary, held-out text, and what a finished model shows.

corpus/ in the run's folder holds segments of tokens, most to train on and some held out.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from halfseen.contracts import UserError
from halfseen.data.claim import CONTINUATIONS, FILLS, RESTORATIONS, claim
from halfseen.data.corpus import HELDOUT, TRAIN, Batches, Corpus, content_hash, open_corpus, write_corpus
from halfseen.data.files import checksums, write_json
from halfseen.data.sources import Sources, first_occurrences, open_sources
from halfseen.data.tokenizers import Tokenizer, choose_kind
from halfseen.data.tokenizers import choose_size as choose_vocabulary
from halfseen.data.tokenizers import train as train_tokenizer
from halfseen.hub.find import find
from halfseen.hub.folder import Loaded, load, save
from halfseen.methods import METHODS, make
from halfseen.methods.cooccurrence import start_table
from halfseen.methods.recipes import NetSize, TextRecipe
from halfseen.methods.text import TextMethod
from halfseen.nets.shape import TransformerShape
from halfseen.nets.transformer import initialise
from halfseen.train.blanks import fill_blanks
from halfseen.train.budget import Chosen, choose_bfloat16, choose_size
from halfseen.train.card import card
from halfseen.train.continuations import continue_texts
from halfseen.train.heldout import Heldout
from halfseen.train.modality import CALIBRATION_SECONDS, CHECKPOINTS, CORPUS, DEFAULT_MINUTES, PREPARING, Opened, Prepared
from halfseen.train.options import TextOptions
from halfseen.train.progress import note
from halfseen.train.ranks import from_main
from halfseen.train.recipe_file import revive
from halfseen.train.restorations import restore_texts

TOKENIZER_BYTES = 20e6
"""A tokenizer is trained on about so much text at most."""
EXTRA_TOKENS = 3
"""[CLS] a [SEP] b [SEP]"""
START_SCALE = 20.0
"""Of 1, 3, 7.5 and 20, the one with the lowest held-out loss after 160 steps (docs/results.md)."""
BYTES_PER_SECOND = 1.5e6
"""Text that is tokenised in a second, for a guess of how much of a large corpus fits the budget."""


class Text:
    unit = "tokens"

    def settle(self, options: TextOptions, recipe: TextRecipe) -> tuple[TextOptions, list[str]]:
        options = options if options.length is not None else replace(options, length=recipe.segment_tokens)
        faults = options.faults()
        if options.from_ is not None and recipe.net != NetSize():
            faults.append("--net is given beside --from, whose model has its own size")
        if options.from_ is not None and recipe.start != "cooccurrence":
            faults.append("--start is given beside --from, whose model has its own start")
        return options, faults

    def prepare(self, name: str, options: TextOptions, recipe: TextRecipe, asked: Mapping[str, float], started: float) -> Prepared:
        base = load(find(options.from_)) if options.from_ else None
        longest = base.net.shape.max_length if base else recipe.net.max_length
        if longest < length_of(options):
            raise UserError(f"--length is {options.length}, but the net takes at most {longest} tokens", way_out="take a smaller --length")
        if base:
            must_suit(base, name, recipe, options)
        found = from_main(lambda: gather(options, recipe, base.tokenizer if base else None, asked, started))
        corpus, tokenizer = open_corpus(options.out / CORPUS), Tokenizer.load(options.out)
        shape = base.net.shape if base else recipe.shape(layers=found.chosen.layers, width=found.chosen.width)
        batch_tokens = options.batch_tokens or found.chosen.batch_tokens

        def fresh() -> TextMethod:
            made: TextMethod = make(name, recipe, shape, tokenizer.table, corpus.train.elsewhere)
            initialise(made, options.seed)
            return made

        method = fresh()
        if base:
            method.net.load_state_dict(base.net.state_dict())
            if base.head is not None and method.head is not None:
                method.head.load_state_dict(base.head.state_dict())
        elif recipe.start == "cooccurrence":
            start_embedding(method, corpus, options.seed)

        given = [name for name in ("layers", "width") if getattr(recipe.net, name) is not None]
        size = f"as in {options.from_}" if base else f"{' and '.join(given)} as asked" if given else found.chosen.reason
        return Prepared(
            method=method,
            fresh=fresh,
            batches=Batches(corpus.train, tokens=batch_tokens, seed=options.seed, extra=method.specials),
            batch=batch_tokens,
            bfloat16=found.bfloat16,
            facts={
                "net": asdict(shape),
                "length": options.length,
                "from": options.from_,
                "tokenizer": {"fingerprint": tokenizer.fingerprint, "entries": len(tokenizer.table)},
                "data": found.data,
                "corpus": checksums(options.out / CORPUS, (TRAIN, HELDOUT)),
            },
            decided=[
                f"net: {shape.layers_in_words} x {shape.width} ({size})",
                f"batches: {batch_tokens:,} tokens ({'as asked' if options.batch_tokens else 'by the time there is'})",
            ],
        )

    def open(self, folder: Path, facts: Mapping[str, Any]) -> Opened:
        tokenizer = Tokenizer.load(folder)
        if tokenizer.fingerprint != facts["tokenizer"]["fingerprint"]:
            raise UserError(
                "is not the tokenizer that the run was started with", where=str(folder / "tokenizer.json"), way_out="put the old one back"
            )
        corpus = open_corpus(folder / CORPUS)
        recipe = revive(METHODS[facts["method"]][1], facts["recipe"])
        method = make(facts["method"], recipe, revive(TransformerShape, facts["net"]), tokenizer.table, corpus.train.elsewhere)
        heldout = Heldout(method, corpus, tokenizer, facts["budget"]["precision"] == "bfloat16")
        return Opened(
            method=method,
            batches=Batches(corpus.train, tokens=facts["budget"]["batch_tokens"], seed=facts["seed"], extra=method.specials),
            judge=heldout,
            baseline=heldout.baseline,
            flops=lambda tokens, scored: method.flops(tokens, scored, facts["length"]),
            net=facts["net"],
            keep=lambda summary: keep(folder, facts, method, tokenizer, heldout, summary),
        )


def keep(
    folder: Path, facts: Mapping[str, Any], method: TextMethod, tokenizer: Tokenizer, heldout: Heldout, summary: dict[str, Any]
) -> None:
    """The model, its card, and what it says of held-out text."""
    words = card(facts, summary, faces=tuple(method.faces), own_head=method.head is not None)
    save(folder, method.net, method.head, tokenizer, card=words)
    texts = [sample for batch in heldout.batches for sample in batch]
    for face, name, shown in (
        ("hidden", FILLS, fill_blanks),
        ("next", CONTINUATIONS, continue_texts),
        ("restored", RESTORATIONS, restore_texts),
    ):
        if face in method.faces:
            write_json(folder / name, shown(method, tokenizer, texts))


def length_of(options: TextOptions) -> int:
    """Longest segment, special tokens included, which `train` has decided."""
    assert options.length is not None
    return options.length


def must_suit(base: Loaded, method: str, recipe: TextRecipe, options: TextOptions) -> None:
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


@dataclass(frozen=True)
class Gathered:
    """What the main process found out: the text, its size, and what this machine can do with it."""

    data: dict[str, Any]
    bfloat16: bool
    chosen: Chosen


def gather(options: TextOptions, recipe: TextRecipe, tokenizer: Tokenizer | None, asked: Mapping[str, float], started: float) -> Gathered:
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
    chosen = choose_size(seconds, bfloat16=bfloat16, vocabulary=len(tokenizer.table), length=length_of(options), recipe=recipe)
    return Gathered(describe_data(source, corpus, text_bytes), bfloat16, chosen)


def prepare_corpus(
    options: TextOptions, source: Sources, tokenizer: Tokenizer | None, asked: Mapping[str, float], sentinels: int
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
