"""Figures on text that is never trained on, asked the same way each time, with plain baselines beside them.

Hidden or restored tokens: loss and accuracy, beside guessing by frequency. Next tokens: bits a byte, which do not depend on the tokenizer,
beside a unigram and a bigram model of the same tokens and beside xz.
"""

from __future__ import annotations

import lzma
import math
from collections.abc import Iterator

import numpy as np

from halfseen.contracts import Array, Sample
from halfseen.data.corpus import Corpus, Segments, in_order
from halfseen.data.draw import KeyedDraw
from halfseen.data.tokenizers import Tokenizer
from halfseen.methods.text import TextMethod
from halfseen.train.loop import evaluate

COUNTED = 20_000
"""About as many segments stand behind a baseline, of every source its share."""
XZ_BYTES = 4_000_000
"""Of the training text, which xz reads before the held-out text."""
BITS = math.log(2)
"""Nats of a bit."""


class Heldout:
    """Called, it gives `heldout_loss` in nats a token and `heldout_accuracy`, both of the method's first face, and
    `heldout_bits_per_byte` if the method can be asked for next tokens. `baseline` has the same without `heldout_`."""

    def __init__(self, method: TextMethod, corpus: Corpus, tokenizer: Tokenizer, bfloat16: bool) -> None:
        self.method, self.bfloat16 = method, bfloat16
        self.bytes = corpus.tally.heldout_bytes
        self.batches: list[list[Sample]] = list(in_order(corpus.heldout, tokens=4096))
        self.baseline = self._frequencies(corpus)
        if "next" in method.faces:
            self.baseline |= self._bits_per_byte(corpus, tokenizer)

    def __call__(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for face, splitter in self.method.faces.items():
            judged = evaluate(self.method, self.batches, splitter, bfloat16=self.bfloat16)
            found = {"heldout_loss": judged["tokens"], "heldout_accuracy": judged["right"], **found}
            if face == "next":
                found["heldout_bits_per_byte"] = judged["tokens"] * judged["n"] / BITS / self.bytes
        return found

    def _frequencies(self, corpus: Corpus) -> dict[str, float]:
        """What guessing each token by how common it is would reach where the first face is asked."""
        splitter = next(iter(self.method.faces.values()))
        targets = [splitter(samples, KeyedDraw(0, 0, samples)).target.numpy() for samples in self.batches]
        target_M = np.concatenate(targets)
        share_V = token_shares(corpus.train, len(self.method.tokens))
        return {
            "unigram_loss": float(-np.log(share_V[target_M]).mean()),
            "unigram_accuracy": float((target_M == share_V.argmax()).mean()),
            "n": len(target_M),
        }

    def _bits_per_byte(self, corpus: Corpus, tokenizer: Tokenizer) -> dict[str, float]:
        heldout = [sample.x.ids for samples in self.batches for sample in samples]
        share_V = token_shares(corpus.train, len(self.method.tokens))
        unigram = -sum(float(np.log(share_V[ids]).sum()) for ids in heldout)
        train_bytes = "\n".join(tokenizer.decode(ids) for ids in spread(corpus.train, XZ_BYTES // 3)).encode()[:XZ_BYTES]
        heldout_bytes = "\n".join(tokenizer.decode(ids) for ids in heldout).encode()
        compressed = len(lzma.compress(train_bytes + heldout_bytes)) - len(lzma.compress(train_bytes))
        return {
            "unigram_bits_per_byte": unigram / BITS / self.bytes,
            "bigram_bits_per_byte": bigram_nats(corpus.train, heldout, share_V) / BITS / self.bytes,
            "xz_bits_per_byte": 8 * compressed / self.bytes,
            "bytes": self.bytes,
        }


def spread(segments: Segments, tokens: float = math.inf) -> Iterator[Array]:
    """The ids of segments from all places of a file: about COUNTED of them, and not many more tokens than asked."""
    a_segment = max(1.0, float(segments.lengths.mean()))
    wanted = min(COUNTED, max(1.0, tokens / a_segment))
    for i in range(0, len(segments), max(1, math.ceil(len(segments) / wanted))):
        yield segments[i].ids


def token_shares(segments: Segments, vocabulary: int) -> Array:
    """share_V: how common each token is, with one added to every count."""
    count_V = np.ones(vocabulary)
    for ids in spread(segments):
        np.add.at(count_V, ids, 1)
    return count_V / count_V.sum()


def bigram_nats(segments: Segments, heldout: list[Array], share_V: Array) -> float:
    """-log p of all held-out tokens, each given the one before it, the first of a segment by its share alone.

    p(b | a) = (n(ab) + k(a) share(b)) / (n(a) + k(a)), k(a) different tokens having been seen behind a (Witten and Bell 1991).
    """
    from scipy.sparse import csr_matrix

    size = len(share_V)
    read = list(spread(segments))
    before_P, after_P = (np.concatenate([ids[part] for ids in read]) for part in (slice(None, -1), slice(1, None)))
    pairs = csr_matrix((np.ones(len(before_P)), (before_P, after_P)), shape=(size, size))  # what stands there twice is added up
    seen_V, kinds_V = np.asarray(pairs.sum(1)).ravel(), np.diff(pairs.indptr)
    total = 0.0
    for ids in heldout:
        a, b = ids[:-1], ids[1:]
        known = np.asarray(pairs[a, b]).ravel()
        kinds = np.maximum(1, kinds_V[a])  # behind a token that was never seen, the share alone
        total -= float(np.log((known + kinds * share_V[b]) / (seen_V[a] + kinds)).sum() + np.log(share_V[ids[0]]))
    return total
