"""Losses by sample: their closed forms, and two of them as one."""

from __future__ import annotations

import torch

from halfseen.contracts import Loss
from halfseen.losses.tokens import beside, cross_entropy, squared_error

OWNER = torch.tensor([0, 0, 2, 2, 2])
"""Of three samples, the second owns no position."""


def test_cross_entropy_is_summed_by_sample() -> None:
    logits = torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
    target = torch.tensor([1, 0, 6, 3, 3])
    loss = cross_entropy(logits, target, OWNER, 3, part="tokens", count_right=True)
    of_each = [-(logits[i, target[i]] - logits[i].exp().sum().log()) for i in range(5)]
    torch.testing.assert_close(
        loss.per_item, torch.stack([of_each[0] + of_each[1], torch.tensor(0.0), sum(of_each[2:], torch.tensor(0.0))])
    )
    assert loss.weight.tolist() == [2, 0, 3]
    right = [float(logits[i].argmax() == target[i]) for i in range(5)]
    assert loss.parts["right"].tolist() == [right[0] + right[1], 0, sum(right[2:])]


def test_squared_error_is_summed_by_sample() -> None:
    loss = squared_error(torch.tensor([1.0, 2, 3, 4, 5]), torch.tensor([0.0, 0, 3, 3, 3]), OWNER, 3, part="x")
    assert loss.per_item.tolist() == [5, 0, 5]
    assert loss.weight.tolist() == [2, 0, 3]


def test_two_losses_beside_each_other_are_the_sum_of_their_means() -> None:
    """Where every sample has one position in the second: the mean of the first, and of the second weighted by the first."""
    first = Loss(torch.tensor([6.0, 2.0]), torch.tensor([3.0, 1.0]), {"tokens": torch.tensor([6.0, 2.0])})
    second = Loss(torch.tensor([0.5, 0.9]), torch.tensor([1.0, 1.0]), {"pairs": torch.tensor([0.5, 0.9])})
    both = beside(first, second)
    assert both.weight.tolist() == [3, 1]
    torch.testing.assert_close(both.mean(), torch.tensor((6 + 2) / 4 + (3 * 0.5 + 1 * 0.9) / 4))
    torch.testing.assert_close(both.parts["pairs"], torch.tensor([1.5, 0.9]))
    assert both.parts["tokens"].tolist() == [6, 2]


def test_a_sample_without_a_second_loss_adds_none() -> None:
    both = beside(Loss(torch.tensor([6.0]), torch.tensor([3.0])), Loss(torch.tensor([0.0]), torch.tensor([0.0])))
    assert both.per_item.tolist() == [6]
