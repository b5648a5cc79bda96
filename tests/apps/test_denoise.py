"""`halfseen denoise`: tiles without seams, models of every size and channels, judges that are right, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import halfseen
from halfseen.apps.cleaners import deviation, nearness
from halfseen.apps.denoise import cleaned, cleaner_of, names_of, with_noise
from halfseen.apps.tiles import in_tiles
from halfseen.cli import main
from halfseen.contracts import UserError
from halfseen.data.images import open_images
from halfseen.data.intake import ImageIntake
from halfseen.hub.arrays import save_model
from halfseen.methods import make
from halfseen.methods.array_recipes import AutoencoderRecipe, CleaningRecipe, DenoiserRecipe, Noise2SelfRecipe, PairSize
from halfseen.methods.denoiser import Cleaning
from halfseen.train.loop import weights_of
from tests.pictures import png, put

RNG = np.random.default_rng(0)
RECIPES: dict[str, CleaningRecipe] = {
    "denoiser": DenoiserRecipe(net=PairSize(layers=3, width=8)),
    "noise2self": Noise2SelfRecipe(net=PairSize(layers=3, width=8)),
}


def fresh(name: str, channels: int = 3) -> Cleaning:
    method: Cleaning = make(name, RECIPES[name], RECIPES[name].shape((channels, 16, 16)))
    method.initialise(0)
    return method.eval()


def kept(folder: Path, name: str = "denoiser", channels: int = 3) -> Path:
    folder.mkdir()
    method = fresh(name, channels)
    intake = ImageIntake(channels, 16, 16)  # type: ignore[arg-type]
    save_model(folder, method=name, recipe=RECIPES[name], shape=method.shape, intake=intake, tensors=weights_of(method))
    return folder


def photograph(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Smooth, with an edge."""
    down, across = np.mgrid[:height, :width].astype(np.float32)
    one = 0.5 + 0.3 * np.sin(down / 7) * np.cos(across / 9) + 0.2 * (across > width / 2)
    return np.repeat(one[..., None], channels, axis=2).astype(np.float32).clip(0, 1)


def save(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.round(image.squeeze() * 255).astype(np.uint8)).save(path)
    return path


@pytest.mark.parametrize("name", ["denoiser", "noise2self"])
@pytest.mark.parametrize("size", [(67, 90), (128, 64), (33, 31)])
def test_tiles_show_no_seam(name: str, size: tuple[int, int]) -> None:
    method, image = fresh(name), RNG.random((*size, 3), np.float32)

    def clean(one: np.ndarray) -> np.ndarray:
        return cleaned(method.cleaned, one, 3)

    whole = clean(image)
    np.testing.assert_allclose(in_tiles(clean, image, reach=method.reach, side=32), whole, atol=2e-6)
    if max(size) > 60:
        shorter = in_tiles(clean, image, reach=2, side=32)
        assert abs(shorter - whole).max() > 1e-4, "with less around it a tile is cleaned differently"


def test_a_tile_is_never_larger_than_it_and_what_it_sees() -> None:
    sizes: list[tuple[int, ...]] = []

    def look(one: np.ndarray) -> np.ndarray:
        sizes.append(one.shape[:2])
        return one

    image = RNG.random((700, 1500, 1), np.float32)
    assert (in_tiles(look, image, reach=18, side=256) == image).all()
    assert max(map(max, sizes)) == 256 + 2 * 18


@pytest.mark.parametrize("name", ["denoiser", "noise2self"])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 4), (2, 2)])
@pytest.mark.parametrize(("of", "to"), [(1, 1), (1, 3), (3, 1), (3, 3)])
def test_any_size_and_channels(name: str, size: tuple[int, int], of: int, to: int) -> None:
    found = cleaned(fresh(name, of).cleaned, RNG.random((*size, to), np.float32), of)
    assert found.shape == (*size, to)
    assert np.isfinite(found).all()


def test_a_grey_image_is_cleaned_as_three_equal_colours_and_colours_one_by_one() -> None:
    grey = RNG.random((8, 8, 1), np.float32)
    in_colour = cleaned(fresh("denoiser").cleaned, np.repeat(grey, 3, axis=2), 3)
    np.testing.assert_allclose(cleaned(fresh("denoiser").cleaned, grey, 3)[..., 0], in_colour.mean(2), rtol=1e-5)
    colour, of_grey = RNG.random((8, 8, 3), np.float32), fresh("denoiser", 1)
    apart = [cleaned(of_grey.cleaned, colour[..., [i]], 1) for i in range(3)]
    np.testing.assert_allclose(cleaned(of_grey.cleaned, colour, 1), np.concatenate(apart, 2), rtol=1e-4, atol=1e-6)


