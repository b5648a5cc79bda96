"""The tasks of `halfseen prompt`: what each asks, in which words, in which files, and how an answer is judged.

GPT-3 (Brown et al. 2020, arXiv:2005.14165, sections 2.4 and 3, appendix G) has the words of the arithmetic, the scrambled words and
SuperGLUE's; the others are written in their manner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from halfseen.contracts import UserError
from halfseen.data.faults import did_you_mean

Layout = Literal["jsonl", "last-word", "tsv", "label-first", "wic", "parallel"]
Judged = Literal["choice", "exact", "first-word", "translation"]


@dataclass(frozen=True, kw_only=True)
class PromptTask:
    """One task. Files go by their usual names, below --data or a folder in it, plain or compressed; * stands for any letters."""

    name: str
    layout: Layout
    """How a row is read: see `prompt_files`."""
    files: tuple[str, ...]
    """Of the queries; two where texts and answers, or two languages, stand apart."""
    pool: tuple[str, ...] = ()
    """Files that examples are drawn from; by default the other rows of the queries' own."""
    description: str = ""
    """The task in words, before the examples."""
    context: str = "{context}"
    """The question that a row asks; its columns stand in braces."""
    answer: str = "completion"
    """The column of the answer: a label, or the answer itself."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """Label to the words that say it."""
    choices: tuple[str, ...] = ()
    """Columns of the answers to choose from, where each row has its own; the label is then their number from 0."""
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Column to its values to the words that stand for them in the question."""
    judged: Judged = "choice"


def _gpt3(name: str, description: str = "Answer the question.") -> PromptTask:
    return PromptTask(name=name, layout="jsonl", files=(f"{name}.jsonl",), description=description, judged="exact")


def _translation(name: str, files: tuple[str, ...], pool: tuple[str, ...], language: str) -> PromptTask:
    return PromptTask(
        name=name,
        layout="parallel",
        files=files,
        pool=pool,
        description=f"Translate English to {language}.",
        context=f"English: {{source}}\n{language}:",
        answer="target",
        judged="translation",
    )


YES_NO = {"true": "yes", "false": "no"}
UNSCRAMBLE = "Please unscramble the letters into a word, and write that word."

_ALL = (
    _gpt3("two_digit_addition"),
    _gpt3("two_digit_subtraction"),
    _gpt3("three_digit_addition"),
    _gpt3("single_digit_three_ops"),
    _gpt3("cycle_letters_in_word", UNSCRAMBLE),
    _gpt3("reversed_words", UNSCRAMBLE),
    PromptTask(name="lambada", layout="last-word", files=("lambada*.jsonl",), description="Say the next word.", judged="first-word"),
    PromptTask(
        name="sst2",
        layout="tsv",
        files=("SST-2/dev.tsv",),
        pool=("SST-2/train.tsv",),
        description="Is the review positive or negative?",
        context="Review: {sentence}\nSentiment:",
        answer="label",
        answers={"0": "negative", "1": "positive"},
    ),
    PromptTask(
        name="trec",
        layout="label-first",
        files=("TREC.test.all",),
        pool=("TREC.train.all",),
        description="What does the question ask for?",
        context="Question: {text}\nIt asks for:",
        answer="label",
        answers={"0": "a description", "1": "an entity", "2": "an abbreviation", "3": "a person", "4": "a place", "5": "a number"},
    ),
    PromptTask(
        name="wic",
        layout="wic",
        files=("train.data.txt", "train.gold.txt"),
        description="Is the word used in the same way in both sentences?",
        context="{first}\n{second}\nQuestion: Is the word '{word}' used in the same way in the two sentences above?\nAnswer:",
        answer="label",
        answers={"T": "yes", "F": "no"},
    ),
    PromptTask(
        name="boolq",
        layout="jsonl",
        files=("BoolQ/train.jsonl",),
        description="Read the passage and answer the question.",
        context="{passage}\nQuestion: {question}?\nAnswer:",
        answer="label",
        answers=YES_NO,
    ),
    PromptTask(
        name="cb",
        layout="jsonl",
        files=("CB/train.jsonl",),
        description="Does the statement follow from the text?",
        context="{premise}\nQuestion: {hypothesis}. True, False, or Neither?\nAnswer:",
        answer="label",
        answers={"entailment": "True", "contradiction": "False", "neutral": "Neither"},
    ),
    PromptTask(
        name="copa",
        layout="jsonl",
        files=("COPA/train.jsonl",),
        description="Go on with the more plausible sentence.",
        context="{premise} {question}",
        words={"question": {"cause": "This was because:", "effect": "As a result:"}},
        answer="label",
        choices=("choice1", "choice2"),
    ),
    PromptTask(
        name="rte",
        layout="tsv",
        files=("RTE/dev.tsv",),
        pool=("RTE/train.tsv",),
        description="Does the statement follow from the text?",
        context="{sentence1}\nQuestion: {sentence2} True or False?\nAnswer:",
        answer="label",
        answers={"entailment": "True", "not_entailment": "False"},
    ),
    _translation("multi30k-fr", ("test_2016_flickr.en", "test_2016_flickr.fr"), ("train.en", "train.fr"), "French"),
    _translation("multi30k-de", ("test_2016_flickr.en", "test_2016_flickr.de"), ("train.en", "train.de"), "German"),
    _translation("tatoeba-zh", ("cmn.txt",), (), "Chinese"),
)

TASKS: dict[str, PromptTask] = {task.name: task for task in _ALL}
"""Name to task, in the order of the table."""


def task_named(name: str) -> PromptTask:
    """Raises UserError if there is no such task."""
    if name not in TASKS:
        known = [*TASKS, "or a file of your own, in .jsonl"]
        raise UserError(f"no task {name!r}", way_out=did_you_mean(name.lower(), TASKS) or f"take one of {', '.join(known)}")
    return TASKS[name]
