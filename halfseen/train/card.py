"""The model card: what it is, what it was trained on, what it reached, how to repeat it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PIPELINES = {"hidden": "fill-mask", "next": "text-generation", "restored": "text2text-generation"}


def card(facts: Mapping[str, Any], summary: Mapping[str, Any], *, faces: tuple[str, ...], own_head: bool) -> str:
    """README.md of a finished run. own_head: whether the model itself answers; otherwise a part that is not kept does."""
    net, data = facts["net"], facts["data"]
    pipeline = PIPELINES[faces[-1]] if own_head else "feature-extraction"
    both = f" + {net['decoder_layers']}" if net.get("decoder_layers") else ""
    return f"""---
library_name: transformers
pipeline_tag: {pipeline}
tags: [halfseen]
---

# A {facts["method"]} of {net["layers"]}{both} layers x {net["width"]}, {net_size(summary)}

Trained by `halfseen` in {summary["seconds"] / 60:.1f} minutes on {summary["tokens"]:,} tokens of {data["documents"]:,} documents,
{data["bytes"] / 1e6:.1f} MB; {data["duplicates_share"]:.1%} of the documents were duplicates and dropped.

{figures(summary["heldout"], "this model" if own_head else "its generator", faces[0])}

    {facts["command"]}

The text it learnt from decides what it knows and what it gets wrong; it was not made safe for anything.
"""


def figures(heldout: Mapping[str, float], who: str, asked: str) -> str:
    """The held-out figures as tables, next tokens' in bits a byte. asked: the face that they are of."""
    if "bits_per_byte" in heldout and heldout["n"] > 0:
        named = {who: "", "a bigram model": "bigram_", "a unigram model": "unigram_", "xz": "xz_"}
        rows = [f"| {name} | {heldout[f'{prefix}bits_per_byte']:.3f} |" for name, prefix in named.items()]
        return "\n".join(["| held out | bits a byte |", "|---|---|", *rows])
    return f"""| held out | {who} | guessing by frequency |
|---|---|---|
| loss, nats a {asked} token | {heldout["loss"]:.3f} | {heldout["unigram_loss"]:.3f} |
| accuracy | {heldout["accuracy"]:.3f} | {heldout["unigram_accuracy"]:.3f} |"""


def net_size(summary: Mapping[str, Any]) -> str:
    return f"{summary['net']['parameters'] / 1e6:.1f} million weights"


def array_card(facts: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    """README.md of a finished run on a table or on images."""
    data, heldout = facts["data"], summary["heldout"]
    what = f"{data['rows']:,} rows of {len(data['columns'])} columns" if "rows" in data else f"{data['images']:,} images"
    names = {
        "squared_error": "this model",
        "pca_squared_error": "principal components",
        "mean_squared_error": "the mean",
        "seen_squared_error": "what it was given",
    }
    rows = [f"| {words} | {heldout[name]:.4g} |" for name, words in names.items() if name in heldout]
    error = ["| held out | squared error a number |", "|---|---|", *rows, ""] if rows else []
    figures = [f"Held out: loss {heldout['loss']:.4g}{spread_words(heldout)}."]
    of_what = f"pieces of {data['pieces']}" if "pieces" in data else "of them"
    return f"""---
tags: [halfseen]
---

# A {facts["method"]} of {what}, {net_size(summary)}

Trained by `halfseen` in {summary["seconds"] / 60:.1f} minutes; {data["heldout"]:,} {of_what} were held out.

{chr(10).join(error + figures)}

    {facts["command"]}
"""


def spread_words(heldout: Mapping[str, float]) -> str:
    """What is known of the codes, if anything."""
    if "effective_rank" not in heldout:
        return ""
    words = f"; codes differ in {heldout['effective_rank']:.1f} directions (effective rank)"
    return words + (f", {heldout['perplexity']:.1f} of {heldout['letters']:.0f} letters used alike" if "letters" in heldout else "")


def speech_card(facts: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    """README.md of a finished run on speech."""
    data = facts["data"]
    return f"""---
tags: [halfseen]
---

# {facts["method"].upper()} of {data["recordings"]:,} recordings, {data["seconds"] / 60:.1f} minutes, {net_size(summary)}

Trained by `halfseen` in {summary["seconds"] / 60:.1f} minutes on log-mel frames: {data["bands"]} bands at {data["rate"]:,} Hz.

{speech_figures(summary["heldout"], DISTANCES.get(facts["method"], "absolute error a number"))}

    {facts["command"]}
"""


DISTANCES = {"vocoder": "distance of spectra"}
"""What the loss of a method of speech is, where it is no absolute error."""


def speech_figures(heldout: Mapping[str, float], distance: str) -> str:
    """distance: what the loss is, if it is of no clusters."""
    if "accuracy" not in heldout:
        named = {"this model": "loss", "a guess": "guess_loss"}
        rows = [f"| {who} | {heldout[key]:.4g} |" for who, key in named.items()]
        return "\n".join([f"| held out | {distance} |", "|---|---|", *rows])
    rows = [
        f"| this model | {heldout['loss']:.3f} | {heldout['accuracy']:.3f} |",
        f"| the commonest cluster | {heldout['guess_loss']:.3f} | {heldout['guess_accuracy']:.3f} |",
        f"| the cluster of the last step seen | | {heldout['last_accuracy']:.3f} |",
    ]
    return "\n".join(["| held out, hidden steps | loss, nats | accuracy |", "|---|---|---|", *rows])
