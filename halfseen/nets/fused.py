"""A decoder prepared for writing one token at a time, where the weights' way from memory takes the time, not the products.

Query, key and value come from one product, so do the two halves of a gated feed-forward part, and the scale of an RMSNorm is
multiplied into the matrix behind it. The numbers stay those of the net, to rounding; in int8 they are near to them.
Shapes: N rows; I inputs; O outputs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from halfseen.contracts import Out
from halfseen.data.tokens import Tokens
from halfseen.nets.heads import NextHead
from halfseen.nets.int8 import LARGEST, Int8Product
from halfseen.nets.norms import RMSNorm, inverse_size
from halfseen.nets.transformer import Attends, Layer, Transformer, rotate

FEW = 4
"""Rows for which int8 weights are best multiplied with states in bfloat16; more are quantised, too."""


class UnscaledNorm:
    """RMSNorm without its scale, x_ND to x_ND."""

    def __init__(self, eps: Tensor) -> None:
        self.eps = eps

    def __call__(self, x_ND: Tensor) -> Tensor:
        return x_ND * inverse_size(x_ND, self.eps)


class FusedLayer:
    """One layer of a net. A plain object: for one row, what happens around operations takes as long as they do."""

    def __init__(self, layer: Layer, quick: type[QuickLinear | QuickInt8]) -> None:
        attention, part = layer.attention, layer.feed_forward
        self.pre = layer.pre
        self.heads, self.turned, self.head_width = attention.heads, attention.heads + attention.kv_heads, attention.head_width
        self.attention_norm, scale_D = norm_and_scale(layer.attention_norm, foldable=layer.pre)
        self.into = quick(*stacked([attention.query, attention.key, attention.value], scale_D))
        self.mix = quick(*stacked([attention.out]))
        self.feed_forward_norm, scale_D = norm_and_scale(layer.feed_forward_norm, foldable=layer.pre)
        self.activation, self.gated = part.activation, part.gate is not None
        self.widen = quick(*stacked([part.into] if part.gate is None else [part.into, part.gate], scale_D))
        self.narrow = quick(*stacked([part.out]))

    def __call__(self, x_ND: Tensor, layout: Attends) -> Tensor:
        if self.pre:
            x_ND = self.attend(self.attention_norm(x_ND), layout, x_ND)
            return self.feed_forward(self.feed_forward_norm(x_ND), x_ND)
        x_ND = self.attention_norm(self.attend(x_ND, layout, x_ND))
        return self.feed_forward_norm(self.feed_forward(x_ND, x_ND))

    def attend(self, x_ND: Tensor, layout: Attends, plus_ND: Tensor) -> Tensor:
        all_NXE = self.into(x_ND).view(x_ND.shape[0], -1, self.head_width)
        qk_NXE, v_NGE = all_NXE[:, : self.turned], all_NXE[:, self.turned :]
        if layout.turns is not None:
            qk_NXE = rotate(qk_NXE, *layout.turns)
        return self.mix(layout.attend(qk_NXE[:, : self.heads], qk_NXE[:, self.heads :], v_NGE), plus_ND)

    def feed_forward(self, x_ND: Tensor, plus_ND: Tensor) -> Tensor:
        inner_NF = self.widen(x_ND)
        if self.gated:
            inner_NF, gate_NF = inner_NF.chunk(2, -1)
            return self.narrow(self.activation(inner_NF).mul_(gate_NF), plus_ND)
        return self.narrow(self.activation(inner_NF), plus_ND)


class FusedNet:
    """The layers of a net, prepared; what is below them is the net's own. final_norm: perhaps without its scale, which the vocabulary
    layer then takes."""

    def __init__(self, net: Transformer, quick: type[QuickLinear | QuickInt8], final_norm: Callable[[Tensor], Tensor]) -> None:
        self.net, self.shape, self.final_norm = net, net.shape, final_norm
        self.layers = [FusedLayer(layer, quick) for layer in net.layers if isinstance(layer, Layer)]

    def run(self, seen: Tokens, *, layouts: Sequence[Attends]) -> Out:
        x_ND = self.net.below(self.net.embedding(seen.ids), seen)
        for layer, layout in zip(self.layers, layouts, strict=True):
            x_ND = layer(x_ND, layout)
        return Out(last=self.final_norm(x_ND), layers=())

    def state_dict(self) -> dict[str, Tensor]:
        """The prepared matrices by name."""
        parts = ("into", "mix", "widen", "narrow")
        return {f"{i}.{part}": getattr(layer, part).weight_OI for i, layer in enumerate(self.layers) for part in parts}


def norm_and_scale(norm: nn.Module, *, foldable: bool = True) -> tuple[Callable[[Tensor], Tensor], Tensor | None]:
    """A norm as it is, or without its scale and that scale, which the matrix behind it then takes."""
    if not foldable or not isinstance(norm, RMSNorm):
        return norm, None
    scale_D = norm.weight.detach()
    return UnscaledNorm(scale_D.new_tensor(norm.eps)), scale_D


def stacked(layers: list[nn.Linear], scale_I: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
    """weight_OI and bias_O of linear layers of one input as one, which multiplies its input by scale_I first."""
    weight_OI = torch.cat([layer.weight.detach() for layer in layers])
    bias_O = None if layers[0].bias is None else torch.cat([layer.bias.detach() for layer in layers])
    return (weight_OI if scale_I is None else weight_OI * scale_I), bias_O


def of_halves(weight_2OI: Tensor, x_1I: Tensor) -> Tensor:
    return torch.bmm(weight_2OI, x_1I.t().expand(2, -1, 1)).view(1, -1)


@cache
def halves_are_quick() -> bool:
    """Whether threads share the two halves of a matrix, but not a matrix, when it meets one row. Measured once, as it differs: on a Zen 4
    `F.linear` is three times slower, on a Xeon four times faster (docs/results.md)."""
    weight_2OI, x_1I = torch.ones(2, 1024, 384), torch.ones(1, 384)
    whole_OI = weight_2OI.flatten(0, 1)

    def seconds(product: Callable[[], Tensor]) -> float:
        taken = []
        for _ in range(30):
            started = time.perf_counter()
            product()
            taken.append(time.perf_counter() - started)
        return min(taken)

    with torch.inference_mode():
        return seconds(lambda: of_halves(weight_2OI, x_1I)) < seconds(lambda: F.linear(x_1I, whole_OI))


class QuickLinear:
    """A linear layer for few rows in float32, x_NI to y_NO, to which plus_NO may be added.

    One row: a product, or a batch of two products, one for each half of the outputs, where that is faster. More rows: the weights laid
    out as oneDNN wants them.
    """

    def __init__(self, weight_OI: Tensor, bias_O: Tensor | None) -> None:
        self.weight_OI, self.weight_IO, self.bias_O = weight_OI, weight_OI.t(), bias_O
        outputs, inputs = weight_OI.shape
        self.halves_2OI = weight_OI.view(2, outputs // 2, inputs) if outputs % 2 == 0 and halves_are_quick() else None
        onednn = torch.backends.mkldnn.is_available() and weight_OI.device.type == "cpu"  # type: ignore[no-untyped-call]
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight_OI, 16) if onednn else None

    def state_dict(self) -> dict[str, Tensor]:
        return {"weight": self.weight_OI}

    def __call__(self, x_NI: Tensor, plus_NO: Tensor | None = None) -> Tensor:
        one = x_NI.shape[0] == 1
        if self.packed is not None and not one:
            if plus_NO is None:
                return torch.ops.mkldnn._linear_pointwise(x_NI, self.packed, self.bias_O, "none", [], "")
            return torch.ops.mkldnn._linear_pointwise.binary(x_NI, plus_NO, self.packed, self.bias_O, "add")
        if one and self.halves_2OI is not None:
            y_NO = of_halves(self.halves_2OI, x_NI)
        elif plus_NO is not None:
            y_NO, plus_NO = torch.addmm(plus_NO, x_NI, self.weight_IO), None
        else:
            y_NO = torch.mm(x_NI, self.weight_IO)
        y_NO = y_NO if self.bias_O is None else y_NO.add_(self.bias_O)
        return y_NO if plus_NO is None else y_NO.add_(plus_NO)


class QuickInt8:
    """The same with weights in int8, each output with a scale of its own, which bfloat16 can hold."""

    def __init__(self, weight_OI: Tensor, bias_O: Tensor | None) -> None:
        self.scale_O = (weight_OI.abs().amax(-1).clamp(min=1e-12) / LARGEST).bfloat16()
        scaled_OI = weight_OI / self.scale_O.float()[:, None]
        self.weight_OI = scaled_OI.round().clamp(-LARGEST, LARGEST).to(torch.int8)
        self.bias_O, self.product = bias_O, Int8Product(self.weight_OI, self.scale_O, bias_O)

    def state_dict(self) -> dict[str, Tensor]:
        return {"weight": self.weight_OI}

    def __call__(self, x_NI: Tensor, plus_NO: Tensor | None = None) -> Tensor:
        if x_NI.shape[0] > FEW:
            return self.product(x_NI, plus_NO)
        y_NO = torch._weight_int8pack_mm(x_NI.bfloat16(), self.weight_OI, self.scale_O)
        y_NO = y_NO.float() if plus_NO is None else plus_NO + y_NO
        return y_NO if self.bias_O is None else y_NO.add_(self.bias_O)


def fused(net: Transformer, head: NextHead, *, int8: bool = False) -> tuple[FusedNet, QuickLinear | QuickInt8]:
    """The net and its vocabulary layer, for inference alone: layers have matrices of their own, embeddings and norms stay the net's."""
    quick = QuickInt8 if int8 else QuickLinear
    final_norm, scale_D = norm_and_scale(net.final_norm)
    table_VD = head.table.detach()
    return FusedNet(net, quick, final_norm), quick(table_VD if scale_D is None else table_VD * scale_D, None)
