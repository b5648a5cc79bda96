"""`halfseen denoise`: images cleaned by a model, and how near they come to the clean ones beside what people use today.

Shapes: image_HWC, float32, black 0 and white 1.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch

from halfseen.apps.array_model import open_array_model
from halfseen.apps.cleaners import WINDOW, Cleaner, nearness, others
from halfseen.apps.denoise_options import DenoiseOptions
from halfseen.apps.tiles import in_tiles
from halfseen.contracts import Array, Sample, UserError
from halfseen.data.claim import RESULTS, claim
from halfseen.data.draw import KeyedDraw
from halfseen.data.faults import all_faults
from halfseen.data.files import write_atomically, write_json
from halfseen.data.images import Images, open_images
from halfseen.data.intake import ImageIntake
from halfseen.data.levels import levels, png
from halfseen.data.mosaic import write_grid
from halfseen.data.pixels import as_channels
from halfseen.methods.array import Rebuilding
from halfseen.methods.denoiser import Cleaning
from halfseen.split.noise import corrupted
from halfseen.split.noise_kinds import Noise
from halfseen.train.progress import note

OURS, NOISY, CLEAN = "ours", "noisy", "clean"
PICTURE, SHOWN, CROP = "side-by-side.png", 4, 192
"""The picture of a judged run: so many images, of each the middle of so many pixels."""


def denoise(path: str | Path, *, model: str | Path, out: str | Path, **options: Any) -> dict[str, Any]:
    """What `halfseen denoise --json` prints. options: the fields of `DenoiseOptions`."""
    given = {"path": Path(path), "model": Path(model), "out": Path(out), **options}
    return run(DenoiseOptions(**(given | {"clean": Path(options["clean"])} if options.get("clean") else given)))


def run(options: DenoiseOptions) -> dict[str, Any]:
    """Raises UserError for a fault in the model, the images or the options."""
    if faults := options.faults():
        raise UserError("; ".join(faults), way_out="see `halfseen denoise --help`")
    clean = cleaner_of(options.model)
    images = open_images(options.path)
    names = names_of(images)
    truth = images if options.noise else None if options.clean is None else beside(open_images(options.clean), names, options.clean)
    cleaners: dict[str, Cleaner] = {OURS: clean} | (others() if truth else {})
    claim(options.out)
    for line in images.notes:
        note(line)
    judge = Judge(list(cleaners))
    for i, name in enumerate(names):
        given_HWC = images[i].x
        true_HWC = None if truth is None else truth[i].x
        if options.noise:
            given_HWC = with_noise(given_HWC, options.noise, options.amount, options.seed, images.ids[i])
        made = {}
        for who, cleaner in cleaners.items():
            started = time.perf_counter()
            made[who] = np.clip(cleaner(given_HWC), 0, 1).astype(np.float32)
            judge.seconds[who] += time.perf_counter() - started
            if who == OURS:
                (options.out / name).parent.mkdir(parents=True, exist_ok=True)
                write_atomically(options.out / name, png(levels(made[OURS])))
        if true_HWC is not None:
            judge(name, {NOISY: given_HWC, **made, CLEAN: true_HWC})
    found: dict[str, Any] = {"out": str(options.out), "images": len(images), "seconds": round(judge.seconds[OURS], 3)}
    if truth is None:
        return found
    judge.write_picture(options.out / PICTURE)
    found |= judge.means() | {"picture": str(options.out / PICTURE)}
    write_json(options.out / RESULTS, found | {"each": judge.each})
    return found


def cleaner_of(folder: Path) -> Cleaner:
    """A folder's model as a function of images. Raises UserError if it does not clean images."""
    method, intake = open_array_model(folder)
    if not isinstance(intake, ImageIntake) or not isinstance(method, Rebuilding | Cleaning):
        raise UserError("cleans no images", where=str(folder), way_out="take a model of `halfseen pretrain denoiser`")
    channels, height, width = intake.shape
    if isinstance(method, Cleaning):
        return lambda image_HWC: in_tiles(lambda tile: cleaned(method.cleaned, tile, channels), image_HWC, reach=method.reach)

    def whole(image_HWC: Array) -> Array:
        if image_HWC.shape[:2] != (height, width):
            what = f"an image of {image_HWC.shape[0]} x {image_HWC.shape[1]}, but this model rebuilds {height} x {width} alone"
            raise UserError(what, where=str(folder), way_out="take a model of `halfseen pretrain denoiser`, which cleans every size")
        return cleaned(method.predict, image_HWC, channels)

    return whole