def test_noise2self_cleans_a_pixel_without_having_seen_it() -> None:
    method, x = fresh("noise2self"), torch.rand(1, 3, 12, 12)
    changed = x.clone()
    changed[..., 5, 6] = 1 - changed[..., 5, 6]
    with torch.no_grad():
        one, other = method.cleaned(x), method.cleaned(changed)
    torch.testing.assert_close(one[..., 5, 6], other[..., 5, 6])
    assert not torch.allclose(one[..., 5, 7], other[..., 5, 7])


def test_nearness_is_scikit_images() -> None:
    clean = photograph(40, 50)
    noisy = clean + RNG.normal(0, 0.1, clean.shape).astype(np.float32)
    psnr, ssim = nearness(noisy, clean)
    assert psnr == pytest.approx(peak_signal_noise_ratio(clean, noisy, data_range=1), abs=1e-3)
    assert ssim == pytest.approx(structural_similarity(clean, noisy, channel_axis=-1, data_range=1))
    assert nearness(clean, clean) == (100, pytest.approx(1))


@pytest.mark.parametrize("sigma", [0.02, 0.1, 0.3])
def test_the_noises_deviation_is_found(sigma: float) -> None:
    noisy = photograph(120, 120) + RNG.normal(0, sigma, (120, 120, 3))
    assert deviation(noisy.astype(np.float32)) == pytest.approx(sigma, rel=0.07)
    assert deviation(np.ones((8, 8, 1), np.float32)) == 0


