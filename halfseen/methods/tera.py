"""Masked frames: spans of time and bands of frequency are hidden, and told from what is around them by a net that looks both ways
(Mockingjay, Liu et al. 2019, arXiv:1910.12638; TERA, Liu et al. 2020, arXiv:2007.06028, whose third alteration, noise, is left out).

Shapes: N frames of F bands.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from halfseen.contracts import Split
from halfseen.methods.speech import FrameTelling
from halfseen.methods.speech_recipes import TeraRecipe
from halfseen.nets.shape import TransformerShape
from halfseen.split.spans import HideFrames, HideSpans


class Tera(FrameTelling):
    def __init__(self, recipe: TeraRecipe, shape: TransformerShape, bands: int) -> None:
        super().__init__(recipe, shape, bands)
        self.split = HideFrames(HideSpans(recipe.share, recipe.span, recipe.net.stack), recipe.hidden_bands)

    def guess(self, split: Split) -> Tensor:
        """That a hidden frame is the last one seen before it; a hidden band, and what begins a sample, the mean."""
        whole_N = ~split.scored.all(1).numpy()
        last_N = np.maximum.accumulate(np.where(whole_N, np.arange(len(whole_N)), -1))
        lengths_S = split.seen.lengths.numpy()
        first_N = np.repeat(np.cumsum(lengths_S) - lengths_S, lengths_S)
        known_N1 = torch.from_numpy(last_N >= first_N)[:, None]
        last_NF: Tensor = split.seen.x[torch.from_numpy(np.maximum(last_N, 0))]
        return last_NF * known_N1
