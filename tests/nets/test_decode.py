"""A net that remembers says what it says without memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from halfseen.data.tokens import Tokens
from halfseen.methods.recipes import GptRecipe
from halfseen.nets.decode import Decoder
from halfseen.nets.fused import QuickLinear, fused
from halfseen.nets.heads import NextHead
from halfseen.nets.shape import TransformerShape
from halfseen.nets.transformer import Transformer, initialise

VOCABULARY = 50
LLAMA = GptRecipe().shape(layers=2, width=128)
KINDS: dict[str, dict[str, Any]] = {
    "llama": {},
    "fewer keys than queries": {"kv_heads": 1},
    "gpt-2": {"positions": "learned", "norm": "layer", "bias": True, "gated": False, "activation": "gelu_tanh"},
    "norms behind": {"norm_position": "post"},
}


def decoder(shape: TransformerShape) -> tuple[Transformer, NextHead]:
    net = Transformer(shape, VOCABULARY)
    initialise(net, 0, spread=0.1)
    return net, NextHead(shape, net.embedding)


@torch.no_grad()
def without_memory(net: Transformer, head: NextHead, texts: list[list[int]]) -> torch.Tensor:
    """The logits after each text, read alone and whole."""
    whole = [net(Tokens.of(np.array(text), np.array([len(text)]))).last[-1] for text in texts]
    return head(torch.stack(whole))


def begin(net: Transformer, head: Callable[[torch.Tensor], torch.Tensor], texts: list[list[int]], room: int) -> Decoder:
    return Decoder(net, head, Tokens.of(np.concatenate(texts), np.array([len(text) for text in texts])), room=room)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lengths", [(5, 9, 1), (4, 4)], ids=["different lengths", "one length"])
def test_logits_are_those_without_memory(kind: str, lengths: tuple[int, ...]) -> None:
    net, head = decoder(replace(LLAMA, **KINDS[kind]))
    rng = np.random.default_rng(0)
    texts = [rng.integers(0, VOCABULARY, n).tolist() for n in lengths]
    reading = begin(net, head, texts, room=max(lengths) + 6)
    torch.testing.assert_close(reading.next_BV, without_memory(net, head, texts), atol=1e-5, rtol=0)
    for left in range(6, 0, -1):
        assert reading.room_left == left
        ids = rng.integers(0, VOCABULARY, len(texts))
        texts = [[*text, int(id_)] for text, id_ in zip(texts, ids, strict=True)]
        torch.testing.assert_close(reading.step(torch.from_numpy(ids)), without_memory(net, head, texts), atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("texts", [1, 3, 6])
def test_the_prepared_net_says_the_same(kind: str, texts: int) -> None:
    """One row, few and more: each has its own way to multiply, in float32 to rounding, in int8 nearly."""
    net, head = decoder(replace(LLAMA, **KINDS[kind]))
    rng = np.random.default_rng(1)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if "norm" in name and name.endswith("weight"):  # or a scale that is lost would not show
                parameter.copy_(torch.from_numpy(rng.uniform(0.5, 2.0, len(parameter))))
            elif name.endswith("bias"):
                parameter.copy_(torch.from_numpy(rng.normal(0, 0.3, len(parameter))))
    begun = [rng.integers(0, VOCABULARY, 4).tolist() for _ in range(texts)]
    readings = [begin(net, head, begun, 8), begin(*fused(net, head), begun, 8), begin(*fused(net, head, int8=True), begun, 8)]
    for _ in range(4):
        ids_B = torch.from_numpy(rng.integers(0, VOCABULARY, texts))
        plain_BV, quick_BV, rough_BV = (reading.step(ids_B) for reading in readings)
        torch.testing.assert_close(quick_BV, plain_BV, atol=1e-5, rtol=1e-5)
        cosine_B = torch.nn.functional.cosine_similarity(plain_BV, rough_BV)
        assert 0.99 < float(cosine_B.min()) < 1 - 1e-6


@pytest.mark.parametrize("lengths", [(4, 4), (2, 5)])
def test_what_is_remembered_in_bfloat16_is_nearly_the_same(lengths: tuple[int, int]) -> None:
    net, head = decoder(LLAMA)
    rng = np.random.default_rng(2)
    texts = Tokens.of(rng.integers(0, VOCABULARY, sum(lengths)), np.array(lengths))
    exact, rough = (Decoder(net, head, texts, room=10, kept_as=kept_as) for kept_as in (torch.float32, torch.bfloat16))
    assert {memory.keys_BGTE.dtype for memory in rough.memories} == {torch.bfloat16}
    for _ in range(4):
        ids_B = torch.from_numpy(rng.integers(0, VOCABULARY, 2))
        exact_BV, rough_BV = exact.step(ids_B), rough.step(ids_B)
        assert rough_BV.dtype == torch.float32
        torch.testing.assert_close(rough_BV, exact_BV, atol=0.05 * float(exact_BV.abs().max()), rtol=0)
        assert not torch.equal(rough_BV, exact_BV)


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_one_row_is_multiplied_alike_both_ways(quick: bool, bias: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("halfseen.nets.fused.halves_are_quick", lambda: quick)
    linear = torch.nn.Linear(24, 10, bias=bias)
    made = QuickLinear(linear.weight.detach(), None if linear.bias is None else linear.bias.detach())
    assert (made.halves_2OI is not None) == quick
    for rows in (1, 3):
        x_NI = torch.randn(rows, 24, generator=torch.Generator().manual_seed(rows))
        torch.testing.assert_close(made(x_NI), linear(x_NI).detach(), atol=1e-6, rtol=1e-5)
        plus_NO = torch.arange(10.0 * rows).view(rows, 10)
        torch.testing.assert_close(made(x_NI, plus_NO), linear(x_NI).detach() + plus_NO, atol=1e-6, rtol=1e-5)
        assert torch.equal(plus_NO, torch.arange(10.0 * rows).view(rows, 10))


def test_texts_are_chosen_and_doubled() -> None:
    net, head = decoder(LLAMA)
    texts = [[1, 2, 3], [4], [5, 6, 7, 8]]
    reading = begin(net, head, texts, room=8)
    reading.choose(torch.tensor([2, 2, 0]))
    texts = [[*text, id_] for text, id_ in zip([texts[2], texts[2], texts[0]], (9, 10, 11), strict=True)]
    found = reading.step(torch.tensor([9, 10, 11]))
    torch.testing.assert_close(found, without_memory(net, head, texts), atol=1e-5, rtol=0)


def two(ids: np.ndarray, causal: bool) -> Tokens:
    """A sample that sees both ways, and these ids as a second one."""
    return Tokens.of(np.concatenate([[5, 6, 7, 8], ids]), np.array([4, 5]), causal_S=np.array([False, causal]))


def test_a_causal_sample_sees_nothing_that_comes_after() -> None:
    """Of one batch each sample has its own way."""
    net = Transformer(replace(LLAMA, causal=False), VOCABULARY)
    initialise(net, 0, spread=0.1)
    first, second = np.array([1, 2, 3, 4, 5]), np.array([1, 2, 3, 9, 8])
    with torch.no_grad():
        seen = {causal: [net(two(ids, causal)).last[4:] for ids in (first, second)] for causal in (True, False)}
    torch.testing.assert_close(seen[True][0][:3], seen[True][1][:3], atol=1e-6, rtol=0)
    assert (seen[False][0][:3] - seen[False][1][:3]).abs().max() > 1e-3


def test_what_cannot_be_remembered_is_refused() -> None:
    net, head = decoder(replace(LLAMA, max_length=16))
    with pytest.raises(ValueError, match="room for 17 tokens, but the net takes at most 16"):
        begin(net, head, [[1, 2]], room=17)
    net, head = decoder(replace(LLAMA, local_window=4, global_every=2))
    with pytest.raises(ValueError, match="layers that see only a window are not remembered"):
        begin(net, head, [[1, 2]], room=8)
