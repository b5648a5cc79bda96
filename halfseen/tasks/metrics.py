"""Metrics: (truth, prediction) to scores, each with its number of items and its standard error over items.

Accuracies have the binomial standard error; the others that of a bootstrap over items (`resamples`), so that the same answers
always have the same score.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from halfseen.contracts import Array, Score
from halfseen.tasks.resamples import resamples
from halfseen.tasks.translation_metrics import bleu, chrf, rouge

Metric = Callable[[Sequence[Any], Sequence[Any]], list[Score]]


def accuracy(truth: Sequence[str], prediction: Sequence[str]) -> list[Score]:
    """The share of items that are right."""
    from sklearn.metrics import accuracy_score

    return [_share("accuracy", float(accuracy_score(truth, prediction)), len(truth))]


def tag_accuracy(truth: Sequence[Sequence[str]], prediction: Sequence[Sequence[str]]) -> list[Score]:
    """The share of words whose tag is right; n counts words, the error is over sentences, as words of one are alike."""
    right_S = np.array([sum(t == p for t, p in zip(*pair, strict=True)) for pair in zip(truth, prediction, strict=True)], dtype=np.float64)
    words_S = np.array([len(tags) for tags in truth], dtype=np.float64)
    return [_ratio("tag_accuracy", right_S, words_S, n=int(words_S.sum()))]


def f1(truth: Sequence[str], prediction: Sequence[str], *, positive: str = "1") -> list[Score]:
    """F1 of the positive class, as GLUE has it for MRPC and QQP; 0 where that class is neither there nor predicted."""
    from sklearn.metrics import f1_score

    t, p = np.asarray(truth) == positive, np.asarray(prediction) == positive
    weights_BN = resamples(len(t))
    both, either = weights_BN @ (t & p), weights_BN @ t + weights_BN @ p
    return [_score("f1", float(f1_score(t, p, zero_division=0.0)), len(t), _safe_divide(2.0 * both, either))]


def mcc(truth: Sequence[str], prediction: Sequence[str]) -> list[Score]:
    """Matthews' correlation (Matthews 1975), of any number of classes; 0 where truth or prediction is constant."""
    from sklearn.metrics import matthews_corrcoef

    names, codes = np.unique([*truth, *prediction], return_inverse=True)
    t_NC, p_NC = np.eye(len(names))[codes[: len(truth)]], np.eye(len(names))[codes[len(truth) :]]
    weights_BN = resamples(len(truth))
    t_BC, p_BC, n = weights_BN @ t_NC, weights_BN @ p_NC, len(truth)
    covariance_B = n * (weights_BN @ (t_NC * p_NC).sum(1)) - (t_BC * p_BC).sum(1)
    spread_B = np.sqrt((n**2 - (t_BC**2).sum(1)) * (n**2 - (p_BC**2).sum(1)))
    return [_score("mcc", float(matthews_corrcoef(truth, prediction)), n, _safe_divide(covariance_B, spread_B))]


def pearson(truth: Sequence[float], prediction: Sequence[float]) -> list[Score]:
    """Pearson's correlation; 0, by our definition, where truth or prediction is constant."""
    return [_correlation("pearson", np.asarray(truth, dtype=np.float64), np.asarray(prediction, dtype=np.float64))]


def spearman(truth: Sequence[float], prediction: Sequence[float]) -> list[Score]:
    """Spearman's rank correlation; 0, by our definition, where truth or prediction is constant.

    The bootstrap draws ranks rather than ranking every draw anew.
    """
    from scipy.stats import rankdata

    return [_correlation("spearman", rankdata(truth), rankdata(prediction))]


def entity_f1(truth: Sequence[Sequence[str]], prediction: Sequence[Sequence[str]]) -> list[Score]:
    """Micro F1 of whole entities as `seqeval` counts them in BIO tags (as conlleval does); n counts true entities."""
    from seqeval.metrics import f1_score
    from seqeval.metrics.sequence_labeling import get_entities

    true_S = [set(get_entities(list(tags))) for tags in truth]
    said_S = [set(get_entities(list(tags))) for tags in prediction]
    weights_BS = resamples(len(true_S))
    both_S, sizes_S = (
        np.array([len(t & p) for t, p in zip(true_S, said_S, strict=True)]),
        np.array([len(t) + len(p) for t, p in zip(true_S, said_S, strict=True)]),
    )
    entities = sum(map(len, true_S))
    value = float(f1_score([list(t) for t in truth], [list(p) for p in prediction], zero_division=0)) if entities else 0.0
    return [_score("entity_f1", value, entities, _safe_divide(2.0 * (weights_BS @ both_S), weights_BS @ sizes_S))]


