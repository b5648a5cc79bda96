"""Reducing: measures that are right, the estimator by scikit-learn's rules, its files, and the verb."""

from __future__ import annotations

import csv
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.manifold import trustworthiness
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

import halfseen
from halfseen.apps import reduced_quality, reductions
from halfseen.apps.reduced_picture import Labels
from halfseen.apps.reduced_quality import judge, share_lost
from halfseen.apps.reducer import Reducer
from halfseen.cli import main
from halfseen.contracts import UserError

RNG = np.random.default_rng(0)


class TestMeasures:
    x = RNG.normal(size=(60, 20)).astype(np.float32) + 100
    z = x[:, :2] + RNG.normal(size=(60, 2))

    def test_trustworthiness_is_scikit_learns_and_continuity_the_other_way_round(self) -> None:
        found = judge(self.x, {"way": self.z}, None)["way"]
        assert found["trustworthiness"] == pytest.approx(trustworthiness(self.x, self.z, n_neighbors=5), abs=1e-9)
        assert found["continuity"] == pytest.approx(trustworthiness(self.z, self.x, n_neighbors=5), abs=1e-9)
        assert found["accuracy"] is None

    def test_in_pieces_it_is_the_same_and_of_many_rows_some_are_judged_among_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = judge(self.x, {"way": self.z}, None)["way"]
        monkeypatch.setattr(reduced_quality, "CHUNK_NUMBERS", 60 * 20)
        assert judge(self.x, {"way": self.z}, None)["way"] == pytest.approx(whole, nan_ok=True)
        monkeypatch.setattr(reduced_quality, "MOST_JUDGED", 30)
        some = judge(self.x, {"way": self.z}, None)["way"]["trustworthiness"]
        assert some != whole["trustworthiness"]
        assert some == pytest.approx(whole["trustworthiness"], abs=0.05)

    def test_accuracy_is_that_of_ten_neighbours_each_row_left_out(self) -> None:
        label = RNG.integers(0, 3, 60)
        found = judge(self.x, {"way": self.z}, label)
        for name, space in (("full", self.x.astype(np.float64)), ("way", self.z)):
            right = [
                KNeighborsClassifier(10).fit(np.delete(space, i, 0), np.delete(label, i)).predict(space[i : i + 1])[0] == label[i]
                for i in range(60)
            ]
            assert found[name]["accuracy"] == pytest.approx(np.mean(right))

    def test_rows_without_a_label_neither_vote_nor_are_asked(self) -> None:
        label = np.array([0, 1] * 15 + [-1] * 30)
        assert judge(self.x, {}, label)["full"]["accuracy"] == judge(self.x[:30], {}, label[:30])["full"]["accuracy"]

    def test_what_is_lost_is_a_share_of_the_variance(self) -> None:
        assert share_lost(self.x, self.x) == 0
        assert share_lost(self.x, np.broadcast_to(self.x.mean(0), self.x.shape)) == pytest.approx(1)


def test_the_auto_encoder_keeps_the_neighbours_of_digits_and_rebuilds_them() -> None:
    x, y = load_digits(return_X_y=True)
    found = Reducer(steps=150).fit(x[:1000])
    z = found.transform(x)
    assert trustworthiness(x[:1000], z[:1000], n_neighbors=5) > 0.93, "of PCA it is .83"
    assert KNeighborsClassifier(10).fit(z[:1000], y[:1000]).score(z[1000:], y[1000:]) > 0.8, "new rows are placed among their like"
    back = found.inverse_transform(z)
    assert np.square(back - x).mean() < 0.7 * np.square(x - x.mean(0)).mean(), "two principal components leave 0.72"


@pytest.fixture(scope="module")
def fitted() -> Reducer:
    return Reducer(steps=20).fit(load_iris().data)


def test_scikit_learns_own_checks_pass() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = check_estimator(Reducer(steps=2), on_fail=None)
    assert [(one["check_name"], one["exception"]) for one in found if one["status"] == "failed"] == []


