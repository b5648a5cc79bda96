"""The detector of images: every score, features by closed forms, files, the verb, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

import halfseen
from halfseen.apps.components import Components
from halfseen.apps.detect_images import glowing, where_odd
from halfseen.apps.detector import AnomalyDetector
from halfseen.apps.image_detector import ImageDetector
from halfseen.apps.image_features import CELLS, WAYS, Edges, Spectrum
from halfseen.cli import main
from halfseen.contracts import UserError
from tests.pictures import png, put

RNG = np.random.default_rng(0)


def discs(count: int, side: int = 16) -> np.ndarray:
    """Bright discs of somewhat different sizes and places on a dim ground."""
    down, across = np.mgrid[:side, :side]
    middle, radius = RNG.uniform(side * 0.4, side * 0.6, (count, 2, 1, 1)), RNG.uniform(side * 0.2, side * 0.3, (count, 1, 1))
    inside = np.hypot(down - middle[:, 0], across - middle[:, 1]) < radius
    return (40 + 180 * inside + RNG.normal(0, 3, inside.shape)).clip(0, 255).astype(np.uint8)


def with_bar(images: np.ndarray) -> np.ndarray:
    """The same with a bar in the top right corner."""
    found = images.copy()
    found[:, 1:4, -6:-1] = 250
    return found


@pytest.mark.parametrize("by", [None, "neighbours", "far", "forest", "reconstruction", "mixture"])
def test_bars_are_odd(by: str | None, tmp_path: Path) -> None:
    train, usual = discs(120), discs(40)
    x, odd = np.concatenate([usual, with_bar(discs(40))]), np.arange(80) >= 40
    detector = ImageDetector(by=by).fit(train)  # type: ignore[arg-type]
    scores = detector.score_samples(x)
    assert roc_auc_score(odd, -scores) > (0.7 if by in ("far", "forest") else 0.9), "lower is odder"
    assert (detector.predict(x) == np.where(scores < detector.offset_, -1, 1)).all()
    detector.save(tmp_path)
    again = ImageDetector.load(tmp_path)
    np.testing.assert_array_equal(again.score_samples(x), scores)
    assert again.get_params() == detector.get_params()
    if by in (None, "neighbours", "reconstruction"):
        heat = detector.explain(x)
        assert heat.shape == (80, 16, 16)
        assert heat[40:, 1:4, -6:-1].mean() > 5 * heat[40:].mean()
        np.testing.assert_allclose(heat, np.square(detector.rebuilt(x)[..., 0] - x / 255), atol=1e-6)
        np.testing.assert_array_equal(again.explain(x), heat)
    else:
        with pytest.raises(ValueError, match=f"by='{by}' cannot tell what is odd"):
            detector.explain(x)


def test_training_images_are_not_their_own_neighbours() -> None:
    train = discs(100)
    detector = ImageDetector(alarm=0.1).fit(train)
    assert 0.02 < (detector.predict(discs(300)) == -1).mean() < 0.25
    assert (detector.oddness(train) <= detector.usual_ + 1e-6).all(), "seen again each has itself as neighbour"


def test_odd_images_in_training_are_no_neighbours_if_one_says_that_there_are_some() -> None:
    alike = (255 - discs(1).astype(int) + RNG.integers(0, 3, (20, 16, 16))).clip(0, 255)
    x = np.concatenate([discs(180), alike.astype(np.uint8)])
    odd = np.arange(200) >= 180
    told = ImageDetector(odd_share=0.2).fit(x)
    assert {*told.panel_.members} == {"neighbours", "edges", "spectrum", "far"}
    assert roc_auc_score(odd, told.usual_) > 0.95
    assert roc_auc_score(odd, ImageDetector().fit(x).usual_) < 0.5, "they have each other as neighbours"


def test_a_classifiers_doubt_on_images() -> None:
    small, large = discs(80), (255 - discs(80)).astype(np.uint8)
    x, kind = np.concatenate([small, large]), np.repeat(["bright", "dark"], 80)
    detector = ImageDetector(by="confidence").fit(x, kind)
    between = np.full((20, 16, 16), 128, np.uint8)
    assert detector.score_samples(between).mean() < detector.score_samples(x).mean()
    with pytest.raises(ValueError, match="requires y to be passed"):
        ImageDetector(by="confidence").fit(x)


def test_edges_tell_directions_and_places() -> None:
    image = np.zeros((1, 1, 16, 16), np.float32)
    image[..., 3:5, 1] = 1  # an upright line in the cell at the top left
    found = Edges.features(image).reshape(WAYS, CELLS, CELLS)
    assert found[0, 0, 0] == found.max(), "upright lines change across, which is the first direction"
    assert (found.sum(0)[2:] == 0).all(), "nothing changes in the lower half"
    turned = Edges.features(image.swapaxes(2, 3)).reshape(WAYS, CELLS, CELLS)
    assert turned[WAYS // 2, 0, 0] == pytest.approx(float(found[0, 0, 0]), rel=0.3)
    assert Edges.features(np.full((2, 3, 5, 7), 0.3, np.float32)).max() == 0


def test_a_spectrum_knows_no_places_and_no_brightness() -> None:
    image = RNG.random((1, 1, 12, 10)).astype(np.float32)
    np.testing.assert_allclose(Spectrum.features(np.roll(image, (3, 4), (2, 3))), Spectrum.features(image), atol=1e-3)
    np.testing.assert_allclose(Spectrum.features(image * 0.5 + 0.2)[0, 1:], np.log(np.exp(Spectrum.features(image)[0, 1:]) * 0.5), atol=0.1)


def test_components_and_what_they_leave_over() -> None:
    basis = np.linalg.qr(RNG.normal(size=(100, 3)))[0].T
    x = (RNG.normal(size=(200, 3)) * [3, 2, 1]) @ basis
    found = Components.fit(x.astype(np.float32))
    code = found(x.astype(np.float32))
    assert code.shape == (200, 4), "three directions are told by three components"
    assert code[:, -1].max() < 1e-3
    off = x[:1] + 2 * np.linalg.qr(np.concatenate([basis, RNG.normal(size=(1, 100))]).T)[0][:, 3]
    assert found(off.astype(np.float32))[0, -1] * found.unit == pytest.approx(2, rel=0.01)
    np.testing.assert_array_equal(Components.of(found.state())(x.astype(np.float32)), code)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 4)])
@pytest.mark.parametrize("by", [None, "reconstruction", "mixture"])
def test_tiny_images(size: tuple[int, int], by: str | None) -> None:
    x = RNG.integers(0, 256, (30, *size, 3), np.uint8)
    detector = ImageDetector(by=by).fit(x)  # type: ignore[arg-type]
    assert np.isfinite(detector.score_samples(x)).all()


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((5, 4)), r"shape \(5, 4\), neither"),
        (np.zeros((5, 4, 4, 2)), r"shape \(5, 4, 4, 2\), neither"),
        (np.full((5, 4, 4), 2.0), "numbers from 2 to 2; give uint8, or shares between 0 and 1"),
        (np.full((5, 4, 4), np.nan), "images contain NaN or infinity"),
        (np.zeros((1, 4, 4)), "1 images; too few to say what is usual"),
    ],
)
def test_what_are_no_images(x: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ImageDetector().fit(x)


def test_other_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"images of \(8, 9, 1\), but ImageDetector learnt from ones of \(16, 16, 1\)"):
        ImageDetector().fit(discs(10)).score_samples(np.zeros((2, 8, 9)))
    with pytest.raises(TypeError, match="give an array of numbers"):
        ImageDetector().fit(np.array([["a"]]))


def test_where_it_is_odd_in_words() -> None:
    error = np.zeros((9, 12))
    error[0, 0], error[8, 11] = 3, 1
    assert where_odd(error) == {"top left": "(75 %)", "bottom right": "(25 %)", "top centre": "(0 %)"}
    assert where_odd(np.zeros((1, 1))) == {}
    assert glowing(np.array([[0.0, 1 / 3, 2 / 3, 1.0]])).round(3).tolist() == [[[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]]]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name, images in (("usual", discs(60)), ("new/usual", discs(10)), ("new/odd", with_bar(discs(10)))):
        (tmp_path / name).mkdir(parents=True)
        for i, image in enumerate(images):
            Image.fromarray(image).save(tmp_path / name / f"{i:02}.png")
    return tmp_path / "usual", tmp_path / "new"


def test_the_verb_on_folders(folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usual, new = folders
    found, picture, table = str(tmp_path / "found"), str(tmp_path / "odd.png"), tmp_path / "scores.csv"
    assert main(["detect", "fit", str(usual), "--out", found, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["images"], told["size"], told["scores"]) == (60, "16 x 16", ["neighbours", "edges", "spectrum"])
    words = ["detect", "score", found, str(new), "--label", "folders", "--picture", picture, "--top", "3", "--out", str(table)]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["judged"]["roc_auc"] == 1
    assert all(one["image"].startswith("odd/") and "top right" in one["because"] for one in told["oddest"])
    assert len(table.read_text().splitlines()) == 21
    with Image.open(picture) as sheet:
        assert sheet.height > 0.9 * sheet.width, "three rows of three"
    assert main([*words]) == 2
    assert "is there already; choose another name" in capsys.readouterr().err
    assert main(["detect", "score", found, str(new / "odd" / "00.png")]) == 0
    assert "because of" in capsys.readouterr().out
    assert halfseen.detect_score(found, new, top=0)["oddest"] == []


def refused(*words: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["detect", *words]) == 2
    return " ".join(capsys.readouterr().err.split())


def test_what_the_verb_refuses(folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usual, new = folders
    out, rows = str(tmp_path / "out"), tmp_path / "rows.csv"
    rows.write_text("a,b\n" + "\n".join(f"{a},{b}" for a, b in RNG.normal(size=(20, 2))) + "\n")
    (tmp_path / "empty").mkdir()
    assert "no image; there is nothing" in refused("fit", str(tmp_path / "empty"), "--out", out, capsys=capsys)
    assert "only one image; too few to say what is usual" in refused("fit", str(usual / "00.png"), "--out", out, capsys=capsys)
    assert "--size is 4, but must be at least 8" in refused("fit", str(usual), "--out", out, "--size", "4", capsys=capsys)
    assert "--size is given, but this is a table" in refused("fit", str(rows), "--out", out, "--size", "9", capsys=capsys)
    assert "its images stand in one folder" in refused("fit", str(usual), "--out", out, "--label", "folders", capsys=capsys)
    assert not Path(out).exists(), "nothing is claimed for what is refused"
    assert main(["detect", "fit", str(usual), "--out", out, "--by", "forest"]) == 0
    assert main(["detect", "fit", str(rows), "--out", str(tmp_path / "of-rows")]) == 0
    assert "no detector.json; name a folder that `halfseen detect fit` made of a table" in refused("score", out, str(rows), capsys=capsys)
    said = refused("score", str(tmp_path / "of-rows"), str(new), capsys=capsys)
    assert "no image-detector.json; name a folder that `halfseen detect fit` made of images" in said
    picture = ["--picture", str(tmp_path / "p.png")]
    assert "a detector by 'forest' cannot show what is odd" in refused("score", out, str(new), *picture, capsys=capsys)
    assert "--picture is given, but this is a table" in refused("score", str(tmp_path / "of-rows"), str(rows), *picture, capsys=capsys)
    assert "--picture is p.jpg, but must end with .png" in refused("score", out, str(new), "--picture", "p.jpg", capsys=capsys)
    (new / "odd").rename(new / "strange")
    assert "has 'strange'; let labels be 1 for odd images" in refused("score", out, str(new), "--label", "folders", capsys=capsys)


def test_bad_files_are_told_at_once(folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usual, new = folders
    out = str(tmp_path / "out")
    assert main(["detect", "fit", str(usual), "--out", out]) == 0
    for name in ("00.png", "01.png"):
        file = new / "odd" / name
        file.write_bytes(file.read_bytes()[:120])
    said = refused("score", out, str(new), capsys=capsys)
    assert "2 faults" in said
    assert "00.png: damaged or cut short" in said
    put(new / "large.png", png(20_000, 20_000, 8, 2, b""))
    assert "20,000 x 20,000 pixels are more than the 64,000,000 that are read of one image" in refused(
        "score", out, str(new), capsys=capsys
    )
    (tmp_path / "one").mkdir()
    Image.new("RGB", (1, 1), "red").save(tmp_path / "one" / "dot.png")
    assert main(["detect", "score", out, str(tmp_path / "one"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["alarms"] == 1, "one pixel, enlarged, is no disc"


def test_damaged_detectors_are_told(tmp_path: Path) -> None:
    detector = ImageDetector(by="reconstruction").fit(discs(10))
    detector.save(tmp_path)
    file = tmp_path / "image-detector.json"
    facts = json.loads(file.read_text())
    for broken in ({**facts, "intake": {"table": {}}}, {**facts, "weights": {"magic": 1}}, {**facts, "offset": "low"}, []):
        file.write_text(json.dumps(broken))
        with pytest.raises(UserError, match=r"damaged|says of neither"):
            ImageDetector.load(tmp_path)
    with pytest.raises(UserError, match=r"no detector\.json"):
        AnomalyDetector.load(tmp_path)
