"""Recordings found in folders, archives and manifests."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from halfseen.contracts import UserError
from halfseen.data.clips import clips
from halfseen.data.sound import read_sound


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "said"
    (found / "by-anna").mkdir(parents=True)
    for i, name in enumerate(("by-anna/one.wav", "by-anna/two.flac", "three.wav")):
        soundfile.write(found / name, 0.1 * (i + 1) * np.ones(800, np.float32), 8000)
    (found / "notes.txt").write_text("nothing")
    (found / ".hidden.wav").write_bytes(b"")
    return found


def test_a_folder_an_archive_and_manifests_give_the_same(folder: Path, tmp_path: Path) -> None:
    found = list(clips([str(folder)]))
    assert [clip.id for clip in found] == ["three.wav", "by-anna/one.wav", "by-anna/two.flac"]
    with tarfile.open(tmp_path / "said.tar.xz", "w:xz") as tar:
        tar.add(folder, "said")
    packed = {clip.id.removeprefix("said.tar.xz/said/"): clip for clip in clips([str(tmp_path / "said.tar.xz")])}
    for clip in found:
        np.testing.assert_array_equal(read_sound(packed[clip.id].content, "", 8000), read_sound(clip.content, "", 8000))
    (tmp_path / "box" / "in").mkdir(parents=True)
    (tmp_path / "said.tar.xz").rename(tmp_path / "box" / "in" / "said.tar.xz")
    assert [clip.id for clip in clips([str(tmp_path / "box")])] == [f"in/said.tar.xz/said/{name}" for name in packed], "also in folders"
    (tmp_path / "list.csv").write_text("label,path\nx,said/three.wav\ny,said/by-anna/two.flac\n")
    (tmp_path / "list.jsonl").write_text(f'{{"path": "said/three.wav"}}\n{{"path": "{folder}/by-anna/two.flac"}}\n')
    for manifest in ("list.csv", "list.jsonl"):
        assert [clip.content for clip in clips([str(tmp_path / manifest)])] == [folder / "three.wav", folder / "by-anna/two.flac"]
    assert [clip.told["label"] for clip in clips([str(tmp_path / "list.csv")])] == ["x", "y"]
    assert [clip.id for clip in clips([str(folder / "three.wav"), str(folder / "by-anna")])] == ["three.wav", "one.wav", "two.flac"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("m.csv", "file\na.wav\n", "no column 'path' among file; name the files"),
        ("m.csv", "label,path\na\n", "row 2 has 1 cells, the header 2"),
        ("m.csv", "path\nb.wav\n", "row 2 names .*b.wav, which is not there"),
        ("m.jsonl", '{"file": "a"}\n', "row 1 has no text under 'path'"),
        ("m.jsonl", "[1]\n", "row 1 is a JSON list, not an object"),
        ("m.doc", "x", "a file of kind .doc, which is no recording; these are read"),
    ],
)
def test_what_is_wrong_is_said(name: str, content: str, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=words):
        list(clips([str(tmp_path / name)]))


def test_where_no_recording_is_it_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(UserError, match=r"no recording; there is 1 .txt"):
        list(clips([str(tmp_path)]))
    with pytest.raises(UserError, match="no such file or folder"):
        list(clips([str(tmp_path / "nowhere")]))