@pytest.mark.parametrize("by", ["autoencoder", "plain"])
def test_saved_and_loaded_it_says_the_same(by: str, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": RNG.normal(size=40), "kind": RNG.choice(["x", "y"], 40), "gone": np.nan, "b": RNG.normal(size=40)})
    frame.loc[3, "b"] = np.nan
    reducer = Reducer(by=by, steps=5).fit(frame)
    reducer.save(tmp_path)
    again = Reducer.load(tmp_path)
    np.testing.assert_array_equal(again.transform(frame), reducer.transform(frame))
    back = again.inverse_transform(reducer.transform(frame))
    assert back.shape == (40, 4)
    assert set(back[:, 1]) <= {"x", "y", "(other)", None}
    assert np.isnan(back[:, 2].astype(float)).all(), "nothing is known of it"
    assert again.get_params() == reducer.get_params()
    assert again.feature_names_in_.tolist() == ["a", "kind", "gone", "b"]
    assert again.get_feature_names_out().tolist() == ["reducer0", "reducer1"]


def test_it_stands_in_pipelines_and_searches_and_the_same_seed_gives_the_same(fitted: Reducer) -> None:
    x, y = load_iris(return_X_y=True)
    np.testing.assert_array_equal(clone(fitted).fit(x).transform(x), fitted.transform(x))
    assert not np.array_equal(Reducer(steps=20, random_state=1).fit(x).transform(x), fitted.transform(x))
    search = GridSearchCV(make_pipeline(Reducer(steps=20), KNeighborsClassifier()), {"reducer__to": [1, 3]}, cv=2)
    assert search.fit(x, y).best_score_ > 0.5


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"to": 5}, "to is 5, but there are no more than that to choose from: n_features=4"),
        ({"to": 0}, "to is 0, but must be a whole number, at least 1"),
        ({"steps": 1.5}, "steps is 1.5, but must be a whole number"),
        ({"by": "pca"}, "by is 'pca', but must be one of autoencoder, plain"),
    ],
)
def test_wrong_options_are_said(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Reducer(**options).fit(load_iris().data)  # type: ignore[arg-type]


def test_what_else_it_refuses(fitted: Reducer) -> None:
    from scipy.sparse import csr_matrix

    with pytest.raises(TypeError, match=r"[Ss]parse"):
        Reducer().fit(csr_matrix(np.eye(5)))
    with pytest.raises(ValueError, match="3 numbers a row, but this reducer makes 2"):
        fitted.inverse_transform(np.zeros((4, 3)))
    with pytest.raises(ValueError, match="Reducer is expecting 4 features"):
        fitted.transform(np.zeros((4, 3)))


def test_a_damaged_reducer_is_told(fitted: Reducer, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no reducer.json; name a folder that `Reducer.save` wrote"):
        Reducer.load(tmp_path)
    fitted.save(tmp_path)
    facts = json.loads((tmp_path / "reducer.json").read_text())
    for broken in ({}, {**facts, "parameters": {"size": 3}}, {**facts, "parameters": {"by": "magic"}}):
        (tmp_path / "reducer.json").write_text(json.dumps(broken))
        with pytest.raises(UserError, match=r"damaged .*; fit it anew"):
            Reducer.load(tmp_path)


@pytest.fixture
def flowers(tmp_path: Path) -> Path:
    data = load_iris()
    path = tmp_path / "flowers.csv"
    rows = [",".join([*map(str, x), data.target_names[y]]) for x, y in zip(data.data, data.target, strict=True)]
    path.write_text("\n".join(["a,b,c,d,kind", *rows]) + "\n")
    return path


def as_rows(path: Path) -> list[list[str]]:
    with path.open() as file:
        return list(csv.reader(file))


def test_the_verb_reduces_a_table_and_places_new_rows(flowers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "map"
    words = ["reduce", str(flowers), "--label", "kind", "--by", "autoencoder,plain,pca", "--steps", "20", "--out", str(out)]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    ways = {one["way"]: one for one in found["ways"]}
    assert list(ways) == ["all columns", "autoencoder", "plain", "pca"]
    assert ways["all columns"]["accuracy"] > 0.9
    assert all(0.5 < ways[way]["trustworthiness"] <= 1 and ways[way]["share_lost"] is not None for way in ("autoencoder", "plain", "pca"))
    assert found["rows"] == found["rows_judged"] == 150
    assert json.loads((out / "results.json").read_text())["ways"] == found["ways"]
    assert (out / "side-by-side.png").stat().st_size > 10_000
    rows = as_rows(out / "autoencoder.csv")
    assert rows[0] == ["row", "1", "2", "label"]
    assert len(rows) == 151
    assert (rows[1][0], rows[1][3]) == ("2", "setosa"), "as an editor counts, with the header"
    new = tmp_path / "new.csv"
    lines = flowers.read_text().splitlines()
    new.write_text("\n".join([lines[0], *lines[50:61]]) + "\n")
    assert main(["reduce", str(new), "--label", "kind", "--model", str(out), "--out", str(tmp_path / "placed")]) == 0
    placed = as_rows(tmp_path / "placed" / "model.csv")
    np.testing.assert_allclose(
        np.array([row[1:3] for row in placed[1:]], float), np.array([row[1:3] for row in rows[50:61]], float), atol=1e-4
    )
    assert "model" in capsys.readouterr().out


def test_images_and_a_model_of_pretrain(tmp_path: Path) -> None:
    images = RNG.integers(0, 256, (40, 6, 6)).astype(np.uint8)
    np.savez(tmp_path / "images.npz", images=images, kind=np.arange(40) % 2)
    found = halfseen.reduce(tmp_path / "images.npz", out=tmp_path / "map", to=3, label="kind", steps=3)
    assert [one["way"] for one in found["ways"]] == ["all columns", "autoencoder", "pca"]
    rows = as_rows(tmp_path / "map" / "autoencoder.csv")
    assert rows[0] == ["row", "1", "2", "3", "label"]
    assert rows[3][0] == "images.npz#2"
    assert halfseen.reduce(tmp_path / "images.npz", out=tmp_path / "again", model=tmp_path / "map")["rows"] == 40
    assert [row[1] for row in as_rows(tmp_path / "again" / "model.csv")] == [row[1] for row in rows]
    for method in ("vae", "neighbours"):
        summary = halfseen.pretrain(method, tmp_path / "images.npz", out=tmp_path / method, steps=2)
        assert np.isfinite(summary["heldout"]["loss"])
        halfseen.reduce(tmp_path / "images.npz", out=tmp_path / f"{method}-codes", model=tmp_path / method)
        assert len(as_rows(tmp_path / f"{method}-codes" / "model.csv")[0]) == 33


def test_beside_t_sne_and_umap(flowers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openTSNE")
    found = halfseen.reduce(flowers, out=tmp_path / "map", label="kind", by="tsne")
    way = found["ways"][1]
    assert way["trustworthiness"] > 0.95
    assert way["share_lost"] is None
    assert "model" not in found, "nothing that could place new rows"
    monkeypatch.setattr(reductions, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="--by umap needs umap-learn, which is not installed; pip install umap-learn, or leave umap out"):
        halfseen.reduce(flowers, out=tmp_path / "none", label="kind", by="autoencoder,umap")
    assert not (tmp_path / "none").exists()


def refused(*words: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["reduce", *words]) == 2
    return " ".join(capsys.readouterr().err.split())


def test_what_the_verb_refuses(flowers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ("--out", str(tmp_path / "map"))
    given = (str(flowers), *out)
    assert "--by: no way 'tnse'; did you mean 'tsne'?" in refused(*given, "--by", "pca,tnse", capsys=capsys)
    assert "--by: no way ''; take some of autoencoder, plain, pca, tsne, umap" in refused(*given, "--by", "", capsys=capsys)
    assert "--to is 0, but must be at least 1" in refused(*given, "--to", "0", capsys=capsys)
    assert "--to is 9, but there are only 8 numbers a row; give --to 8 or less" in refused(*given, "--to", "9", capsys=capsys)
    assert "--label is empty; name a column" in refused(*given, "--label", "", capsys=capsys)
    assert "no column 'kinds'" in refused(*given, "--label", "kinds", capsys=capsys)
    said = refused(*given, "--model", str(tmp_path), "--to", "2", "--by", "pca", capsys=capsys)
    assert "--to and --by are given beside --model, which learns nothing" in said
    assert "holds no" in (said := refused(*given, "--model", str(tmp_path), capsys=capsys)) or "missing or damaged" in said
    few = tmp_path / "few.csv"
    for text, words in (
        ("a,b\n1,2\n", "1 rows; too few to see which are near; give more rows"),
        ("a,b\n" + "1,2\n" * 20, "all rows are the same; give rows that differ"),
        ("a,b,l\n" + "".join(f"{i},{i % 3},\n" for i in range(9)), "no row has a label; name another --label, or leave it away"),
    ):
        few.write_text(text)
        label = ("--label", "l") if ",l" in text else ()
        assert words in refused(str(few), *out, *label, capsys=capsys)
    few.write_text("a,b\n" + "".join(f"{i},{i % 3}\n" for i in range(9)))
    assert "9 rows; --by tsne needs at least 10" in refused(str(few), *out, "--by", "tsne", capsys=capsys)
    assert not (tmp_path / "map").exists()
    assert main(["reduce", str(few), *out, "--by", "pca"]) == 0
    assert "holds other results; choose another --out" in refused(*given, capsys=capsys)


def test_a_constant_column_and_a_missing_cell_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b,c\n" + "".join(f"{i % 7},5,{'' if i == 4 else i % 5}\n" for i in range(30)))
    found = halfseen.reduce(path, out=tmp_path / "map", to=1, steps=3)
    assert np.isfinite([float(row[1]) for row in as_rows(tmp_path / "map" / "autoencoder.csv")[1:]]).all()
    assert found["ways"][1]["trustworthiness"] is not None


def test_labels_of_many_kinds() -> None:
    few = Labels.of([2.0, 10.0, None, 2.0, float("nan")], "here")
    assert few is not None
    assert few.names == ("2", "10"), "in the order of numbers"
    assert few.classes is not None
    assert few.classes.tolist() == [0, 1, -1, 0, -1]
    assert few.shown == ["2", "10", "", "2", ""]
    many = Labels.of([i / 3 for i in range(100)], "here")
    assert many is not None
    assert many.classes is None
    assert many.scale is not None
    names = Labels.of([f"n{i}" for i in range(100)], "here")
    assert names is not None
    assert names.classes is names.scale is None


def test_others_leave_the_number_of_threads_as_it_was() -> None:
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        for way in ("pca", "tsne", "umap"):
            reductions.reduced_by(way, np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32), to=2, steps=None, seed=0)
            assert torch.get_num_threads() == 1, way
    finally:
        torch.set_num_threads(threads)
