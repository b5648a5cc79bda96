"""How texts that a model wrote are judged by those that a person wrote, by the packages everybody compares with.

Shapes: S texts; X counts of one; B bootstrap samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from halfseen.contracts import Score, UserError
from halfseen.tasks.resamples import resamples

TEXT_METRICS: dict[str | None, tuple[str, ...]] = {"bleu": ("bleu", "chrf"), "chrf": ("chrf", "bleu"), "rouge": ("rouge",)}
"""What `--metric` says to the metrics that are computed, the main one first."""
POINTS = "points"


def bleu(truth: Sequence[str], prediction: Sequence[str]) -> list[Score]:
    """BLEU of the whole set, 0 to 100, by sacrebleu with its defaults (Post 2018, arXiv:1804.08771): tokenizer 13a, or its own for
    Chinese where the truth is mostly that. The standard error is that of a bootstrap over texts."""
    metrics = sacrebleu()
    chinese = sum("\u3400" <= c <= "\u9fff" for text in truth for c in text) > 0.3 * sum(map(len, truth))
    judge = metrics.BLEU(tokenize="zh" if chinese else "13a", force=True)  # what looks tokenized is judged without a warning
    single = metrics.BLEU(
        tokenize="zh" if chinese else "13a", force=True, effective_order=True
    )  # sacrebleu's advice for the counts of one text
    counts_SX = np.array([counts_of(single.sentence_score(p, [t])) for t, p in zip(truth, prediction, strict=True)])
    draws_B = [
        metrics.BLEU.compute_bleu([*row[2:6]], [*row[6:]], int(row[0]), int(row[1]), smooth_method="exp").score
        for row in resamples(len(truth)) @ counts_SX
    ]
    return [Score("bleu", judge.corpus_score(list(prediction), [list(truth)]).score, len(truth), float(np.std(draws_B, ddof=1)), POINTS)]


def counts_of(score: Any) -> list[int]:
    """Lengths of what was written and of the truth, n-grams that are right and all, of one text."""
    return [score.sys_len, score.ref_len, *score.counts, *score.totals]


def chrf(truth: Sequence[str], prediction: Sequence[str]) -> list[Score]:
    """chrF2 of the whole set, 0 to 100, by sacrebleu (Popović 2015, W15-3049); the standard error is that of the texts' own scores."""
    judge = sacrebleu().CHRF()
    value = judge.corpus_score(list(prediction), [list(truth)]).score
    return [
        Score(
            "chrf",
            value,
            len(truth),
            stderr_of([judge.sentence_score(p, [t]).score for t, p in zip(truth, prediction, strict=True)]),
            POINTS,
        )
    ]


def rouge(truth: Sequence[str], prediction: Sequence[str]) -> list[Score]:
    """F1 of ROUGE-L, ROUGE-1 and ROUGE-2 by rouge-score (Lin 2004, W04-1013), 0 to 100, the mean of all texts.

    Words are those of any script, in lower case, and each Chinese character is one; nothing is stemmed.
    """
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError as error:
        raise missing("rouge-score") from error
    from halfseen.tasks.baselines import TOKEN

    class Words:
        def tokenize(self, text: str) -> list[str]:
            return TOKEN.findall(text.lower())

    names = ("rougeL", "rouge1", "rouge2")
    judge = RougeScorer(list(names), tokenizer=Words())
    found = [judge.score(t, p) for t, p in zip(truth, prediction, strict=True)]
    columns = {name: [100 * row[name].fmeasure for row in found] for name in names}
    return [Score(name, float(np.mean(values)), len(values), stderr_of(values), POINTS) for name, values in columns.items()]


def stderr_of(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=min(1, len(values) - 1)) / np.sqrt(len(values)))


def sacrebleu() -> Any:
    try:
        from sacrebleu import metrics
    except ImportError as error:
        raise missing("sacrebleu") from error
    return metrics


def missing(package: str) -> UserError:
    return UserError(f"the package {package} is not installed", where="--metric", way_out="pip install 'halfseen[seq2seq]'")
