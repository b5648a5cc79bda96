"""Products in int8: how far they may be from the exact ones."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from halfseen.data.tokens import Tokens
from halfseen.nets.int8 import LARGEST, Int8Linear, in_int8, quantise
from halfseen.nets.shape import TransformerShape
from halfseen.nets.transformer import Transformer, initialise


def test_a_row_comes_back_within_half_a_step() -> None:
    x_NI = torch.randn(7, 33, generator=torch.Generator().manual_seed(0)) * torch.tensor([1e-3, 1, 10, 1e3, 5, 2, 1])[:, None]
    x_NI[3] = 0.0
    states_NI, scale_N1 = quantise(x_NI)
    assert states_NI.dtype == torch.int8
    assert ((states_NI * scale_N1 - x_NI).abs() <= 0.5001 * scale_N1).all(), "each row has a scale of its own"
    assert states_NI.abs().amax(1).tolist() == [LARGEST if row.any() else 0 for row in x_NI]


@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_is_exact_where_eight_bits_suffice(bias: bool) -> None:
    linear = nn.Linear(16, 5, bias=bias)
    whole = torch.Generator().manual_seed(1)
    with torch.no_grad():
        linear.weight.copy_(torch.randint(-LARGEST, LARGEST + 1, linear.weight.shape, generator=whole))
        linear.weight[:, 0] = LARGEST
    x_NI = torch.randint(-LARGEST, LARGEST + 1, (3, 16), generator=whole).float()
    x_NI[:, 0] = LARGEST
    torch.testing.assert_close(Int8Linear(linear)(x_NI), linear(x_NI))


def test_products_are_the_same_without_onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    linear, x_NI = nn.Linear(64, 24), torch.randn(40, 64, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        packed_NO = Int8Linear(linear)(x_NI)
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
        plain = Int8Linear(linear)
        assert plain.product.packed is None
        torch.testing.assert_close(plain(x_NI), packed_NO)


def test_a_net_in_int8_says_nearly_the_same_and_the_first_one_stays() -> None:
    net = Transformer(TransformerShape(width=64, layers=2, heads=2, max_length=32), vocabulary=50).eval()
    initialise(net, 0, spread=0.2)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    seen = Tokens.of(torch.arange(40).numpy() % 50, [30, 7, 3], None)
    with torch.inference_mode():
        exact_ND, rough_ND = net(seen).last, in_int8(net)(seen).last
    assert torch.cosine_similarity(exact_ND, rough_ND).min() > 0.99
    assert not torch.equal(exact_ND, rough_ND), "something was rounded"
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert not [name for name, module in in_int8(net).layers.named_modules() if isinstance(module, nn.Linear)]
