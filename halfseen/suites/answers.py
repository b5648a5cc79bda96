"""A decoder's answers to prompts: the likeliest of some choices, or what it writes; its weights stay as they are.

Shapes: B prompts; K choices of all of them; V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from halfseen.apps.writer import Sampling, Text, Writer
from halfseen.contracts import Sample
from halfseen.data.tokens import Tokens
from halfseen.hub.folder import Loaded
from halfseen.hub.weights_hash import weights_hash
from halfseen.nets.decode import Decoder

BATCH_TOKENS = 8192
"""Places of the memory of one batch of prompts."""
Ids = Sequence[int]


class Answering:
    """Raises UserError if the model is no decoder."""

    def __init__(self, loaded: Loaded) -> None:
        self.writer = Writer(loaded)
        self.tokenizer, self.net, self.head = self.writer.tokenizer, self.writer.net, self.writer.head
        self.weights = [module for module in (loaded.net, loaded.head) if module is not None]

    @property
    def longest(self) -> int:
        """Tokens of a prompt and its answer together."""
        return self.net.shape.max_length

    @property
    def parameters(self) -> int:
        """Weights of the net and of a vocabulary layer of its own."""
        return sum(p.numel() for module in self.weights for p in module.parameters())

    def fingerprint(self) -> str:
        """A hash of every weight's name and bytes."""
        return weights_hash((*self.weights, self.net, self.head))

    def choose(self, prompts: Sequence[Ids], choices: Sequence[Sequence[Ids]]) -> list[list[float]]:
        """log p of each choice's tokens after its prompt, summed (nats). A prompt is read once for all its choices."""
        found: list[list[float]] = [[] for _ in prompts]
        longest = max(len(ids) for some in choices for ids in some)
        for rows in self.batches(prompts, longest):
            decoder = self.read([prompts[i] for i in rows], longest)
            for i, values in zip(rows, log_probabilities(decoder, [choices[i] for i in rows]), strict=True):
                found[i] = values
        return found

    def write(self, prompts: Sequence[Ids], tokens: int) -> list[str]:
        """What follows each prompt up to a new line: always the likeliest token, so many at most."""
        how = Sampling(tokens=tokens, temperature=0, top_k=None, top_p=1.0, min_p=0.0, stop=("\n",), n=1, seed=0, explain=False)
        found = [""] * len(prompts)
        for rows in self.batches(prompts, tokens):
            texts = [Text("", Sample(str(i), None), None, how.stop) for i in rows]
            for i, written in zip(rows, self.writer.go_on([prompts[i] for i in rows], texts, how), strict=True):
                found[i] = written["text"]
        return found

    def read(self, prompts: Sequence[Ids], more: int) -> Decoder:
        lengths_B = np.array([len(ids) for ids in prompts], dtype=np.int64)
        tokens = Tokens.of(np.concatenate([np.asarray(ids, dtype=np.int64) for ids in prompts]), lengths_B)
        return Decoder(self.net, self.head, tokens, room=int(lengths_B.max()) + more)

    def batches(self, prompts: Sequence[Ids], more: int) -> Iterator[list[int]]:
        """Prompts of like lengths together."""
        batch: list[int] = []
        for i in sorted(range(len(prompts)), key=lambda i: len(prompts[i])):
            if batch and (len(batch) + 1) * (len(prompts[i]) + more) > BATCH_TOKENS:
                yield batch
                batch = []
            batch.append(i)
        if batch:
            yield batch


@torch.inference_mode()
def log_probabilities(decoder: Decoder, choices: Sequence[Sequence[Ids]]) -> list[list[float]]:
    """log p of the tokens of each choice of each text that was read, summed; the decoder is used up."""
    owner_K = torch.tensor([b for b, some in enumerate(choices) for _ in some])
    paths = [list(ids) for some in choices for ids in some]
    total_K = decoder.next_BV.double().log_softmax(-1)[owner_K, torch.tensor([ids[0] for ids in paths])]
    going = torch.tensor([k for k, ids in enumerate(paths) if len(ids) > 1], dtype=torch.int64)
    if len(going):
        decoder.choose(owner_K[going])
    place = 1
    while len(going):
        following = torch.tensor([paths[k][place] for k in going.tolist()])
        logits_KV = decoder.step(torch.tensor([paths[k][place - 1] for k in going.tolist()]))
        total_K[going] += logits_KV.double().log_softmax(-1).gather(1, following[:, None]).squeeze(1)
        place += 1
        still = torch.tensor([row for row, k in enumerate(going.tolist()) if len(paths[k]) > place], dtype=torch.int64)
        if 0 < len(still) < len(going):
            decoder.choose(still)
        going = going[still]
    ends = np.cumsum([len(some) for some in choices])[:-1]
    return [part.tolist() for part in np.split(total_K.numpy(), ends)]
