"""The estimator: scikit-learn's rules, scores that are right, files, and the verb."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import halfseen
from halfseen.apps.detector import AnomalyDetector
from halfseen.apps.pyod_detector import PyodDetector
from halfseen.cli import main
from halfseen.contracts import UserError

FACTS, ARRAYS = "detector.json", "detector.safetensors"


def cancer() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Half of the healthy rows to learn from; the others and the ill ones, and which are ill."""
    x, healthy = load_breast_cancer(return_X_y=True)
    well = np.flatnonzero(healthy == 1)
    train, rest = well[::2], np.concatenate([well[1::2], np.flatnonzero(healthy == 0)])
    return x[train], x[rest], healthy[rest] == 0


@pytest.mark.parametrize("options", [{}, {"odd_share": "unknown"}], ids=["usual", "unknown"])
def test_scikit_learns_own_checks_pass(options: dict[str, str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = check_estimator(AnomalyDetector(**options), on_fail=None)
    assert [(one["check_name"], one["exception"]) for one in found if one["status"] == "failed"] == []


@pytest.mark.parametrize("by", [None, "neighbours", "far", "forest", "reconstruction", "mixture"])
def test_illness_is_odd(by: str | None, tmp_path: Path) -> None:
    train, x, ill = cancer()
    detector = AnomalyDetector(by=by).fit(train)
    scores = detector.score_samples(x)
    assert roc_auc_score(ill, -scores) > 0.9, "lower is odder"
    np.testing.assert_allclose(detector.decision_function(x), scores - detector.offset_)
    assert (detector.predict(x) == np.where(scores < detector.offset_, -1, 1)).all()
    detector.save(tmp_path)
    again = AnomalyDetector.load(tmp_path)
    np.testing.assert_array_equal(again.score_samples(x), scores)
    np.testing.assert_array_equal(again.p_values(x), detector.p_values(x))
    assert again.get_params() == detector.get_params()


def test_of_usual_rows_about_the_promised_share_is_called_odd() -> None:
    rng = np.random.default_rng(0)
    detector = AnomalyDetector(alarm=0.1).fit(rng.normal(size=(600, 5)))
    fresh = rng.normal(size=(3000, 5))
    assert 0.06 < float((detector.predict(fresh) == -1).mean()) < 0.15
    assert float((detector.p_values(fresh) <= 0.05).mean()) < 0.07


def test_discoveries_are_mostly_true() -> None:
    rng = np.random.default_rng(0)
    detector = AnomalyDetector().fit(rng.normal(size=(2000, 4)))
    x = np.concatenate([rng.normal(size=(400, 4)), rng.normal(6, 1, size=(100, 4))])
    found = detector.discoveries(x, rate=0.1)
    assert found[400:].mean() > 0.95
    assert found[:400].sum() < 0.2 * found.sum()


def test_odd_rows_that_stand_together_in_training_are_found_if_one_says_that_there_are_some() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(450, 4)), rng.normal(0, 0.05, size=(50, 4)) + 4])
    odd = np.arange(500) >= 450
    blind, told = AnomalyDetector().fit(x), AnomalyDetector(odd_share="unknown").fit(x)
    assert roc_auc_score(odd, blind.usual_) < 0.7, "they have each other as neighbours"
    assert roc_auc_score(odd, told.usual_) > 0.95
    assert roc_auc_score(odd, AnomalyDetector(odd_share=0.15).fit(x).usual_) > 0.95


def test_the_odd_column_is_named() -> None:
    rng = np.random.default_rng(0)
    turns = np.pi * np.arange(12) / 12
    train = rng.normal(size=(500, 2)) @ np.stack([np.cos(turns), np.sin(turns)])  # twelve columns that belong together
    row = train[:1].copy()
    row[0, 3] += 4
    for by in (None, "reconstruction"):
        shares = AnomalyDetector(by=by).fit(train).explain(row)
        assert shares.shape == (1, 12)
        assert shares.argmax() == 3
        assert shares.sum() == pytest.approx(1)
    with pytest.raises(ValueError, match="by='forest' cannot tell what is odd about a row; take by='neighbours' or by='reconstruction'"):
        AnomalyDetector(by="forest").fit(train).explain(row)


def test_frames_with_categories_and_gaps() -> None:
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame({"size": rng.normal(size=300), "colour": rng.choice(["red", "green"], 300)})
    frame.loc[3, "size"] = np.nan
    detector = AnomalyDetector().fit(frame)
    assert detector.feature_names_in_.tolist() == ["size", "colour"]
    odd = detector.score_samples(pandas.DataFrame({"size": [0.0, 0.0], "colour": ["red", "blue"]}))
    assert odd[1] < odd[0], "a colour that training had not"
    assert detector.explain(pandas.DataFrame({"size": [0.0], "colour": ["blue"]})).argmax() == 1


def highest(detector: AnomalyDetector, x: np.ndarray, y: None = None) -> float:
    return float(detector.score_samples(x).mean())


