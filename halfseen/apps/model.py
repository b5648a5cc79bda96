"""A model opened for use: `halfseen.load(name)`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from halfseen.contracts import Array, UserError
from halfseen.data.tokens import Segment, Tokens
from halfseen.hub.find import find
from halfseen.hub.folder import Loaded
from halfseen.hub.folder import load as load_folder
from halfseen.nets.heads import likeliest, pool
from halfseen.nets.int8 import in_int8
from halfseen.nets.transformer import Transformer
from halfseen.split.mask import frame
from halfseen.tasks.task import by_length
from halfseen.train.budget import ROUGHLY, choose_bfloat16
from halfseen.train.lanes import side_by_side
from halfseen.train.options import InferencePrecision

Piece = tuple[str, float]
"""A token as text, and its probability."""


class Model:
    """An encoder and its tokenizer: `encode` texts to vectors, `fill` blanks."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        loaded.net.eval()

    @cached_property
    def in_int8(self) -> Transformer:
        """The same net with products in int8."""
        return in_int8(self.loaded.net)

    def encode(self, texts: Sequence[str], *, precision: InferencePrecision = "measured", batch_tokens: int | None = None) -> Array:
        """Vectors of S texts, S x D float32; texts longer than the net takes are cut.

        precision: of the products; bfloat16 turns MiniLM's vectors by a cosine of at most 0.00005, int8 by 0.014, which costs STS-B
        0.001 of its Spearman (docs/results.md). batch_tokens: by default as many as keep their states in a core's cache; the cores take
        a batch each.
        """
        tokenizer = self.loaded.tokenizer
        net = self.in_int8 if precision == "int8" else self.loaded.net
        bfloat16 = precision != "int8" and choose_bfloat16(precision, ROUGHLY)
        room = net.shape.max_length - 2
        pieces = tokenizer.encode_batch(texts)
        segments = [Segment(p.ids[:room], p.starts[:room]) for p in pieces]
        vectors = np.empty((len(texts), net.shape.width), dtype=np.float32)

        @torch.inference_mode()
        def vectors_of(chosen: list[int]) -> tuple[list[int], Array]:
            framed = frame([(segments[i],) for i in chosen], tokenizer.table)
            seen = Tokens.of(framed.ids, framed.lengths, framed.types)
            with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
                states_ND = net(seen).last
            found: Array = pool(states_ND.float(), seen, self.loaded.pooling).numpy()
            return chosen, found

        size = batch_tokens or (512 if precision == "int8" else 1024)
        for chosen, found in side_by_side(vectors_of, by_length([len(s.ids) + 2 for s in segments], size)):
            vectors[chosen] = found
        return vectors

    @torch.inference_mode()
    def fill(self, text: str, *, top: int = 5) -> list[list[Piece]]:
        """The likeliest tokens for each [MASK] in a text, with their probabilities.

        Raises UserError if the text has no [MASK], is longer than the net takes, or the model has no vocabulary layer.
        """
        loaded = self.loaded
        if loaded.net.shape.decoder_layers:
            raise UserError(
                f"is an encoder-decoder ({loaded.family}): it restores whole texts, but does not fill blanks",
                where=str(loaded.folder),
                way_out="take a model of `halfseen pretrain bert`",
            )
        if loaded.net.shape.causal:
            raise UserError(
                f"is a decoder ({loaded.family}): it goes on with a text, but does not fill blanks",
                where=str(loaded.folder),
                way_out="take a model of `halfseen pretrain bert`, or ask this one with `halfseen generate`",
            )
        if loaded.head is None:
            raise UserError(
                "has no vocabulary layer, so it cannot fill blanks",
                where=str(loaded.folder),
                way_out="take a model with a masked-language head",
            )
        mask, _ = loaded.tokenizer.token_of("mask")
        pieces = loaded.tokenizer.encode(text.replace("[MASK]", mask))
        blanks = np.flatnonzero(pieces.ids == loaded.tokenizer.table.mask)
        if len(blanks) == 0:
            raise UserError(f"no [MASK] in '{text}'", way_out="write [MASK] where a token is missing")
        if len(pieces.ids) + 2 > loaded.net.shape.max_length:
            raise UserError(
                f"{len(pieces.ids)} tokens, but the net takes at most {loaded.net.shape.max_length - 2}", way_out="shorten the text"
            )
        framed = frame([(Segment(pieces.ids, pieces.starts),)], loaded.tokenizer.table)
        hidden_ND = loaded.net(Tokens.of(framed.ids, framed.lengths, framed.types)).last
        logits_MV = loaded.head(hidden_ND[torch.from_numpy(blanks + 1 - loaded.head.before)])
        special = loaded.tokenizer.table.special
        return [[(loaded.tokenizer.token(i), p) for i, p in likeliest(logits_V, top, without=special)] for logits_V in logits_MV]


def load(name: str | Path) -> Model:
    """Opens a folder of ours or in the Hugging Face layout, minilm, or hf:NAME. Raises UserError if it cannot."""
    return Model(load_folder(find(str(name))))
