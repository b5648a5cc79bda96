"""The size and kind of an encoder and its decoder, free of torch so that the command line can show it at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class PairShape:
    """An encoder that squeezes a row or an image into a code, and a decoder that rebuilds it."""

    of: tuple[int, ...]
    """The shape of one sample: (F,) for a row, (C, H, W) for an image."""
    kind: Literal["mlp", "conv", "same", "lapped"]
    """Fully connected, or convolutions for images; `same`: convolutions that keep height and width, without a code;
    `lapped`: a codec's overlapping blocks."""
    layers: int
    """Hidden layers of each; with convolutions each halves height and width. Of `same`, all layers."""
    width: int
    """Units of a hidden layer, or channels of the first one, which double from layer to layer."""
    code: int
    """Numbers of a code."""

    def faults(self) -> list[str]:
        """Everything that is wrong with this shape, in words."""
        found = [
            f"{name} is {getattr(self, name)}, but must be at least {least}"
            for name, least in (("layers", {"mlp": 0, "conv": 1, "same": 2, "lapped": 2}[self.kind]), ("width", 1), ("code", 1))
            if getattr(self, name) < least
        ]
        if self.kind != "mlp" and len(self.of) != 3:
            found.append("convolutions need images, and these are rows")
        elif self.kind == "conv" and min(self.sides[-1]) < 2:
            found.append(f"layers is {self.layers}, but of images of {self.of[1]} x {self.of[2]} the last would leave less than 2 x 2")
        elif self.kind == "lapped" and (self.of[1] % 16 or self.of[2] % 16):
            found.append(f"pieces of {self.of[1]} x {self.of[2]}, but a codec's are multiples of 16, 256 x 256 say")
        return found

    @property
    def sides(self) -> list[tuple[int, int]]:
        """Height and width of an image, and after each layer of the encoder."""
        found = [(self.of[1], self.of[2])]
        for _ in range(self.layers):
            height, width = found[-1]
            found.append(((height + 1) // 2, (width + 1) // 2))
        return found
