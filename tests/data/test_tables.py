"""Tables: every source to the same columns, what is a number and what is missing, every fault in its words."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pytest
import scipy.sparse
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib import format as npy
from pyarrow import parquet

from halfseen.contracts import UserError
from halfseen.data import arrays, cells, tabular
from halfseen.data.tables import read_table
from halfseen.data.tabular import Column, Table

DATA = os.environ.get("HALFSEEN_DATA", "")
PACK = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress, ".zst": zstandard.compress}
NAN = float("nan")
FRAME = {"age": [31.0, NAN, -2.5e3], "colour": ["red", None, "dark, red"], "n": [1.0, 2.0, 3.0]}
CSV = 'age,colour,n\n31,red,1\n?,NA,2\n-2.5e3,"dark, red", 3 \n'
COUNTED = {"0": [1.0, 3.0], "1": [2.0, NAN]}


def put(path: Path, text: str | bytes) -> Path:
    path.write_bytes(PACK.get(path.suffix, bytes)(text.encode() if isinstance(text, str) else text))
    return path


def values(table: Table) -> dict[str, list[Any]]:
    return {column.name: column.values.tolist() for column in table.columns}


def same(table: Table, expected: dict[str, list[Any]]) -> None:
    assert repr(values(table)) == repr(expected)  # so that NaN is NaN


def fault(source: Any, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        read_table(source, **options)
    return str(caught.value).replace(f"{Path(source).parent}/" if isinstance(source, Path) else "\0", "")


# Sources


@pytest.mark.parametrize("packed", PACK)
@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_text_in_every_compression(tmp_path: Path, suffix: str, packed: str) -> None:
    text = CSV if suffix == ".csv" else CSV.replace('"dark, red"', "dark; red").replace(",", "\t").replace(";", ",")
    table = read_table(put(tmp_path / f"a{suffix}{packed}", "\ufeff" + text.replace("\n", "\r\n")))
    same(table, FRAME)
    assert table.numbers.tolist() == [2, 3, 4]
    assert [column.kind for column in table.columns] == ["numbers", "categories", "numbers"]
    assert table["age"].missing.tolist() == table["colour"].missing.tolist() == [False, True, False]


def test_frames_parquet_and_objects_are_the_same_table(tmp_path: Path) -> None:
    frame = pd.DataFrame(FRAME)
    frame.to_parquet(tmp_path / "a.parquet")
    for table in (read_table(frame), read_table(str(tmp_path / "a.parquet"))):
        same(table, FRAME)
    assert read_table(frame).numbers.tolist() == [0, 1, 2]
    assert read_table(tmp_path / "a.parquet").numbers.tolist() == [1, 2, 3]
    same(read_table(np.array([[pd.NA, pd.NaT], ["x", 2]], dtype=object)), {"0": [None, "x"], "1": [NAN, 2.0]})
    same(read_table(frame.to_numpy(dtype=object)), {str(i): column for i, column in enumerate(FRAME.values())})


def test_what_pandas_calls_numbers_and_categories() -> None:
    frame = pd.DataFrame(
        {
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "truth": [True, False, True],
            "flag": pd.array([True, None, False], dtype="boolean"),
            "coded": pd.Categorical([7, 8, None]),
            "digits": ["1", "02", "NA"],
            "mixed": np.array([1, None, 2.5], dtype=object),
            "small": np.array([1, 2, 3], dtype=np.uint8),
        },
        index=[5, 5, 9],
    )
    same(
        read_table(frame),
        {
            "nullable": [1.0, NAN, 3.0],
            "truth": [1.0, 0.0, 1.0],
            "flag": [1.0, NAN, 0.0],
            "coded": ["7", "8", None],
            "digits": ["1", "02", "NA"],
            "mixed": [1.0, NAN, 2.5],
            "small": [1.0, 2.0, 3.0],
        },
    )


def test_arrow_types(tmp_path: Path) -> None:
    columns = {
        "words": pyarrow.array(["a", None, "b"]).dictionary_encode(),
        "large": pyarrow.array(["x", "x", None], pyarrow.large_string()),
        "cents": pyarrow.array([1, None, 3], pyarrow.int64()).cast(pyarrow.decimal128(22, 2)),
        "truth": pyarrow.array([True, None, False]),
        "nothing": pyarrow.nulls(3),
        "dotted.name": pyarrow.array([1, 2, 3], pyarrow.int8()),
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet", row_group_size=2)
    same(
        read_table(tmp_path / "a.parquet"),
        {
            "words": ["a", None, "b"],
            "large": ["x", "x", None],
            "cents": [1.0, NAN, 3.0],
            "truth": [1.0, NAN, 0.0],
            "nothing": [NAN, NAN, NAN],
            "dotted.name": [1.0, 2.0, 3.0],
        },
    )


def test_pandas_row_numbers_are_no_column(tmp_path: Path) -> None:
    pd.DataFrame(FRAME).iloc[[2, 0, 1]].to_parquet(tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    assert table.names == ("age", "colour", "n")
    assert table.notes == ("'__index_level_0__' was passed over: pandas' row numbers",)


@pytest.mark.parametrize("dtype", ["int8", "uint64", "float16", "float32", ">f8", "bool"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_and_npz(tmp_path: Path, dtype: str, order: Any) -> None:
    array = np.asarray(np.arange(6).reshape(3, 2) % 2 if dtype == "bool" else np.arange(6).reshape(3, 2), dtype=dtype, order=order)
    np.save(tmp_path / "a.npy", array)
    np.savez_compressed(tmp_path / "a.npz", X=array, y=np.array([[1], [0], [1]]), other=np.array(["a", "b", "c"]))
    expected = {str(i): array[:, i].astype(float).tolist() for i in range(2)}
    for source in (array, tmp_path / "a.npy", tmp_path / "a.npz"):
        same(read_table(source), expected)
    assert read_table(tmp_path / "a.npy").label is None
    labels = {name: read_table(tmp_path / "a.npz", label=name).label for name in (None, "other", "1")}
    assert {name: (label.name, label.values.tolist()) for name, label in labels.items() if label} == {
        None: ("y", [1.0, 0.0, 1.0]),
        "other": ("other", ["a", "b", "c"]),
        "1": ("1", expected["1"]),
    }


def test_an_array_is_neither_changed_nor_locked() -> None:
    array = np.array([[1.0, 2.0]])
    table = read_table(array)
    array[0, 0] = 9
    assert table["0"].values.tolist() == [1.0]
    with pytest.raises(ValueError, match="read-only"):
        table["0"].values[0] = 3
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    held = read_table(frame)
    frame.loc[0, "a"], frame.loc[0, "b"] = 5.0, "z"
    same(held, {"a": [1.0, 2.0], "b": ["x", "y"]})


@pytest.mark.skipif(not DATA, reason="HALFSEEN_DATA is not set")
def test_adbench() -> None:
    path = Path(DATA) / "adbench" / "6_cardio.npz"
    table = read_table(path)
    assert (len(table), len(table.columns)) == (1831, 21)
    assert table.label is not None
    assert table.label.values.sum() == 176
    with np.load(path) as file:
        assert np.array_equal(np.stack([column.values for column in table.columns], axis=1), file["X"])


# Headers, kinds, labels


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,2\n3,\n", COUNTED),
        ("0,1\n1,2\n3,NaN\n", COUNTED),
        ("1,nan\n", {"0": [1.0], "1": [NAN]}),
        ("a\n\n1\n\n2\n", {"a": [1.0, 2.0]}),
        ("a,b\n,\n1,x\n", {"a": [NAN, 1.0], "b": [None, "x"]}),
        ("a,b\nnull, NA\n ?,\n", {"a": [NAN, NAN], "b": [NAN, NAN]}),
        ("a,b\n1_0, x \n2,x\n", {"a": ["1_0", "2"], "b": ["x", "x"]}),
        ("a\n1e3\n+.5\n-0\n", {"a": [1000.0, 0.5, -0.0]}),
        ("a,b\nnone,inf\nN/A,word\n", {"a": ["none", None], "b": ["inf", "word"]}),
    ],
)
def test_headers_and_kinds(tmp_path: Path, text: str, expected: dict[str, list[Any]]) -> None:
    same(read_table(put(tmp_path / "a.csv", text)), expected)


def test_text_arrays_are_read_as_text_files() -> None:
    expected = {"0": [1.0, NAN], "1": ["x", None]}
    same(read_table(np.array([["1", "x"], ["", "NA"]])), expected)
    same(read_table(np.array([[b"1", "ä".encode()], [b"", b"NA"]])), {"0": [1.0, NAN], "1": ["ä", None]})
    assert fault(np.array([[b"1", b"\xff"]])) == (
        "the array: not UTF-8 text ('utf-8' codec can't decode byte 0xff in position 0: invalid start byte); "
        "make it an array of str, or of numbers"
    )


def test_a_word_far_below_turns_numbers_to_categories_with_their_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "BLOCK", 10)
    rows = "".join(f"{i:03},{'' if i < 30 else 'w'},{i}\n" for i in range(49))
    table = read_table(put(tmp_path / "a.csv", f"code,late,n\n{rows}oops,w,7\n"), kinds={"n": "categories"})
    same(
        table,
        {
            "code": [*(f"{i:03}" for i in range(49)), "oops"],
            "late": [*[None] * 30, *["w"] * 20],
            "n": [*map(str, range(49)), "7"],
        },
    )
    what = "1 of the 50 cells up to row 51 are no numbers: row 51 has 'oops'"
    assert table.notes == (f"'code' is read as categories, as {what}",)


def test_known_kinds_decide(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "zip,age\n01,1\n02,x\n03,y\n")
    same(read_table(path, kinds={"zip": "categories"}), {"zip": ["01", "02", "03"], "age": ["1", "x", "y"]})
    assert fault(path, kinds={"age": "numbers"}) == (
        "a.csv: 2 faults: row 3 has 'x' in 'age', which are numbers, row 4 has 'y' in 'age', which are numbers; mend or remove these rows"
    )
    same(read_table(np.array([["1"], ["2"]]), kinds={"0": "categories"}), {"0": ["1", "2"]})


def test_labels_are_split_off(tmp_path: Path) -> None:
    table = read_table(put(tmp_path / "a.csv", CSV), label="colour")
    assert table.names == ("age", "n")
    assert table.label is not None
    assert table.label.values.tolist() == ["red", None, "dark, red"]
    assert fault(tmp_path / "a.csv", label="color") == (
        "a.csv: no column 'color'; its columns are 'age', 'colour', 'n'; did you mean 'colour'?; name one of its columns as label"
    )
    assert fault(put(tmp_path / "b.csv", "a\n1\n"), label="a") == "b.csv: its only column is the label 'a'; give columns to learn from"


def test_rows_are_taken(tmp_path: Path) -> None:
    table = read_table(put(tmp_path / "a.csv", CSV), label="n")
    for rows in (np.array([2, 0]), slice(2, None, -2)):
        taken = table.take(rows)  # type: ignore[arg-type]
        same(taken, {"age": [-2.5e3, 31.0], "colour": ["dark, red", "red"]})
        assert taken.numbers.tolist() == [4, 2]
        assert taken.label is not None
        assert taken.label.values.tolist() == [3.0, 1.0]
    assert "age" in table
    assert "n" not in table


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_pandas_writes_is_read(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    rows = data.draw(st.integers(1, 12))
    number = st.one_of(st.just(NAN), st.floats(-1e99, 1e99, allow_nan=False))
    word = st.one_of(st.none(), st.text("abcé,\"'; -", min_size=1).map(lambda text: f"w{text.strip()}"))
    columns: dict[str, list[Any]] = {}
    for i in range(data.draw(st.integers(1, 4))):
        column = data.draw(st.lists(data.draw(st.sampled_from([number, word])), min_size=rows, max_size=rows))
        columns[f"c{i}"] = [NAN] * rows if all(cell is None for cell in column) else column
    frame, folder = pd.DataFrame(columns), tmp_path_factory.mktemp("round")
    frame.to_csv(folder / "a.csv.gz", index=False, na_rep="NA")
    frame.to_parquet(folder / "a.parquet")
    for source in (folder / "a.csv.gz", folder / "a.parquet", frame):
        same(read_table(source), columns)


# Faults


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.csv", "", "a.csv: is empty; name a file with at least one row"),
        ("a.csv", "a,b\n", "a.csv: has 0 rows and 2 columns; give at least one of each"),
        (
            "a.csv",
            "a,b\n1\n1,2\n1,2,3\n",
            "a.csv: 2 faults: row 2 has 1 column, not 2, row 4 has 3 columns, not 2; mend or remove these rows",
        ),
        (
            "a.csv",
            'a\n"b\n',
            "a.csv: not well-formed CSV at line 2 (unexpected end of data); close every quote, and double those inside a cell",
        ),
        (
            "a.csv",
            "a,b,a,\n1,2,3,4\n",
            "a.csv: 2 faults: column 3 has no name, columns 0 and 2 are both named 'a'; give each its own name, or leave it out "
            "(counted from 0; pandas writes row numbers without to_csv(index=False))",
        ),
        (
            "a.csv",
            "5.1,setosa\n4.9,setosa\n",
            "a.csv: its first row may be a header or not: 'setosa' is a word, '5.1' a number; "
            "let the first row name each column, none with a number alone",
        ),
        ("a.csv", "a;b\n1;2\n", "a.csv: its only column is 'a;b'; part cells by commas, or by tabs in a .tsv"),
        (
            "a.csv",
            "a,b\n1,inf\n-1e999,2\n3,1e101\n",
            "a.csv: 3 faults: row 3 has -inf in 'a', row 2 has inf in 'b', row 4 has 1e+101 in 'b'; numbers are at most 1e+100 and "
            "categories 1,000 characters: leave such cells empty, or leave the columns out",
        ),
        (
            "a.tsv",
            f"a\tb\n1\t{'x' * 1001}\n2\t{'y' * 1000}\n",
            "a.tsv: row 2 has 1,001 characters in 'b'; numbers are at most 1e+100 and categories 1,000 characters: "
            "leave such cells empty, or leave the columns out",
        ),
        (
            "a.csv",
            "a\n\xe9\n".encode("latin-1"),
            "a.csv: not UTF-8 text (byte 0xe9 at position 2); convert it to UTF-8, or name a text file",
        ),
        ("a.csv", b"PK\0\0", "a.csv: not UTF-8 text (a zero byte at position 2); convert it to UTF-8, or name a text file"),
        (
            "a.xlsx",
            b"PK",
            "a.xlsx: a file of kind .xlsx, which is not read as a table; "
            "these kinds are: .csv, .tsv (each also .gz, .xz, .zst), .parquet, .npz, .npy",
        ),
        (
            "a.npy.gz",
            b"",
            "a.npy.gz: a file of kind .npy.gz, which is not read as a table; "
            "these kinds are: .csv, .tsv (each also .gz, .xz, .zst), .parquet, .npz, .npy",
        ),
    ],
)
def test_faults_of_files(tmp_path: Path, name: str, text: str | bytes, expected: str) -> None:
    assert fault(put(tmp_path / name, text)) == expected


def test_files_that_are_not_there_or_cut_short(tmp_path: Path) -> None:
    expected = "no.csv: cannot be read (No such file or directory); name a file that is there and readable"
    assert fault(tmp_path / "no.csv") == expected
    for name in ("no.npy", "no.npz"):
        assert fault(tmp_path / name) == f"{name}: cannot be read (no such file); name a file that is there and readable"
    assert fault(tmp_path / "no.parquet").startswith("no.parquet: damaged, cut short, or not a parquet file (")
    whole = gzip.compress(os.urandom(50_000).hex().encode())
    (tmp_path / "a.csv.gz").write_bytes(whole[:-1000])
    assert fault(tmp_path / "a.csv.gz").startswith("a.csv.gz: damaged or cut short (")
    assert "a folder, which is not read as a table" in fault(tmp_path)


def test_too_many_cells_are_refused_while_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabular, "MOST_CELLS", 30)
    monkeypatch.setattr(cells, "BLOCK", 8)
    path = put(tmp_path / "a.csv.gz", "a,b\n" + "1,2\n" * 100_000)
    assert fault(path) == ("a.csv.gz: 16 rows x 2 columns = 32 cells, more than the 30 that are read; take fewer rows or columns")
    frame = pd.DataFrame({"a": range(31)})
    frame.to_parquet(tmp_path / "a.parquet")
    expected = "31 rows x 1 columns = 31 cells, more than the 30 that are read; take fewer rows or columns"
    assert fault(tmp_path / "a.parquet") == f"a.parquet: {expected}"
    assert fault(frame) == f"the DataFrame: {expected}"
    assert fault(frame.to_numpy()) == f"the array: {expected}"


def test_faults_in_memory() -> None:
    way_out = "turn them into numbers or text (a date: into days since another), or leave the columns out"
    dates = pd.DataFrame({"when": pd.to_datetime(["2020-01-01"]), "how": pd.to_timedelta([1], unit="s"), "n": [1]})
    assert fault(dates).startswith("the DataFrame: 2 faults: 'when' is of datetime64[")
    assert fault(dates).endswith(way_out)
    assert fault(pd.DataFrame({"a": [1, "x", None, [2]], "b": ["x", 2.5, None, "y"]})) == (
        "the DataFrame: 3 faults: row 1 has the str 'x' in 'a' below numbers, row 3 has the list '[2]' in 'a', "
        "row 1 has the float '2.5' in 'b' below words; let each column hold numbers or text throughout, and None where nothing is known"
    )
    assert fault(pd.DataFrame([[1, 2]], columns=["a", "a"])).startswith("the DataFrame: columns 0 and 1 are both named 'a'; give each")
    assert fault(pd.DataFrame({"a": []})) == "the DataFrame: has 0 rows and 1 columns; give at least one of each"
    assert fault(np.array([[1.0, np.inf], [-np.inf, 2.0]])).startswith(
        "the array: 2 faults: row 1 has -inf in '0', row 0 has inf in '1'; numbers"
    )
    assert fault(np.zeros(3)) == "the array: shape (3,); a table has two axes; give (rows, columns)"
    assert fault(np.zeros((2, 2), dtype=complex)) == "the array: an array of complex128; turn it into numbers or text first"
    assert fault(scipy.sparse.csr_array((3, 4))) == (
        "the table: a sparse matrix of shape (3, 4); tables are dense here; "
        "make it dense with .toarray() if it is small, or reduce it first (sklearn.decomposition.TruncatedSVD)"
    )
    assert fault([[1, 2]]) == "the table: a builtins.list is no table; give a path, a NumPy array or a pandas DataFrame"


def test_parquet_columns_that_are_neither_numbers_nor_text(tmp_path: Path) -> None:
    columns = {"l": pyarrow.array([[1], [2]]), "d": pyarrow.array([1, 2], pyarrow.date32()), "b": pyarrow.array([b"1", b"2"]), "n": [1, 2]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    told = fault(tmp_path / "a.parquet")
    assert told.startswith("a.parquet: 3 faults: 'l' is of list<element: int64>, 'd' is of date32[day], 'b' is of binary; turn them into")
    (tmp_path / "a.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-20])
    assert fault(tmp_path / "a.parquet").startswith("a.parquet: damaged, cut short, or not a parquet file (")


def npy_file(shape: tuple[int, ...], data: bytes = b"", descr: str = "<f8", version: tuple[int, int] = (1, 0)) -> bytes:
    """A NPY file whose header says what it likes."""
    header = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode().ljust(117) + b"\n"
    return npy.magic(*version) + struct.pack("<H", len(header)) + header + data


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            npy_file((10**9, 10**9), b"12345678"),
            "its header claims shape (1000000000, 1000000000) of float64, 8,000,000,000,000,000,000 bytes, "
            "more than the 4,294,967,296 that are read; make several smaller ones",
        ),
        (
            npy_file((1000, 2), b"1" * 80),
            "its header claims shape (1000, 2) of float64, 16,000 bytes, more than the 208 that are there; write it again",
        ),
        (npy_file((12, 1), b"1" * 80), "its header claims shape (12, 1) of float64, 96 bytes, but there are 80; write it again"),
        (npy_file((1, 1), b"1" * 80), "its header claims shape (1, 1) of float64, 8 bytes, but more follow; write it again"),
        (npy_file((-1, 1), b"1" * 8), "its header claims shape (-1, 1); write it again"),
        (
            npy_file((1, 1), b"1" * 8, "|O"),
            "holds Python objects, which only pickle can read; pickles may run foreign code; save numbers as numbers and texts as texts "
            "(array.astype(float), array.astype(str)), or write CSV",
        ),
        (npy_file((1, 1), b"1" * 8, "<M8[s]"), "holds datetime64[s], not numbers or text; turn them into numbers or text, and save again"),
        (npy_file((1, 1), b"1" * 8, version=(3, 0)), "NPY version 3.0; save an array of plain numbers or text"),
        (
            npy.magic(2, 0) + struct.pack("<I", 4_000_000_000) + b"{",
            "its header claims 4,000,000,000 bytes, more than 10,000; write it again",
        ),
        (npy_file((0, 3)), "has 0 rows and 3 columns; give at least one of each"),
    ],
)
def test_npy_headers_that_lie(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    assert fault(tmp_path / "a.npy") == f"a.npy: {expected}"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("X.npy", content)
    assert fault(tmp_path / "a.npz") == (f"a.npz, array X: {expected}" if "rows" not in expected else f"a.npz: {expected}")


HALF_A_DICT = npy_file((2, 2)).replace(b"}", b" ")
NESTED = npy.magic(1, 0) + struct.pack("<H", 9999) + b"-" * 9999


@pytest.mark.parametrize(
    "content", [b"", b"\x93NUMPY", npy_file((2, 2))[:60], HALF_A_DICT, NESTED, b"not NumPy's, but long enough to look at"]
)
def test_npy_files_that_are_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    assert fault(tmp_path / "a.npy").startswith("a.npy: damaged, cut short, or not a NPY file (")


def test_npz_faults(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(b"PK no zip")
    assert fault(path) == "a.npz: damaged, cut short, or not a NPZ file (File is not a zip file); write it again"
    np.savez(path, x=np.zeros((2, 2)), y=np.zeros(2))
    assert fault(path) == "a.npz: no array 'X'; there is 'x', 'y'; save it under this name"
    np.savez(path, X=np.zeros((2, 2)), y=np.zeros(3))
    assert fault(path) == "a.npz: labels 'y' of shape (3,) for 2 rows; give one label a row: shape (2,)"
    np.savez_compressed(path, X=np.zeros((100, 100)))
    damaged = bytearray(path.read_bytes())
    damaged[80:100] = bytes(20)
    path.write_bytes(damaged)
    assert fault(path).startswith("a.npz, array X: damaged, cut short, or not a NPZ file (")


def test_a_packed_array_that_cannot_be_so_large_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "PIECE", 1000)
    path = tmp_path / "a.npz"
    np.savez_compressed(path, X=np.random.default_rng(0).random((20, 20)))
    raw = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        member = archive.infolist()[0]
    at = raw.rindex(b"PK\1\2") + 24  # the size in the directory at the end
    path.write_bytes(raw[:at] + struct.pack("<I", 4_000_000_000) + raw[at + 4 :])
    assert fault(path) == (
        f"a.npz, array X: claims 4,000,000,000 bytes, more than its {member.compress_size:,} packed ones can hold; get the file again"
    )


def test_columns_say_what_they_are() -> None:
    assert Column("a", np.array([1.0])).kind == "numbers"
    assert Column("a", np.array([None, "x"], dtype=object)).missing.tolist() == [True, False]
