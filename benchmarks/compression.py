"""The codec on photographs that it never saw, beside JPEG, WebP and AVIF as Pillow writes them.

The Kodak images in three folds: two thirds and a few photographs of scikit-image and scikit-learn to learn from, on one core, the third
left to judge. As many folds are run as there are rounds. The seconds are those of one 768 x 512 image, coded and decoded.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import halfseen
from halfseen.suites.compression import run as score
from halfseen.suites.options import CompressionOptions

STEPS = 4500
"""Less than 30 minutes of a core's own time."""
FOLDS = 3
SHIPPED_PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket")


def run(data: Path, *, rounds: int, smoke: bool) -> dict[str, Any]:
    folds = {f"fold {fold + 1}": judge(data / "kodak", fold, smoke) for fold in range(min(rounds, FOLDS))}
    return {"folds": folds, "mean": {kind: means([fold[kind] for fold in folds.values()]) for kind in KINDS}}


KINDS = ("psnr_db_at_bits_per_pixel", "bd_rate_percent")


def judge(kodak: Path, fold: int, smoke: bool) -> dict[str, Any]:
    """A codec of one fold, on the images that it did not learn from."""
    files = sorted(kodak.glob("*.png"))
    with tempfile.TemporaryDirectory() as held:
        train, test, model = (Path(held) / name for name in ("train", "test", "model"))
        photographs(train, test, files, fold)
        began = os.times()
        halfseen.pretrain("codec", train, out=model, steps=20 if smoke else STEPS, size=256, seed=0)
        ended = os.times()
        found = score(CompressionOptions(data=str(test), model=(str(model),)))
    return found | {"training_cpu_minutes": (ended.user + ended.system - began.user - began.system) / 60}


def photographs(train: Path, test: Path, files: list[Path], fold: int) -> None:
    """Two folders: what is learnt from, and what is judged."""
    from PIL import Image
    from skimage import data
    from sklearn.datasets import load_sample_images

    for folder in (train, test):
        folder.mkdir()
    for i, file in enumerate(files):
        shutil.copy(file, test if i % FOLDS == fold else train)
    for name in SHIPPED_PHOTOGRAPHS:
        Image.fromarray(getattr(data, name)()).save(train / f"{name}.png")
    for i, image in enumerate(load_sample_images().images):
        Image.fromarray(image).save(train / f"sample{i}.png")


def means(each: list[Any]) -> Any:
    """Of equal trees of numbers, the mean tree; nothing where one of them has nothing."""
    if isinstance(each[0], dict):
        return {name: means([one[name] for one in each]) for name in each[0]}
    return None if any(one is None for one in each) else float(np.mean(each))
