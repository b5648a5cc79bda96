"""Real examples for the page: blanks filled, and dev items that the model got right and wrong, with what the controls said.

The first few of each kind are shown, in the order of the dev file: nothing is picked by hand. Right and wrong are marked by a sign
and a word, not by colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from halfseen.report.results import Example, Results
from halfseen.report.words import arm_name, in_order

EACH = 3
"""So many right and so many wrong examples of a task."""
LONGEST = 320
"""Characters of a text that are shown."""
WORDS = 40
SURROUNDINGS = 120
"""Characters of a passage to either side of an answer."""
BETWEEN = " | "
"""Stands between the two texts of a pair, and between several true answers."""

MARKS = {True: '<span class="mark right">✓ right</span>', False: '<span class="mark wrong">✗ wrong</span>'}


def fills_html(fills: Sequence[Mapping[str, Any]]) -> str:
    """Blanks with their candidates; fills.json holds {"text", "candidates": [{"token", "probability"}]}, and "truth" where it is known."""
    cards = []
    for fill in fills:
        first = fill["candidates"][0]["token"] if fill["candidates"] else ""
        blank = f'<span class="blank">{escape(first)}</span>'
        text = blank.join(escape(part) for part in fill["text"].split("[MASK]"))
        bars = "".join(bar(candidate["token"], candidate["probability"]) for candidate in fill["candidates"][:5])
        said = f'<p class="note">hidden: {escape(fill["truth"])}</p>' if "truth" in fill else ""
        cards.append(f'<article class="card"><p class="text">{text}</p>{said}<ol class="bars">{bars}</ol></article>')
    return f'<div class="cards">{"".join(cards)}</div>'


def continuations_html(texts: Sequence[Mapping[str, Any]]) -> str:
    """Steps side by side, each the token that was taken over the likeliest ones: {"prompt", "steps": [{"token", "candidates"}]}."""
    shown = []
    for text in texts:
        columns = []
        for step in text["steps"]:
            bars = "".join(bar(candidate["token"], candidate["probability"]) for candidate in step["candidates"])
            columns.append(f'<li><b>{escape(step["token"].strip() or "␣")}</b><ol class="bars">{bars}</ol></li>')
        written = "".join(step["token"] for step in text["steps"])
        head = f'<p class="text">{escape(text["prompt"])}<mark>{escape(written)}</mark></p>'
        shown.append(f'<article class="card">{head}<ol class="steps">{"".join(columns)}</ol></article>')
    return "\n".join(shown)


def restorations_html(texts: Sequence[Mapping[str, str]]) -> str:
    """What the encoder saw, what the decoder should have written, and what it wrote: {"corrupted", "truth", "restored"}."""
    rows = (("it should write", "truth"), ("it writes", "restored"))
    cards = []
    for text in texts:
        said = "".join(f"<dt>{name}</dt><dd>{escape(shorten(text[key])) or '(nothing)'}</dd>" for name, key in rows)
        cards.append(
            f'<article class="card"><p class="text">{escape(shorten(text["corrupted"]))}</p><dl class="said">{said}</dl></article>'
        )
    return f'<div class="cards">{"".join(cards)}</div>'


def bar(token: str, probability: float) -> str:
    width = f"width:{min(1.0, max(0.01, probability)):.0%}"
    return f'<li><span>{escape(token)}</span><i><b style="{width}"></b></i><small>{probability:.0%}</small></li>'


def examples_html(results: Results, task: str, arm: str) -> str:
    """Cards of one task; '' if there are none of `arm`."""
    items: dict[tuple[str, str], dict[str, Example]] = {}
    for example in results.examples:
        if example.task == task:
            items.setdefault((example.text, example.truth), {})[example.arm] = example
    ours = [by_arm for by_arm in items.values() if arm in by_arm]
    chosen = [by_arm for right in (True, False) for by_arm in [i for i in ours if i[arm].right is right][:EACH]]
    if not chosen:
        return ""
    tagged = task != "seq2seq" and all(is_tagged(by_arm[arm]) for by_arm in chosen)
    cards = []
    for by_arm in chosen:
        body = tags_html(by_arm, arm) if tagged else said_html(by_arm)
        cards.append(f'<article class="card">{MARKS[by_arm[arm].right]}{body}</article>')
    return f'<div class="cards">{"".join(cards)}</div>'


def said_html(by_arm: Mapping[str, Example]) -> str:
    """A class or a span: the text, the truth, and each arm's answer."""
    one = next(iter(by_arm.values()))
    text = span_html(one) or escape(shorten(one.text.replace(BETWEEN, "\n")))
    said = "".join(
        f"<dt>{escape(arm_name(arm))}</dt><dd>{sign(by_arm[arm].right)} {escape(shorten(by_arm[arm].prediction)) or '(nothing)'}</dd>"
        for arm in in_order(by_arm)
    )
    return f'<p class="text">{text}</p><dl class="said"><dt>the label</dt><dd>{escape(shorten(one.truth))}</dd>{said}</dl>'


def tags_html(by_arm: Mapping[str, Example], arm: str) -> str:
    """Each word over the tag that `arm` gave it; a wrong one is struck out, with the true one after it."""
    one = by_arm[arm]
    words = []
    triples = list(zip(one.text.split(), one.truth.split(), one.prediction.split(), strict=True))
    for word, truth, said in triples[:WORDS]:
        tag = f"<small>{escape(said)}</small>" if said == truth else f"<small>✗ <s>{escape(said)}</s> {escape(truth)}</small>"
        words.append(f'<span class="word{"" if said == truth else " bad"}">{escape(word)}{tag}</span>')
    more = " …" if len(triples) > WORDS else ""
    counts = ""
    for name in in_order(by_arm):
        pairs = list(zip(by_arm[name].truth.split(), by_arm[name].prediction.split(), strict=False))
        wrong = sum(a != b for a, b in pairs)
        counts += f"<dt>{escape(arm_name(name))}</dt><dd>{sign(wrong == 0)} {wrong} of {len(pairs)} tags wrong</dd>"
    return f'<p class="words">{" ".join(words)}{more}</p><dl class="said">{counts}</dl>'


def sign(right: bool) -> str:
    return f'<span class="{"right" if right else "wrong"}" aria-label="{"right" if right else "wrong"}">{"✓" if right else "✗"}</span>'


def is_tagged(example: Example) -> bool:
    return len(example.text.split()) == len(example.truth.split()) == len(example.prediction.split()) > 1


def span_html(example: Example) -> str:
    """A question, and the true answer marked in its surroundings; '' where the label is no piece of a passage."""
    question, _, passage = example.text.partition(BETWEEN)
    answer = next((a for a in example.truth.split(BETWEEN) if a and a in passage), "")
    if not answer or len(passage) < SURROUNDINGS:
        return ""
    at = passage.index(answer)
    before, after = passage[:at], passage[at + len(answer) :]
    left = before if len(before) <= SURROUNDINGS else "… " + before[-SURROUNDINGS:].lstrip()
    right = after if len(after) <= SURROUNDINGS else after[:SURROUNDINGS].rstrip() + " …"
    return f"<b>{escape(question)}</b>\n{escape(left)}<mark>{escape(answer)}</mark>{escape(right)}"


def shorten(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST].rstrip() + " …"
