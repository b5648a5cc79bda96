"""Convolutions over samples that lie end to end are those of each sample alone."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from halfseen.data.speech_batch import Frames
from halfseen.nets.laid_out import REACH, FrameConv, Layout

LENGTHS = (9, 1, 14)


@pytest.mark.parametrize("apart", [1, 2, 4])
def test_a_convolution_is_pytorchs(apart: int) -> None:
    draw = torch.Generator().manual_seed(0)
    x_NW = torch.randn(sum(LENGTHS), 3, generator=draw)
    conv = FrameConv(3, 5, apart=apart)
    layout = Layout.of(Frames(x_NW, torch.tensor(LENGTHS)), gap=REACH * apart)
    with torch.no_grad():
        y_MW = conv(layout.spread(x_NW), layout)
    weight = conv.linear.weight.view(5, 2 * REACH + 1, 3).permute(0, 2, 1)
    for x_TW, y_TW in zip(torch.split(x_NW, LENGTHS), torch.split(layout.frames(y_MW), LENGTHS), strict=True):
        told = F.conv1d(x_TW.T[None], weight, conv.linear.bias, padding=REACH * apart, dilation=apart)[0].T
        torch.testing.assert_close(y_TW, told, atol=1e-5, rtol=1e-5)
    assert float(y_MW[layout.inside[:, 0] == 0].abs().max()) == 0, "gaps stay zero"
