"""Held-out figures are those of their formulas."""

from __future__ import annotations

import itertools
import lzma
from collections import Counter
from math import log, log2

import numpy as np
import pytest
import torch

from halfseen.contracts import Sample
from halfseen.data.corpus import Corpus, bytes_of, write_corpus
from halfseen.data.draw import KeyedDraw
from halfseen.data.sources import first_occurrences
from halfseen.data.tokenizers import Tokenizer
from halfseen.data.tokens import Tokens
from halfseen.methods.bert import Bert
from halfseen.methods.gpt import Gpt
from halfseen.methods.recipes import BertRecipe, GptRecipe
from halfseen.nets.transformer import initialise
from halfseen.train.heldout import Heldout, bigram_nats, token_shares
from tests.tiny import SHAPE, tokenizer

TEXTS = [f"the warm film number {i} moves us all , a dull and lifeless mess … très bien ." for i in range(300)]


@pytest.fixture(scope="module")
def words() -> Tokenizer:
    return tokenizer()


@pytest.fixture(scope="module")
def corpus(words: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("corpus")
    return write_corpus(folder, lambda: iter(TEXTS), first_occurrences(TEXTS), words, length=20, tokens_expected=3000)


def heldout_ids(corpus: Corpus) -> list[list[int]]:
    return [corpus.heldout[i].ids.tolist() for i in range(len(corpus.heldout))]


def counts_of(corpus: Corpus, size: int) -> Counter[int]:
    counts = Counter(dict.fromkeys(range(size), 1))
    for i in range(len(corpus.train)):
        counts.update(corpus.train[i].ids.tolist())
    return counts


def test_the_unigram_baseline_of_hidden_tokens_is_that_of_a_slow_loop(corpus: Corpus, words: Tokenizer) -> None:
    method = Bert(BertRecipe(), SHAPE, words.table)
    heldout = Heldout(method, corpus, words, bfloat16=False)
    counts = counts_of(corpus, len(words.table))
    samples = [Sample(f"heldout:{i}", corpus.heldout[i]) for i in range(len(corpus.heldout))]
    targets = method.faces["hidden"](samples, KeyedDraw(0, 0, samples)).target.tolist()
    total, commonest = sum(counts.values()), max(counts, key=lambda token: counts[token])
    assert heldout.baseline["n"] == len(targets)
    assert heldout.baseline["unigram_loss"] == pytest.approx(np.mean([-log(counts[token] / total) for token in targets]))
    assert heldout.baseline["unigram_accuracy"] == pytest.approx(np.mean([token == commonest for token in targets]))
    assert "bits_per_byte" not in heldout()


def test_bits_per_byte_are_those_of_a_slow_loop(corpus: Corpus, words: Tokenizer) -> None:
    method = Gpt(GptRecipe(), GptRecipe().shape(layers=1, width=32), words.table)
    initialise(method, 0, spread=0.2)
    heldout = Heldout(method, corpus, words, bfloat16=False)
    assert corpus.tally.heldout_bytes == sum(len(words.decode(ids).encode()) for ids in heldout_ids(corpus))
    bits, count = 0.0, 0
    with torch.no_grad():
        for ids in heldout_ids(corpus):
            seen = Tokens.of(np.array([words.table.cls, *ids[:-1]]), np.array([len(ids)]))
            shares = method.head(method.net(seen).last).softmax(-1)
            bits -= sum(log2(float(shares[i, id_])) for i, id_ in enumerate(ids))
            count += len(ids)
    found = heldout()
    assert found["heldout_bits_per_byte"] == pytest.approx(bits / corpus.tally.heldout_bytes, rel=1e-5)
    assert found["heldout_loss"] == pytest.approx(bits * log(2) / count, rel=1e-5)
    assert heldout.baseline["n"] == count
    counts = counts_of(corpus, len(words.table))
    unigram = sum(-log2(counts[id_] / sum(counts.values())) for ids in heldout_ids(corpus) for id_ in ids)
    assert heldout.baseline["unigram_bits_per_byte"] == pytest.approx(unigram / corpus.tally.heldout_bytes)
    read = "\n".join(words.decode(corpus.train[i].ids) for i in range(len(corpus.train))).encode()
    alone = "\n".join(words.decode(sample.x.ids) for batch in heldout.batches for sample in batch).encode()
    extra = len(lzma.compress(read + alone)) - len(lzma.compress(read))
    assert heldout.baseline["xz_bits_per_byte"] == pytest.approx(8 * extra / corpus.tally.heldout_bytes)


def test_the_parts_of_a_text_have_its_bytes(words: Tokenizer) -> None:
    """Each byte belongs to one part, whatever stands between two pieces."""
    text = "  the warm film … moves us\n\nall , très bien .  " * 5
    pieces = words.encode(text)
    for size in (1, 7, 50, 10_000):
        parts = [slice(at, at + size) for at in range(0, len(pieces.ids), size)]
        assert sum(bytes_of(text, pieces, part) for part in parts) == len(text.encode())
        if size == 7:
            assert max(bytes_of(text, pieces, part) for part in parts) < 40


def test_the_bigram_model_is_that_of_a_slow_loop(corpus: Corpus, words: Tokenizer) -> None:
    share_V = token_shares(corpus.train, len(words.table))
    assert share_V.sum() == pytest.approx(1)
    pairs: Counter[tuple[int, int]] = Counter()
    for i in range(len(corpus.train)):
        ids = corpus.train[i].ids.tolist()
        pairs.update(itertools.pairwise(ids))
    before: Counter[int] = Counter()
    kinds: Counter[int] = Counter()
    for (a, _), n in pairs.items():
        before[a] += n
        kinds[a] += 1

    def share(b: int, a: int) -> float:
        k = max(1, kinds[a])
        return (pairs[a, b] + k * share_V[b]) / (before[a] + k)

    never = next(token for token in range(len(words.table)) if before[token] == 0)
    for a in (never, max(before, key=lambda token: before[token])):
        assert sum(share(b, a) for b in range(len(words.table))) == pytest.approx(1), "probabilities"
    texts = [*heldout_ids(corpus), [never, 5, 6]]
    expected = sum(-log(share_V[ids[0]]) - sum(log(share(b, a)) for a, b in itertools.pairwise(ids)) for ids in texts)
    assert bigram_nats(corpus.train, [np.array(ids) for ids in texts], share_V) == pytest.approx(expected)