def test_noise_depends_on_seed_and_name_alone() -> None:
    image = photograph(20, 30)
    one = with_noise(image, "gaussian", 0.1, 0, "a.png")
    np.testing.assert_array_equal(one, with_noise(image, "gaussian", 0.1, 0, "a.png"))
    assert abs((one - image).std() - 0.1) < 0.01
    for other in (with_noise(image, "gaussian", 0.1, 1, "a.png"), with_noise(image, "gaussian", 0.1, 0, "b.png")):
        assert abs(np.corrcoef((other - image).ravel(), (one - image).ravel())[0, 1]) < 0.1
    salted = with_noise(image, "salt-and-pepper", 0.2, 0, "a.png")
    assert (salted != image).mean() == pytest.approx(0.2, abs=0.05)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained a little, so that it is better than nothing."""
    folder = tmp_path_factory.mktemp("denoiser")
    for i in range(3):
        save(folder / "photographs" / f"{i}.png", np.roll(photograph(70, 90), 13 * i, axis=1))
    how = {
        "steps": 700,
        "batch": 8,
        "size": 16,
        "precision": "float32",
        "optim": {"learning_rate": 5e-3},
        "net": PairSize(layers=3, width=16),
    }
    summary = halfseen.pretrain("denoiser", folder / "photographs", out=folder / "model", **how)
    assert summary["heldout"]["squared_error"] < 0.5 * summary["heldout"]["seen_squared_error"]
    return folder / "model"


def test_the_verb_cleans_judges_and_shows(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path / "in" / "a.png", photograph(40, 61))
    save(tmp_path / "in" / "more" / "b.jpg", photograph(64, 64, 1))
    words = ["denoise", str(tmp_path / "in"), "--model", str(model), "--out", str(tmp_path / "out"), "--noise", "gaussian", "--json"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["psnr_db"]["noisy"] == pytest.approx(20, abs=0.3)
    assert found["psnr_db"]["ours"] > found["psnr_db"]["noisy"] + 3
    assert {"noisy", "ours", "median", "non-local means"} <= found["ssim"].keys()
    with Image.open(tmp_path / "out" / "a.png") as one, Image.open(tmp_path / "out" / "more" / "b.png") as other:
        assert (one.size, one.mode, other.size, other.mode) == ((61, 40), "RGB", (64, 64), "L")
        psnr = peak_signal_noise_ratio(np.round(photograph(40, 61) * 255) / 255, np.asarray(one) / 255, data_range=1)
    kept_scores = json.loads((tmp_path / "out" / "results.json").read_text())
    assert kept_scores["each"]["a.png"]["ours"]["psnr_db"] == pytest.approx(psnr, abs=1e-5), "what is judged is what was written"
    with Image.open(found["picture"]) as picture:
        assert picture.width > 5 * picture.height / 2 > 0, "five or more in a row, two rows"


def test_equal_images_get_different_noise(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        save(tmp_path / "in" / name, photograph(20, 20))
    halfseen.denoise(tmp_path / "in", model=kept(tmp_path / "m"), out=tmp_path / "out", noise="gaussian")
    assert (tmp_path / "out" / "a.png").read_bytes() != (tmp_path / "out" / "b.png").read_bytes()


def test_the_verb_beside_clean_images(model: Path, tmp_path: Path) -> None:
    clean = photograph(30, 40)
    save(tmp_path / "clean" / "a.png", clean)
    save(tmp_path / "clean" / "unused.png", clean)
    save(tmp_path / "noisy" / "a.png", (clean + RNG.normal(0, 0.1, clean.shape)).clip(0, 1))
    found = halfseen.denoise(tmp_path / "noisy", model=model, out=tmp_path / "out", clean=tmp_path / "clean")
    assert found["psnr_db"]["ours"] > found["psnr_db"]["noisy"]
    plain = halfseen.denoise(tmp_path / "noisy" / "a.png", model=model, out=tmp_path / "plain")
    assert plain.keys() == {"out", "images", "seconds"}
    assert (tmp_path / "plain" / "a.png").read_bytes() == (tmp_path / "out" / "a.png").read_bytes()


def test_arrays_of_images_become_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "digits.npz", images=RNG.integers(0, 256, (3, 16, 16), np.uint8))
    halfseen.denoise(tmp_path / "digits.npz", model=kept(tmp_path / "model"), out=tmp_path / "out")
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == [f"digits.npz-{i}.png" for i in range(3)]


def test_an_auto_encoder_cleans_images_of_its_size_alone(tmp_path: Path) -> None:
    recipe = AutoencoderRecipe(net=PairSize(layers=1, width=4, code=8), noise="gaussian")
    method = make("autoencoder", recipe, recipe.shape((1, 16, 12)))
    method.initialise(0)
    (tmp_path / "m").mkdir()
    save_model(
        tmp_path / "m", method="autoencoder", recipe=recipe, shape=method.shape, intake=ImageIntake(1, 16, 12), tensors=weights_of(method)
    )
    clean = cleaner_of(tmp_path / "m")
    assert clean(RNG.random((16, 12, 1), np.float32)).shape == (16, 12, 1)
    with pytest.raises(
        UserError, match=r"an image of 12 x 16, but this model rebuilds 16 x 12 alone; take a model of `halfseen pretrain den"
    ):
        clean(RNG.random((12, 16, 1), np.float32))


def damaged(path: Path) -> None:
    path.write_bytes(save(path, RNG.random((40, 40, 3))).read_bytes()[:900])


def large(path: Path) -> None:
    put(path, png(20_000, 20_000, 8, 2, b""))


def small(name: str = "a.png", height: int = 9) -> Callable[[Path], object]:
    return lambda path: save(path.with_name(name), photograph(height, 9))


def twice(path: Path) -> None:
    for name in ("a.png", "a.jpg"):
        save(path.with_name(name), photograph(9, 9))


@pytest.mark.parametrize(
    ("make_it", "options", "words"),
    [
        (damaged, [], "damaged or cut short"),
        (large, [], "20,000 x 20,000 pixels are more than the 64,000,000 that are read of one image"),
        (lambda path: path.parent.mkdir(), [], "no image; there is nothing; give .png"),
        (small(), ["--noise", "gaussian", "--amount", "1"], "--amount is 1, but must be above 0 and below 1"),
        (small(), ["--noise", "gaussian", "--clean", "x"], "--clean and --noise are given"),
        (small(height=5), ["--noise", "gaussian"], "a.png: 5 x 9 pixels are too few to be judged"),
        (small(), ["--clean", "."], "no a.png; let clean images have the names of the noisy ones"),
        (twice, [], "a.png would become a.png, as a.jpg does"),
        (small("side-by-side.png"), [], "would become side-by-side.png, as the picture of all does"),
    ],
)
def test_what_is_refused(
    make_it: Callable[[Path], object], options: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = kept(tmp_path / "model")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    save(tmp_path / "elsewhere" / "other.png", photograph(9, 9))
    make_it(tmp_path / "in" / "a.png")
    with pytest.raises(UserError, match=words.replace(".", r"\.")):
        run_verb(tmp_path / "in", model, tmp_path / "out", options)


def run_verb(path: Path, model: Path, out: Path, options: list[str]) -> None:
    given = dict(zip([one.removeprefix("--") for one in options[::2]], options[1::2], strict=True))
    halfseen.denoise(path, model=model, out=out, **{name: float(value) if name == "amount" else value for name, value in given.items()})


def test_a_clean_image_of_another_size_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "noisy" / "a.png", photograph(20, 20))
    save(tmp_path / "clean" / "a.png", photograph(20, 21))
    with pytest.raises(UserError, match="20 x 20 and 20 x 21 pixels, noisy and clean"):
        halfseen.denoise(tmp_path / "noisy", model=kept(tmp_path / "m"), out=tmp_path / "out", clean=tmp_path / "clean")


def test_names_keep_their_folders(tmp_path: Path) -> None:
    for name in ("a/x.png", "b/x.webp", "y.jpg"):
        save(tmp_path / name, photograph(9, 9))
    assert names_of(open_images(tmp_path)) == ["a/x.png", "b/x.png", "y.png"]


def test_models_of_something_else_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", RNG.normal(size=(30, 4)))
    halfseen.pretrain("autoencoder", tmp_path / "rows.npy", out=tmp_path / "rows", steps=1)
    with pytest.raises(UserError, match="cleans no images; take a model of `halfseen pretrain denoiser`"):
        cleaner_of(tmp_path / "rows")
