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


class Int8Linear(nn.Module):
    """A linear layer whose products are of int8 numbers, summed in int32. It cannot be trained."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight_OI, scale_O1 = quantise(linear.weight.detach().float())
        self.weight_IO = weight_OI.t().contiguous()
        self.scale_O = scale_O1.squeeze(1)
        self.bias_O = None if linear.bias is None else linear.bias.detach().float()

    def forward(self, x_NI: Tensor) -> Tensor:
        states_NI, scale_N1 = quantise(x_NI.float())
        y_NO = torch._int_mm(states_NI, self.weight_IO) * scale_N1
        return y_NO.mul_(self.scale_O) if self.bias_O is None else torch.addcmul(self.bias_O, y_NO, self.scale_O)


def in_int8(net: Transformer) -> Transformer:
    """A copy of the net whose layers multiply in int8; embeddings and norms stay as they are."""
    found = copy.deepcopy(net)
    for layer in [module for module in found.modules() if isinstance(module, Layer)]:
        for parent in list(layer.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, nn.Linear):
                    setattr(parent, name, Int8Linear(child))
    return found
