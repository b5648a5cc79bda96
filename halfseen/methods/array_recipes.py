"""The options of every method for tables and images, free of torch so that the command line can show them at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from halfseen.methods.recipes import Recipe
from halfseen.nets.pair_shape import PairShape
from halfseen.split.noise_kinds import Noise

ROW_LAYERS, IMAGE_LAYERS = 2, 2
ROW_WIDTH, IMAGE_WIDTH = 128, 32
ROW_CODE, IMAGE_CODE = 8, 32
SAME_LAYERS, SAME_WIDTH = 8, 64
MAP_LAYERS, MAP_WIDTH = 4, 256
LAPPED_WIDTH = 64


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

    def shape(self, of: tuple[int, ...], *, code: int | None = None) -> PairShape:
        """For samples of this shape. code: numbers of a code where a method has another default."""
        kind = self.kind or ("conv" if len(of) == 3 else "mlp")
        rows = kind == "mlp"
        code = code or (min(ROW_CODE, max(1, of[0] // 2)) if len(of) == 1 else IMAGE_CODE)
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
    default_code: ClassVar[int | None] = None
    """Numbers of a code, if not as many as with most methods."""
    batch: ClassVar[int] = 256
    """Rows or images in a batch, if nobody says how many."""
    cuts: ClassVar[bool] = False
    """Whether large images are cut into pieces; otherwise each is brought to one size."""

    net: PairSize = field(default_factory=PairSize)
    """Size of encoder and decoder."""

    def shape(self, of: tuple[int, ...]) -> PairShape:
        """Of the net, for samples of this shape."""
        return self.net.shape(of, code=self.default_code)

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
class LayerwiseRecipe(ArrayRecipe):
    """Auto-encoder whose layers learn one after another, then all together (Hinton and Salakhutdinov 2006, Bengio et al. 2006)."""

    greedy: float = 0.5
    """Share of the steps in which layers learn one after another."""

    def faults(self) -> list[str]:
        return super().faults() + ([] if 0 < self.greedy < 1 else [f"--greedy is {self.greedy:g}, but must be above 0 and below 1"])


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

    temperature: float = 0.05
    """How much equal shares of all classes count, in units of a class' mean error; the higher, the later samples decide."""

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
class CleaningRecipe(ArrayRecipe):
    """What methods have that clean images of any size: they learn from pieces of them."""

    batch: ClassVar[int] = 32
    cuts: ClassVar[bool] = True
    fresh_rate: ClassVar[float] = 3e-3

    net: PairSize = field(default_factory=PairSize)
    """Size of the net: 8 layers of 64 channels by default; it has no other kind, and no code."""

    def shape(self, of: tuple[int, ...]) -> PairShape:
        layers = SAME_LAYERS if self.net.layers is None else self.net.layers
        width = self.net.width or SAME_WIDTH
        return PairShape(of=of, kind="same", layers=layers, width=width, code=width)

    def faults(self) -> list[str]:
        given = [name for name in ("kind", "code") if getattr(self.net, name) is not None]
        return super().faults() + [f"--net.{name} is given, but this net keeps an image's size" for name in given]


@dataclass(frozen=True, kw_only=True)
class DenoiserRecipe(CleaningRecipe):
    """Denoiser: clean images of any size, learnt from clean ones to which noise is added (arXiv:1608.03981)."""

    noise: Noise = "gaussian"
    """What is done to the images: normal noise added, some pixels put to 0, some to the lowest or highest."""
    amount: float = 0.2
    """The strongest noise, each image's being drawn up to it: a standard deviation, or the share that is put to 0 or to an extreme."""

    def faults(self) -> list[str]:
        return super().faults() + ([] if 0 < self.amount < 1 else [f"--amount is {self.amount}, but must be above 0 and below 1"])


@dataclass(frozen=True, kw_only=True)
class Noise2SelfRecipe(CleaningRecipe):
    """Noise2Self: clean images, learnt from noisy ones alone by predicting hidden pixels (arXiv:1901.11365)."""


@dataclass(frozen=True, kw_only=True)
class CodecRecipe(ArrayRecipe):
    """Codec: photographs to few bits and back, in any quality (arXiv:1802.01436, 1809.02736)."""

    batch: ClassVar[int] = 4
    cuts: ClassVar[bool] = True
    fresh_rate: ClassVar[float] = 2e-3

    net: PairSize = field(default_factory=PairSize)
    """Size of the nets: two hidden layers of 64 channels by default; there is no other kind."""

    def shape(self, of: tuple[int, ...]) -> PairShape:
        return PairShape(of=of, kind="lapped", layers=2, width=self.net.width or LAPPED_WIDTH, code=3 * of[-1] * of[-2])

    def faults(self) -> list[str]:
        given = [name for name in ("kind", "layers", "code") if getattr(self.net, name) is not None]
        return super().faults() + [f"--net.{name} is given, but a codec's nets are all alike" for name in given]


