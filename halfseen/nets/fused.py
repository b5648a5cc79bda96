"""A decoder prepared for writing one token at a time, where the weights' way from memory takes the time, not the products.

Query, key and value come from one product, so do the two halves of a gated feed-forward part, and the scale of an RMSNorm is
multiplied into the matrix behind it. The numbers stay those of the net, to rounding; in int8 they are near to them.
Shapes: N rows; I inputs; O outputs.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from halfseen.nets.heads import NextHead
from halfseen.nets.int8 import LARGEST, Int8Product
from halfseen.nets.transformer import Attends, Attention, FeedForward, Layer, Transformer, rotate

FEW = 4
"""Rows for which int8 weights are best multiplied with states in bfloat16; more are quantised, too."""


class UnscaledNorm(nn.Module):
    """RMSNorm without its scale."""

    def __init__(self, eps: float) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, x_ND: Tensor) -> Tensor:
        return x_ND * torch.rsqrt(x_ND.square().mean(-1, keepdim=True).add_(self.eps))


class FusedAttention(nn.Module):
    def __init__(self, attention: Attention, scale_D: Tensor | None) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_width = attention.heads, attention.kv_heads, attention.head_width
        self.into = stacked([attention.query, attention.key, attention.value], scale_D)
        self.out = attention.out

    def forward(self, x_ND: Tensor, layout: Attends) -> Tensor:
        turned = self.heads + self.kv_heads
        all_NXE = self.into(x_ND).view(len(x_ND), turned + self.kv_heads, self.head_width)
        qk_NXE = all_NXE[:, :turned]
        if layout.turns is not None:
            qk_NXE = rotate(qk_NXE, *layout.turns)
        return self.out(layout.attend(qk_NXE[:, : self.heads], qk_NXE[:, self.heads :], all_NXE[:, turned:]))


class FusedFeedForward(nn.Module):
    def __init__(self, part: FeedForward, scale_D: Tensor | None) -> None:
        super().__init__()
        assert part.gate is not None
        self.activation, self.out = part.activation, part.out
        self.into = stacked([part.into, part.gate], scale_D)

    def forward(self, x_ND: Tensor) -> Tensor:
        inner_NF, gate_NF = self.into(x_ND).chunk(2, -1)
        return self.out(self.activation(inner_NF).mul_(gate_NF))


def stacked(layers: list[nn.Linear], scale_I: Tensor | None) -> nn.Linear:
    """Linear layers of one input as one, which multiplies its input by scale_I first."""
    weight_OI = torch.cat([layer.weight.detach() for layer in layers])
    found = nn.Linear(weight_OI.shape[1], len(weight_OI), bias=layers[0].bias is not None, device="meta")
    found.weight = nn.Parameter(weight_OI if scale_I is None else weight_OI * scale_I)
    if found.bias is not None:
        found.bias = nn.Parameter(torch.cat([layer.bias.detach() for layer in layers]))
    return found


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


class QuickLinear(nn.Module):
    """A linear layer for few rows in float32.

    One row: `F.linear`, or a batch of two products, one for each half of the outputs, where that is faster. More rows: the weights laid
    out as oneDNN wants them.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(self, weight_OI: Tensor, bias_O: Tensor | None) -> None:
        super().__init__()
        self.register_buffer("weight", weight_OI)
        self.register_buffer("bias", bias_O)
        outputs, inputs = weight_OI.shape
        self.halves_2OI = weight_OI.view(2, outputs // 2, inputs) if outputs % 2 == 0 and halves_are_quick() else None
        onednn = torch.backends.mkldnn.is_available() and weight_OI.device.type == "cpu"  # type: ignore[no-untyped-call]
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight_OI, 16) if onednn else None

    def forward(self, x_NI: Tensor) -> Tensor:
        if len(x_NI) == 1 and self.halves_2OI is not None:
            y_1O = of_halves(self.halves_2OI, x_NI)
            return y_1O if self.bias is None else y_1O + self.bias
        if self.packed is None or len(x_NI) == 1:
            return F.linear(x_NI, self.weight, self.bias)
        return torch.ops.mkldnn._linear_pointwise(x_NI, self.packed, self.bias, "none", [], "")


class QuickInt8(nn.Module):
    """The same with weights in int8, each output with a scale of its own, which bfloat16 can hold."""

    def __init__(self, weight_OI: Tensor, bias_O: Tensor | None) -> None:
        super().__init__()
        self.scale_O = (weight_OI.abs().amax(-1).clamp(min=1e-12) / LARGEST).bfloat16()
        scaled_OI = weight_OI / self.scale_O.float()[:, None]
        self.weight_OI = scaled_OI.round().clamp(-LARGEST, LARGEST).to(torch.int8)
        self.bias_O, self.product = bias_O, Int8Product(self.weight_OI, self.scale_O, bias_O)

    def forward(self, x_NI: Tensor) -> Tensor:
        if len(x_NI) > FEW:
            return self.product(x_NI)
        y_NO = torch._weight_int8pack_mm(x_NI.bfloat16(), self.weight_OI, self.scale_O).float()
        return y_NO if self.bias_O is None else y_NO + self.bias_O


def fused(net: Transformer, head: NextHead, *, int8: bool = False) -> tuple[Transformer, Callable[[Tensor], Tensor]]:
    """A copy of the net, for inference alone, and its vocabulary layer."""
    quick = QuickInt8 if int8 else QuickLinear
    found = copy.deepcopy(net)
    for layer in [module for module in found.modules() if isinstance(module, Layer)]:
        scales: list[Tensor | None] = []
        for name in ("attention_norm", "feed_forward_norm"):
            norm = getattr(layer, name)
            foldable = layer.pre and isinstance(norm, nn.RMSNorm)
            scales.append(norm.weight.detach() if foldable else None)
            if foldable:
                setattr(layer, name, UnscaledNorm(norm.eps))
        parts: dict[str, nn.Module] = {"attention": FusedAttention(layer.attention, scales[0])}
        if layer.feed_forward.gate is not None:
            parts["feed_forward"] = FusedFeedForward(layer.feed_forward, scales[1])
        elif scales[1] is not None:
            layer.feed_forward.into = stacked([layer.feed_forward.into], scales[1])
        for name, part in parts.items():
            setattr(layer, name, part)
        for parent in list(layer.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, nn.Linear):
                    setattr(parent, name, quick(child.weight.detach(), None if child.bias is None else child.bias.detach()))
    return found, quick(head.table.detach(), None)
