"""Encoders and decoders: their shapes, whatever the image's, and their beginnings."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from halfseen.nets.pair import decoder_of, encoder_of, initialise_pair
from halfseen.nets.pair_shape import PairShape


@settings(max_examples=25, deadline=None)
@given(height=st.integers(8, 41), width=st.integers(8, 41), layers=st.integers(1, 2), channels=st.sampled_from([1, 3]))
def test_an_image_of_any_size_comes_back_in_its_size(height: int, width: int, layers: int, channels: int) -> None:
    shape = PairShape(of=(channels, height, width), kind="conv", layers=layers, width=4, code=5)
    code = encoder_of(shape)(torch.zeros(2, *shape.of))
    assert code.shape == (2, 5)
    assert decoder_of(shape)(code).shape == (2, *shape.of)


@pytest.mark.parametrize("layers", [0, 1, 3])
@pytest.mark.parametrize("of", [(6,), (1, 5, 4)])
def test_fully_connected_ones_take_rows_and_images(layers: int, of: tuple[int, ...]) -> None:
    shape = PairShape(of=of, kind="mlp", layers=layers, width=16, code=3)
    code = encoder_of(shape, out=7)(torch.zeros(2, *of))
    assert code.shape == (2, 7)
    assert decoder_of(shape)(torch.zeros(2, 3)).shape == (2, *of)


def test_fresh_weights_keep_the_size_of_what_passes() -> None:
    net = encoder_of(PairShape(of=(200,), kind="mlp", layers=4, width=256, code=64))
    initialise_pair(net, 0)
    out = net(torch.randn(512, 200, generator=torch.Generator().manual_seed(1)))
    assert 0.1 < float(out.detach().std()) < 3


def test_faults_of_shapes_are_said() -> None:
    assert PairShape(of=(9,), kind="conv", layers=1, width=4, code=2).faults() == ["convolutions need images, and these are rows"]
    small = PairShape(of=(1, 5, 5), kind="conv", layers=3, width=4, code=2)
    assert small.faults() == ["layers is 3, but of images of 5 x 5 the last would leave less than 2 x 2"]
    none = PairShape(of=(9,), kind="mlp", layers=-1, width=0, code=0)
    assert none.faults() == [
        "layers is -1, but must be at least 0",
        "width is 0, but must be at least 1",
        "code is 0, but must be at least 1",
    ]
