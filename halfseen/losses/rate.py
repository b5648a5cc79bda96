"""How many bits a whole number costs whose distribution is told: of Laplace's kind, its mean taken away already.

Shapes: any; of number and log of the scale the same.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

PRECISION = 16
"""A table's counts add up to 2^16."""
MOST = 255
"""Largest number that has a count of its own."""


def laplace_bits(whole: Tensor, log_scale: Tensor) -> Tensor:
    """-log2 of the mass from whole - 1/2 to whole + 1/2 under exp(-|x| / scale) / (2 scale)."""
    rate, off = torch.exp(-log_scale), whole.abs()
    beyond = (0.5 - off) * rate + torch.log(-torch.expm1(-rate)) - math.log(2)
    return torch.where(off == 0, torch.log(-torch.expm1(-0.5 * rate)), beyond) / -math.log(2)


@torch.no_grad()
def laplace_pull(number: Tensor, log_scale: Tensor) -> Tensor:
    """How many more bits a number costs that grows: the slope of the same mass around any number, whole or not, which is what moves numbers
    that will be rounded (Ballé et al. 2018, arXiv:1802.01436, section 3, without its noise)."""
    rate, off = torch.exp(-log_scale), number.abs().clamp(max=0.5)
    near, far = torch.exp((off - 0.5) * rate), torch.exp((-off - 0.5) * rate)
    return torch.sign(number) * rate * (near - far) / (2 - near - far).clamp(min=1e-6) / math.log(2)


def laplace_tables(log_scales_T: NDArray[np.float64]) -> NDArray[np.int32]:
    """Counts, one row a scale: of 0, of each of 1 to MOST and as often of its negative, and of all that is larger. A number that is hardly
    ever seen has no count; the largest that has one is `reach` of its row."""
    counts_TN = np.zeros((len(log_scales_T), MOST + 2), np.int32)
    for row, scale in zip(counts_TN, np.exp(log_scales_T), strict=True):
        most = int(min(MOST, np.ceil(11 * scale) + 1))
        number = np.arange(1, most + 1)
        mass = 0.5 * np.exp(-(number - 0.5) / scale) * -np.expm1(-1 / scale)
        row[1 : most + 1] = np.maximum(1, np.round(mass * 2**PRECISION))
        row[-1] = max(1, round(0.5 * np.exp(-(most + 0.5) / scale) * 2 ** (PRECISION + 1)))
        row[0] = 2**PRECISION - 2 * row[1:-1].sum() - row[-1]
    return counts_TN


def reach(count_N: NDArray[np.int32]) -> int:
    """The largest number that has a count in a row of `laplace_tables`."""
    return int(np.flatnonzero(count_N[:-1])[-1])
