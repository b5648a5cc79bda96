"""What whole numbers cost: against SciPy's Laplace distribution, and tables that a coder can use."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import laplace

from halfseen.losses.rate import MOST, PRECISION, laplace_bits, laplace_pull, laplace_tables, reach

SCALES = np.linspace(-3.0, 6.0, 64)


@given(number=st.integers(-40, 40), log_scale=st.floats(-1.0, 5.0))
def test_bits_are_those_of_the_mass_around_a_whole_number(number: int, log_scale: float) -> None:
    mass = laplace(scale=np.exp(log_scale)).cdf([number - 0.5, number + 0.5])
    side = laplace(scale=np.exp(log_scale)).sf([abs(number) + 0.5, abs(number) - 0.5])
    wanted = -np.log2(np.diff(mass if number == 0 else side)[0])
    found = laplace_bits(torch.tensor(float(number), dtype=torch.float64), torch.tensor(log_scale, dtype=torch.float64))
    assert float(found) == pytest.approx(wanted, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("log_scale", [-2.0, 0.0, 3.0])
def test_the_pull_is_the_slope_of_the_bits(log_scale: float) -> None:
    at, scale = torch.tensor([-2.3, -0.4, 0.1, 0.45, 0.7, 3.2], dtype=torch.float64), float(np.exp(log_scale))

    def bits(x: torch.Tensor) -> torch.Tensor:
        off = x.abs().numpy()
        return torch.from_numpy(-np.log2(laplace(scale=scale).sf(off - 0.5) - laplace(scale=scale).sf(off + 0.5)))

    slope = (bits(at + 1e-5) - bits(at - 1e-5)) / 2e-5
    torch.testing.assert_close(laplace_pull(at, torch.full_like(at, log_scale)), slope, atol=1e-4, rtol=1e-4)


def test_tables_are_whole_and_hardly_cost_more_than_the_curve() -> None:
    tables = laplace_tables(SCALES)
    assert tables.dtype == np.int32
    assert (tables[:, 0] + 2 * tables[:, 1:-1].sum(1) + tables[:, -1] == 2**PRECISION).all()
    assert (tables[:, [0, -1]] >= 1).all()
    for row, log_scale in zip(tables, SCALES, strict=True):
        number = np.arange(-reach(row), reach(row) + 1)
        share = row[np.abs(number)] / 2**PRECISION
        bits = laplace_bits(torch.from_numpy(number.astype(float)), torch.full((len(number),), log_scale, dtype=torch.float64)).numpy()
        mass = 2**-bits
        assert (mass * (-np.log2(share) - bits)).sum() < 0.01, "bits a number more than with exact probabilities"
        assert reach(row) == MOST or (row[reach(row) + 1 : -1] == 0).all()
