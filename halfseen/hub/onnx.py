"""A model as ONNX: a padded batch in, hidden states and logits out, the same weights and the same layers in between.

Shapes: B texts, padded to L tokens; width D; vocabulary V.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from halfseen.contracts import UserError
from halfseen.data.tokens import Tokens
from halfseen.hub.folder import Loaded
from halfseen.nets.heads import NextHead, TokenHead
from halfseen.nets.transformer import Transformer


class Padded(nn.Module):
    """The net behind the interface that other programs know: every text is a row of its own, padding sees only padding."""

    def __init__(self, net: Transformer, head: TokenHead | NextHead | None) -> None:
        super().__init__()
        self.net, self.head = net, head

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None) -> tuple[Tensor, ...]:
        """B x L int64 each, to last_hidden_state B x L x D, and logits B x L x V if there is a vocabulary layer."""
        row_B1 = torch.arange(input_ids.shape[0], device=input_ids.device)[:, None]
        seen = Tokens(
            ids=input_ids.reshape(-1),
            position=torch.arange(input_ids.shape[1], device=input_ids.device).expand_as(input_ids).reshape(-1),
            types=None if token_type_ids is None else token_type_ids.reshape(-1),
            lengths=attention_mask.sum(1),
            place=None,
            owner=torch.where(attention_mask.bool(), row_B1, -1),
        )
        states_BLD = self.net.run(seen).last.view(*input_ids.shape, -1)
        return (states_BLD,) if self.head is None else (states_BLD, self.head(states_BLD))


def must_be_one_pass(loaded: Loaded) -> None:
    """Raises UserError if the model has a decoder that reads an encoder."""
    if loaded.net.shape.decoder_layers:
        raise UserError(
            f"is an encoder-decoder ({loaded.family}), whose two passes one file does not hold",
            where=str(loaded.folder),
            way_out="leave out --onnx",
        )


def export_onnx(loaded: Loaded, path: Path) -> None:
    """Writes one .onnx file with dynamic batch and length. Raises UserError if the package onnx is not installed."""
    try:
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UserError("the package onnxscript is not installed", where="--onnx", way_out="pip install 'halfseen[onnx]'") from error
    typed = loaded.net.shape.types > 1
    ids_BL = torch.ones(2, 8, dtype=torch.int64)
    mask_BL = torch.ones(2, 8, dtype=torch.int64)
    mask_BL[1, 5:] = 0
    inputs = {"input_ids": ids_BL, "attention_mask": mask_BL} | ({"token_type_ids": torch.zeros_like(ids_BL)} if typed else {})
    batch, length = torch.export.Dim("batch", min=1), torch.export.Dim("length", min=2, max=loaded.net.shape.max_length)
    with torch.no_grad():
        program = torch.onnx.export(
            Padded(loaded.net, loaded.head).eval(),
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=["last_hidden_state"] + (["logits"] if loaded.head is not None else []),
            dynamic_shapes=tuple({0: batch, 1: length} for _ in inputs),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.save(str(path))
