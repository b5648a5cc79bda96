"""Linear layers in whole numbers of 8 bits, for inference: weights to one scale an output, states to one scale a token.

One scale for a whole batch of states, as PyTorch's dynamic quantisation takes, turned MiniLM's vectors by a cosine of up to
0.18; one for each token keeps them (Dettmers et al. 2022, LLM.int8(), arXiv:2208.07339, section 2.2, vector-wise).
Shapes: N tokens; I inputs; O outputs.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from halfseen.nets.transformer import Layer, Transformer

LARGEST = 127


def quantise(x_NI: Tensor) -> tuple[Tensor, Tensor]:
    """Rows as int8, and the scale_N1 that brings them back; a row of zeros stays one."""
    scale_N1 = x_NI.abs().amax(-1, keepdim=True).clamp_(min=1e-12).div_(LARGEST)
    return (x_NI / scale_N1).round_().to(torch.int8), scale_N1


class Int8Product:
    """Products of int8 rows with a matrix of int8, summed in int32. oneDNN lays the matrix out once as its processor wants it; without
    oneDNN every product reads it as it is, which is slower (docs/results.md)."""

    def __init__(self, weight_OI: Tensor, scale_O: Tensor, bias_O: Tensor | None) -> None:
        self.scale_O, self.bias_O = scale_O.float(), bias_O
        onednn = torch.backends.mkldnn.is_available() and weight_OI.device.type == "cpu"  # type: ignore[no-untyped-call]
        self.packed = torch.ops.onednn.qlinear_prepack(weight_OI, None) if onednn else None
        self.weight_IO = None if onednn else weight_OI.t().contiguous()
        self.zero_O = torch.zeros(len(weight_OI), dtype=torch.int64)

    def __call__(self, x_NI: Tensor, plus_NO: Tensor | None = None) -> Tensor:
        """y_NO of float32 rows, each of which is quantised first, and plus_NO."""
        states_NI, scale_N1 = quantise(x_NI)
        if self.weight_IO is not None:
            y_NO = torch._int_mm(states_NI, self.weight_IO) * self.scale_O
        else:
            y_NO = torch.ops.onednn.qlinear_pointwise(
                states_NI, 1.0, 0, self.packed, self.scale_O, self.zero_O, None, 1.0, 0, torch.float32, "none", [], ""
            )
        y_NO = y_NO.mul_(scale_N1) if plus_NO is None else torch.addcmul(plus_NO, y_NO, scale_N1)
        return y_NO if self.bias_O is None else y_NO.add_(self.bias_O)


class Int8Linear(nn.Module):
    """A linear layer whose products are of int8 numbers. It cannot be trained."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight_OI, scale_O1 = quantise(linear.weight.detach().float())
        self.product = Int8Product(weight_OI, scale_O1.squeeze(1), None if linear.bias is None else linear.bias.detach().float())

    def forward(self, x_NI: Tensor) -> Tensor:
        return self.product(x_NI.float())


def in_int8(net: Transformer) -> Transformer:
    """A copy of the net whose layers multiply in int8; embeddings and norms stay as they are."""
    found = copy.deepcopy(net)
    for layer in [module for module in found.modules() if isinstance(module, Layer)]:
        for parent in list(layer.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, nn.Linear):
                    setattr(parent, name, Int8Linear(child))
    return found
