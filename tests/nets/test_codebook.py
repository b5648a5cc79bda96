"""The codebook: the nearest entry, the moving averages of the paper, a beginning at k-means, and entries that come back to life."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from halfseen.nets.codebook import DEAD, KEPT, REVIVED_EVERY, START, Codebook, k_means, nearest


def vectors(count: int, seed: int = 0, size: int = 3) -> Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed))


def started(entries: int = 4) -> Codebook:
    book = Codebook(entries, 3).train()
    for step in range(START):
        book(vectors(60, step))
        book.follow(lambda rows: rows)
    return book


def test_the_nearest_entry_is_taken() -> None:
    vector_ND, entry_KD = vectors(50), vectors(9, 1)
    assert (nearest(vector_ND, entry_KD) == torch.cdist(vector_ND, entry_KD).argmin(1)).all()


def test_until_it_has_begun_vectors_pass_as_they_are() -> None:
    book = Codebook(4, 3).train()
    given = vectors(10)
    for _ in range(START):
        made, _, commitment = book(given)
        assert torch.equal(made, given)
        assert float(commitment.sum()) == 0
        book.follow(lambda rows: rows)
    assert not torch.equal(book(given)[0], given)


def test_it_begins_at_the_middles_of_what_it_saw() -> None:
    middles = torch.tensor([[0.0, 0, 0], [10, 0, 0], [0, 10, 0], [0, 0, 10]])
    found = k_means(torch.cat([middle + 0.1 * vectors(40, i) for i, middle in enumerate(middles)]), 40)
    assert float(torch.cdist(middles, found).min(1).values.max()) < 0.3
    few = k_means(vectors(3), 8)
    assert few.shape == (8, 3)
    assert float(torch.cdist(vectors(3), few).min(1).values.max()) < 1e-5


def test_entries_follow_as_equations_6_to_8_say() -> None:
    """arXiv:1711.00937, appendix A.1, entry by entry."""
    book = started()
    count, total = book.count.clone(), book.total.clone()
    seen = vectors(30, 9)
    made, index, commitment = book(seen)
    torch.testing.assert_close(made, book.entry[index])
    torch.testing.assert_close(commitment, (seen - book.entry[index]).square().mean(1))
    book.follow(lambda rows: rows)
    for k in range(4):
        mine = seen[index == k]
        wanted_count = KEPT * count[k] + (1 - KEPT) * len(mine)
        wanted_total = KEPT * total[k] + (1 - KEPT) * mine.sum(0)
        torch.testing.assert_close(book.entry[k], wanted_total / wanted_count)


def test_gradients_pass_to_what_was_given() -> None:
    book = started()
    given = vectors(5).requires_grad_()
    book(given)[0].sum().backward()
    assert torch.equal(given.grad, torch.ones(5, 3))  # type: ignore[arg-type]


def test_micro_batches_and_ranks_count_as_one_batch() -> None:
    whole, parts, ranks = started(), started(), started()
    seen = vectors(30, 9)
    whole(seen)
    whole.follow(lambda rows: rows)
    for some in seen.split(7):
        parts(some)
    parts.follow(lambda rows: rows)
    torch.testing.assert_close(whole.entry, parts.entry)
    ranks(seen[:15])
    twin = [started() for _ in range(2)]
    twin[1](seen[15:])
    other = twin[1]

    def gathered(rows: Tensor) -> Tensor:
        """This rank's counts, and the other's."""
        index = nearest(other._seen[0], other.entry)
        theirs = torch.zeros_like(rows[0]).index_add_(0, index, torch.cat([other._seen[0], torch.ones(15, 1)], 1))
        return torch.stack([rows[0], theirs])

    ranks.follow(gathered)
    torch.testing.assert_close(whole.entry, ranks.entry)


def test_dead_entries_come_back() -> None:
    book = started()
    book.entry[2], book.total[2], book.count[2] = 100.0, 100.0 * 1e-3, 1e-3
    seen = vectors(40, 3)
    revived = None
    for _ in range(REVIVED_EVERY):
        book(seen)
        dead = book.count[2] < DEAD * book.count.mean()
        book.follow(lambda rows: rows)
        if book.steps % REVIVED_EVERY == 0:
            assert bool(dead)
            revived = book.entry[2].clone()
    assert revived is not None
    assert float(torch.cdist(revived[None], seen).min()) < 1e-6
    assert float(book.count[2]) == pytest.approx(float(book.count.mean()), rel=0.5)


def test_what_is_asked_without_learning_leaves_no_trace() -> None:
    book = started()
    before = book.entry.clone()
    with torch.no_grad():
        book(vectors(20, 5))
    book.eval()(vectors(20, 5))
    assert torch.equal(book.entry, before)
    assert book._seen == []
