"""Scores of oddness against slow and known truths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest

from halfseen.apps.conformal import discoveries, p_values
from halfseen.apps.outliers import Forest, Neighbours, Odds
from halfseen.data.nearest import index_of, nearest


def rows(count: int, columns: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, columns)).astype(np.float32)


def test_the_forest_is_scikit_learns() -> None:
    train, x = rows(400), rows(100, seed=1)
    found, own = Forest.fit(train, seed=3)
    theirs = IsolationForest(random_state=3).fit(train)
    np.testing.assert_allclose(found.score(x), -theirs.score_samples(x), atol=1e-6)
    np.testing.assert_allclose(own, -theirs.score_samples(train), atol=1e-6)
    np.testing.assert_array_equal(Forest(found.state()).score(x), found.score(x))


def test_no_row_is_its_own_neighbour_even_among_equals() -> None:
    train = np.array([[0.0], [0.0], [0.0], [5.0]], np.float32)
    distance, which = nearest(train, index_of(train), 1, itself=np.arange(4))
    assert distance.ravel().tolist() == [0, 0, 0, 5]
    assert all(which.ravel() != np.arange(4))


def test_neighbours_by_hand() -> None:
    train = np.array([[0.0], [1.0], [3.0], [7.0]], np.float32)
    found, _ = Neighbours.fit(train, k=2)
    own = np.array([2.0, 1.5, 2.5, 5.0])  # mean distances to the two nearest others
    np.testing.assert_allclose(found.own_T, own)
    floor = 0.1 * own.mean()
    # of 2.5 the nearest are 3 and 1, whose mean is 2
    assert found.score(np.array([[2.5]], np.float32))[0] == pytest.approx((1.0 + 0.5) / np.sqrt(2.0 + floor))


def test_training_rows_are_scored_as_if_they_were_not_there() -> None:
    train = rows(60)
    found, own = Neighbours.fit(train, k=3)
    without, _ = Neighbours.fit(np.delete(train, 7, axis=0), k=3)
    distance, which = nearest(train[7:8], index_of(np.delete(train, 7, axis=0)), 3)
    kept_own = np.delete(found.own_T, 7)
    floor = 0.1 * found.own_T.mean() + 1e-9
    middle = np.linalg.norm(train[7] - np.delete(train, 7, axis=0)[which[0]].mean(0))
    assert own[7] == pytest.approx((distance.mean() + middle) / np.sqrt(kept_own[which[0]].mean() + floor), rel=1e-5)
    assert without.score(train[7:8])[0] == pytest.approx(own[7], rel=0.2)


def test_rows_beyond_the_kept_ones_are_scored_too() -> None:
    train = rows(300)
    found, own = Neighbours.fit(train, k=3, most=100)
    assert len(found.train_TF) == 100
    assert own.shape == (300,)
    assert np.isfinite(own).all()
    assert (own > 0).all()


def test_odds_rise_with_the_score_and_go_on_beyond_the_highest() -> None:
    odds = Odds.fit(np.arange(1.0, 100.0))
    assert odds(np.array([0.0]))[0] == 0, "all are at least as odd"
    assert odds(np.array([99.0]))[0] == pytest.approx(-np.log(2 / 100))
    beyond = odds(np.array([99.5, 100, 200, 1e6]))
    assert (np.diff(beyond) > 0).all()
    assert beyond[0] > -np.log(1 / 100)


def test_odds_of_equal_scores_are_finite() -> None:
    odds = Odds.fit(np.ones(10))
    assert odds(np.array([0.5, 1.0, 1e9])).tolist() == pytest.approx([0.0, 0.0, -np.log(1 / 11) + 1])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.lists(st.floats(-5, 5), min_size=1, max_size=10))
def test_p_values_count(usual: list[float], scores: list[float]) -> None:
    found = p_values(np.array(scores), np.array(usual))
    for p, score in zip(found, scores, strict=True):
        assert p == pytest.approx((1 + sum(t >= score for t in usual)) / (1 + len(usual)))


def test_p_values_hold_what_they_promise() -> None:
    rng = np.random.default_rng(0)
    kept = [float((p_values(rng.normal(size=50), rng.normal(size=50)) <= 0.1).mean()) for _ in range(400)]
    assert np.mean(kept) <= 0.1 + 0.01


def test_discoveries_are_benjamini_and_hochbergs() -> None:
    p = np.array([0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216])  # their own kind of example
    assert discoveries(p, 0.05).tolist() == [True, True] + [False] * 8
    assert discoveries(p[::-1], 0.05).tolist() == [False] * 8 + [True, True]
    assert not discoveries(np.array([0.9, 0.8]), 0.05).any()
    assert discoveries(np.array([]), 0.05).tolist() == []
