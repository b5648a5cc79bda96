"""HuBERT: the clusters of hidden steps are told from the steps around them (Hsu et al. 2021, arXiv:2106.07447), on log-mel frames and by a
linear layer instead of cosines (MelHuBERT, Lin et al. 2022, arXiv:2211.09944). In the first round clusters are of cepstra, in the second of
what a middle layer of the net says by then; the net goes on, with a fresh head. It hears each recording as if through another throat and
microphone, and its clusters are of cepstra from which what the recording has in common is taken, so that it is asked for the sound and not
for the voice. Half of the recordings it hears less what their frames have in common; afterwards each is heard both ways, so that heads find
the sound without the voice as well as the voice.

Shapes: N frames of S samples, in K steps of width D; M hidden steps; V clusters.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from halfseen.contracts import Loss, Split
from halfseen.data.speech_batch import Frames, less_common
from halfseen.losses.tokens import cross_entropy
from halfseen.methods.speech import SpeechMethod
from halfseen.methods.speech_recipes import HubertRecipe
from halfseen.nets.shape import TransformerShape
from halfseen.split.spans import HideSpans, HideSteps


class Hubert(SpeechMethod):
    """round: which clusters are asked for, 0 or 1."""

    some_rest = True

    def __init__(self, recipe: HubertRecipe, shape: TransformerShape, bands: int) -> None:
        super().__init__(recipe, shape, bands)
        self.layer = recipe.layer or shape.middle
        self.counts = recipe.clusters, recipe.units
        self.heads = nn.ModuleList(nn.Linear(shape.width, count) for count in self.counts)
        self.round, self.centred = 0, recipe.centred
        self.split = HideSteps(HideSpans(recipe.share, recipe.span, recipe.net.stack), recipe.bend, recipe.level, recipe.centred)

    def forward(self, split: Split) -> Loss:
        seen: Frames = split.seen
        found, steps = self.net.steps(seen)
        logits_MV = self.heads[self.round](found.last[steps.step[split.scored]])
        loss = cross_entropy(logits_MV, split.target, seen.sample[split.scored], len(seen.lengths), part="cross_entropy", count_right=True)
        return replace(loss, parts={"accuracy": loss.parts["right"]})

    def middle(self, seen: Frames) -> Tensor:
        """What the layer says whose states are clustered, of each step, in the order of the samples: (K, D), float32."""
        found, steps = self.net.steps(self.centre(seen), every_layer=True)
        return found.layers[self.layer][steps.step[steps.slot == 0]].float()

    def layers(self, seen: Frames) -> tuple[Tensor, ...]:
        """Of frames as they are and, if the net has learnt to hear them, of frames less what they have in common."""
        whole = super().layers(seen)
        return whole + super().layers(self.centre(seen)) if self.centred else whole

    def centre(self, seen: Frames) -> Frames:
        return replace(seen, x=less_common(seen, torch.ones_like(seen.lengths))) if self.centred else seen
