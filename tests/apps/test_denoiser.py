"""The estimator that cleans rows: scikit-learn's rules, noise that is less afterwards, and files."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import check_estimator

from halfseen import Denoiser
from halfseen.contracts import UserError

SMALL = {"max_iter": 20, "width": 16}


def test_scikit_learns_own_checks_pass() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = check_estimator(Denoiser(**SMALL), on_fail=None)  # type: ignore[arg-type]
    assert [(one["check_name"], one["exception"]) for one in found if one["status"] == "failed"] == []


def test_digits_come_nearer_to_what_they_were_than_by_principal_components() -> None:
    x = load_digits().data
    rng = np.random.default_rng(0)
    train, clean = x[:1300], x[1300:]
    noisy = clean + rng.normal(0, 4, size=clean.shape)
    ours = mean_squared_error(clean, Denoiser(per_column=False, amount=0.9, max_iter=300).fit(train).transform(noisy))
    components = [PCA(k).fit(train) for k in (5, 10, 15, 20)]
    best = min(mean_squared_error(clean, one.inverse_transform(one.transform(noisy))) for one in components)
    assert ours < 0.8 * best < mean_squared_error(clean, noisy)


@pytest.mark.parametrize("noise", ["mask", "salt-and-pepper"])
def test_what_was_lost_comes_back(noise: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 2)) @ rng.normal(size=(2, 10)) + 5  # ten columns that tell of two numbers
    lost = rng.random(x.shape) < 0.1
    noisy = np.where(lost, x.mean(0), x)
    found = Denoiser(noise=noise, amount=0.1, width=64, max_iter=300).fit(x).transform(noisy)  # type: ignore[arg-type]
    if noise == "mask":
        assert np.square(found - x)[lost].mean() < 0.2 * np.square(noisy - x)[lost].mean()
    assert np.square(found - x)[~lost].mean() < 0.2


def test_units_and_constant_columns_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(size=(200, 3)), np.full(200, 7.0)])
    units = np.array([1e-3, 1, 1e5, 1])
    one, other = (Denoiser(**SMALL).fit(x * by).transform(x * by) / by for by in (np.ones(4), units))  # type: ignore[arg-type]
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)
    pixels = Denoiser(per_column=False, **SMALL).fit(x)  # type: ignore[arg-type]
    assert len(set(pixels.scale_)) == 1


def test_it_is_cloned_piped_and_searched() -> None:
    x = load_digits().data[:200]
    made = clone(Denoiser(amount=0.4, **SMALL)).fit(x)  # type: ignore[arg-type]
    np.testing.assert_array_equal(made.transform(x), Denoiser(amount=0.4, **SMALL).fit(x).transform(x))  # type: ignore[arg-type]
    piped = make_pipeline(MinMaxScaler(), Denoiser(**SMALL)).fit(x)  # type: ignore[arg-type]
    assert piped.transform(x).shape == x.shape

    def near(denoiser: Denoiser, rows: np.ndarray, y: None = None) -> float:
        return -mean_squared_error(rows, denoiser.transform(rows + np.random.default_rng(0).normal(0, 4, rows.shape)))

    search = GridSearchCV(Denoiser(per_column=False, **SMALL), {"amount": [0.1, 0.9]}, scoring=near, cv=2)  # type: ignore[arg-type]
    assert search.fit(x).best_params_["amount"] == 0.9


def test_names_of_columns_are_kept(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(np.random.default_rng(0).normal(size=(40, 2)), columns=["length", "weight"])
    denoiser = Denoiser(**SMALL).fit(frame)  # type: ignore[arg-type]
    assert denoiser.get_feature_names_out().tolist() == ["length", "weight"]
    framed = denoiser.set_output(transform="pandas").transform(frame)
    assert list(framed) == ["length", "weight"]
    denoiser.save(tmp_path / "kept")
    again = Denoiser.load(tmp_path / "kept")
    np.testing.assert_array_equal(again.transform(frame), framed)
    assert again.get_params() == denoiser.get_params()
    assert again.feature_names_in_.tolist() == ["length", "weight"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"noise": "rain"}, "noise is 'rain', but must be one of gaussian, mask, salt-and-pepper"),
        ({"amount": 0}, "amount is 0, but must be above 0"),
        ({"noise": "mask", "amount": 1.5}, r"amount is 1\.5, but must be above 0, and below 1 as a share"),
        ({"width": 0}, "width is 0, but must be at least 1"),
        ({"max_iter": 0}, "max_iter is 0, but must be at least 1"),
    ],
)
def test_wrong_options_are_said(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Denoiser(**options).fit(np.eye(5))  # type: ignore[arg-type]


def test_wrong_rows_are_said() -> None:
    with pytest.raises(TypeError, match="Sparse data was passed"):
        Denoiser().fit(sparse.csr_matrix(np.eye(5)))
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        Denoiser().fit(np.ones((1, 3)))
    with pytest.raises(ValueError, match="contains NaN"):
        Denoiser().fit(np.array([[1, np.nan], [2, 3]]))
    with pytest.raises(ValueError, match="X has 4 features, but Denoiser is expecting 5"):
        Denoiser(**SMALL).fit(np.eye(5)).transform(np.eye(4))  # type: ignore[arg-type]


def test_damaged_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no denoiser\.json; name a folder that `Denoiser\.save` wrote"):
        Denoiser.load(tmp_path)
    Denoiser(**SMALL).fit(np.eye(5)).save(tmp_path)  # type: ignore[arg-type]
    facts_file, arrays_file = tmp_path / "denoiser.json", tmp_path / "denoiser.safetensors"
    raw, facts = arrays_file.read_bytes(), json.loads(facts_file.read_text())
    arrays_file.write_bytes(raw[:100])
    with pytest.raises(UserError, match=r"damaged .*; fit it anew"):
        Denoiser.load(tmp_path)
    arrays_file.write_bytes(raw)
    wrong = [
        {**facts, "features": 4},
        {**facts, "parameters": {"size": 3}},
        {**facts, "parameters": facts["parameters"] | {"width": 17}},
        {},
    ]
    for broken in wrong:
        facts_file.write_text(json.dumps(broken))
        with pytest.raises(UserError, match=r"damaged .*; fit it anew"):
            Denoiser.load(tmp_path)
