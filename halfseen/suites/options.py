"""How a suite is scored, free of torch so that the command line can show it at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tyro

from halfseen.apps.convert_options import GRIFFIN_LIM, WORLD
from halfseen.methods.recipes import NetSize
from halfseen.tasks.options import CompareOptions, TextMetric, counted


@dataclass(frozen=True, kw_only=True)
class ScoreOptions(CompareOptions):
    """Score models on the tasks of a suite."""

    data: str
    """The suite's folder in its official layout, or hub:NAME when online."""
    tasks: str = ""
    """Some of the tasks, e.g. sst2,rte; by default all that the folder holds."""
    out: Path | None = None
    """Folder for the results, the report and the submission files; by default nothing is written."""


CORRUPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    **{kind: ("bart", {"corruptions": (kind,)}) for kind in ("mask", "delete", "permute", "rotate", "infill")},
    "permute+infill": ("bart", {"corruptions": ("permute", "infill")}),
    "mass": ("mass", {}),
    **{objective: ("t5", {"objective": objective}) for objective in ("replace", "drop", "deshuffle")},
    **{f"rate-{rate:g}": ("t5", {"rate": rate}) for rate in (0.1, 0.25, 0.5)},
    **{f"span-{span:g}": ("t5", {"span": span}) for span in (2.0, 5.0, 10.0)},
}
"""A corruption's name to the method that trains it and to that method's options."""
OBJECTIVES = tuple(name for name in CORRUPTIONS if name[:5] not in ("rate-", "span-"))


@dataclass(frozen=True, kw_only=True)
class CorruptionOptions:
    """Train each corruption for as long, fine-tune each on the same pairs, and set them side by side (arXiv:1910.10683, tables 4 to 7)."""

    paths: tyro.conf.Positional[tuple[str, ...]]
    """Unlabelled text, as `halfseen pretrain` takes it."""
    train: Path
    """Pairs to fine-tune on, as `halfseen finetune seq2seq` takes them."""
    dev: Path
    """Pairs to score on; nothing is chosen by them."""
    out: Path
    """Folder for a model of each corruption, the scores and the report; what an interrupted comparison left there is gone on with."""
    corruptions: str = ",".join(OBJECTIVES)
    """Some of mask, delete, permute, rotate, infill, permute+infill (BART), mass, replace, drop, deshuffle (T5); and T5's replace at
    rate-0.1, rate-0.25, rate-0.5 instead of 0.15, or span-2, span-5, span-10 instead of 3."""
    minutes: float | None = None
    """Time for each pre-training; 5 unless steps are given."""
    steps: int | None = None
    """Pre-train for this many steps instead."""
    labels: str = "all"
    """How many pairs to fine-tune on, e.g. 1000,all."""
    seeds: int = 3
    """How often each fine-tuning is repeated."""
    learning_rates: tuple[float, ...] = (1e-4, 3e-4, 1e-3)
    """Rates of the fine-tuning to choose from, on a fifth of the training pairs."""
    metric: TextMetric = "bleu"
    """What is compared."""
    vocabulary: int | None = None
    """Entries of the tokenizer; by the corpus' size by default."""
    length: int | None = None
    """Longest segment, in tokens; 128 by default."""
    net: NetSize = field(default_factory=NetSize)
    """Size of the net; by default what fits the time."""

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(name for name in self.corruptions.split(",") if name))

    def faults(self) -> list[str]:
        """Everything that is wrong with these options, in words."""
        from halfseen.data.faults import did_you_mean

        found = [] if self.paths else ["no PATH is given; name a folder or a file with text"]
        found += [
            f"--corruptions: no '{name}'; {did_you_mean(name, CORRUPTIONS) or 'known are ' + ', '.join(CORRUPTIONS)}"
            for name in self.names
            if name not in CORRUPTIONS
        ]
        found += [] if self.names else ["--corruptions names none"]
        found += ["--minutes and --steps are given; the budget is one of them"] if None not in (self.minutes, self.steps) else []
        found += [
            f"--{name} is {value:g}, but must be above 0 and finite"
            for name, value in (("minutes", self.minutes), ("steps", self.steps))
            if value is not None and not 0 < value < math.inf
        ]
        found += [f"--seeds is {self.seeds}, but must be at least 1"] if self.seeds < 1 else []
        found += [f"--labels: '{word}' is neither a number above 0 nor 'all'" for word in self.labels.split(",") if not counted(word)]
        return found


