"""Equal error rate, diarization error rate, the loss that knows no order of speakers, and mixtures of two voices."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from halfseen.contracts import UserError
from halfseen.suites.speech_tasks.diarization import MEDIAN, permutation_free, smoothed, turns_told
from halfseen.suites.speech_tasks.mixtures import Mixture, drawn, speaking, spoken
from halfseen.suites.speech_tasks.verification import equal_error_rate

RATE = 8000


@pytest.mark.parametrize(
    ("scores", "same", "rate"),
    [
        ([3, 2, 1, 0], [1, 1, 0, 0], 0.0),
        ([0, 1, 2, 3], [1, 1, 0, 0], 1.0),
        ([3, 2, 1, 0], [1, 0, 1, 0], 0.5),
        ([1, 1, 1, 1], [1, 0, 1, 0], 0.5),
        ([5, 4, 3, 2, 1, 0], [1, 1, 0, 1, 0, 0], 1 / 3),
        ([4, 3, 2, 1, 0], [1, 0, 1, 0, 0], 1 / 3),  # between thresholds: misses fall from 1/2 to 0 where 1/3 is accepted
    ],
)
def test_equal_error_rate_in_closed_form(scores: list[float], same: list[int], rate: float) -> None:
    assert equal_error_rate(np.array(scores), np.array(same, bool)) == pytest.approx(rate)


def test_a_line_joins_the_points_of_the_roc() -> None:
    # One threshold accepts all of one voice and half of two: on the line from (0, 1) the errors are equal at a third.
    assert equal_error_rate(np.array([1.0, 1, 0]), np.array([True, False, False])) == pytest.approx(1 / 3)


trial = st.tuples(st.integers(-5, 5), st.booleans())


@settings(deadline=None, max_examples=60)
@given(st.lists(trial, min_size=2, max_size=40))
def test_equal_error_rate_hangs_on_the_order_alone(trials: list[tuple[int, bool]]) -> None:
    score, same = np.array([float(value) for value, _ in trials]), np.array([match for _, match in trials])
    if same.all() or not same.any():
        with pytest.raises(UserError, match="trials are of one voice; give trials of one voice and of two"):
            equal_error_rate(score, same)
        return
    rate = equal_error_rate(score, same)
    assert 0 <= rate <= 1
    assert equal_error_rate(np.exp(score / 3), same) == pytest.approx(rate)
    assert equal_error_rate(-score, ~same) == pytest.approx(rate), "what is same and what is other may be exchanged"
    assert equal_error_rate(-score, same) == pytest.approx(1 - rate)
    often = np.random.default_rng(0).integers(1, 4, len(score))
    repeated = equal_error_rate(np.repeat(score, often), np.repeat(same, often))
    assert equal_error_rate(score, same, often) == pytest.approx(repeated), "a weight is how often a trial counts"


def test_diarization_errors_in_closed_form() -> None:
    truth = np.zeros((10, 2), bool)
    truth[:6, 0] = truth[4:, 1] = True  # 12 frames of speech, two of them of both
    assert turns_told(truth, truth) == (12, 0, 0, 0)
    assert turns_told(truth, truth[:, ::-1]).wrong == 0, "who is called the first does not matter"
    assert turns_told(truth, np.zeros_like(truth)) == (12, 12, 0, 0)
    assert turns_told(truth, np.ones_like(truth)) == (12, 0, 8, 0)
    one = np.zeros_like(truth)
    one[:, 0] = True  # one voice throughout: right in six frames, another's in four, and in two one of both is missed
    assert turns_told(truth, one) == (12, 2, 0, 4)
    silence = np.zeros((5, 2), bool)
    assert turns_told(silence, silence) == (0, 0, 0, 0)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(1, 30))
def test_diarization_errors_are_those_of_the_best_order(seed: int, speakers: int, frames: int) -> None:
    draw = np.random.default_rng(seed)
    truth, told = draw.random((2, frames, speakers)) < 0.5
    by_order = []
    for order in permutations(range(speakers)):
        wrong = 0
        for speak, said in zip(truth, told[:, list(order)], strict=True):
            right = sum(a and b for a, b in zip(speak, said, strict=True))
            wrong += max(speak.sum(), said.sum()) - right  # missed or invented, and what is given to somebody else
        by_order.append(wrong)
    found = turns_told(truth, told)
    assert found.wrong == min(by_order)
    assert found.missed - found.false_alarm == truth.sum() - told.sum()
    assert turns_told(truth[:, draw.permutation(speakers)], told[:, draw.permutation(speakers)]) == found


def test_the_loss_knows_no_order() -> None:
    torch.manual_seed(0)
    logits, speaks = torch.randn(3, 20, 2), (torch.rand(3, 20, 2) < 0.4).float()
    valid = torch.arange(20) < torch.tensor([20, 11, 1])[:, None]
    found = permutation_free(logits, speaks, valid)
    torch.testing.assert_close(permutation_free(logits, speaks.flip(2), valid), found)
    torch.testing.assert_close(permutation_free(logits.flip(2), speaks, valid), found)
    for row, frames in enumerate((20, 11, 1)):
        each = [F.binary_cross_entropy_with_logits(logits[row, :frames], truth[row, :frames]) for truth in (speaks, speaks.flip(2))]
        torch.testing.assert_close(found[row], min(each))
    more = torch.cat([logits, torch.full((3, 5, 2), 50.0)], 1), torch.cat([speaks, torch.zeros(3, 5, 2)], 1)
    torch.testing.assert_close(permutation_free(*more, F.pad(valid, (0, 5))), found)


def test_smoothing_takes_the_median() -> None:
    told = np.zeros((40, 2))
    told[10:30, 0] = 0.6
    told[18:20, 0] = 0.1  # a gap shorter than half of the window
    told[5 : 5 + MEDIAN // 2, 1] = 0.9  # a blip as short
    found = smoothed(told)
    assert found[:, 0].nonzero()[0].tolist() == list(range(10, 30))
    assert not found[:, 1].any()
    assert smoothed(np.full((15, 1), 0.5))[5:10].all(), "half is enough"


def tone(hertz: float, parts: list[tuple[float, float]], seconds: float, rate: int) -> np.ndarray:
    time = np.arange(int(seconds * rate)) / rate
    heard = np.any([(begin <= time) & (time < end) for begin, end in parts], 0)
    return (np.sin(2 * np.pi * hertz * time) * heard * 0.3).astype(np.float32)


def test_turns_are_where_a_lone_voice_is_heard() -> None:
    x = tone(300, [(0.2, 0.7), (0.8, 1.0), (1.5, 1.8)], 2.0, RATE)
    assert spoken(x, RATE) == ((0.2, 1.0), (1.5, 1.8)), "a tenth of a second is no pause, half of one is"
    faint = x + np.random.default_rng(0).normal(0, 1e-3, len(x)).astype(np.float32)
    assert spoken(faint, RATE) == spoken(x, RATE)


@pytest.mark.parametrize("rate", [RATE, 16000])
def test_a_mixture_is_both_voices(rate: int) -> None:
    def first(rate: int) -> np.ndarray:
        return tone(300, [(0.0, 1.0)], 1.0, rate)

    def second(rate: int) -> np.ndarray:
        return 5 * tone(700, [(0.1, 0.6)], 0.8, rate)

    mixture = Mixture(first, second, 50, 2.0)
    x = mixture.sound(rate)
    assert len(x) == 1.3 * rate
    assert np.abs(x).max() == pytest.approx(0.9)
    assert mixture.turns(rate) == (((0.0, 1.0),), ((0.6, 1.1),))
    alone = [np.sqrt(np.mean(np.square(x[int(a * rate) : int(b * rate)]))) for a, b in ((0.2, 0.5), (1.0, 1.1))]
    # The second is silent in three eighths of its recording, so that while it is heard it is louder still.
    assert alone[1] / alone[0] == pytest.approx(2 * np.sqrt(8 / 5), rel=0.02)
    again = drawn(first, second, np.random.default_rng(3), rate)
    assert again.later_h < 100
    assert 10 ** (-0.25) <= again.gain <= 10**0.25
    other = drawn(first, second, np.random.default_rng(3), rate)
    assert (again.later_h, again.gain) == (other.later_h, other.gain)


def test_overlapping_turns_of_one_speaker_count_once() -> None:
    found = speaking((((0.0, 0.1), (0.05, 0.2)), ((0.1, 0.14),)), 12, 0.02, 2)
    assert found[:, 0].nonzero()[0].tolist() == list(range(10))
    assert found[:, 1].nonzero()[0].tolist() == [5, 6]
    assert not speaking((((0.0, 1.0),),), 5, 0.02, 2)[:, 1].any(), "who has no turn is silent"
