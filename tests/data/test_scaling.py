"""The scaler: what training says of columns, the same whatever their order, and every stranger named."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfseen.contracts import UserError
from halfseen.data import scaling
from halfseen.data.scaling import FAR, TableScaler
from halfseen.data.tables import read_table
from halfseen.data.tabular import Column, Table

DATA = os.environ.get("HALFSEEN_DATA", "")
NAN = float("nan")


def table(**columns: list[Any]) -> Table:
    return read_table(pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()}))


def fault(scaler: TableScaler, given: Table) -> str:
    with pytest.raises(UserError) as caught:
        scaler.transform(given)
    with pytest.raises(UserError) as again:
        scaler.strange(given)
    assert str(caught.value) == str(again.value)
    return str(caught.value)


WAY_OUT = "give training's columns (the label apart, with label=), and read files with kinds=scaler.kinds"
TRAINING = {"age": [1, 2, 3, None], "colour": ["red", "blue", "red", None], "same": [7, 7, 7, 7], "void": [None] * 4}


def test_every_output_and_its_name() -> None:
    scaler = TableScaler.fit(table(**TRAINING))
    step = float(np.sqrt(1.5))
    assert scaler.names == ("age", "age=(missing)", "colour=red", "colour=blue", "colour=(other)", "colour=(missing)", "same")
    assert scaler.source_of == ("age", "age", "colour", "colour", "colour", "colour", "same")
    assert scaler.kinds == {"age": "numbers", "colour": "categories", "same": "numbers"}
    out_RF = scaler.transform(table(**TRAINING))
    assert out_RF.dtype == np.float32
    np.testing.assert_allclose(
        out_RF,
        [[-step, 0, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 0], [step, 0, 1, 0, 0, 0, 0], [0, 1, 0, 0, 0, 1, 0]],
        atol=1e-6,
    )
    assert scaler.notes == ("'void' is left out: all of its cells are missing", "'same' tells nothing: it is 7 throughout")


def test_what_training_had_not_is_counted_and_told() -> None:
    scaler = TableScaler.fit(table(a=[1, 2], c=["y", "x"], same=[7, 7]))
    assert scaler.names == ("a", "c=x", "c=y", "c=(other)", "same")
    given = table(a=[None, 4, None], c=["z", None, "mauve"], same=[7, 8, 7])
    assert scaler.transform(given).tolist() == [[0, 0, 0, 1, 0], [5, 0, 0, 0, 0], [0, 0, 0, 1, 0]]
    assert scaler.strange(given) == (
        "'a': 2 of 3 rows miss it, as in training none did, and count as the mean; the first is row 0",
        "'c': 2 of 3 rows have a category that training had not; row 0 has 'z'",
        "'c': 1 of 3 rows miss it, as in training none did, and count as none of its categories; the first is row 1",
        "'same': 1 of 3 rows have another number than training's 7, and count as the same; row 1 has 8",
    )
    assert scaler.strange(table(a=[3], c=["y"], same=[7])) == ()


def test_rare_categories_share_a_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "MOST_CATEGORIES", 2)
    scaler = TableScaler.fit(table(c=["d", "b", "b", "a", "c", "a", "b"]))
    assert scaler.names == ("c=b", "c=a", "c=(other)")
    assert scaler.notes == ("'c' has more than 2 categories: the rarest 2 of its 4 categories share one slot",)
    given = table(c=["a", "d", "new"])
    assert scaler.transform(given).tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 1]]
    assert scaler.strange(given) == ("'c': 2 of 3 rows have a category without a slot; row 1 has 'd'",)


def test_sixty_four_categories_have_slots() -> None:
    scaler = TableScaler.fit(table(c=[f"{i:02}" for i in range(70)]))
    assert scaler.names == (*(f"c={i:02}" for i in range(64)), "c=(other)")


@pytest.mark.parametrize("values", [[0.1 + 0.2, 0.3, 0.3], [1e-200, 2e-200, 0], [5, 5, None], [-3.5]])
def test_constant_but_for_rounding(values: list[Any]) -> None:
    scaler = TableScaler.fit(table(a=values, b=list(range(len(values)))))
    assert (scaler.transform(table(a=values, b=list(range(len(values)))))[:, 0] == 0).all()
    assert scaler.notes[0].startswith("'a' tells nothing: it is ")


def test_one_row() -> None:
    scaler = TableScaler.fit(table(a=[4], c=["x"]))
    assert scaler.transform(table(a=[4], c=["x"])).tolist() == [[0, 1, 0]]
    assert scaler.inverse(np.zeros((1, 3)))["a"].tolist() == [4]


def test_small_differences_of_large_numbers_are_no_rounding() -> None:
    scaler = TableScaler.fit(table(seconds=[1.7e9, 1.7e9 + 1]))
    assert scaler.transform(table(seconds=[1.7e9, 1.7e9 + 1])).tolist() == [[-1], [1]]


def test_what_is_far_out_stays_finite() -> None:
    scaler = TableScaler.fit(table(a=[0, 1e-90, 2e-90], b=[-1e100, 0, 1e100]))
    out_RF = scaler.transform(table(a=[1e100, -1e100, 0], b=[1, -1e100, 1e100]))
    assert out_RF[:2, 0].tolist() == [FAR, -FAR]
    np.testing.assert_allclose(out_RF[:, 1], [0, -np.sqrt(1.5), np.sqrt(1.5)], rtol=1e-6)


def test_nothing_at_all() -> None:
    with pytest.raises(UserError, match=r"^the DataFrame: every cell is missing; give rows that say something$"):
        TableScaler.fit(table(a=[None], b=[NAN]))


def test_all_faults_at_once() -> None:
    scaler = TableScaler.fit(table(age=[1, 2], weight=[3, 4], colour=["r", "g"], kind=["x", "y"]))
    given = table(wieght=[1, 2, 3], age=["5", "old", None], colour=[1, 2, 3], kind=[None, None, None])
    assert fault(scaler, given) == (
        "the DataFrame: 4 faults: no column 'weight', a column 'wieght' that training had not, "
        "row 1 has 'old' in 'age', where training had numbers, 'colour' holds numbers, where training had categories; "
        f"did you mean 'weight'?; {WAY_OUT}"
    )
    given = table(age=["5", "6"], weight=[1, 2], colour=["r", "g"], kind=["x", "y"])
    assert fault(scaler, given) == f"the DataFrame: 'age' holds numbers written as text, where training had numbers; {WAY_OUT}"


def test_rows_are_named_as_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,x\n\n2,y\nno,z\n")
    scaler = TableScaler.fit(table(a=[1, 2], b=["x", "y"]))
    assert (
        fault(scaler, read_table(tmp_path / "a.csv")) == f"{tmp_path}/a.csv: row 5 has 'no' in 'a', where training had numbers; {WAY_OUT}"
    )
    with pytest.raises(UserError, match=r"a\.csv: row 5 has 'no' in 'a', which are numbers; mend or remove these rows"):
        read_table(tmp_path / "a.csv", kinds=scaler.kinds)


def test_strange_rows_are_named_as_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,x\n\n1,y\n,x\n2,\n")
    scaler = TableScaler.fit(table(a=[1, 1], b=["x", "x"]))
    assert scaler.strange(read_table(tmp_path / "a.csv")) == (
        "'a': 1 of 4 rows have another number than training's 1, and count as the same; row 6 has 2",
        "'a': 1 of 4 rows miss it, as in training none did, and count as the mean; the first is row 5",
        "'b': 1 of 4 rows have a category that training had not; row 4 has 'y'",
        "'b': 1 of 4 rows miss it, as in training none did, and count as none of its categories; the first is row 6",
    )


def test_a_column_that_is_missing_throughout_is_of_any_kind() -> None:
    scaler = TableScaler.fit(table(a=[1, 2], c=["x", "y"]))
    nothing = pd.DataFrame({"a": pd.Categorical([None, None]), "c": [NAN, NAN]})
    given = read_table(nothing)
    assert [column.kind for column in given.columns] == ["numbers", "numbers"]
    words = replace(given, columns=(Column("a", np.array([None, None])), given["c"]))
    for kind in (given, words):
        assert scaler.transform(kind).tolist() == [[0, 0, 0, 0]] * 2
        assert [line[:15] for line in scaler.strange(kind)] == ["'a': 2 of 2 row", "'c': 2 of 2 row"]


def test_a_file_of_digits_fits_training_with_words(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("zip,void\n01,\n2,\n")
    scaler = TableScaler.fit(table(zip=["01", "x"], void=["w", "v"]))
    assert fault(scaler, read_table(tmp_path / "a.csv")) == (
        f"{tmp_path}/a.csv: 'zip' holds numbers, where training had categories; {WAY_OUT}"
    )
    assert scaler.transform(read_table(tmp_path / "a.csv", kinds=scaler.kinds)).tolist() == [[1, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]]


def test_columns_that_training_left_out_may_come_or_not() -> None:
    scaler = TableScaler.fit(table(a=[1, 2], void=[None, None]))
    assert scaler.transform(table(a=[1])).tolist() == scaler.transform(table(void=["w"], a=[1])).tolist() == [[-1]]


def test_too_many_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    scaler = TableScaler.fit(table(c=["x", "y"]))
    monkeypatch.setattr(scaling, "MOST_CELLS", 5)
    with pytest.raises(UserError, match=r"^the DataFrame: 2 rows x 3 outputs are more than 5 numbers; transform them in parts: table.take"):
        scaler.transform(table(c=["x", "y"]))


def test_inverse_speaks_in_each_columns_unit() -> None:
    scaler = TableScaler.fit(table(**TRAINING))
    guess = np.array([[1.0, 0.2, 0.1, 0.7, 0.2, 0, 5], [0, 0.9, 0, 0, 0.3, 0, 0], [0, 0, -1, -0.5, 0, 0, 0], [0, 0, 9, 0, 0, 0.6, 0]])
    found = scaler.inverse(guess)
    np.testing.assert_allclose(found["age"], [2 + np.sqrt(2 / 3), NAN, 2, 2])
    assert found["colour"].tolist() == ["blue", "(other)", None, None]
    assert found["same"].tolist() == [7] * 4
    with pytest.raises(ValueError, match=r"shape \(4, 6\), not \(rows, 7\)"):
        scaler.inverse(guess[:, 1:])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda found: found.clear(),
        lambda found: found.pop("rows"),
        lambda found: found["columns"].clear(),
        lambda found: found["columns"][0].update(scale=NAN),
        lambda found: found["columns"][0].update(scale=-1),
        lambda found: found["columns"][0].update(scale=1e999),
        lambda found: found["columns"][0].update(kind="texts"),
        lambda found: found["columns"][0].pop("centre"),
        lambda found: found["columns"][1].update(kept=[]),
        lambda found: found["columns"][1].update(kept=[1]),
        lambda found: found["columns"][1].update(name="age"),
        lambda found: found["columns"][1].update(name=3),
    ],
)
def test_what_is_no_scaler_is_refused(spoil: Any) -> None:
    found = json.loads(json.dumps(TableScaler.fit(table(**TRAINING)).to_json()))
    spoil(found)
    with pytest.raises(UserError, match=r"^scaler.json: not a table scaler's JSON \(.*\); take the file that training wrote$"):
        TableScaler.from_json(found, where="scaler.json")


NUMBER = st.one_of(st.none(), st.floats(-1e6, 1e6).map(lambda x: round(x, 3)))
WORD = st.one_of(st.none(), st.sampled_from(["a", "b", "c", "(other)", "ä b"]))


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[Any]]:
    rows = draw(st.integers(2, 15))
    return {
        f"c{i}": draw(st.lists(draw(st.sampled_from([NUMBER, WORD])), min_size=rows, max_size=rows)) for i in range(draw(st.integers(1, 5)))
    } | {"last": list(range(rows))}


@settings(max_examples=100, deadline=None)
@given(tables(), st.randoms(use_true_random=False))
def test_properties(columns: dict[str, list[Any]], random: Any) -> None:
    training = table(**columns)
    scaler = TableScaler.fit(training)
    out_RF = scaler.transform(training)
    assert out_RF.shape == (len(training), len(scaler.names)) == (len(training), len(scaler.source_of))

    # numbers: mean 0 and, unless constant, variance 1 over the rows that say something; the rest is 0 or 1
    for i, (name, source) in enumerate(zip(scaler.names, scaler.source_of, strict=True)):
        if name == source:
            said = out_RF[~training[source].missing, i].astype(float)
            assert abs(said.mean()) < 1e-5
            assert said.std() == pytest.approx(1, abs=1e-5) or not said.any()
            assert not out_RF[training[source].missing, i].any()
        else:
            assert set(out_RF[:, i].tolist()) <= {0.0, 1.0}
    assert scaler.strange(training) == ()

    # order of columns, and of rows, and JSON change nothing
    order = list(columns)
    random.shuffle(order)
    assert np.array_equal(scaler.transform(table(**{name: columns[name] for name in order})), out_RF)
    rows = np.array(random.sample(range(len(training)), len(training)))
    assert np.array_equal(scaler.transform(training.take(rows)), out_RF[rows])
    again = TableScaler.from_json(json.loads(json.dumps(scaler.to_json(), allow_nan=False)))
    assert again == scaler

    # what was scaled is found again
    for name, values in scaler.inverse(out_RF).items():
        column = training[name]
        if column.kind == "numbers":
            np.testing.assert_allclose(values, column.values, rtol=1e-5, atol=1e-6 * np.nanmax(np.abs(column.values)))
        else:
            assert values.tolist() == column.values.tolist()


@pytest.mark.skipif(not DATA, reason="HALFSEEN_DATA is not set")
def test_a_real_table() -> None:
    given = read_table(Path(DATA) / "adbench" / "6_cardio.npz")
    half = np.arange(len(given)) < len(given) // 2
    scaler = TableScaler.fit(given.take(half))
    train_RF, rest_RF = scaler.transform(given.take(half)), scaler.transform(given.take(~half))
    assert np.abs(train_RF.mean(axis=0)).max() < 1e-5
    assert 0 < np.abs(rest_RF.mean(axis=0)).max() < 10
    assert np.isfinite(rest_RF).all()