def test_it_stands_in_pipelines_and_searches() -> None:
    train, x, ill = cancer()
    piped = make_pipeline(StandardScaler(), AnomalyDetector()).fit(train)
    assert roc_auc_score(ill, -piped.score_samples(x)) > 0.9
    search = GridSearchCV(AnomalyDetector(), {"by": ["neighbours", "far"]}, scoring=highest, cv=2)
    assert search.fit(train).best_params_["by"] in ("neighbours", "far")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"odd_share": 0.5}, "odd_share is 0.5, but must be 0 or more and below 0.5, or 'unknown'"),
        ({"odd_share": -0.1}, "odd_share is -0.1"),
        ({"alarm": 1.0}, "alarm is 1.0, but must be above 0 and below 1"),
        ({"by": "magic"}, "by is 'magic', but must be one of neighbours, far, forest, reconstruction, mixture, confidence, or None"),
    ],
)
def test_wrong_options_are_said(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        AnomalyDetector(**options).fit(np.eye(5))  # type: ignore[arg-type]


@pytest.fixture
def tables(tmp_path: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    train, new = tmp_path / "train.csv", tmp_path / "new.csv"
    train.write_text("length,weight,kind\n" + "\n".join(f"{a:.3f},{2 * a + b:.3f},x" for a, b in rng.normal(size=(300, 2))) + "\n")
    new.write_text("kind,weight,length,fault\nx,0.1,0.1,no\nx,-9,9,yes\nx,0.5,0.2,no\n")
    return train, new


def test_the_verb_finds_the_odd_row_and_says_why(tables: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train, new = tables
    assert main(["detect", "fit", str(train), "--out", str(tmp_path / "usual"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["columns"] == 3
    scores = tmp_path / "scores.csv"
    assert main(["detect", "score", str(tmp_path / "usual"), str(new), "--label", "fault", "--out", str(scores), "--json"]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert "'kind' tells nothing" not in said.err
    assert found["oddest"][0]["row"] == 3, "as an editor counts, with the header"
    assert set(list(found["oddest"][0]["because"])[:2]) == {"length", "weight"}
    assert found["judged"]["roc_auc"] == 1
    rows = scores.read_text().splitlines()
    assert rows[0] == "row,oddness,p_value,odd"
    assert len(rows) == 4
    assert main(["detect", "score", str(tmp_path / "usual"), str(new), "--label", "fault"]) == 0
    assert "because of" in capsys.readouterr().out
    assert halfseen.detect_score(tmp_path / "usual", new, label="fault", top=1)["oddest"] == found["oddest"][:1]


def refused(*words: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["detect", *words]) == 2
    return " ".join(capsys.readouterr().err.split())


def test_what_the_verb_refuses(tables: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train, new = tables
    usual = str(tmp_path / "usual")
    assert "--odd-share is 0.7" in refused("fit", str(train), "--out", usual, "--odd-share", "0.7", capsys=capsys)
    assert "--alarm is 0" in refused("fit", str(train), "--out", usual, "--alarm", "0", capsys=capsys)
    one = tmp_path / "one.csv"
    one.write_text("a,b\n1,2\n")
    assert "1 rows; too few to say what is usual; give more rows" in refused("fit", str(one), "--out", usual, capsys=capsys)
    assert main(["detect", "fit", str(train), "--out", usual]) == 0
    assert "is not empty; choose another --out" in refused("fit", str(train), "--out", usual, capsys=capsys)
    assert "a column 'fault' that training had not" in refused("score", usual, str(new), capsys=capsys)
    new.write_text("kind,weight,length,fault\nx,0.2,0.1,perhaps\nx,1,2,no\n")
    said = refused("score", usual, str(new), "--label", "fault", capsys=capsys)
    assert "row 2 has 'perhaps'; let labels be 1 for odd rows and 0 for usual ones" in said
    new.write_text("kind,weight,length\nx,heavy,0.1\nx,1,thick\n")
    said = refused("score", usual, str(new), capsys=capsys)
    assert "2 faults: row 2 has 'heavy' in 'weight'" in said
    assert "row 3 has 'thick' in 'length'" in said
    said = refused("score", str(tmp_path), str(new), capsys=capsys)
    assert "no detector.json; name a folder that `halfseen detect fit` made of a table" in said
    assert "--rate is 2" in refused("score", usual, str(new), "--rate", "2", capsys=capsys)
    assert "--top is -1" in refused("score", usual, str(new), "--top", "-1", capsys=capsys)
    assert "is there already; choose another name" in refused("score", usual, str(new), "--out", str(new), capsys=capsys)


def test_a_damaged_detector_is_told(tmp_path: Path) -> None:
    AnomalyDetector().fit(np.random.default_rng(0).normal(size=(50, 3))).save(tmp_path)
    raw = (tmp_path / ARRAYS).read_bytes()
    (tmp_path / ARRAYS).write_bytes(raw[:100])
    with pytest.raises(UserError, match=r"damaged .*; fit it anew"):
        AnomalyDetector.load(tmp_path)
    (tmp_path / ARRAYS).write_bytes(raw)
    facts = json.loads((tmp_path / FACTS).read_text())
    for broken in ({**facts, "weights": {"magic": 1}}, {**facts, "parameters": {"by": None, "size": 3}}, {"parameters": {}}):
        (tmp_path / FACTS).write_text(json.dumps(broken))
        with pytest.raises(UserError, match=r"damaged .*; fit it anew"):
            AnomalyDetector.load(tmp_path)


def test_with_pyods_meaning_higher_is_odder() -> None:
    train, x, ill = cancer()
    found = PyodDetector(contamination=0.2, odd_share=0.0).fit(train)
    assert found.labels_.mean() == pytest.approx(0.2, abs=0.01)
    assert (found.labels_ == (found.decision_scores_ > found.threshold_)).all()
    assert roc_auc_score(ill, found.decision_function(x)) > 0.9
    assert set(found.predict(x)) == {0, 1}
    shares = found.predict_proba(x)
    np.testing.assert_allclose(shares.sum(1), 1)
    assert shares[ill, 1].mean() > shares[~ill, 1].mean()
    assert (found.fit_predict(train) == found.labels_).all()
    with pytest.raises(ValueError, match=r"contamination is 0, but must be above 0 and at most 0\.5"):
        PyodDetector(contamination=0).fit(train)
