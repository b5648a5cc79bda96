"""The start of the embedding table: counts and PMI as a slow loop has them, and a scale that changes no output."""

from __future__ import annotations

from itertools import product
from math import log
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from halfseen.contracts import Sample
from halfseen.data.corpus import Corpus, write_corpus
from halfseen.data.draw import KeyedDraw
from halfseen.data.sources import first_occurrences
from halfseen.methods.bert import Bert
from halfseen.methods.cooccurrence import count_pairs, positive_pmi, start_table
from halfseen.methods.recipes import BertRecipe
from halfseen.nets.transformer import initialise
from halfseen.train import text
from tests.tiny import SHAPE, tokenizer

TEXTS = [f"the warm film number {i} moves us all , a dull and lifeless mess ." for i in range(60)]


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return write_corpus(tmp_path, lambda: iter(TEXTS), first_occurrences(TEXTS), tokenizer(), length=20, tokens_expected=3000)


def test_pairs_are_counted_as_by_a_slow_loop(corpus: Corpus) -> None:
    size, window = len(tokenizer().table), 3
    expected = np.zeros((size, size))
    for i in range(len(corpus.train)):
        ids = corpus.train[i].ids
        for at, distance in product(range(len(ids)), range(1, window + 1)):
            if at + distance < len(ids):
                expected[ids[at], ids[at + distance]] += 1 / distance
    np.testing.assert_allclose(count_pairs(corpus.train, size, window).toarray(), expected, rtol=1e-12)


def test_pmi_is_that_of_a_slow_loop() -> None:
    counts = np.random.default_rng(0).poisson(1.0, (7, 7)).astype(float)
    total, contexts = counts.sum(), counts.sum(0) ** 0.75
    expected = np.zeros_like(counts)
    for a, b in product(range(7), range(7)):
        if counts[a, b]:
            p_ab, p_a, q_b = counts[a, b] / total, counts[a].sum() / total, contexts[b] / contexts.sum()
            expected[a, b] = max(0.0, log(p_ab / (p_a * q_b)))
    np.testing.assert_allclose(positive_pmi(csr_matrix(counts)).toarray(), expected, rtol=1e-12)


def test_rows_of_tokens_that_never_occur_are_zero(corpus: Corpus) -> None:
    table = start_table(corpus.train, len(tokenizer().table), 32, spread=0.02, seed=0)
    seen = np.unique(np.concatenate([corpus.train[i].ids for i in range(len(corpus.train))]))
    unseen = np.setdiff1d(np.arange(len(table)), seen)
    assert (table.shape, table.dtype) == ((len(tokenizer().table), 32), np.float32)
    assert (table[unseen] == 0).all()
    assert (np.abs(table[seen]).sum(1) > 1e-3).all()
    assert table.std() == pytest.approx(0.02, rel=0.01)


def started(corpus: Corpus) -> Bert:
    method = Bert(BertRecipe(), SHAPE, tokenizer().table)
    initialise(method, 0)
    text.start_embedding(method, corpus, 0)
    return method.eval()


def test_tokens_that_never_occur_keep_their_random_rows_and_special_ones_are_zero(corpus: Corpus) -> None:
    plain = Bert(BertRecipe(), SHAPE, tokenizer().table)
    initialise(plain, 0)
    before, after = plain.net.embedding.weight, started(corpus).net.embedding.weight / text.START_SCALE
    seen = torch.zeros(len(before), dtype=torch.bool)
    for i in range(len(corpus.train)):
        seen[torch.from_numpy(corpus.train[i].ids)] = True
    special = torch.zeros(len(before), dtype=torch.bool)
    special[sorted(tokenizer().table.special)] = True
    assert (after[special] == 0).all()
    torch.testing.assert_close(after[~seen & ~special], before[~seen & ~special])
    assert not torch.isclose(after[seen], before[seen]).all(1).any()


def test_the_scale_of_the_table_changes_no_output(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = [Sample(str(i), corpus.train[i]) for i in range(4)]
    losses = []
    for scale in (1.0, 1000.0):  # both large enough that the epsilon in the norms is nothing beside the table
        monkeypatch.setattr(text, "START_SCALE", 1000.0 * scale)
        method = started(corpus)
        monkeypatch.undo()
        with torch.no_grad():
            losses.append(method(method.split(samples, KeyedDraw(0, 0, samples))).per_item)
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-3, atol=1e-3)
