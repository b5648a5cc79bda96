"""How the report names arms and writes numbers, everywhere the same.

A metric without a unit is a share or a correlation and is shown in points, a hundred to one; any other is shown as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

from halfseen.report.results import ScoreRow

CONTROLS = ("scratch", "baseline", "fbank", "fbank-normalised", "most-frequent", "chance", "majority")
NAMES = {
    "pretrained": "pre-trained",
    "scratch": "random weights",
    "fbank": "FBANK",
    "fbank-normalised": "FBANK, normalised",
    "baseline": "plain baseline",
    "most-frequent": "most frequent",
    "majority": "majority answer",
}
WORDS = {
    "bleu": "BLEU",
    "chrf": "chrF",
    "rouge1": "ROUGE-1",
    "rouge2": "ROUGE-2",
    "rougel": "ROUGE-L",
    "f1": "F1",
    "mcc": "Matthews correlation",
    "matthews": "Matthews correlation",
    "mse": "squared error",
    "per": "PER",
    "wer": "WER",
    "cer": "CER",
    "eer": "EER",
    "der": "DER",
    "mtwv": "MTWV",
    "pnmi": "PNMI",
}
WORDS |= {"pearson": "Pearson correlation", "spearman": "Spearman correlation"}


def arm_name(arm: str) -> str:
    return NAMES.get(arm, arm)


def metric_name(name: str) -> str:
    return " ".join(WORDS.get(word.lower(), word) for word in name.split("_"))


def in_order(arms: Iterable[str]) -> list[str]:
    """Models in the order of their first appearance, then the controls."""
    found = list(dict.fromkeys(arms))
    return [arm for arm in found if arm not in CONTROLS] + [arm for arm in CONTROLS if arm in found]


def factor(unit: str) -> float:
    """What a metric is multiplied by before it is shown."""
    return 1.0 if unit else 100.0


def figure(value: float, unit: str) -> str:
    """One decimal for points, three digits for anything else; a true minus sign."""
    shown = value * factor(unit)
    text = f"{shown:.1f}" if not unit or abs(shown) >= 100 else f"{shown:#.3g}"
    return text.replace("-", "\u2212")


def error(value: float, stderr: float, unit: str) -> str:
    """A standard error with the decimals of its figure, or with two digits where those say nothing."""
    decimals = len(figure(value, unit).partition(".")[2])
    shown = stderr * factor(unit)
    nothing = shown < 10 ** -(decimals + 4)  # what rounding leaves of 0
    return f"{shown:.{decimals}f}" if nothing or float(f"{shown:.{decimals}f}") else f"{shown:.2g}"


def amount(value: float, stderr: float | None, row: ScoreRow) -> str:
    """A difference in a metric: '3.2 ± 0.8 points of accuracy'."""
    plus = "" if stderr is None else f" ± {error(value, stderr, row.unit)}"
    of = metric_name(row.name) + ("" if row.higher_is_better else " (lower is better)")
    return f"{figure(value, row.unit)}{plus} {row.unit or 'points'} of {of}"


def times(ratio: float) -> str:
    """A ratio in two or three digits: 0.55, 1.04, 1.5, 5.1, 16."""
    text = f"{ratio:.2f}" if ratio < 1.95 else f"{ratio:.1f}" if ratio < 9.95 else f"{ratio:,.0f}"
    return text[:-1] if ratio < 1.95 and text.endswith("0") else text


def size(bytes_: float) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if bytes_ >= scale:
            return f"{bytes_ / scale:.1f} {unit}"
    return f"{bytes_:.0f} bytes"


def duration(seconds: float) -> str:
    if seconds >= 5400:
        return f"{seconds / 3600:.1f} hours"
    return f"{seconds / 60:.1f} minutes" if seconds >= 90 else f"{seconds:.0f} s"


def listed(items: list[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
