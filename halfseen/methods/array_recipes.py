"""The options of every method for tables and images, free of torch so that the command line can show them at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from halfseen.methods.recipes import Recipe
from halfseen.nets.pair_shape import PairShape

Noise = Literal["gaussian", "mask", "salt-and-pepper"]

ROW_LAYERS, IMAGE_LAYERS = 2, 2
ROW_WIDTH, IMAGE_WIDTH = 128, 32
ROW_CODE, IMAGE_CODE = 8, 32
SAME_LAYERS, SAME_WIDTH = 8, 64
LAPPED_WIDTH = 96


@dataclass(frozen=True, kw_only=True)
class PairSize:
    """The size of encoder and decoder; what is not given follows from what is learnt from."""

    kind: Literal["mlp", "conv"] | None = None
    """Fully connected, as is the default for rows, or convolutions, for images."""
    layers: int | None = None
    """Hidden layers of each: 2."""
    width: int | None = None
    """Units of a hidden layer, 128 by default; with convolutions channels of the first one, 32 by default."""
    code: int | None = None
    """Numbers of a code: by default 8 for rows, or half of their columns if that is fewer, and 32 for images."""

    def shape(self, of: tuple[int, ...]) -> PairShape:
        """For samples of this shape."""
        kind = self.kind or ("conv" if len(of) == 3 else "mlp")
        rows = kind == "mlp"
        code = min(ROW_CODE, max(1, of[0] // 2)) if len(of) == 1 else IMAGE_CODE
        return PairShape(
            of=of,
            kind=kind,
            layers=self.layers if self.layers is not None else (ROW_LAYERS if rows else IMAGE_LAYERS),
            width=self.width or (ROW_WIDTH if rows else IMAGE_WIDTH),
            code=self.code or code,
        )


@dataclass(frozen=True, kw_only=True)
class ArrayRecipe(Recipe):
    """What every method has that learns from tables or images."""

    modality: ClassVar[str] = "array"
    batch: ClassVar[int] = 256
    """Rows or images in a batch, if nobody says how many."""
    cuts: ClassVar[bool] = False
    """Whether large images are cut into pieces; otherwise each is brought to one size."""

    net: PairSize = field(default_factory=PairSize)
    """Size of encoder and decoder."""

    def shape(self, of: tuple[int, ...]) -> PairShape:
        """The net's shape for samples of this one."""
        return self.net.shape(of)

    def faults(self) -> list[str]:
        found = []
        for name in ("layers", "width", "code"):
            given, least = getattr(self.net, name), 0 if name == "layers" else 1
            if given is not None and given < least:
                found.append(f"--net.{name} is {given}, but must be at least {least}")
        return found


@dataclass(frozen=True, kw_only=True)
class AutoencoderRecipe(ArrayRecipe):
    """Auto-encoder: squeeze into a short code and rebuild (Hinton and Salakhutdinov 2006), perhaps from what was corrupted."""

    noise: Noise | Literal["none"] = "none"
    """What is corrupted before the net sees it (Vincent et al. 2008): normal noise added, some put to 0, some to the lowest or highest."""
    amount: float = 0.2
    """The noise's standard deviation, or the share that is put to 0 or to an extreme."""

    def faults(self) -> list[str]:
        found = super().faults()
        if not 0 < self.amount < 1:
            found.append(f"--amount is {self.amount}, but must be above 0 and below 1")
        return found


@dataclass(frozen=True, kw_only=True)
class VaeRecipe(ArrayRecipe):
    """Variational auto-encoder: codes that are spread like normal numbers, to draw new samples from (arXiv:1312.6114)."""

    beta: float = 1.0
    """How much the codes' distance from normal numbers counts (Higgins et al. 2017)."""
    free_bits: float = 0.0
    """Bits that each number of a code may hold before they count (arXiv:1606.04934)."""

    def faults(self) -> list[str]:
        found = super().faults()
        found += [
            f"--{name} is {value:g}, but must be 0 or more"
            for name, value in (("beta", self.beta), ("free-bits", self.free_bits))
            if value < 0
        ]
        return found


@dataclass(frozen=True, kw_only=True)
class BinaryRecipe(ArrayRecipe):
    """Auto-encoder with a code of zeros and ones."""


@dataclass(frozen=True, kw_only=True)
class OneHotRecipe(ArrayRecipe):
    """Auto-encoder whose code is one of --net.code classes that nobody named."""

    temperature: float = 1.0
    """In training a class is drawn; the lower, the more the likeliest one."""

    def faults(self) -> list[str]:
        return super().faults() + ([] if self.temperature > 0 else [f"--temperature is {self.temperature:g}, but must be above 0"])


@dataclass(frozen=True, kw_only=True)
class FsqRecipe(ArrayRecipe):
    """Auto-encoder whose code's numbers take few levels each (FSQ, arXiv:2309.15505)."""

    levels: int = 8
    """Levels of each number."""

    def faults(self) -> list[str]:
        return super().faults() + ([] if self.levels >= 2 else [f"--levels is {self.levels}, but must be at least 2"])


@dataclass(frozen=True, kw_only=True)
class DenoiserRecipe(ArrayRecipe):
    """Denoiser: clean images of any size, learnt from clean ones to which noise is added (arXiv:1608.03981)."""

    batch: ClassVar[int] = 32
    cuts: ClassVar[bool] = True

    noise: Noise = "gaussian"
    """What is done to the images: normal noise added, some pixels put to 0, some to the lowest or highest."""
    amount: float = 0.2
    """The strongest noise, each image's being drawn up to it: a standard deviation, or the share that is put to 0 or to an extreme."""
    net: PairSize = field(default_factory=PairSize)
    """Size of the net: 8 layers of 64 channels by default; it has no other kind, and no code."""

    def shape(self, of: tuple[int, ...]) -> PairShape:
        layers, width = self.net.layers or SAME_LAYERS, self.net.width or SAME_WIDTH
        return PairShape(of=of, kind="same", layers=layers, width=width, code=width)

    def faults(self) -> list[str]:
        found = super().faults() + ([] if 0 < self.amount < 1 else [f"--amount is {self.amount}, but must be above 0 and below 1"])
        given = [name for name in ("kind", "code") if getattr(self.net, name) is not None]
        return found + [f"--net.{name} is given, but this net keeps an image's size" for name in given]


@dataclass(frozen=True, kw_only=True)
class CodecRecipe(ArrayRecipe):
    """Codec: photographs to few bits and back, in any quality (arXiv:1802.01436, 1809.02736)."""

    batch: ClassVar[int] = 8
    cuts: ClassVar[bool] = True

    net: PairSize = field(default_factory=PairSize)
    """Size of the nets: two hidden layers of 96 channels by default; there is no other kind."""

    def shape(self, of: tuple[int, ...]) -> PairShape:
        return PairShape(of=of, kind="lapped", layers=2, width=self.net.width or LAPPED_WIDTH, code=3 * of[-1] * of[-2])

    def faults(self) -> list[str]:
        given = [name for name in ("kind", "layers", "code") if getattr(self.net, name) is not None]
        return super().faults() + [f"--net.{name} is given, but a codec's nets are all alike" for name in given]
