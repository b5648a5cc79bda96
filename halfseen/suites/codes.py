"""`halfseen score codes`: what a model's codes are worth to somebody who has labels, beside the plain things that need no model.

Of codes: how often the nearest training items have a test item's label, and how often logistic regression says it. Of discrete codes of
few words: how well words fit labels, if each word stands for one label at most, beside k-means with as many clusters. Beside each model:
the same net with random weights, the pixels or columns themselves, and as many principal components as the code has numbers.

Shapes: N items to learn from and M to test on, R together; x_RF what the model is fed, flat; code_RE.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from halfseen.apps.array_model import open_array_model
from halfseen.contracts import Array, UserError
from halfseen.data.array_corpus import ArrayData, stacked
from halfseen.data.faults import brief
from halfseen.data.intake import ImageIntake, Intake
from halfseen.methods.array import ArrayMethod, Words
from halfseen.report.results import ScoreRow
from halfseen.suites.arms import by_name, printed, share_row, twin
from halfseen.suites.code_scores import cluster_scores, linear_accuracy, neighbour_accuracy
from halfseen.suites.options import CodesOptions
from halfseen.train.collapse import collapsed, feature_spread, letter_use
from halfseen.train.progress import ProgressBar

MOST = 20_000
"""Items, evenly spread, if there are more."""
FEW_WORDS = 0.02
"""Words that a code could have, as a share of the training items: with more, clusters are too small to have a label."""
SCRATCH = "scratch"


@dataclass(frozen=True)
class Labelled:
    """x_RX and label_R, and which are for testing; of several seeds each draws anew, if nobody said which."""

    x: Array
    label: Array
    parts: tuple[tuple[Array, Array], ...]

    @property
    def flat(self) -> Array:
        return stacked(ArrayData("x", self.x).take(np.arange(len(self.x)))).reshape(len(self.x), -1)


def run(options: CodesOptions) -> dict[str, Any]:
    """What `halfseen score codes --json` prints. Raises UserError for a fault in the models or data."""
    started = time.monotonic()
    models = {name: open_array_model(folder) for name, folder in by_name(options.model).items()}
    (_, intake), *others = models.values()
    for name, (_, other) in zip(list(models)[1:], others, strict=True):
        if other != intake:
            raise UserError("is fed otherwise than the first model", where=name, way_out="compare models of the same data")
    data = read(options, intake)
    scoring = Scoring(data, intake)
    notes: list[str] = []
    with ProgressBar("scoring codes", len(models) + 1) as bar:
        scoring.plain()
        for i, (name, (method, _)) in enumerate(models.items(), start=1):
            bar.update(i, note=name)
            scoring.model(name, method, notes)
        bar.update(len(models) + 1)
    return {"scores": printed(scoring.rows), "codes": scoring.codes, "notes": notes, "seconds": time.monotonic() - started}


class Scoring:
    """The figures of all arms, arm by arm."""

    def __init__(self, data: Labelled, intake: Intake) -> None:
        self.data, self.x_RF = data, data.flat
        self.raw = "pixels" if isinstance(intake, ImageIntake) else "columns"
        self.rows: list[ScoreRow] = []
        self.done: set[str] = set()
        """Plain arms that several models share."""
        self.codes: dict[str, dict[str, float]] = {}
        """What `train.collapse` says of each model's codes of test items."""

    def plain(self) -> None:
        self.judged(self.raw, lambda seed, train: self.x_RF)

    def model(self, name: str, method: ArrayMethod, notes: list[str]) -> None:
        """A model, its random weights and its principal components."""
        code_RE = coded(method, self.data.x)
        fresh = {seed: coded(twin(method, seed), self.data.x) for seed in range(len(self.data.parts))}
        self.judged(name, lambda seed, train: code_RE)
        self.judged(SCRATCH if name == "model" else f"{name}, random weights", lambda seed, train: fresh[seed])
        self.components(min(method.numbers, self.x_RF.shape[1]))
        test = self.data.parts[0][1]
        found, words = feature_spread(code_RE[test]), method.words(torch.from_numpy(code_RE))
        if words is not None:
            found |= letter_use(Words(words.letter[test], words.letters, words.shared))
            self.words(name, words)
        self.codes[name] = found
        if warning := collapsed(found, code_RE.shape[1]):
            notes.append(f"{name}: {warning}")

    def components(self, count: int) -> None:
        from sklearn.decomposition import PCA

        name = f"PCA, {count}"
        if name not in self.done:
            self.judged(
                name, lambda seed, train: PCA(min(count, len(train) - 1), random_state=seed).fit(self.x_RF[train]).transform(self.x_RF)
            )
        self.done.add(name)

    def judged(self, arm: str, codes: Callable[[int, Array], Array]) -> None:
        """codes: a seed and what may be learnt from to code_RE."""
        figures: dict[str, list[float]] = {"neighbours": [], "linear_probe": []}
        for seed, (train, test) in enumerate(self.data.parts):
            code_RE, label_R = codes(seed, train), self.data.label
            given = (code_RE[train], label_R[train], code_RE[test], label_R[test], seed)
            figures["neighbours"].append(neighbour_accuracy(*given))
            figures["linear_probe"].append(linear_accuracy(*given))
        self.rows += [self.row(arm, name, values) for name, values in figures.items()]

    def words(self, name: str, words: Words) -> None:
        """How words fit labels, beside k-means."""
        letter_RP = words.letter.numpy()
        could = words.letters ** letter_RP.shape[1]
        if could > FEW_WORDS * len(self.data.parts[0][0]):
            return
        word_R = letter_RP @ (words.letters ** np.arange(letter_RP.shape[1]))
        self.clusters(name, could, lambda seed, train: word_R)
        arm = f"k-means, {could}"
        if arm not in self.done:
            self.clusters(arm, could, lambda seed, train: k_means(self.x_RF, train, could, seed))
        self.done.add(arm)

    def clusters(self, arm: str, could: int, clusters: Callable[[int, Array], Array]) -> None:
        pairs = [cluster_scores(clusters(seed, train), self.data.label, train, test) for seed, (train, test) in enumerate(self.data.parts)]
        for name, values in zip(("cluster_accuracy", "normalised_mutual_information"), zip(*pairs, strict=True), strict=True):
            self.rows.append(self.row(arm, name, list(values)))

    def row(self, arm: str, name: str, values: list[float]) -> ScoreRow:
        return share_row("codes", arm, name, values, self.data.parts[0], main=name == "neighbours")


