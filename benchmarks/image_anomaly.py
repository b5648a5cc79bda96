"""What is odd among images: ROC-AUC of `ImageDetector`, its scores alone, and PyOD's kNN and auto-encoder on the same pixels.

One kind of image is usual, and half of it is learnt from; the rest of it stands among others. `chosen`: the cases by which the default was
chosen. `fresh`: others, looked at afterwards.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from sklearn.metrics import roc_auc_score

from halfseen.apps.image_detector import ImageDetector
from halfseen.data.images import open_images

Array = np.ndarray
Case = tuple[str, str, Array, Array, Array]
"""`chosen` or `fresh`, a name, images to learn from, images to score, and which of them are odd."""
ODD = 900
SEEDS = 3


def run(data: Path, *, rounds: int, smoke: bool) -> dict[str, Any]:
    """rounds: seeds, at most three."""
    warnings.filterwarnings("ignore")
    found: dict[str, dict[str, list[float]]] = {}
    seconds: dict[str, list[float]] = {who: [] for who in DETECTORS}
    for seed in range(1 if smoke else min(rounds, SEEDS)):
        for group, name, train, x, odd in islice(cases(data, seed), 1 if smoke else None):
            for who, detect in DETECTORS.items():
                started = time.perf_counter()
                score = detect(train, x, seed)
                seconds[who].append(time.perf_counter() - started)
                found.setdefault(f"{group}: {name}", {}).setdefault(who, []).append(float(roc_auc_score(odd, score)))
    for group in ("chosen", "fresh"):
        if rows := [row for case, row in found.items() if case.startswith(f"{group}:")]:
            found[f"mean of {group}"] = {who: np.mean([row[who] for row in rows], axis=0).tolist() for who in DETECTORS}
    scores = {case: {who: mean_and_error(values) for who, values in row.items()} for case, row in found.items()}
    return {"roc_auc": scores, "median_seconds": {who: round(float(np.median(values)), 3) for who, values in seconds.items()}}


def mean_and_error(seeds: list[float]) -> tuple[float, float | None]:
    """The mean over seeds and its standard error, which one seed has not."""
    error = round(float(np.std(seeds, ddof=1)) / len(seeds) ** 0.5, 4) if len(seeds) > 1 else None
    return round(float(np.mean(seeds)), 4), error


def ours(by: str | None) -> Callable[[Array, Array, int], Array]:
    return lambda train, x, seed: -ImageDetector(by=by, random_state=seed).fit(train).score_samples(x)  # type: ignore[arg-type]


def pyod(module: str, kind: str) -> Callable[[Array, Array, int], Array]:
    def detect(train: Array, x: Array, seed: int) -> Array:
        from importlib import import_module

        made = getattr(import_module(f"pyod.models.{module}"), kind)
        detector = made(**({"random_state": seed} if "random_state" in made.__init__.__code__.co_varnames else {}))
        rows, others = (one.reshape(len(one), -1).astype(np.float32) / 255 for one in (train, x))
        return detector.fit(rows).decision_function(others)

    return detect


DETECTORS: dict[str, Callable[[Array, Array, int], Array]] = {
    "halfseen": ours(None),
    "neighbours": ours("neighbours"),
    "reconstruction": ours("reconstruction"),
    "mixture": ours("mixture"),
    "forest": ours("forest"),
    "PyOD KNN": pyod("knn", "KNN"),
    "PyOD AutoEncoder": pyod("auto_encoder", "AutoEncoder"),
}


def cases(data: Path, seed: int) -> Iterator[Case]:
    rng = np.random.default_rng(seed)

    def halves(group: str, name: str, usual: Array, odd: Array) -> Case:
        order = rng.permutation(len(usual))
        train, rest = usual[order[: len(usual) // 2]], usual[order[len(usual) // 2 :]]
        some = odd[rng.permutation(len(odd))[:ODD]]
        return group, name, train, np.concatenate([rest, some]), np.r_[np.zeros(len(rest)), np.ones(len(some))]

    mnist = open_images(data / "mnist_t10k" / "t10k-images-idx3-ubyte.gz")
    digits, label = np.asarray(mnist.source)[..., 0], np.array(mnist.labels)
    for digit in "0123456789":
        yield halves("chosen", f"MNIST, {digit} usual", digits[label == digit], digits[label != digit])
    with np.load(data / "olivetti_faces" / "olivetti.npz") as file:
        faces, person = file["images"], file["person"]
    known = rng.permutation(40)[:30]
    others = {
        "drawn": np.stack([drawn_face(i) for i in range(100)]),
        "digits": np.stack([scaled(one, 64) for one in digits[rng.permutation(len(digits))[:100]]]),
        "pieces of photographs": pieces(data / "kodak", 100, rng),
    }
    usual = np.isin(person, known)
    for name, odd in others.items():
        x = np.concatenate([faces[~usual], odd])
        yield "chosen", f"faces, {name} odd", faces[usual], x, np.r_[np.zeros(int((~usual).sum())), np.ones(len(odd))]
    textures = {name: tiles(name) for name in ("brick", "grass", "gravel")}
    for name, usual_tiles in textures.items():
        yield halves("chosen", f"{name} usual", usual_tiles, np.concatenate([textures[other] for other in textures if other != name]))

    from sklearn.datasets import load_digits

    small = load_digits()
    eights = (small.images * (255 / 16)).astype(np.uint8)
    for digit in range(10):
        yield halves("fresh", f"8 x 8 digits, {digit} usual", eights[small.target == digit], eights[small.target != digit])
    photographs = {name: tiles(name) for name in ("astronaut", "coffee", "chelsea", "moon", "coins", "hubble_deep_field")}
    for name, usual_tiles in photographs.items():
        rest = np.concatenate([photographs[other] for other in photographs if other != name])
        yield halves("fresh", f"pieces of {name} usual", usual_tiles, rest)


def tiles(name: str, side: int = 32) -> Array:
    """A photograph of scikit-image in colour, cut into squares."""
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    file = next(folder.glob(f"{name}.*"))
    image = np.asarray(Image.open(file).convert("RGB"))
    down, across = image.shape[0] // side, image.shape[1] // side
    cut = image[: down * side, : across * side].reshape(down, side, across, side, 3)
    return cut.swapaxes(1, 2).reshape(-1, side, side, 3)


def pieces(folder: Path, count: int, rng: np.random.Generator, side: int = 64) -> Array:
    """Squares of random size from grey photographs, scaled."""
    photographs = [np.asarray(Image.open(file).convert("L")) for file in sorted(folder.glob("*.png"))]
    made = []
    for i in range(count):
        photograph, size = photographs[i % len(photographs)], int(rng.integers(side, 257))
        top, left = (int(rng.integers(0, length - size + 1)) for length in photograph.shape)
        made.append(scaled(photograph[top : top + size, left : left + size], side))
    return np.stack(made)


def scaled(image: Array, side: int) -> Array:
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR))


def drawn_face(seed: int, side: int = 64) -> Array:
    """A head, hair, eyes with brows, a nose and a mouth, of somewhat different sizes and shades."""
    rng, large = np.random.default_rng(seed), 4 * side
    sheet = Image.new("L", (large, large), int(rng.integers(150, 256)))
    pen = ImageDraw.Draw(sheet)
    across, down = large / 2 + rng.normal(0, 6, 2)
    half_width, half_height = large * rng.uniform(0.3, 0.4), large * rng.uniform(0.36, 0.46)
    head = (across - half_width, down - half_height, across + half_width, down + half_height)
    pen.ellipse(head, fill=int(rng.integers(150, 240)), outline=20, width=6)
    pen.chord(head, 200, 340, fill=int(rng.integers(20, 90)))
    apart, eye, eyes_at = half_width * rng.uniform(0.35, 0.45), large * rng.uniform(0.03, 0.05), down - half_height * rng.uniform(0.15, 0.3)
    for way in (-1, 1):
        at = across + way * apart
        pen.ellipse((at - eye, eyes_at - eye, at + eye, eyes_at + eye), fill=20)
        pen.arc((at - 2 * eye, eyes_at - 4 * eye, at + 2 * eye, eyes_at - eye), 200, 340, fill=20, width=5)
    pen.line(
        (across, down - half_height * 0.1, across - eye, down + half_height * 0.15, across + eye, down + half_height * 0.15),
        fill=20,
        width=5,
    )
    mouth = half_width * rng.uniform(0.4, 0.6)
    smile = (20, 160) if rng.random() < 0.7 else (200, 340)
    pen.arc((across - mouth, down + half_height * 0.2, across + mouth, down + half_height * 0.6), *smile, fill=20, width=6)
    return np.asarray(sheet.resize((side, side), Image.Resampling.BOX))
