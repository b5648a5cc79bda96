"""The plain baselines that an expert would try first; they see the labels and nothing else.

Shapes: S samples; F features of a text or word; N words of all sentences.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from halfseen.contracts import Array, Sample
from halfseen.data.labels import Kind
from halfseen.tasks.dictionary import WordByWord

STRENGTHS = (1.0, 3.0, 10.0, 30.0)
"""Inverse regularisations of the logistic regression, to choose from."""
RIDGES = (0.3, 1.0, 3.0, 10.0, 30.0)
"""Regularisations of the ridge regression, to choose from."""
FOLDS = 5
MANY = 10_000
"""From this many rows on, one held-out part of `MANY // 5` rows chooses as well as five folds, in a fifth of the time."""
SPACELESS_SHARE = 0.3
"""Share of Chinese characters and kana from which on a text is taken as written without spaces."""

SPACELESS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")
"""A word, or one character of a script without spaces."""


class Predictor(Protocol):
    """A fitted baseline. options: its hyper-parameters, chosen or fixed, by name."""

    options: dict[str, Any]

    def predict(self, samples: Sequence[Sample]) -> list[Any]:
        """One answer a sample, in the form of the truth: a label, a number, a tuple of tags, the text of a span."""
        ...


def fit_baseline(kind: Kind, samples: Sequence[Sample], labels: Sequence[str] = (), name: str = "baseline") -> Predictor:
    """Fits the baseline of a kind of task; `name` is `baseline` or, for tag, `most-frequent`.

    classify and pair: TF-IDF and logistic regression; regress: the same features and ridge regression; tag: a linear
    tagger, or each word's most frequent tag; span: the span nearest to the question's words; seq2seq: word by word from a dictionary
    that is learnt from the pairs. Hyper-parameters are chosen
    on these samples alone; an answer is always a label that they hold, so that `labels` tell it nothing. Deterministic.
    """
    if name == "most-frequent":
        if kind != "tag":
            raise ValueError(f"the most frequent tag is no baseline for {kind}")
        return MostFrequentTag(samples)
    if kind == "tag":
        return LinearTagger(samples)
    if kind == "span":
        return NearestSpan(samples)
    if kind == "seq2seq":
        return WordByWord(samples)
    return TextModel(samples, numbers=kind == "regress")


class TextModel:
    """TF-IDF of words and characters, for one text or two, and a linear model (Wang and Manning 2012, ACL P12-2018)."""

    def __init__(self, samples: Sequence[Sample], *, numbers: bool) -> None:
        from sklearn.dummy import DummyClassifier, DummyRegressor
        from sklearn.linear_model import LogisticRegression, Ridge
        from sklearn.multiclass import OneVsRestClassifier

        self._features = TextFeatures(samples)
        features_SF, target_S = self._features(samples), np.array([sample.meta["label"] for sample in samples])
        if len(set(target_S.tolist())) == 1:
            self._model: Any = (DummyRegressor if numbers else DummyClassifier)().fit(features_SF, target_S)
        elif numbers:
            self._model = _choose(Ridge(solver="sparse_cg"), {"alpha": RIDGES}, features_SF, target_S, stratify=False)
        else:
            # The dual is solved by coordinate descent: on these wide, sparse matrices ten times faster than L-BFGS.
            one = LogisticRegression(solver="liblinear", dual=True, C=10.0, class_weight="balanced", tol=0.1, max_iter=1000, random_state=0)
            grid = {"estimator__class_weight": ("balanced", None), "estimator__C": STRENGTHS}
            self._model = _choose(OneVsRestClassifier(one), grid, features_SF, target_S, stratify=True)
        chosen = getattr(self._model, "best_params_", {})  # absent where there was nothing to choose
        self.options: dict[str, Any] = {name.removeprefix("estimator__"): value for name, value in chosen.items()}

    def predict(self, samples: Sequence[Sample]) -> list[Any]:
        answers: list[Any] = self._model.predict(self._features(samples)).tolist()
        return answers


def _choose(model: Any, grid: Mapping[str, Sequence[Any]], features_SF: Any, target_S: Array, *, stratify: bool) -> Any:
    """Fits with the grid's value that is best on held-out parts of the training rows; as it is, where they are too few."""
    from sklearn.model_selection import GridSearchCV, KFold, ShuffleSplit, StratifiedKFold, StratifiedShuffleSplit

    rarest = min(Counter(target_S.tolist()).values()) if stratify else len(target_S)
    if rarest < 2:
        return model.fit(features_SF, target_S)
    if len(target_S) >= MANY:
        cut = (StratifiedShuffleSplit if stratify else ShuffleSplit)(1, test_size=MANY // FOLDS, random_state=0)
    else:
        cut = (StratifiedKFold if stratify else KFold)(min(FOLDS, rarest), shuffle=True, random_state=0)
    return GridSearchCV(model, grid, cv=cut).fit(features_SF, target_S)


class TextFeatures:
    """Samples to a sparse matrix: a block a text, and for two texts a block of how much they share."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.preprocessing import StandardScaler

        texts = [text for side in _sides(samples) for text in side]
        rare = 1 if len(texts) < MANY else 2
        common = {"sublinear_tf": True, "dtype": np.float32, "min_df": rare}
        if sum(len(SPACELESS.findall(text)) for text in texts) > SPACELESS_SHARE * sum(map(len, texts)):
            self._vectorizers = [TfidfVectorizer(analyzer="char", ngram_range=(1, 3), **common)]
        else:
            words = TfidfVectorizer(token_pattern=r"\w+|[^\w\s]", ngram_range=(1, 2), **common)
            self._vectorizers = [words, TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), **common)]
        for vectorizer in self._vectorizers:
            vectorizer.fit(texts)
        self._scaler = StandardScaler()
        self._pairs = not isinstance(samples[0].x, str)
        if self._pairs:
            sides = _sides(samples)
            self._scaler.fit(self._shared(sides, self._blocks(sides)))

    def __call__(self, samples: Sequence[Sample]) -> Any:
        from scipy import sparse

        sides = _sides(samples)
        blocks = self._blocks(sides)
        parts = [block for of_side in blocks for block in of_side]
        if self._pairs:
            shared_SK = self._scaler.transform(self._shared(sides, blocks))
            parts.append(sparse.csr_matrix(shared_SK / np.sqrt(shared_SK.shape[1])))  # as long as a TF-IDF vector, or fits take ages
        return sparse.hstack(parts, format="csr")

    def _blocks(self, sides: Sequence[Sequence[str]]) -> list[list[Any]]:
        return [[vectorizer.transform(side) for vectorizer in self._vectorizers] for side in sides]

    def _shared(self, sides: Sequence[Sequence[str]], blocks: Sequence[Sequence[Any]]) -> Array:
        """Cosines of the TF-IDF vectors, and counts of shared words and lengths: a dense matrix."""
        cosines = [np.asarray(a.multiply(b).sum(axis=1)).ravel() for a, b in zip(*blocks, strict=True)]
        words = [[set(TOKEN.findall(text.lower())) for text in side] for side in sides]
        counts = np.array([(len(a & b), len(a | b), len(a), len(b)) for a, b in zip(*words, strict=True)], dtype=np.float64)
        both, either, first, second = counts.T
        ratios = [both / np.maximum(1, of) for of in (either, first, second)]
        length = np.minimum(first, second) / np.maximum(1, np.maximum(first, second))
        return np.stack([*cosines, *ratios, np.log1p(both), length], axis=1)


def _sides(samples: Sequence[Sample]) -> list[list[str]]:
    """One list of texts, or two for pairs."""
    if isinstance(samples[0].x, str):
        return [[sample.x for sample in samples]]
    return [[sample.x[side] for sample in samples] for side in (0, 1)]


class MostFrequentTag:
    """The tag that each word has most often; for unknown words the one that is most frequent of all."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.options: dict[str, Any] = {}
        tags_of: dict[str, Counter[str]] = defaultdict(Counter)
        for sample in samples:
            for word, tag in zip(sample.x, sample.meta["tags"], strict=True):
                tags_of[word][tag] += 1
        self._tag = {word: _commonest(tags) for word, tags in tags_of.items()}
        self._default = _commonest(sum(tags_of.values(), Counter()))

    def predict(self, samples: Sequence[Sample]) -> list[Any]:
        return [tuple(self._tag.get(word, self._default) for word in sample.x) for sample in samples]


def _commonest(counts: Counter[str]) -> str:
    return min(counts, key=lambda name: (-counts[name], name))


EDGE = "\0"
"""Stands before and after every sentence."""
NEIGHBOURS = (-2, -1, 1, 2)


class LinearTagger:
    """A linear support vector machine over each word and its neighbours (features as in Ratnaparkhi 1996, ACL W96-0213).

    What a word contributes is computed once for each different word; a sentence then gathers rows.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        from sklearn.feature_extraction.text import CountVectorizer
        from sklearn.svm import LinearSVC

        self.options: dict[str, Any] = {"C": 0.1}
        words = sorted({word for sample in samples for word in sample.x} | {EDGE})
        self._own = CountVectorizer(analyzer=own_features, binary=True, dtype=np.float32).fit(words)
        self._near = CountVectorizer(analyzer=near_features, binary=True, dtype=np.float32).fit(words)
        tags_N = np.array([tag for sample in samples for tag in sample.meta["tags"]])
        self._constant = str(tags_N[0]) if len(set(tags_N.tolist())) == 1 else None
        if self._constant is None:
            self._model = LinearSVC(random_state=0, **self.options).fit(self._features(samples), tags_N)

    def predict(self, samples: Sequence[Sample]) -> list[Any]:
        if self._constant is not None:
            return [(self._constant,) * len(sample.x) for sample in samples]
        tags = iter(self._model.predict(self._features(samples)).tolist())
        return [tuple(next(tags) for _ in sample.x) for sample in samples]

    def _features(self, samples: Sequence[Sample]) -> Any:
        from scipy import sparse

        number = {word: i for i, word in enumerate(sorted({word for sample in samples for word in sample.x} | {EDGE}))}
        own, near = self._own.transform(number), self._near.transform(number)
        words: list[int] = []
        places: list[int] = []
        for sample in samples:
            words += [number[EDGE]] * 2
            places += range(len(words), len(words) + len(sample.x))
            words += [number[word] for word in sample.x]
        words += [number[EDGE]] * 2
        word_at, place_N = np.array(words), np.array(places)
        return sparse.hstack([own[word_at[place_N]], *(near[word_at[place_N + step]] for step in NEIGHBOURS)], format="csr")


def own_features(word: str) -> Iterator[str]:
    """The word itself, its lower case, shape, length, characters if it is Chinese, and affixes of one to four characters."""
    lower = word.lower()
    yield from ("bias", f"word {word}", f"lower {lower}", f"shape {shape(word)}", f"length {min(len(word), 6)}")
    yield from (f"prefix {lower[:n]}" for n in range(1, min(4, len(lower)) + 1))
    yield from (f"suffix {lower[-n:]}" for n in range(1, min(4, len(lower)) + 1))
    yield from (f"character {c}" for c in word if SPACELESS.match(c))
    if any(c.isdigit() for c in word):
        yield "digit"
    if "-" in word:
        yield "hyphen"


def near_features(word: str) -> Iterator[str]:
    """What a neighbour's word says: its lower case, shape, first character and suffixes of one to three characters."""
    lower = word.lower()
    yield from (f"lower {lower}", f"shape {shape(word)}", f"prefix {lower[:1]}")
    yield from (f"suffix {lower[-n:]}" for n in range(1, min(3, len(lower)) + 1))


def shape(word: str) -> str:
    """`McDonald's` to `XxXxx'x`: upper, lower, digit, any longer run of one kind cut to two."""
    kinds = "".join("X" if c.isupper() else "x" if c.islower() else "0" if c.isdigit() else "字" if SPACELESS.match(c) else c for c in word)
    return re.sub(r"(.)\1+", r"\1\1", kinds)


REACH = 10
"""Words to either side from which a word of the question still shines on its neighbours."""


class NearestSpan:
    """The span of usual length that stands nearest to words of the question and holds none of them (a sliding window of
    word overlap, after Richardson et al. 2013, ACL D13-1020, as in the SQuAD paper, arXiv:1606.05250, section 5).

    Rare words count more: the weight of a word is its inverse document frequency in the training passages.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.options: dict[str, Any] = {}
        passages = {sample.x[1] for sample in samples}
        self._passages = len(passages)
        self._seen_in = Counter(word for passage in passages for word in set(TOKEN.findall(passage.lower())))
        lengths = [len(TOKEN.findall(answer.text)) for sample in samples for answer in sample.meta["answers"]]
        self._length = max(1, int(np.median(lengths)))

    def predict(self, samples: Sequence[Sample]) -> list[Any]:
        return [self._answer(*sample.x) for sample in samples]

    def _weight(self, word: str) -> float:
        return float(np.log((1 + self._passages) / (1 + self._seen_in[word])) + 1e-3)

    def _answer(self, question: str, passage: str) -> str:
        found = list(TOKEN.finditer(passage))
        if not found:
            return passage.strip()
        words = [match.group().lower() for match in found]
        asked = set(TOKEN.findall(question.lower()))
        weight_N = np.array([self._weight(word) for word in words])
        asked_N = np.array([word in asked for word in words])
        kernel = 1.0 / (1.0 + np.abs(np.arange(-REACH, REACH + 1)))
        light_N = np.convolve(weight_N * asked_N, kernel)[REACH : REACH + len(words)]
        # An answer is seldom a word of the question, and seldom begins or consists of common words.
        worth_N = np.where(asked_N, -light_N.max() - 1.0, light_N * weight_N)
        length = min(self._length, len(words))
        start = int(np.convolve(worth_N, np.ones(length), mode="valid").argmax())
        return passage[found[start].start() : found[start + length - 1].end()]
