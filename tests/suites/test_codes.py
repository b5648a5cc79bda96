"""What codes are worth: figures whose truth is known, the verb from end to end on rows and images, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

import halfseen
from halfseen.cli import main
from halfseen.contracts import UserError
from halfseen.suites.code_scores import NEIGHBOURS, cluster_scores, linear_accuracy, neighbour_accuracy, votes

RNG = np.random.default_rng(0)


def blobs(count: int, far: float = 3.0):  # type: ignore[no-untyped-def]
    label = RNG.integers(0, 3, count)
    return np.eye(3)[label] * far + RNG.normal(size=(count, 3)), np.array(["a", "b", "c"])[label]


def test_neighbours_vote_as_in_scikit_learn() -> None:
    (train, label), (test, truth) = blobs(200, 1.0), blobs(100, 1.0)
    number, number_test = np.unique(label, return_inverse=True)[1], np.unique(truth, return_inverse=True)[1]
    wanted = [KNeighborsClassifier(count).fit(train, number).score(test, number_test) for count in (1, 3)]
    found = votes(train, number, test, number_test)
    assert found[0] == wanted[0]
    assert found[NEIGHBOURS.index(3)] == pytest.approx(wanted[1], abs=0.05), "equal votes are decided otherwise"


def test_blobs_are_told_apart_and_noise_is_not() -> None:
    (train, label), (test, truth) = blobs(300, 6.0), blobs(100, 6.0)
    for judge in (neighbour_accuracy, linear_accuracy):
        assert judge(train, label, test, truth, 0) > 0.97
        assert judge(RNG.normal(size=(300, 3)), label, RNG.normal(size=(100, 3)), truth, 0) < 0.55


def test_the_cosine_is_chosen_where_lengths_mean_nothing() -> None:
    kind = RNG.integers(0, 10, 400)
    x = (np.eye(10, 200)[kind] + 0.1 * RNG.normal(size=(400, 200))) * np.exp(5 * RNG.normal(size=(400, 1)))
    plain = votes(x[:300], kind[:300], x[300:], kind[300:])
    assert max(plain) < 0.97
    assert neighbour_accuracy(x[:300], kind[:300], x[300:], kind[300:], 0) > 0.98


def test_clusters_stand_for_one_label_each() -> None:
    """Of four clusters of a three-label set, one at most stands for each; what is in the fourth is wrong."""
    cluster = np.array([7, 7, 7, 9, 9, 4, 4, 5] * 2)
    label = np.array(["a", "a", "b", "b", "b", "c", "c", "c"] * 2)
    accuracy, information = cluster_scores(cluster, label, np.arange(8), np.arange(8, 16))
    assert accuracy == pytest.approx(6 / 8)
    assert 0 < information < 1
    assert cluster_scores(np.array([3, 3, 1, 1] * 2), np.array(["x", "x", "y", "y"] * 2), np.arange(4), np.arange(4, 8)) == (1.0, 1.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of three kinds, pictures of two, and a model of each."""
    made = tmp_path_factory.mktemp("codes")
    x, label = blobs(300, 4.0)
    rows = [f"{a:.3f},{b:.3f},{c:.3f},{kind}" for (a, b, c), kind in zip(x, label, strict=True)]
    (made / "rows.csv").write_text("\n".join(["p,q,r,kind", *rows]) + "\n")
    side = RNG.integers(0, 2, 200)
    pictures = RNG.integers(0, 60, (200, 10, 10))
    for i, where in enumerate(side):
        pictures[i, :, 5 * where : 5 * where + 5] += 150
    np.savez(made / "pictures.npz", images=pictures.astype(np.uint8), side=side)
    halfseen.pretrain("onehot", made / "rows.csv", out=made / "onehot", steps=150, label="kind", net={"code": 3}, batch=64)
    halfseen.pretrain("vqvae", made / "pictures.npz", out=made / "vqvae", steps=30, net={"width": 8, "code": 4}, entries=16, batch=64)
    halfseen.pretrain("simclr", made / "pictures.npz", out=made / "simclr", steps=5, net={"width": 8, "code": 8}, batch=64)
    return made


