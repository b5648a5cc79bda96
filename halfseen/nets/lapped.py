"""A lapped transform: blocks that overlap, so that no edges show between them (Malvar and Staelin 1989), learnt further from there.

Shapes: S images (S, 3, H, W), H and W multiples of 8; coefficients (S, K, h, w) with K = 192, h = H / 8, w = W / 8.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

HOP, SPAN = 8, 16
"""Pixels from block to block, and pixels of one."""
COLOURS = ((1.0, 1.0, 1.0), (1.0, 0.0, -1.0), (-1.0, 2.0, -1.0))
"""Brightness and two differences, nearly what principal components of photographs are."""
CORRELATION = 0.95
"""Of one pixel with the next, by which the basis is turned."""
LEARNT = 0.01
"""How far a step of the optimizer moves the basis, beside other weights: 768 pixels in a row add up."""
PIXEL_SPREAD = (100.0, 16.0, 8.0)
"""Standard deviation of photographs' brightness and colour differences, about, in levels."""

Numbers = NDArray[np.float64]


def lapped_basis() -> tuple[Numbers, Numbers, Numbers]:
    """basis_FP: 8 orthonormal functions of 16 pixels, smooth ones first, orthogonal to those of neighbouring blocks too; whether each is
    even (1) or odd (-1); and the variance each has on pixels that resemble their neighbours."""
    pixel, wave = np.arange(HOP), np.arange(HOP)[:, None]
    cosine = np.sqrt(np.where(wave == 0, 1, 2) / HOP) * np.cos(np.pi * (2 * pixel + 1) * wave / (2 * HOP))
    part = cosine[0::2] - cosine[1::2]
    covariance = CORRELATION ** np.abs(np.subtract.outer(np.arange(SPAN), np.arange(SPAN)))
    found: list[tuple[float, float, Numbers]] = []
    for sign in (1.0, -1.0):
        half = 0.5 * np.concatenate([part, sign * part[:, ::-1]], 1)
        variance, turn = np.linalg.eigh(half @ covariance @ half.T)
        functions = turn.T @ half
        functions *= np.sign(functions[:, : SPAN // 2].sum(1, keepdims=True))  # which of the two signs is found depends on the machine
        found += [(float(value), sign, function) for value, function in zip(variance, functions, strict=True)]
    found.sort(key=lambda each: -each[0])
    return np.array([each[2] for each in found]), np.array([each[1] for each in found]), np.array([each[0] for each in found])


def order_of_waves() -> list[tuple[int, int]]:
    """Of the 64 products of two functions, (vertical, horizontal), the one with most variance first."""
    variance = lapped_basis()[2]
    return sorted(((i, j) for i in range(HOP) for j in range(HOP)), key=lambda ij: -variance[ij[0]] * variance[ij[1]])


def spreads(chosen: list[tuple[int, int]]) -> Numbers:
    """About the standard deviation of each coefficient, a colour and a place in `order_of_waves`, in levels of pixels."""
    variance, waves = lapped_basis()[2], order_of_waves()
    return np.array([PIXEL_SPREAD[c] * math.sqrt(variance[waves[f][0]] * variance[waves[f][1]]) for c, f in chosen])


class Lapped(nn.Module):
    """Images to coefficients and back. chosen: for each coefficient its colour and its place in `order_of_waves`.

    As it begins, the transform is orthonormal: going there and back changes nothing.
    """

    def __init__(self, chosen: list[tuple[int, int]]) -> None:
        super().__init__()
        basis, even, _ = lapped_basis()
        colour = np.array(COLOURS) / np.linalg.norm(COLOURS, axis=1, keepdims=True)
        waves = [(colour[c], *order_of_waves()[f]) for c, f in chosen]
        kernel = np.stack([np.einsum("c,p,q->cpq", shade, basis[i], basis[j]) for shade, i, j in waves])
        self.register_buffer("basis", torch.from_numpy(kernel.astype(np.float32)))
        self.register_buffer("mirrored", torch.tensor([[even[i], even[j]] for _, i, j in waves], dtype=torch.float32).T[:, :, None, None])
        self.there, self.back = (nn.Parameter(torch.zeros(kernel.shape)) for _ in range(2))

    basis: Tensor
    mirrored: Tensor

    def analyse(self, x_SCHW: Tensor) -> Tensor:
        """Coefficients; beyond its edges an image is mirrored."""
        return self.forward_of(mirror_edges(x_SCHW, (SPAN - HOP) // 2))

    def forward_of(self, around_SCHW: Tensor) -> Tensor:
        """Coefficients of an image that has been given its edges."""
        kernel = by_blocks(self.basis + LEARNT * self.there)
        with precise(around_SCHW):
            return F.conv2d(F.pixel_unshuffle(around_SCHW, HOP), kernel)

    def kernel_back(self) -> Tensor:
        """For `woven`: (192, K, 2, 2)."""
        return by_blocks(self.basis + LEARNT * self.back).flip(2, 3).transpose(0, 1)

    def synthesise(self, coefficient_SKhw: Tensor) -> Tensor:
        """An image."""
        with precise(coefficient_SKhw):
            return woven(with_edges(coefficient_SKhw, self.mirrored), self.kernel_back())


def precise(x: Tensor) -> torch.autocast:
    """In float32 whatever the run's precision: bfloat16 has fewer digits than pixels have levels."""
    return torch.autocast(x.device.type, enabled=False)


def mirror_edges(x: Tensor, by: int) -> Tensor:
    """An image with `by` more pixels on each side, mirrored between pixels."""
    x = torch.cat([x[..., :by].flip(-1), x, x[..., -by:].flip(-1)], -1)
    return torch.cat([x[..., :by, :].flip(-2), x, x[..., -by:, :].flip(-2)], -2)


def with_edges(coefficient_SKhw: Tensor, mirrored_2K11: Tensor) -> Tensor:
    """One more block on each side, as a mirrored image has it: odd functions change their sign."""
    c, (down, across) = coefficient_SKhw, mirrored_2K11
    c = torch.cat([c[..., :1, :] * down, c, c[..., -1:, :] * down], -2)
    return torch.cat([c[..., :1] * across, c, c[..., -1:] * across], -1)


def by_blocks(kernel_K3PQ: Tensor) -> Tensor:
    """A kernel of 16 x 16 pixels as one of 2 x 2 blocks, whose channels are their pixels: products of whole blocks are several times as
    fast. (K, 192, 2, 2)."""
    cut = kernel_K3PQ.reshape(*kernel_K3PQ.shape[:2], SPAN // HOP, HOP, SPAN // HOP, HOP)
    return cut.permute(0, 1, 3, 5, 2, 4).flatten(1, 3)


def woven(coefficient_SKhw: Tensor, kernel: Tensor) -> Tensor:
    """Blocks laid over each other, without what the outermost block on each side alone tells of: (h - 2) x 8 rows."""
    cut = (SPAN - HOP) // 2
    return F.pixel_shuffle(F.conv2d(coefficient_SKhw, kernel), HOP)[..., cut:-cut, cut:-cut]


def blocks(pixels: int, of: int = HOP) -> int:
    """How many blocks cover so many pixels."""
    return math.ceil(pixels / of)
