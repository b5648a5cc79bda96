"""Images drawn from a decoder: pictures that are there, figures that can tell good from bad."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import halfseen
from halfseen.apps.sample import Codes, compared, frechet
from halfseen.cli import main
from halfseen.data.mosaic import write_grid
from halfseen.methods import make
from halfseen.methods.array_recipes import PairSize, VaeRecipe


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Light squares of all sizes on dark ground."""
    rng = np.random.default_rng(0)
    images = np.zeros((120, 8, 8), np.uint8)
    for image in images:
        side, top, left = rng.integers(2, 6), *rng.integers(0, 3, 2)
        image[top : top + side, left : left + side] = 255
    path = tmp_path_factory.mktemp("squares") / "squares.npz"
    np.savez(path, images=images)
    return path


@pytest.fixture(scope="module")
def models(squares: Path) -> dict[str, Path]:
    found = {name: squares.parent / name for name in ("vae", "autoencoder", "vqvae", "fsq")}
    for name, folder in found.items():
        halfseen.pretrain(name, squares, out=folder, steps=150, batch=40, net={"width": 8, "code": 4, "layers": 1})
    return found


def test_three_kinds_of_pictures(models: dict[str, Path], squares: Path, tmp_path: Path) -> None:
    for what, n, images, size in (("samples", 9, 9, (3, 3)), ("between", 4, 40, (10, 4)), ("plane", 25, 25, (5, 5))):
        found = halfseen.sample(models["vae"], out=tmp_path / f"{what}.png", n=n, what=what)
        assert found["images"] == images
        assert found["drawn_from"] == "normal numbers"
        picture = Image.open(tmp_path / f"{what}.png")
        larger = picture.width // (size[0] * 9 + 1)
        assert picture.size == (larger * (size[0] * 9 + 1), larger * (size[1] * 9 + 1))
        assert np.asarray(picture).std() > 10
    again = halfseen.sample(models["vae"], out=tmp_path / "again.png", n=9)
    assert again["images"] == 9
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "samples.png").read_bytes(), "the seed decides"


def test_with_real_images_samples_are_judged(models: dict[str, Path], squares: Path, tmp_path: Path) -> None:
    found = halfseen.sample(models["autoencoder"], out=tmp_path / "a.png", n=4, data=str(squares))
    assert found["drawn_from"] == "a mixture of 6 normals"
    assert found["frechet_distance"] > found["frechet_distance_of_halves_of_the_real"] / 2 > 0
    assert found["features"] == "30 principal components of the real images"
    for name in ("vqvae", "fsq"):
        for what in ("samples", "between", "plane"):
            found = halfseen.sample(models[name], out=tmp_path / f"{name}-{what}.png", n=4, what=what, data=str(squares))
            assert found["images"] == (40 if what == "between" else 4), f"a map of codes is drawn whole: {name}"


def test_the_figures_tell_copies_noise_and_the_real() -> None:
    rng = np.random.default_rng(0)
    real = rng.integers(0, 256, (200, 1, 6, 6)).astype(np.uint8)
    copies, fresh, dark = real[:100] / 255, rng.random((100, 1, 6, 6)), np.zeros((100, 1, 6, 6))
    assert compared(copies, real)["nearest"] < 1e-6
    assert 0.8 < compared(fresh, real)["nearest"] < 1.2
    assert compared(dark, real)["frechet_distance"] > 5 * compared(fresh, real)["frechet_distance"]


def test_frechet_of_normals_in_closed_form() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, (200_000, 2)), rng.normal(0, 1, (200_000, 2)) * [2, 3] + [1, 0]
    assert frechet(a, b) == pytest.approx(1 + (2 - 1) ** 2 + (3 - 1) ** 2, rel=0.02)
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)


def test_codes_on_the_way_and_on_the_plane() -> None:
    recipe = VaeRecipe(net=PairSize(width=4, code=3, layers=1))
    method = make("vae", recipe, recipe.net.shape((1, 8, 8)))
    way = Codes(method, None, 0).between(2).reshape(2, 10, 3)
    np.testing.assert_allclose(np.diff(way, axis=1), np.repeat((way[:, -1:] - way[:, :1]) / 9, 9, axis=1), atol=1e-12)
    plane = Codes(method, None, 0).plane(9)
    assert plane[:, 0].tolist() == [-2.5, 0, 2.5] * 3
    assert plane[:, 1].tolist() == [-2.5] * 3 + [0] * 3 + [2.5] * 3
    assert (plane[:, 2] == 0).all()


def test_a_grid_shows_every_image(tmp_path: Path) -> None:
    images = np.stack([np.full((3, 2, 2), level) for level in (0.0, 0.4, 1.0)])
    write_grid(tmp_path / "g.png", images, columns=2)
    pixels = np.asarray(Image.open(tmp_path / "g.png"))
    larger = pixels.shape[0] // 7
    assert [int(pixels[y * larger, x * larger, 0]) for y, x in ((1, 1), (1, 4), (4, 1), (0, 0), (4, 4))] == [0, 102, 255, 128, 128]


def test_what_sampling_refuses(models: dict[str, Path], squares: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*words: str) -> str:
        assert main(["sample", *words]) == 2
        return " ".join(capsys.readouterr().err.split())

    model, out = str(models["vae"]), str(tmp_path / "x.png")
    said = refused("--model", model, "--out", str(tmp_path / "x.gif"), "--n", "0", "--seed", "-1")
    for words in ("--n is 0, but must be between 1 and 4096", "x.gif, but must end with .png", "--seed is -1"):
        assert words in said
    words = "its codes are not spread like normal numbers; take a vae, or give --data"
    assert words in refused("--model", str(models["autoencoder"]), "--out", out)
    (tmp_path / "x.png").touch()
    assert "is there already; choose another --out" in refused("--model", model, "--out", out)
    (tmp_path / "x.png").unlink()
    one = tmp_path / "one.npz"
    np.savez(one, images=np.zeros((1, 8, 8), np.uint8))
    assert "only one image; give more of them" in refused("--model", model, "--out", out, "--data", str(one))
    table = tmp_path / "t.csv"
    table.write_text("a,b\n" + "\n".join(f"{i},{i % 3}" for i in range(20)))
    halfseen.pretrain("vae", table, out=tmp_path / "rows", steps=2)
    assert "rebuilds no images; take a model of `halfseen pretrain vae` on images" in refused(
        "--model", str(tmp_path / "rows"), "--out", out
    )
    assert main(["sample", "--model", model, "--out", out, "--n", "4", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 4
