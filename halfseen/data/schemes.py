"""How the lines of a labelled file are laid out, where its name does not say it. Free of torch: the command line shows it at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Scheme = Literal["table", "label-first", "conllu", "columns", "word/tag", "words", "one-word"]
"""table: columns, or a text a line; label-first: `LABEL text` a line, as TREC's questions come; conllu: CoNLL-U; columns: a
word a line, its tag last; word/tag: a sentence of `word/tag` a line; words, one-word: a sentence or a word a line, untagged."""

SCHEMES: dict[str, tuple[Scheme, ...]] = {
    "classify": ("table", "label-first"),
    "tag": ("conllu", "columns", "word/tag", "words", "one-word"),
}
"""Kind of task to the schemes that its files may have; the other kinds have one alone."""


@dataclass(frozen=True)
class Learnt:
    """What a model learnt from: the scheme of its training file (None where it is not known), and the labels there."""

    scheme: Scheme | None
    labels: tuple[str, ...]


def bear_labels(said: Sequence[str], learnt: Learnt, plain: Scheme, where: str) -> bool:
    """Whether a file to predict bears labels as the training file did. said: what stands at their place, line by line.

    Raises UserError if only some of it are labels: read either way, the answers would be about other texts than the user's.
    """
    known = set(learnt.labels)
    hits = sum(word in known for word in said)
    if 0 < hits < len(said):
        from halfseen.contracts import UserError

        raise UserError(
            f"of its first {len(said):,} lines, {hits:,} bear a label that the model knows, the others do not",
            where=where,
            way_out=f"say how it is laid out: --scheme {learnt.scheme} or --scheme {plain}",
        )
    return hits > 0