@dataclass(frozen=True, kw_only=True)
class VqvaeRecipe(ArrayRecipe):
    """Auto-encoder whose code is a map of entries of a learnt codebook (VQ-VAE, arXiv:1711.00937)."""

    default_code: ClassVar[int | None] = 16

    entries: int = 256
    """Entries of the codebook, of --net.code numbers each."""
    places: int = 4
    """Entries that stand for a row; an image has as many as the last layer's map has places."""
    commitment: float = 0.25
    """How much the way from what the encoder says to the nearest entry counts."""

    def faults(self) -> list[str]:
        found = super().faults()
        found += [
            f"--{name} is {getattr(self, name)}, but must be at least {least}"
            for name, least in (("entries", 2), ("places", 1))
            if getattr(self, name) < least
        ]
        return found + ([] if self.commitment >= 0 else [f"--commitment is {self.commitment:g}, but must be 0 or more"])


@dataclass(frozen=True, kw_only=True)
class Views:
    """How an image is changed to make a view of it; 0 leaves something as it is."""

    crop: float = 0.5
    """Smallest share of the image's area that a view shows."""
    turn: float = 15.0
    """Most degrees that it is turned, either way."""
    warp: float = 0.15
    """Most that a place is moved, smoothly, in halves of the image's side."""
    light: float = 0.4
    """Most that brightness and contrast rise or fall, as shares."""
    blur: float = 0.25
    """Share of the views that are blurred."""
    erase: float = 0.25
    """Share of the views in which a box is grey."""
    flip: bool = False
    """Whether half of the views are mirrored; letters and digits must not be."""

    def faults(self) -> list[str]:
        found = [] if 0 < self.crop <= 1 else [f"--views.crop is {self.crop:g}, but must be above 0 and at most 1"]
        found += [
            f"--views.{name} is {getattr(self, name):g}, but must be between 0 and {most:g}"
            for name, most in (("turn", 180.0), ("warp", 1.0), ("light", 1.0), ("blur", 1.0), ("erase", 1.0))
            if not 0 <= getattr(self, name) <= most
        ]
        return found


@dataclass(frozen=True, kw_only=True)
class ViewsRecipe(ArrayRecipe):
    """What methods have that compare two views of a sample."""

    default_code: ClassVar[int | None] = 128

    views: Views = field(default_factory=Views)
    """How images are changed."""
    replaced: float = 0.6
    """Share of a row's numbers that another row's replace (arXiv:2106.15147)."""
    head: int = 64
    """Numbers that views are compared by."""

    def faults(self) -> list[str]:
        found = super().faults() + self.views.faults()
        if not 0 < self.replaced < 1:
            found.append(f"--replaced is {self.replaced:g}, but must be above 0 and below 1")
        return found + ([] if self.head >= 2 else [f"--head is {self.head}, but must be at least 2"])


@dataclass(frozen=True, kw_only=True)
class SimclrRecipe(ViewsRecipe):
    """Features by which a view is found among others (SimCLR, arXiv:2002.05709; SCARF for rows, arXiv:2106.15147)."""

    temperature: float = 0.2
    """The lower, the more the likest of the others count."""

    def faults(self) -> list[str]:
        return super().faults() + ([] if self.temperature > 0 else [f"--temperature is {self.temperature:g}, but must be above 0"])


@dataclass(frozen=True, kw_only=True)
class ByolRecipe(ViewsRecipe):
    """Features from which an average of the net is predicted, on another view (BYOL, arXiv:2006.07733)."""

    kept: float = 0.99
    """Of the average, at each step."""

    def faults(self) -> list[str]:
        return super().faults() + ([] if 0 <= self.kept < 1 else [f"--kept is {self.kept:g}, but must be 0 or more and below 1"])


@dataclass(frozen=True, kw_only=True)
class MaskedPatchesRecipe(ArrayRecipe):
    """Image patches hidden, and told from a code of the rest (arXiv:2111.06377, 2111.09886)."""

    default_code: ClassVar[int | None] = 128

    hidden: float = 0.5
    """Share of the patches that are hidden."""
    patch: int = 4
    """Height and width of a patch, in pixels."""

    def faults(self) -> list[str]:
        found = super().faults() + ([] if 0 < self.hidden < 1 else [f"--hidden is {self.hidden:g}, but must be above 0 and below 1"])
        return found + ([] if self.patch >= 1 else [f"--patch is {self.patch}, but must be at least 1"])


@dataclass(frozen=True, kw_only=True)
class NeighboursRecipe(ArrayRecipe):
    """Auto-encoder whose code keeps neighbours together: with a code of 2 it draws a map (arXiv:2206.01816, arXiv:2009.12981)."""

    batch: ClassVar[int] = 512

    neighbours: int = 15
    """How many of a sample's nearest belong together with it."""
    rebuild: float = 1.0
    """How much the squared error of a number counts beside the nats of telling a neighbour."""
    net: PairSize = field(default_factory=PairSize)
    """Size of encoder and decoder, by default fully connected, four hidden layers of 256, for images too."""

    def shape(self, of: tuple[int, ...]) -> PairShape:
        layers = MAP_LAYERS if self.net.layers is None else self.net.layers
        return replace(self.net, kind=self.net.kind or "mlp", layers=layers, width=self.net.width or MAP_WIDTH).shape(of)

    def faults(self) -> list[str]:
        found = super().faults()
        if self.neighbours < 1:
            found.append(f"--neighbours is {self.neighbours}, but must be at least 1")
        return found + ([] if 0 <= self.rebuild < math.inf else [f"--rebuild is {self.rebuild:g}, but must be 0 or more, and finite"])
