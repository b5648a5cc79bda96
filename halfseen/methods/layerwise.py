"""Greedy layer-wise pre-training of an auto-encoder: one layer after another learns to rebuild what the layers before it say, these being
left as they are; then all learn together (Hinton and Salakhutdinov 2006; with auto-encoders as layers, Bengio et al. 2006).

Shapes: S samples of shape X; hidden_SH, what some layers say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from halfseen.contracts import Draw, Loss, Sample, Split, Splitter
from halfseen.losses.reconstruction import squared_error
from halfseen.methods.array import Rebuilding
from halfseen.methods.array_recipes import LayerwiseRecipe
from halfseen.nets.pair_shape import PairShape
from halfseen.split.noise import Corrupted


@dataclass(frozen=True)
class AtDepth:
    """x_SX, and which layer's turn it is, from 1."""

    x: Tensor
    depth: int

    def __len__(self) -> int:
        return len(self.x)

    def to(self, device: torch.device) -> AtDepth:
        return AtDepth(self.x.to(device), self.depth)


@dataclass(frozen=True)
class ToDepth:
    """The whole sample, for one layer."""

    depth: int

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        whole = Corrupted("none")(samples, draw)
        return Split(AtDepth(whole.seen, self.depth), whole.target, whole.scored)


class Layerwise(Rebuilding):
    some_rest = True

    def __init__(self, recipe: LayerwiseRecipe, shape: PairShape) -> None:
        super().__init__(shape)
        self.greedy = recipe.greedy
        self.down, self.up = layers_of(self.encoder), layers_of(self.decoder)[::-1]
        """Lists of the layers, from the outermost to the code."""

    def splitter(self, progress: float) -> Splitter:
        return self.split if progress >= self.greedy else ToDepth(1 + int(len(self.down) * progress / self.greedy))

    def forward(self, split: Split) -> Loss:
        if not isinstance(split.seen, AtDepth):
            return super().forward(split)
        depth, hidden_SH = split.seen.depth, split.seen.x
        with torch.no_grad():
            for layer in self.down[: depth - 1]:
                hidden_SH = run(layer, hidden_SH)
        rebuilt_SH = run(self.up[depth - 1], run(self.down[depth - 1], hidden_SH))
        if depth == 1 and len(self.shape.of) == 3:
            rebuilt_SH = rebuilt_SH.sigmoid()
        scored_SH = split.scored if depth == 1 else torch.ones(1, dtype=torch.bool).expand(hidden_SH.shape)
        return squared_error(rebuilt_SH.reshape(hidden_SH.shape), hidden_SH, scored_SH)


def layers_of(net: nn.Module) -> list[list[nn.Module]]:
    """The modules of each layer: one with weights, what flattens before it, what follows it."""
    found: list[list[nn.Module]] = [[]]
    for part in net.children():
        begun = any(True for module in found[-1] for _ in module.parameters())
        if begun and (isinstance(part, nn.Flatten) or next(part.parameters(), None) is not None):
            found.append([])
        found[-1].append(part)
    return found


def run(layer: Sequence[nn.Module], x: Tensor) -> Tensor:
    for part in layer:
        x = part(x)
    return x
