"""The two rounds of a run of HuBERT: clusters of cepstra are asked for until a step that is known beforehand; there the net's own states
are clustered, and from then on these are.

A run that is killed and goes on from before that step clusters again, and finds the same, as its weights are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from halfseen.contracts import Sample
from halfseen.data.corpus import Batches, in_order
from halfseen.data.speech_corpus import SpeechCorpus
from halfseen.methods.hubert import Hubert
from halfseen.methods.speech_recipes import HubertRecipe
from halfseen.train.clusters import cepstra_of_steps, guesses, open_clusters, states_of_steps, usual_cepstrum, write_clusters
from halfseen.train.loop import evaluate
from halfseen.train.progress import note
from halfseen.train.ranks import from_main


def first_clusters(folder: Path, corpus: SpeechCorpus, recipe: HubertRecipe, seed: int) -> None:
    """Clusters of cepstra, beside the frames. Raises UserError if there is too little for so many."""
    stack = recipe.net.stack
    told = cepstra_of_steps(stack, usual_cepstrum(corpus.train))
    write_clusters(folder, 0, corpus, told, stack=stack, count=recipe.clusters, seed=seed)


class Rounds:
    """A step to its samples, with the clusters of the round that the step is in. switch: the first step of the second round."""

    baseline: Mapping[str, float] = MappingProxyType({})
    """Guesses are of a round, and stand beside each held-out figure."""

    def __init__(
        self,
        folder: Path,
        corpus: SpeechCorpus,
        method: Hubert,
        recipe: HubertRecipe,
        *,
        switch: int,
        frames: int,
        seed: int,
        bfloat16: bool,
    ) -> None:
        self.folder, self.corpus, self.method, self.recipe = folder, corpus, method, recipe
        self.switch, self.frames, self.seed, self.bfloat16 = switch, frames, seed, bfloat16
        self.take(0)

    def take(self, round: int) -> None:
        self.method.round = round
        self.train, self.heldout, self.quality = open_clusters(self.folder, round, self.corpus, self.recipe.net.stack)
        self.batches = Batches(self.train, tokens=self.frames, seed=self.seed, extra=0)
        self.guesses: dict[str, float] = {}

    def __call__(self, step: int) -> tuple[int, Sequence[Sample]]:
        if step >= self.switch and self.method.round == 0:
            if step == self.switch:
                self.cluster_again()
            self.take(1)
        return self.batches(step)

    def cluster_again(self) -> None:
        """The second round's clusters, from the net as it is now; the main process finds them, and all take them."""
        training = self.method.training
        self.method.eval()
        told = states_of_steps(self.method, self.bfloat16)
        stack, count = self.recipe.net.stack, self.recipe.units
        from_main(lambda: write_clusters(self.folder, 1, self.corpus, told, stack=stack, count=count, seed=self.seed))
        self.method.train(training)
        note(f"second round: {count} clusters of what layer {self.method.layer} says")

    def judge(self) -> dict[str, float]:
        """Held-out figures of this round, beside guesses."""
        self.guesses = self.guesses or guesses(self.train, self.heldout, self.method)
        batches = list(in_order(self.heldout, tokens=8000))
        found = evaluate(self.method, batches, self.method.split, bfloat16=self.bfloat16)
        return (
            {name: value for name, value in found.items() if name != "n"}
            | self.guesses
            | {
                "round": self.method.round + 1.0,
                **{f"clusters_{name}": value for name, value in self.quality.items()},
            }
        )
