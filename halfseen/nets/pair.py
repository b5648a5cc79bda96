"""An encoder and its decoder: fully connected for rows, convolutions for images (Hinton and Salakhutdinov 2006).

Shapes: S samples of shape X, (F,) or (C, H, W); code_SE of E numbers, which methods read as they like.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import nn

from halfseen.nets.pair_shape import PairShape
from halfseen.nets.transformer import hash_name


def encoder_of(shape: PairShape, *, out: int | None = None) -> nn.Sequential:
    """x_SX to code_SE, or to `out` numbers."""
    into = out or shape.code
    if shape.kind == "mlp":
        widths = [math.prod(shape.of), *[shape.width] * shape.layers]
        return nn.Sequential(nn.Flatten(), *hidden(widths), nn.Linear(widths[-1], into))
    return nn.Sequential(*smaller(shape), nn.Flatten(), nn.Linear(channels_of(shape)[-1] * math.prod(shape.sides[-1]), into))


def decoder_of(shape: PairShape) -> nn.Sequential:
    """code_SE to x_SX."""
    if shape.kind == "mlp":
        widths = [shape.code, *[shape.width] * shape.layers]
        return nn.Sequential(*hidden(widths), nn.Linear(widths[-1], math.prod(shape.of)), nn.Unflatten(1, shape.of))
    channels, side = channels_of(shape)[-1], shape.sides[-1]
    return nn.Sequential(nn.Linear(shape.code, channels * math.prod(side)), nn.Unflatten(1, (channels, *side)), *larger(shape))


def map_encoder_of(shape: PairShape) -> nn.Sequential:
    """Images x_SCHW to a map of codes (S, E, height, width), as small as the last layer's."""
    return nn.Sequential(*smaller(shape), nn.Conv2d(channels_of(shape)[-1], shape.code, 1))


def map_decoder_of(shape: PairShape) -> nn.Sequential:
    """A map of codes to images x_SCHW."""
    return nn.Sequential(nn.Conv2d(shape.code, channels_of(shape)[-1], 1), *larger(shape))


def smaller(shape: PairShape) -> list[nn.Module]:
    return [part for a, b in pairwise(channels_of(shape)) for part in (nn.Conv2d(a, b, 3, stride=2, padding=1), nn.SiLU())]


def larger(shape: PairShape) -> list[nn.Module]:
    channels, sides = channels_of(shape), shape.sides
    parts: list[nn.Module] = []
    for i in range(shape.layers, 0, -1):
        missing = (1 - sides[i - 1][0] % 2, 1 - sides[i - 1][1] % 2)  # a stride of 2 comes from an even side and from the odd one below it
        parts += [nn.SiLU(), nn.ConvTranspose2d(channels[i], channels[i - 1], 3, stride=2, padding=1, output_padding=missing)]
    return parts


def hidden(widths: list[int]) -> list[nn.Module]:
    return [part for a, b in pairwise(widths) for part in (nn.Linear(a, b), nn.SiLU())]


def channels_of(shape: PairShape) -> list[int]:
    return [shape.of[0], *(shape.width * 2**i for i in range(shape.layers))]


@torch.no_grad()
def initialise_pair(module: nn.Module, seed: int) -> None:
    """Fresh weights: normal with variance 1 / inputs (LeCun et al. 1998), twice that before a SiLU; zeros for biases.

    Each parameter's numbers depend on the seed and on its name alone.
    """
    for name, parameter in module.named_parameters():
        if parameter.ndim < 2:
            parameter.fill_(0.0 if name.endswith("bias") else 1.0)
            continue
        generator = torch.Generator().manual_seed(hash_name(name, seed))
        spread = math.sqrt(2.0 / parameter[0].numel())
        parameter.copy_(torch.empty(parameter.shape).normal_(0.0, spread, generator=generator))
