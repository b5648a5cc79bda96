"""A mixture's likelihood against scikit-learn's, and a classifier's doubts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.datasets import load_iris
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture
from sklearn.neural_network import MLPClassifier

from halfseen.apps.confidence import Confidence
from halfseen.apps.detector import AnomalyDetector
from halfseen.apps.mixture import Mixture
from halfseen.cli import main

RNG = np.random.default_rng(0)


def clusters(count: int = 300) -> np.ndarray:
    """Two that lie aslant, each a normal distribution."""
    aslant = RNG.normal(size=(count, 2)) @ np.array([[1.0, 0.9], [0.0, 0.4]])
    return aslant + np.where(np.arange(count)[:, None] % 2, [6.0, -6.0], [0.0, 0.0])


@pytest.mark.parametrize("kind", ["full", "diag"])
def test_the_likelihood_is_scikit_learns(kind: str) -> None:
    x = clusters()
    theirs = GaussianMixture(3, covariance_type=kind, random_state=0).fit(x)
    root = theirs.precisions_cholesky_
    ours = Mixture(theirs.weights_, theirs.means_, root if kind == "full" else np.stack([np.diag(row) for row in root]))
    np.testing.assert_allclose(ours.score(x), -theirs.score_samples(x), rtol=1e-10)
    again = Mixture.of(ours.state())
    np.testing.assert_array_equal(again.score(x), ours.score(x))


def test_of_one_normal_it_finds_the_density() -> None:
    x = RNG.normal(size=(4000, 3)) @ np.diag([1.0, 2.0, 0.5])
    found, own = Mixture.fit(x)
    assert found.share_K.tolist() == [1.0], "one normal is paid for, not sixteen"
    truth = -multivariate_normal(np.zeros(3), np.diag([1.0, 4.0, 0.25])).logpdf(x)
    assert abs(own - truth).max() < 0.5
    assert found.score(np.empty((0, 3))).shape == (0,)


def test_two_clusters_are_two_normals_and_between_them_is_odd() -> None:
    found, own = Mixture.fit(clusters())
    assert len(found.share_K) == 2
    assert found.score(np.array([[3.0, -3.0]]))[0] > own.max()


@pytest.mark.parametrize("rows", [2, 3, 5])
def test_few_rows_are_enough(rows: int) -> None:
    found, own = Mixture.fit(RNG.normal(size=(rows, 12)))
    assert np.isfinite(own).all()
    assert np.isfinite(found.score(np.full((1, 12), 1e6))).all()


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("count", [2, 3])
def test_a_classifiers_doubt_is_one_less_its_highest_probability(count: int) -> None:
    x, y = load_iris(return_X_y=True)
    x, y = x[y < count], y[y < count]
    theirs = MLPClassifier((8,), max_iter=20, random_state=0).fit(x, y)
    ours = Confidence(theirs.coefs_, theirs.intercepts_)
    np.testing.assert_allclose(ours.score(x), 1 - theirs.predict_proba(x).max(1), atol=1e-12)
    np.testing.assert_array_equal(Confidence.of(ours.state()).score(x), ours.score(x))


def test_doubts_of_training_rows_are_of_nets_that_did_not_learn_from_them() -> None:
    x, y = RNG.normal(size=(90, 20)), np.arange(90) % 2
    found, own = Confidence.fit(x, classes=y)
    other, own_of_other = Confidence.fit(x, classes=np.where(np.arange(90) == 7, 1 - y, y))
    assert own[7] == own_of_other[7], "what its class was, its own net never saw"
    assert found.score(x)[7] != other.score(x)[7]
    assert (own != own_of_other).mean() > 0.5


def test_the_detector_learns_classes_and_keeps_them(tmp_path: Path) -> None:
    x = np.concatenate([RNG.normal(at, 0.5, size=(100, 2)) for at in ((-3, 0), (3, 0), (0, 4))])
    kind = np.repeat(["a", "b", "c"], 100)
    between = RNG.normal((0, 0.5), 0.3, size=(50, 2))
    detector = AnomalyDetector(by="confidence").fit(x, kind)
    truth = np.r_[np.zeros(300), np.ones(50)]
    assert roc_auc_score(truth, -detector.score_samples(np.concatenate([x, between]))) > 0.95
    detector.save(tmp_path)
    np.testing.assert_array_equal(AnomalyDetector.load(tmp_path).score_samples(between), detector.score_samples(between))
    with pytest.raises(ValueError, match="requires y to be passed"):
        AnomalyDetector(by="confidence").fit(x)
    with pytest.raises(ValueError, match="all rows are of the class 'a'; a classifier's confidence needs two classes"):
        AnomalyDetector(by="confidence").fit(x, np.repeat("a", 300))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        AnomalyDetector(by="confidence").fit(x, kind[:5])


def test_the_verb_by_confidence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, out = tmp_path / "usual.csv", str(tmp_path / "found")
    rows = [f"{a + 5 * (i % 2):.3f},{b:.3f},{'xy'[i % 2]}" for i, (a, b) in enumerate(RNG.normal(size=(80, 2)))]
    table.write_text("a,b,kind\n" + "\n".join(rows) + "\n")
    assert main(["detect", "fit", str(table), "--out", out, "--by", "confidence"]) == 2
    assert "--by confidence learns from labels, and no --label is given" in capsys.readouterr().err
    assert main(["detect", "fit", str(table), "--out", out, "--by", "confidence", "--label", "kind"]) == 0
    new = tmp_path / "new.csv"
    new.write_text("a,b\n2.5,0\n0,0\n5,0\n")
    capsys.readouterr()
    assert main(["detect", "score", out, str(new), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["oddest"][0]["row"] == 2
    table.write_text("a,b,kind\n1,2,x\n3,4,x\n")
    assert main(["detect", "fit", str(table), "--out", str(tmp_path / "more"), "--by", "confidence", "--label", "kind"]) == 2
    assert "label 'kind': one class alone; leave --by confidence away" in " ".join(capsys.readouterr().err.split())
    table.write_text("a,b,kind\n1,2,x\n3,4,\n")
    assert main(["detect", "fit", str(table), "--out", str(tmp_path / "more"), "--by", "confidence", "--label", "kind"]) == 2
    assert "row 3 has none; give each usual row a class" in " ".join(capsys.readouterr().err.split())