@dataclass(frozen=True, kw_only=True)
class PromptOptions:
    """Let decoders answer from the prompt alone: a description, some examples, a question; no weight changes."""

    tasks: tyro.conf.Positional[tuple[str, ...]] = ()
    """Names of tasks, or files of your own in .jsonl (context, completion, perhaps choices); by default all that --data holds."""
    model: tuple[str, ...]
    """Decoders to compare: folders that `halfseen pretrain gpt` wrote, in the Hugging Face layout (GPT-2, Llama), or hf:NAME."""
    data: Path | None = None
    """The folder that holds the tasks' files."""
    shots: str = "0,1,4,16"
    """How many examples stand in the prompt, each number a point of the curve."""
    seeds: int = 5
    """How often the examples are drawn anew."""
    limit: int = 200
    """Questions of a task at most, always the same ones."""
    description: str = ""
    """What the questions of your own files ask, in words; stands before the examples."""
    out: Path | None = None
    """Folder for the results and the report; by default nothing is written."""

    def faults(self) -> list[str]:
        """Everything that is wrong with these options, in words."""
        found = [f"--{name} is {getattr(self, name)}, but must be at least 1" for name in ("seeds", "limit") if getattr(self, name) < 1]
        words = self.shots.split(",")
        found += [f"--shots: '{word}' is not a number from 0" for word in words if not (word.isascii() and word.isdigit())]
        if not self.tasks and self.data is None:
            found.append("neither a TASK nor --data is given")
        return found if self.model else [*found, "no --model is given"]

    def shot_counts(self) -> list[int]:
        """In rising order."""
        return sorted({int(word) for word in self.shots.split(",")})


@dataclass(frozen=True, kw_only=True)
class CompressionOptions:
    """A codec on photographs, beside JPEG, WebP and AVIF as Pillow writes them."""

    data: str
    """Photographs that the codec did not learn from: a folder, tar or npz."""
    model: tuple[str, ...] = ()
    """Folders of `halfseen pretrain codec`, one or several; by default the codec that comes with halfseen."""
    out: Path | None = None
    """Folder for the figures and the pictures of the curves; by default nothing is written."""

    def faults(self) -> list[str]:
        """Everything that is wrong with these options, in words."""
        return ["--model names a folder twice"] if len(set(self.model)) < len(self.model) else []


@dataclass(frozen=True, kw_only=True)
class CodesOptions:
    """What a model's codes are worth where labels exist: nearest neighbours, a linear probe, clusters."""

    model: tuple[str, ...]
    """Folders of `halfseen pretrain` on a table or on images, one or several."""
    data: str
    """Labelled data as the models take them."""
    label: str | None = None
    """The labels: a column, an array of an npz, a file beside IDX (found if its name says so), or `folders`."""
    test: str | None = None
    """Labelled data to test on; by default a fifth of --data, drawn anew with each seed."""
    seeds: int = 5
    """How often a fifth is drawn."""

    def faults(self) -> list[str]:
        """Everything that is wrong with these options, in words."""
        found = [] if self.seeds >= 1 else [f"--seeds is {self.seeds}, but must be at least 1"]
        return found if self.model else [*found, "no --model is given"]