def exact_match(truth: Sequence[Sequence[str]], prediction: Sequence[str]) -> list[Score]:
    """The share of answers equal to one of the true ones after `normal_words` (SQuAD v1.1, arXiv:1606.05250)."""
    right = [max(float(normal_words(p) == normal_words(t)) for t in ts) for ts, p in zip(truth, prediction, strict=True)]
    return [_share("exact_match", float(np.mean(right)), len(right))]


def span_f1(truth: Sequence[Sequence[str]], prediction: Sequence[str]) -> list[Score]:
    """The mean, over answers, of the F1 of shared words with the best of the true ones (SQuAD v1.1, arXiv:1606.05250)."""
    values = np.array([max(_words_f1(normal_words(t), normal_words(p)) for t in ts) for ts, p in zip(truth, prediction, strict=True)])
    return [Score("span_f1", float(values.mean()), len(values), float(values.std(ddof=min(1, len(values) - 1)) / np.sqrt(len(values))))]


PUNCTUATION = frozenset(string.punctuation)
CHINESE = re.compile(r"([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])")
CHINESE_PUNCTUATION = PUNCTUATION | frozenset("“”‘’，。：？！（）《》、；…—－～·「」『』【】〈〉")


def normal_words(text: str) -> list[str]:
    """SQuAD's official normalisation: lower case; no ASCII punctuation; no a, an, the; white space splits.

    Each Chinese character or kana is a word of its own, and a text with any loses its Chinese punctuation, too, as in
    MLQA (arXiv:1910.07475) and CMRC 2018 (arXiv:1810.07366).
    """
    dropped = CHINESE_PUNCTUATION if CHINESE.search(text) else PUNCTUATION
    kept = re.sub(r"\b(a|an|the)\b", " ", "".join(c for c in text.lower() if c not in dropped))
    return CHINESE.sub(r" \1 ", kept).split()


def _words_f1(truth: list[str], prediction: list[str]) -> float:
    if not truth or not prediction:
        return float(truth == prediction)
    return 2.0 * (Counter(truth) & Counter(prediction)).total() / (len(truth) + len(prediction))


METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "f1": f1,
    "mcc": mcc,
    "pearson": pearson,
    "spearman": spearman,
    "tag_accuracy": tag_accuracy,
    "entity_f1": entity_f1,
    "exact_match": exact_match,
    "span_f1": span_f1,
    "bleu": bleu,
    "chrf": chrf,
    "rouge": rouge,
}
"""Truth and prediction: names for the first three, numbers for correlations, a sequence of tags a sentence for the next two;
for the next two, the texts of all true answers, and one text; for the last three, one text each."""


def _share(name: str, value: float, n: int) -> Score:
    return Score(name, value, n, float(np.sqrt(value * (1 - value) / n)))


def _score(name: str, value: float, n: int, draws_B: Array) -> Score:
    return Score(name, value, n, float(draws_B.std(ddof=1)))


def _ratio(name: str, part_S: Array, whole_S: Array, *, n: int) -> Score:
    """sum(part) / sum(whole), with the error of a ratio over groups (Cochran 1977, section 6)."""
    value, groups = float(part_S.sum() / whole_S.sum()), len(whole_S)
    spread = np.sqrt(((part_S - value * whole_S) ** 2).sum() * groups / max(1, groups - 1))
    return Score(name, value, n, float(spread / whole_S.sum()))


def _correlation(name: str, x_N: Array, y_N: Array) -> Score:
    from scipy.stats import pearsonr

    if len(x_N) < 2 or np.ptp(x_N) == 0 or np.ptp(y_N) == 0:
        return Score(name, 0.0, len(x_N), 0.0)
    value = float(pearsonr(x_N, y_N).statistic)
    weights_BN, n = resamples(len(x_N)), len(x_N)
    x_N, y_N = (x_N - x_N.mean()) / x_N.std(), (y_N - y_N.mean()) / y_N.std()
    x_B, y_B, xy_B = weights_BN @ x_N / n, weights_BN @ y_N / n, weights_BN @ (x_N * y_N) / n
    xx_B, yy_B = weights_BN @ x_N**2 / n - x_B**2, weights_BN @ y_N**2 / n - y_B**2
    return _score(name, value, n, _safe_divide(xy_B - x_B * y_B, np.sqrt(np.maximum(0.0, xx_B * yy_B))))


def _safe_divide(a_B: Array, b_B: Array) -> Array:
    """a / b, and 0 where b is 0."""
    return np.divide(a_B, b_B, out=np.zeros(len(a_B)), where=b_B > 0)
