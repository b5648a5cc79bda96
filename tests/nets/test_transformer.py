"""The transformer: samples never see each other, positions are relative, what is hidden stays hidden."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from halfseen.data.tokens import Tokens
from halfseen.nets import transformer
from halfseen.nets.heads import pool
from halfseen.nets.shape import TransformerShape
from halfseen.nets.transformer import Attention, FeedForward, Layout, Transformer, for_products, initialise

SHAPE = TransformerShape(width=32, layers=2, heads=4, max_length=300)
KINDS = {
    "default": SHAPE,
    "BERT's": replace(SHAPE, norm_position="post", positions="learned", gated=False, bias=True, types=2),
    "few key heads": replace(SHAPE, kv_heads=2, norm="rms", activation="silu"),
    "local": replace(SHAPE, local_window=4, global_every=2),
    "causal": replace(SHAPE, causal=True),
}


def net(shape: TransformerShape) -> Transformer:
    made = Transformer(shape, vocabulary=50).eval()
    initialise(made, 0, spread=0.2)
    return made


def states(made: Transformer, samples: list[list[int]]) -> list[Tensor]:
    ids = np.concatenate([np.array(sample) for sample in samples])
    seen = Tokens.of(ids, np.array([len(sample) for sample in samples]))
    with torch.no_grad():
        return list(made(seen).last.split(seen.lengths.tolist()))


@pytest.mark.parametrize("shape", KINDS.values(), ids=KINDS)
@given(lengths=st.lists(st.integers(1, 150), min_size=1, max_size=6), seed=st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_samples_never_see_each_other(shape: TransformerShape, lengths: list[int], seed: int) -> None:
    rng, made = np.random.default_rng(seed), net(shape)
    samples = [rng.integers(0, 50, n).tolist() for n in lengths]
    for together, sample in zip(states(made, samples), samples, strict=True):
        torch.testing.assert_close(together, states(made, [sample])[0], rtol=0, atol=1e-5)


def test_rotary_positions_are_relative() -> None:
    made = net(SHAPE)
    seen = Tokens.of(np.arange(12), np.array([12]))
    later = replace(seen, position=seen.position + 77)
    with torch.no_grad():
        torch.testing.assert_close(made(seen).last, made(later).last, rtol=0, atol=1e-5)
        swapped = replace(seen, position=seen.position.flip(0))
        assert (made(seen).last - made(swapped).last).abs().max() > 1e-3


def test_a_causal_net_never_looks_ahead() -> None:
    ids = list(range(20))
    for name, changed in (("causal", 0.0), ("default", 1e-3)):
        made = net(KINDS[name])
        (before,), (after,) = states(made, [ids]), states(made, [[*ids[:12], 45, *ids[13:]]])
        difference = (before - after).abs().amax(-1)
        assert difference[12:].max() > 1e-3
        assert (difference[:12].max() > changed) == (name == "default")


def test_a_local_layer_sees_its_window_alone() -> None:
    made = net(replace(SHAPE, local_window=4, global_every=2))
    torch.nn.init.zeros_(made.layers[0].attention.out.weight)  # the first layer sees everything, so it is silenced
    ids = list(range(30))
    (before,), (after,) = states(made, [ids]), states(made, [[*ids[:12], 45, *ids[13:]]])
    changed = torch.nonzero((before - after).abs().amax(-1) > 1e-6)[:, 0].tolist()
    assert changed == list(range(8, 17))


def test_a_sample_that_is_too_long() -> None:
    with pytest.raises(ValueError, match="a sample of 301 tokens, but the net takes at most 300"):
        states(net(SHAPE), [[1] * 301])


@pytest.mark.parametrize(
    ("shape", "fault"),
    [
        (replace(SHAPE, heads=5), "net.heads is 5, which does not divide net.width 32"),
        (replace(SHAPE, width=12, heads=4), "net.width / net.heads is 3; rotary positions need an even number"),
        (replace(SHAPE, layers=0), "net.layers is 0, but must be at least 1"),
        (replace(SHAPE, kv_heads=3), "net.kv_heads is 3, which does not divide net.heads 4"),
    ],
)
def test_shapes_that_cannot_be(shape: TransformerShape, fault: str) -> None:
    assert shape.faults() == [fault]


def test_pooling_is_the_mean_of_each_sample_or_its_first_state() -> None:
    seen = Tokens.of(np.zeros(9, np.int64), np.array([2, 4, 3]))
    values = torch.randn(9, 5, generator=torch.Generator().manual_seed(0))
    parts = values.split([2, 4, 3])
    torch.testing.assert_close(pool(values, seen, "mean"), torch.stack([part.mean(0) for part in parts]))
    assert torch.equal(pool(values, seen, "first"), torch.stack([part[0] for part in parts]))


def test_weights_follow_the_seed() -> None:
    one, same, other = (Transformer(SHAPE, 50) for _ in range(3))
    for made, seed in ((one, 1), (same, 1), (other, 2)):
        initialise(made, seed)
    assert torch.equal(one.embedding.weight, same.embedding.weight)
    assert not torch.equal(one.embedding.weight, other.embedding.weight)
    assert one.embedding.weight.std().item() == pytest.approx(0.02, rel=0.1)


def test_pooling_by_parts_compares_two_texts() -> None:
    states_ND = torch.tensor([[1.0, 0], [3, 0], [5, 2], [7, 7], [1, 1]])
    seen = Tokens.of(np.zeros(5), [3, 2], np.array([0, 0, 1, 0, 1]))
    found_SD = pool(states_ND, seen, "parts")
    assert found_SD.tolist() == [[2, 0, 5, 2, 3, 2, 10, 0], [7, 7, 1, 1, 6, 6, 7, 7]]
    with pytest.raises(ValueError, match="to pool by parts, tokens need types"):
        pool(states_ND, Tokens.of(np.zeros(5), [3, 2]), "parts")


@pytest.mark.parametrize("part", [Attention, FeedForward])
def test_products_take_what_they_share_in_their_own_type(part: type[torch.nn.Module], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Tokens.of(np.zeros(64, np.int64), np.array([40, 24]))
    made, x_ND = part(SHAPE), torch.randn(64, SHAPE.width, generator=torch.Generator().manual_seed(0))

    def given() -> tuple[Layout, ...]:
        return (Layout(seen, SHAPE),) if part is Attention else ()

    with torch.autocast("cpu", torch.bfloat16):
        once = made(x_ND, *given())
        monkeypatch.setattr(transformer, "for_products", lambda x_ND: x_ND)
        each = made(x_ND, *given())
    assert once.dtype == torch.bfloat16
    assert torch.equal(once, each)


def test_what_nobody_casts_stays_as_it_is() -> None:
    x_ND = torch.ones(2, 3, dtype=torch.float64)
    assert for_products(x_ND) is x_ND
    with torch.autocast("cpu", torch.bfloat16):
        assert for_products(x_ND).dtype == torch.bfloat16
