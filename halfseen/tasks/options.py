"""How a model is fine-tuned and compared, free of torch so that the command line can show it at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from halfseen.data.schemes import Scheme

Kind = Literal["classify", "pair", "tag", "span", "regress", "seq2seq"]
TextMetric = Literal["bleu", "chrf", "rouge"]


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """Which arms, how many labels, how often."""

    model: tuple[str, ...]
    """Models to compare: folders of ours or in the Hugging Face layout, minilm, or hf:NAME."""
    labels: str = "all"
    """How many labelled items to train on, e.g. 32,128,512,all: the points of the label-efficiency curve."""
    seeds: int = 3
    """How often each training is repeated, each time with other labels, another order and another start."""
    controls: bool = False
    """Also train the same network from random weights, and the plain baseline that an expert would try first."""
    learning_rates: tuple[float, ...] = (1e-4, 3e-4, 1e-3)
    """Rates to choose from, on a fifth of the training labels; one alone is taken as it is."""
    pooling: Literal["parts", "mean", "first"] = "parts"
    """A sample's vector: the mean of all states, or of each of two texts with what sets them apart; the mean; the first state."""

    def faults(self) -> list[str]:
        """Everything that is wrong with these options, in words."""
        found = [f"--seeds is {self.seeds}, but must be at least 1"] if self.seeds < 1 else []
        found += [f"--learning-rates: {rate:g} is not above 0" for rate in self.learning_rates or (0.0,) if not rate > 0]
        found += [f"--labels: '{word}' is neither a number above 0 nor 'all'" for word in self.labels.split(",") if not counted(word)]
        return found if self.model else [*found, "no --model is given"]

    def label_counts(self, available: int) -> list[int]:
        """The points of the curve in rising order; counts beyond what is there become all there is."""
        return sorted({available if word == "all" else min(int(word), available) for word in self.labels.split(",")})


def counted(word: str) -> bool:
    return word == "all" or (word.isdigit() and int(word) > 0)


@dataclass(frozen=True, kw_only=True)
class FinetuneOptions(CompareOptions):
    """Labelled files and where the results go."""

    train: Path
    """Labelled file to learn from: tsv, csv, jsonl, parquet, conllu, BIO columns, word/tag lines, SQuAD json. Of seq2seq: a table of
    two texts a row, or two files whose lines belong together, as SOURCE,TARGET."""
    dev: Path
    """Labelled file to score on; nothing is chosen by it."""
    out: Path
    """Folder for the results, the report and the fine-tuned model."""
    text: str | None = None
    """Column of the text (the first one, of pairs)."""
    second: str | None = None
    """Column of the second text."""
    label: str | None = None
    """Column of the label."""
    scheme: Scheme | None = None
    """How the lines of both files are laid out, if that is not seen: label-first is `LABEL text`, as TREC has it."""
    metric: TextMetric | None = None
    """Of seq2seq: what texts are judged by first; BLEU by default."""
    skip_bad: bool = False
    """Of span: leave out answers that do not stand at their offset in the passage, and count them."""
