"""The loss that never holds all logits is the plain one, and so are its gradients."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from halfseen.losses import vocabulary
from halfseen.losses.vocabulary import vocabulary_loss, written_loss
from halfseen.nets.seq2seq import EncoderDecoder, RestoringHead
from halfseen.nets.shape import TransformerShape

M, D, V = 37, 12, 50


def inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    hidden_MD = torch.randn(M, D, generator=generator).requires_grad_()
    table_VD = torch.randn(V, D, generator=generator).requires_grad_()
    return hidden_MD, table_VD, torch.randint(0, V, (M,), generator=generator)


def plain_loss(hidden_MD: torch.Tensor, table_VD: torch.Tensor, target_M: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(hidden_MD @ table_VD.t(), target_M, reduction="none")


@pytest.mark.parametrize("weight", ["ones", "a multiple", "uneven"])
@pytest.mark.parametrize("rows", [8, 512])
def test_loss_and_gradients_are_the_plain_ones(weight: str, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "ROWS", rows)
    weights = {"ones": torch.ones(M), "a multiple": torch.full((M,), 0.3), "uneven": torch.linspace(0, 2, M)}
    found = []
    for plain in (True, False):
        hidden_MD, table_VD, target_M = inputs()
        judged = plain_loss if plain else vocabulary_loss
        loss_M = judged(hidden_MD, table_VD, target_M)
        (loss_M * weights[weight]).sum().backward()
        found.append((loss_M.detach(), hidden_MD.grad, table_VD.grad))
    for ours, truth in zip(found[1], found[0], strict=True):
        torch.testing.assert_close(ours, truth, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("uneven", [False, True])
def test_a_bias_counts_in_the_loss_and_in_both_gradients(uneven: bool) -> None:
    weights, bias_V = torch.linspace(0, 2, M) if uneven else torch.ones(M), torch.linspace(-3, 3, V)
    found = []
    for plain in (True, False):
        hidden_MD, table_VD, target_M = inputs()
        logits_MV = hidden_MD @ table_VD.t() + bias_V
        loss_M = F.cross_entropy(logits_MV, target_M, reduction="none") if plain else vocabulary_loss(hidden_MD, table_VD, target_M, bias_V)
        (loss_M * weights).sum().backward()
        found.append((loss_M.detach(), hidden_MD.grad, table_VD.grad))
    for ours, truth in zip(found[1], found[0], strict=True):
        torch.testing.assert_close(ours, truth, atol=1e-5, rtol=1e-5)


def test_in_bfloat16_it_is_near() -> None:
    hidden_MD, table_VD, target_M = inputs()
    truth_M = plain_loss(hidden_MD, table_VD, target_M)
    with torch.autocast("cpu", torch.bfloat16):
        loss_M = vocabulary_loss(hidden_MD, table_VD, target_M)
    assert loss_M.dtype == torch.float32
    torch.testing.assert_close(loss_M, truth_M, atol=0.1, rtol=0.02)
    loss_M.sum().backward()
    assert hidden_MD.grad is not None
    assert table_VD.grad is not None
    assert hidden_MD.grad.dtype == table_VD.grad.dtype == torch.float32
    (truth,) = torch.autograd.grad(truth_M.sum(), hidden_MD)
    assert float(F.cosine_similarity(hidden_MD.grad.flatten(), truth.flatten(), dim=0)) > 0.999


def test_what_a_decoder_writes_is_judged_alike_in_training_and_out_of_it() -> None:
    made = EncoderDecoder(TransformerShape(width=D, layers=1, decoder_layers=1, heads=2, bias=True), V)
    made.logits_bias.normal_(generator=torch.Generator().manual_seed(1))
    hidden_MD, _, target_M = inputs()
    owner_M = torch.arange(M) % 3
    training, judging = (
        written_loss(RestoringHead(made), hidden_MD, target_M, owner_M, 3, training=training) for training in (True, False)
    )
    torch.testing.assert_close(training.per_item, judging.per_item)
    assert training.weight.tolist() == judging.weight.tolist() == [13, 12, 12]
    assert (training.parts.keys(), judging.parts.keys()) == ({"tokens"}, {"tokens", "right"})
