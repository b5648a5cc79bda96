"""Prompts: a task description, examples with their answers, and a query (GPT-3, arXiv:2005.14165, figure 2.1).

A context and its answer are joined by a space, and what is separate by an empty line. Which examples stand before a query depends on
the seed and the query alone; those of fewer shots are among those of more, and neither the query nor one of its text is ever drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from halfseen.contracts import Sample
from halfseen.data.draw import KeyedDraw
from halfseen.data.tokenizers import Tokenizer
from halfseen.suites.prompt_files import Item, Prompted

APART = "\n\n"


def chosen(queries: Sequence[Item], limit: int) -> list[Item]:
    """At most so many of the queries, in their order: those with the smallest keys, whatever else is in the file."""
    keys_Q = np.array([Sample(item.id, None).key for item in queries], dtype=np.uint64)
    return [queries[i] for i in np.sort(np.argsort(keys_Q, kind="stable")[:limit])]


class Examples:
    """What stands before a query, drawn from a task's pool."""

    def __init__(self, prompted: Prompted) -> None:
        self.pool = prompted.pool
        self.alike: dict[str, list[int]] = {}
        for i, item in enumerate(self.pool):
            self.alike.setdefault(item.context, []).append(i)

    def beside(self, query: Item) -> int:
        """How many examples there are for a query."""
        return len(self.pool) - len(self.alike.get(query.context, ()))

    def draw(self, query: Item, count: int, seed: int) -> list[Item]:
        """So many of them, without replacement: the first steps of a shuffle (Fisher and Yates; Durstenfeld 1964).

        Raises ValueError if there are fewer.
        """
        barred = set(self.alike.get(query.context, ()))
        if count > len(self.pool) - len(barred):
            raise ValueError(f"{count} examples of {len(self.pool) - len(barred)}")
        uniform = KeyedDraw(seed, 0, [Sample(query.id, None)])(count + len(barred)).tolist()
        moved: dict[int, int] = {}
        found: list[Item] = []
        for i, u in enumerate(uniform):
            j = i + int(u * (len(self.pool) - i))
            here = moved.get(j, j)
            moved[j] = moved.get(i, i)
            if here not in barred:
                found.append(self.pool[here])
        return found[:count]


@dataclass(frozen=True)
class Prompt:
    """ids to read; kept: the examples that had room; cut: whether the query itself had not."""

    ids: list[int]
    kept: int
    cut: bool


class Wording:
    """One tokenizer's tokens of a task: each part is encoded once and laid beside the others.

    room: tokens of a prompt, its first special ones included.
    """

    def __init__(self, tokenizer: Tokenizer, begin: Sequence[int], description: str, room: int) -> None:
        self.tokenizer, self.begin, self.room = tokenizer, list(begin), room
        self.description = tokenizer.encode(description).ids.tolist() if description else []
        self._examples: dict[str, list[int]] = {}

    def prompt(self, query: Item, examples: Sequence[Item]) -> Prompt:
        """The oldest examples are dropped until the rest has room; where even the query has none, its end is read."""
        parts = [self.of_example(item) for item in examples]
        asked = self.encode(APART + query.context)
        left = self.room - len(self.begin) - len(self.description) - len(asked)
        kept = 0
        for part in reversed(parts):
            if len(part) > left:
                break
            left -= len(part)
            kept += 1
        text = self.description + [i for part in parts[len(parts) - kept :] for i in part] + asked
        most = self.room - len(self.begin)
        return Prompt(self.begin + text[max(0, len(text) - most) :], kept, len(text) > most)

    def of_example(self, item: Item) -> list[int]:
        if item.id not in self._examples:
            self._examples[item.id] = self.encode(f"{APART}{item.context} {item.answer}")
        return self._examples[item.id]

    def of_answer(self, answer: str) -> list[int]:
        """The tokens that follow a prompt, the space before them included."""
        return self.encode(" " + answer)

    def encode(self, text: str) -> list[int]:
        found: list[int] = self.tokenizer.encode(text).ids.tolist()
        return found

    def text(self, prompt: Prompt) -> str:
        return self.tokenizer.decode(prompt.ids[len(self.begin) :])
