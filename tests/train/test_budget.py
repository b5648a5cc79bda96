"""The size of the net follows the time there is and the speed of the machine."""

from __future__ import annotations

import pytest
import torch

from halfseen.methods.recipes import BartRecipe, BertRecipe, GptRecipe, T5Recipe, TextRecipe
from halfseen.nets.seq2seq import EncoderDecoder
from halfseen.nets.transformer import Transformer
from halfseen.train import budget


def sizes(monkeypatch: pytest.MonkeyPatch, gflops: float, recipe: TextRecipe) -> list[tuple[int, int]]:
    monkeypatch.setattr(budget, "gemm_peak", lambda dtype, **given: gflops)
    options = {"bfloat16": False, "vocabulary": 8192, "length": 128, "recipe": recipe}
    return [(c.layers, c.width) for minutes in (0.1, 3, 20, 6000) if (c := budget.choose_size(60 * minutes, **options))]


def test_more_time_and_faster_machines_take_larger_nets(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, fast = sizes(monkeypatch, 200.0, BertRecipe()), sizes(monkeypatch, 2000.0, BertRecipe())
    for found in (slow, fast):
        assert [budget.LADDER.index(size) for size in found] == sorted(budget.LADDER.index(size) for size in found)
    assert slow[0] == budget.LADDER[0]
    assert fast[-1] == budget.LADDER[-1]
    assert all(budget.LADDER.index(b) >= budget.LADDER.index(a) for a, b in zip(slow, fast, strict=True))


def test_what_writes_the_whole_text_takes_smaller_nets_than_what_writes_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """BART's decoder writes every token of a text, T5's a fifth."""
    for gflops in (100.0, 300.0, 900.0):
        whole, part = (sizes(monkeypatch, gflops, recipe) for recipe in (BartRecipe(), T5Recipe()))
        assert all(budget.LADDER.index(b) >= budget.LADDER.index(a) for a, b in zip(whole, part, strict=True))
    assert whole != part


def test_the_weights_of_the_layers_are_all_counted() -> None:
    for recipe in (BertRecipe(), GptRecipe(), BartRecipe()):
        shape = recipe.shape(layers=4, width=64)
        net = (EncoderDecoder if shape.decoder_layers else Transformer)(shape, vocabulary=10)
        matrices = [p.numel() for name, p in net.named_parameters() if p.ndim == 2 and ".layers." in f".{name}"]
        assert shape.matrix_weights == sum(matrices)


def test_precision_is_the_faster_one_or_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for ratio, expected in ((0.7, False), (1.1, False), (4.0, True)):
        monkeypatch.setattr(budget, "gemm_peak", lambda dtype, ratio=ratio, **given: 100 * (ratio if dtype == torch.bfloat16 else 1))
        assert budget.choose_bfloat16("measured") is expected
        assert budget.choose_bfloat16("float32") is False
        assert budget.choose_bfloat16("bfloat16") is True


def test_the_peak_is_measured() -> None:
    assert 0.1 < budget.gemm_peak(torch.float32, 256) < 1e6


@pytest.mark.parametrize(("rate", "large"), [(100.0, True), (1.0, False)], ids=["fast", "without units for the type"])
def test_a_product_that_would_not_fit_the_time_is_not_tried(monkeypatch: pytest.MonkeyPatch, rate: float, large: bool) -> None:
    tried: list[int] = []

    def product(dtype: torch.dtype, size: int, seconds: float) -> float:
        tried.append(size)
        return rate

    monkeypatch.setattr(budget, "fastest_product", product)
    assert budget.gemm_peak(torch.bfloat16, 1024, seconds=0.3 + rate * 1e-6) == rate  # seconds of its own: what is measured is kept
    assert tried == ([256, 1024] if large else [256])