def by(found: dict, name: str) -> dict[str, float]:  # type: ignore[type-arg]
    return {row["arm"]: row["value"] for row in found["scores"] if row["name"] == name}


def test_classes_that_nobody_named_stand_beside_k_means(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["score", "codes", "--model", str(folder / "onehot"), "--data", str(folder / "rows.csv"), "--label", "kind", "--seeds", "2"]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(by(found, "neighbours")) == {"columns", "model", "scratch", "PCA, 3"}
    assert set(by(found, "cluster_accuracy")) == {"model", "k-means, 3"}
    assert by(found, "cluster_accuracy")["k-means, 3"] > 0.9
    assert {row["seeds"] for row in found["scores"]} == {2}
    assert found["codes"]["model"]["letters"] == 3
    again = halfseen.score("codes", model=folder / "onehot", data=folder / "rows.csv", label="kind", seeds=2)
    assert again["scores"] == found["scores"], "the same every time"
    monkeypatch.setenv("COLUMNS", "120")
    assert main(words) == 0
    assert "k-means, 3" in capsys.readouterr().out


def test_models_of_pictures_are_compared(folder: Path) -> None:
    pictures = folder / "pictures.npz"
    models = (str(folder / "vqvae"), str(folder / "simclr"))
    found = halfseen.score("codes", model=models, data=pictures, label="side", test=str(pictures))
    arms = {"pixels", "vqvae", "vqvae, random weights", "PCA, 9", "simclr", "simclr, random weights", "PCA, 8"}
    assert set(by(found, "neighbours")) == set(by(found, "linear_probe")) == arms
    assert by(found, "linear_probe")["pixels"] > 0.95
    assert by(found, "cluster_accuracy") == {}, "words of nine letters are too many"
    assert 0 < found["codes"]["vqvae"]["usage"] <= 1
    row = found["scores"][0]
    assert row["n"] == row["labels"] == 200
    assert row["stderr"] == pytest.approx(np.sqrt(row["value"] * (1 - row["value"]) / 200))


def test_faults_are_said(folder: Path) -> None:
    def fault(**options: object) -> str:
        with pytest.raises(UserError) as caught:
            halfseen.score("codes", **({"model": folder / "onehot", "data": folder / "rows.csv"} | options))
        return str(caught.value).replace(f"{folder}/", "")

    assert fault().startswith("rows.csv: ")
    assert fault(seeds=0, label="kind") == "--seeds is 0, but must be at least 1; see `halfseen score codes --help`"
    (folder / "rare.csv").write_text((folder / "rows.csv").read_text() + "0.1,0.2,0.3,d\n")
    rare = "rare.csv: 1 of 4 labels stand at fewer than 5 items, 'd' for one; name a column of classes, each with at least 5 items"
    assert fault(data=folder / "rare.csv", label="kind") == rare
    assert fault(model=(str(folder / "onehot"),) * 2, label="kind") == "--model names a folder twice; name each model once"
    assert "is fed otherwise than the first model" in fault(model=(str(folder / "onehot"), str(folder / "vqvae")), label="kind")
    pictures = fault(model=folder / "simclr", data=folder / "pictures.npz")
    assert pictures.startswith("pictures.npz: has no labels; name them by --label")
    other = folder / "other.npz"
    np.savez(other, images=np.zeros((10, 10, 10), np.uint8), side=np.array([5] * 5 + [0] * 5))
    given = {"model": folder / "simclr", "data": folder / "pictures.npz", "label": "side", "test": str(other)}
    assert fault(**given) == "other.npz: label '5' is not among those of pictures.npz; give the same labels"
    with pytest.raises(UserError, match="no suite 'cods'"):
        halfseen.score("cods", model="a", data="b")