def k_means(x_RF: Array, train: Array, clusters: int, seed: int) -> Array:
    from sklearn.cluster import KMeans

    return np.asarray(KMeans(clusters, n_init=4, random_state=seed).fit(x_RF[train]).predict(x_RF))


@torch.no_grad()
def coded(method: ArrayMethod, x_RX: Array) -> Array:
    return np.concatenate([method.code(torch.from_numpy(stacked(rows))).float().numpy() for rows in ArrayData("x", x_RX).in_order(256)])


def read(options: CodesOptions, intake: Intake) -> Labelled:
    """Raises UserError if labels are missing, all the same, or so rare that they cannot stand in both parts."""
    x_RX, label_R = items(options.data, options.label, intake)
    if options.test is not None:
        tested = items(options.test, options.label, intake)
        if strange := sorted(set(tested[1]) - set(label_R)):
            raise UserError(
                f"label {brief(str(strange[0]))} is not among those of {options.data}", where=options.test, way_out="give the same labels"
            )
        parts = ((np.arange(len(x_RX)), np.arange(len(x_RX), len(x_RX) + len(tested[0]))),)
        return Labelled(np.concatenate([x_RX, tested[0]]), np.concatenate([label_R, tested[1]]), parts)
    from sklearn.model_selection import train_test_split

    place_R = np.arange(len(x_RX))
    drawn = (train_test_split(place_R, test_size=0.2, stratify=label_R, random_state=seed) for seed in range(options.seeds))
    return Labelled(x_RX, label_R, tuple((train, test) for train, test in drawn))


def items(path: str, label: str | None, intake: Intake) -> tuple[Array, Array]:
    """x_RX and label_R as text."""
    if isinstance(intake, ImageIntake):
        images, chunks = intake.read(path, label=label)
        labels, x_RX = images.labels, np.concatenate(list(chunks))
    else:
        table, x_RX = intake.read(path, label=label)
        labels = None if table.label is None else tuple(said(value) for value in table.label.values)
    if labels is None:
        way_out = "name them by --label: a column, an array of an npz, a file beside IDX, or `folders`"
        raise UserError("has no labels", where=path, way_out=way_out)
    counts = Counter(labels)
    if "" in counts:
        raise UserError(f"{counts['']:,} items have no label", where=path, way_out="leave them out")
    rare = [name for name, count in counts.items() if count < 5]
    if len(counts) < 2 or rare:
        what = (
            f"{len(rare):,} of {len(counts):,} labels stand at fewer than 5 items, {brief(str(rare[0]))} for one"
            if rare
            else "only one label"
        )
        raise UserError(what, where=path, way_out="name a column of classes, each with at least 5 items")
    chosen = np.unique(np.linspace(0, len(x_RX) - 1, MOST).astype(np.int64))
    return x_RX[chosen], np.array(labels)[chosen]


def said(value: Any) -> str:
    """A cell of a column of labels; whole numbers without a point, nothing where it is missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(int(value)) if isinstance(value, float | np.floating) and float(value).is_integer() else str(value)