@dataclass(frozen=True, kw_only=True)
class SpeechOptions:
    """What a model's frozen layers are worth beside log-mel frames and random weights: by ten tasks, or by labels of yours (--label)."""

    model: tuple[str, ...]
    """Folders of `halfseen pretrain` on speech, one or several."""
    data: str
    """For the tasks a folder: a set's own in its official layout, or one that holds several, or the small sets. With --label a manifest
    (csv, jsonl) with a column `path`, one of labels, and perhaps one of speakers."""
    tasks: str = ""
    """Some of the tasks, e.g. ks,sid; by default all that the folder holds."""
    controls: bool = True
    """Whether the same net with random weights stands beside each model."""
    out: Path | None = None
    """Folder for the tasks' results and report, and for what a killed scoring leaves to the next start; by default nothing is written."""
    label: str | None = None
    """The manifest's column of labels."""
    speaker: str | None = None
    """Its column of speakers: none is both learnt from and tested on. By default a quarter of the recordings of each label is tested on."""
    seeds: int | None = None
    """How often it is drawn which speakers, or recordings, are tested on; by default once for the tasks, thrice with --label."""

    def faults(self) -> list[str]:
        """Everything that is wrong with these options, in words."""
        found = [f"--seeds is {self.seeds}, but must be at least 1"] if self.seeds is not None and self.seeds < 1 else []
        found += ["--speaker is given without --label"] if self.speaker is not None and self.label is None else []
        if self.label is not None:
            asked = (("tasks", self.tasks != ""), ("out", self.out is not None), ("no-controls", not self.controls))
            found += [f"--{name} is for the tasks, not for --label" for name, given in asked if given]
        return found if self.model else [*found, "no --model is given"]


@dataclass(frozen=True, kw_only=True)
class VoiceOptions:
    """What conversions to another's voice are worth, by judges that no converter met: speaker by speaker, word by word."""

    model: tuple[str, ...]
    """Folders of `halfseen pretrain disentangle`, or of another method for speech, one or several."""
    data: str
    """A manifest (csv, jsonl) with a column `path`, of speakers that no model learnt from."""
    label: str = "word"
    """Its column of what is said."""
    speaker: str = "speaker"
    """Its column of who says it."""
    recordings: str = "20"
    """How many recordings of the target's a converter is given, e.g. 1,5,all: a point of the curve each."""
    each: int = 2
    """Recordings of each word that are converted for each pair of speakers."""
    vocoders: tuple[str, ...] = (WORLD, GRIFFIN_LIM)
    """What makes sound of frames, by its name or by the folder of a vocoder."""
    seed: int = 0
    """Decides which recordings are converted, which are targets, and which are judged by."""
    out: Path | None = None
    """Folder for the figures and a page to listen to; by default nothing is written."""

    def amounts(self) -> list[int | None]:
        """In rising order; None for all."""
        words = set(self.recordings.split(","))
        rising: list[int | None] = [*sorted(int(word) for word in words - {"all"})]
        return [*rising, None] if "all" in words else rising

    def faults(self) -> list[str]:
        """Everything that is wrong with these options, in words."""
        found = [f"--each is {self.each}, but must be at least 1"] if self.each < 1 else []
        found += [
            f"--recordings: '{word}' is neither a number above 0 nor 'all'" for word in self.recordings.split(",") if not counted(word)
        ]
        return found + [f"no --{name} is given" for name in ("model", "vocoders") if not getattr(self, name)]


@dataclass(frozen=True, kw_only=True)
class UnitsOptions:
    """A voice as a few discrete units: how they are used, how they line up with phones, their bits, and what is recognised of them."""

    model: tuple[str, ...]
    """Folders of `halfseen pretrain` on speech, one or several."""
    data: str
    """A manifest (csv, jsonl) with a column `path`, one of words and one of speakers."""
    label: str = "word"
    """Its column of what is said."""
    speaker: str = "speaker"
    """Its column of who says it."""
    lexicon: Path | None = None
    """A line for each word: the word, and its phones. By default the English digits', as names or as numbers."""
    units: tuple[int, ...] = (25, 50, 100)
    """How many clusters."""
    layer: int = -1
    """Which layer's states: 0 goes into the first, -1 comes from the last; of `disentangle` -1 is the content code."""
    seed: int = 0
    """Decides which half is learnt from."""
    out: Path | None = None
    """Folder for the figures and their page; by default nothing is written."""

    def faults(self) -> list[str]:
        """Everything that is wrong with these options, in words."""
        found = [f"--units: {units} is below 2" for units in self.units if units < 2]
        return found + [f"no --{name} is given" for name in ("model", "units") if not getattr(self, name)]


SUITES: dict[str, type] = {
    "glue": ScoreOptions,
    "codes": CodesOptions,
    "compression": CompressionOptions,
    "speech": SpeechOptions,
    "voice": VoiceOptions,
    "units": UnitsOptions,
}
"""A suite to its options."""
