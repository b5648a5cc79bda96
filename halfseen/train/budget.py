"""What this machine can do, and what fits into the time that the user has.

Nothing here is assumed: the products are timed in both precisions, a net of the chosen shape is trained for some seconds,
and the number of steps follows.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache

import torch

from halfseen.methods.recipes import TextRecipe
from halfseen.train.options import Precision

SURELY, ROUGHLY = 0.3, 0.05
"""Seconds of measuring: for a run of minutes, which hangs on the figure; and to tell two types apart before a few texts are encoded."""


def gemm_peak(dtype: torch.dtype, size: int = 1024, seconds: float = SURELY) -> float:
    """The fastest of the square products that fit the time, in GFLOP/s.

    Six products were over in 0.1 s, and a machine that was busy just then passed for one of a third of its speed. A machine without units
    for bfloat16 takes two seconds for one such product: where a quarter of the size tells that not one fits the time, its rate is taken.
    """
    return _measured_peak(dtype, size, seconds)


@cache
def _measured_peak(dtype: torch.dtype, size: int, seconds: float) -> float:
    small = size // 4
    rate = fastest_product(dtype, small, seconds / 4)
    return rate if 2 * size**3 / 1e9 / rate > seconds else fastest_product(dtype, size, seconds)


def fastest_product(dtype: torch.dtype, size: int, seconds: float) -> float:
    """In GFLOP/s, of the square products that fit the time; the first, which warms up, is not counted."""
    a, b = torch.ones(size, size, dtype=dtype), torch.ones(size, size, dtype=dtype)
    a @ b
    best = float("inf")
    end = time.perf_counter() + seconds
    while best == float("inf") or time.perf_counter() < end:
        started = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best / 1e9


def choose_bfloat16(precision: Precision, seconds: float = SURELY) -> bool:
    """Whether products run in bfloat16: as asked, or when that is clearly faster here, measured for so many seconds each."""
    if precision != "measured":
        return precision == "bfloat16"
    return gemm_peak(torch.bfloat16, seconds=seconds) > 1.3 * gemm_peak(torch.float32, seconds=seconds)


LADDER = ((2, 128), (2, 256), (4, 256), (6, 384), (8, 512), (12, 768))
"""Layers and widths to choose from."""

TOKENS_PER_WEIGHT = 1.0
"""Fewer tokens for each weight of the layers, and a smaller net learns more in the same minutes (docs/results.md)."""

USE_OF_PEAK = {torch.float32: 0.7, torch.bfloat16: 0.45}
"""The share of the GEMM peak that training reaches, for a first guess; the real one is measured before the run."""


@dataclass(frozen=True)
class Chosen:
    """What was chosen, and why layers and width are as they are."""

    layers: int
    width: int
    batch_tokens: int
    reason: str


def choose_size(seconds: float, *, bfloat16: bool, vocabulary: int, length: int, recipe: TextRecipe) -> Chosen:
    """The largest net on the ladder that sees at least TOKENS_PER_WEIGHT tokens for each weight of its layers.

    length: of segments, in tokens. recipe: what makes a net of layers and width, and asks for a share of the tokens.
    """
    dtype = torch.bfloat16 if bfloat16 else torch.float32
    speed = gemm_peak(dtype) * 1e9 * USE_OF_PEAK[dtype]
    best, why = LADDER[0], "the smallest; even it sees fewer than"
    for layers, width in LADDER:
        shape = recipe.shape(layers=layers, width=width)
        of_scored = shape.decoder_flops_per_token(length) + 2 * shape.width * (vocabulary + shape.width)
        flops = 3 * (shape.flops_per_token(length) + recipe.scored_share * of_scored)
        if seconds * speed / flops >= TOKENS_PER_WEIGHT * shape.matrix_weights:
            best, why = (layers, width), "the largest that sees"
    tokens = 4096 if seconds < 600 else 8192
    return Chosen(*best, tokens, f"{why} {TOKENS_PER_WEIGHT:g} tokens a weight in {seconds:.0f} s here")


def machine() -> dict[str, object]:
    """The measured peak of both precisions, in GFLOP/s, and the threads behind them."""
    peaks = {str(d).removeprefix("torch."): round(gemm_peak(d), 1) for d in (torch.float32, torch.bfloat16)}
    return {"gemm_gflops": peaks, "threads": torch.get_num_threads()}
