"""Collapse is seen: codes that are all alike, codes on a line, letters that nobody uses."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from halfseen.methods.array import Words
from halfseen.train.collapse import collapsed, feature_spread, letter_use

RNG = np.random.default_rng(0)


def test_codes_that_point_everywhere_have_spread_one_and_full_rank() -> None:
    found = feature_spread(RNG.normal(size=(4000, 16)))
    assert found["spread"] == pytest.approx(1.0, abs=0.02)
    assert found["effective_rank"] == pytest.approx(16, abs=0.2)
    assert collapsed(found, 16) == ""


def test_codes_that_are_all_alike_have_none() -> None:
    found = feature_spread(np.ones((50, 16)))
    assert found == {"spread": pytest.approx(0.0, abs=1e-9), "effective_rank": 0.0}
    assert collapsed(found, 16) == "the code has collapsed: all samples have nearly the same code (spread 0.000)"


def test_codes_on_a_line_differ_in_one_direction() -> None:
    found = feature_spread(RNG.normal(size=(400, 1)) * np.ones((1, 16)))
    assert found["effective_rank"] == pytest.approx(1.0)
    assert collapsed(found, 16) == "the code has collapsed: codes of 16 numbers differ in 1.0 directions"
    assert collapsed(found, 2) == "", "two numbers may well be one direction"


def test_letters_of_one_alphabet_are_counted_together() -> None:
    words = Words(torch.tensor([[0, 1], [1, 0], [2, 2]]), 6, shared=True)
    assert letter_use(words) == {"usage": 0.5, "perplexity": pytest.approx(3.0), "letters": 6.0}


def test_letters_of_each_place_are_counted_apart() -> None:
    words = Words(torch.tensor([[0, 0], [1, 0], [0, 0], [1, 0]]), 2)
    assert letter_use(words) == {"usage": 0.75, "perplexity": pytest.approx(1.5), "letters": 2.0}
    dead = letter_use(Words(torch.zeros(5, 3, dtype=torch.int64), 4))
    assert collapsed({"spread": 1.0, "effective_rank": 3.0, **dead}, 3) == "the code has collapsed: of 4 letters 1.0 are used"