@torch.no_grad()
def cleaned(clean: Callable[[torch.Tensor], torch.Tensor], image_HWC: Array, channels: int) -> Array:
    """A grey image is repeated for a net of three channels; the three of a colour image go one by one through a net of one."""
    x_CHW = torch.from_numpy(np.ascontiguousarray(image_HWC.transpose(2, 0, 1)))
    if len(x_CHW) == channels:
        return clean(x_CHW[None])[0].permute(1, 2, 0).numpy()
    if channels == 3:
        return clean(x_CHW.expand(1, 3, -1, -1))[0].mean(0, keepdim=True).permute(1, 2, 0).numpy()
    return clean(x_CHW[:, None])[:, 0].permute(1, 2, 0).numpy()


def names_of(images: Images) -> list[str]:
    """Where each cleaned image goes. Raises UserError if two would go to one place."""
    names = [f"{one.replace('#', '-')}.png" if "#" in one else str(PurePosixPath(one).with_suffix(".png")) for one in images.ids]
    seen: dict[str, str] = {PICTURE: "the picture of all"}
    faults = []
    for name, one in zip(names, images.ids, strict=True):
        if name in seen:
            faults.append(f"{one} would become {name}, as {seen[name]} does")
        seen[name] = one
    if faults:
        raise all_faults(faults, where=images.name, way_out="give them different names")
    return names


def beside(clean: Images, names: list[str], path: Path) -> Images:
    """The clean images in the order of the noisy ones. Raises UserError for all that are not there."""
    where = {name: i for i, name in enumerate(names_of(clean))}
    if missing := [f"no {name}" for name in names if name not in where]:
        raise all_faults(missing, where=str(path), way_out="let clean images have the names of the noisy ones")
    order = [where[name] for name in names]
    source = clean.source[np.array(order)] if isinstance(clean.source, np.ndarray) else [clean.source[i] for i in order]
    return replace(clean, ids=tuple(clean.ids[i] for i in order), source=source)


def with_noise(image_HWC: Array, noise: Noise, amount: float, seed: int, name: str) -> Array:
    """The image with noise that depends on the seed and on its name alone; it is not cut off below 0 or above 1."""
    uniform_HWC = KeyedDraw(seed, 0, [Sample(name, None)])(image_HWC.size).reshape(image_HWC.shape)
    return np.asarray(corrupted(image_HWC[None], noise, np.float32(amount), uniform_HWC[None])[0])


class Judge:
    """How near every cleaner came to the clean images, the seconds it took, and the middle of the first few side by side."""

    def __init__(self, cleaners: Sequence[str]) -> None:
        self.seconds = dict.fromkeys(cleaners, 0.0)
        self.each: dict[str, dict[str, dict[str, float]]] = {}
        self.shown: list[list[Array]] = []

    def __call__(self, name: str, versions: dict[str, Array]) -> None:
        """versions: of one image, the last of them clean. Raises UserError if they are not of one size, or smaller than SSIM's window."""
        *tried, clean = versions
        true_HWC = versions[clean]
        if versions[NOISY].shape[:2] != true_HWC.shape[:2]:
            sizes = " and ".join(f"{one.shape[0]} x {one.shape[1]}" for one in (versions[NOISY], true_HWC))
            raise UserError(f"{sizes} pixels, noisy and clean", where=name, way_out="give the same images without noise")
        if min(true_HWC.shape[:2]) < WINDOW:
            what = f"{true_HWC.shape[0]} x {true_HWC.shape[1]} pixels are too few to be judged"
            raise UserError(what, where=name, way_out=f"leave it away, or give {WINDOW} x {WINDOW} or more")
        as_true = {who: as_channels(versions[who], 3 if true_HWC.shape[2] == 3 else 1) for who in tried}
        found = {who: nearness(levels(one) / np.float32(255) if who != NOISY else one, true_HWC) for who, one in as_true.items()}
        self.each[name] = {who: {"psnr_db": psnr, "ssim": ssim} for who, (psnr, ssim) in found.items()}
        if len(self.shown) < SHOWN:
            self.shown.append([as_channels(one, 3) for one in versions.values()])

    def means(self) -> dict[str, Any]:
        """Over images, of each version."""
        tried = next(iter(self.each.values()))

        def mean(who: str, what: str) -> float:
            return float(np.mean([one[who][what] for one in self.each.values()]))

        scores = {what: {who: round(mean(who, what), 4) for who in tried} for what in ("psnr_db", "ssim")}
        return scores | {"seconds_of": {who: round(seconds, 3) for who, seconds in self.seconds.items()}}

    def write_picture(self, path: Path) -> None:
        """A row an image: as given, as every cleaner made it, and clean."""
        height, width = (min(CROP, *(row[0].shape[axis] for row in self.shown)) for axis in (0, 1))
        cut = [middle(one, height, width) for row in self.shown for one in row]
        write_grid(path, np.clip(np.stack(cut), 0, 1).transpose(0, 3, 1, 2), columns=len(self.shown[0]))


def middle(image_HWC: Array, height: int, width: int) -> Array:
    top, left = (image_HWC.shape[0] - height) // 2, (image_HWC.shape[1] - width) // 2
    return image_HWC[top : top + height, left : left + width]
