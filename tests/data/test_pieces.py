"""Images cut into pieces: every pixel once, nothing resized, and what is too small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from halfseen.contracts import UserError
from halfseen.data.array_corpus import write_arrays
from halfseen.data.images import open_images
from halfseen.data.intake import ImageIntake, image_intake, open_data


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def test_pieces_are_the_images_middle(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (21, 37, 3), np.uint8)
    save(tmp_path / "a.png", image)
    intake = ImageIntake(3, 8, 16)
    (found,) = intake.pieces(open_images(tmp_path))
    assert found.shape == (2 * 2, 3, 8, 16)
    middle = image[2:18, 2:34]
    rows = [np.concatenate(list(found[i : i + 2].transpose(0, 2, 3, 1)), axis=1) for i in (0, 2)]
    np.testing.assert_array_equal(np.concatenate(rows), middle)


def test_the_size_is_at_most_that_of_the_smallest(tmp_path: Path) -> None:
    for name, size in (("a.png", (40, 90)), ("b.png", (70, 80))):
        save(tmp_path / name, np.zeros(size, np.uint8))
    images = open_images(tmp_path)
    assert image_intake(images, cuts=True)[0] == ImageIntake(1, 40, 64)
    assert image_intake(images, 16, cuts=True)[0] == ImageIntake(1, 16, 16)
    assert image_intake(images)[0] == ImageIntake(1, 64, 64)
    assert open_data(str(tmp_path), size=16, cuts=True).count == 2 * 5 + 4 * 5


def test_all_that_are_too_small_are_named(tmp_path: Path) -> None:
    for name, size in (("a.png", (40, 90)), ("b.png", (12, 80)), ("c.png", (20, 9))):
        save(tmp_path / name, np.zeros(size, np.uint8))
    with pytest.raises(UserError, match=r"cut into pieces of 16 x 16: 2 faults: b\.png has 12 x 80 pixels, c\.png has 20 x 9 pixels"):
        list(ImageIntake(1, 16, 16).pieces(open_images(tmp_path)))


@pytest.mark.parametrize("seed", range(8))
def test_of_few_pieces_few_are_held_out(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for i in range(5):
        save(tmp_path / "images" / f"{i}.png", rng.integers(0, 256, (16, 16), np.uint8))
    found = open_data(str(tmp_path / "images"), size=16, cuts=True)
    tally = write_arrays(tmp_path / "corpus", found.chunks, expected=found.count).tally
    assert tally.train + tally.heldout == 5
    assert tally.heldout <= 2, "which are held out does not hang on the first image alone"
