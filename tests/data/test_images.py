"""Images: every container to the same samples, what is passed over, what labels are, and headers that lie."""

from __future__ import annotations

import gzip
import os
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from halfseen.data import arrays, images
from halfseen.data.images import Images, open_images, resized
from tests.pictures import COLOUR, GREY, RNG, encoded, fault, idx, opening, png, put, tar

DATA = os.environ.get("HALFSEEN_DATA", "")


# Containers


def picture(i: int) -> bytes:
    return encoded(np.full((2, 3, 3), i, dtype=np.uint8))


def seen(found: Images) -> list[tuple[str, int]]:
    return [(sample.id, round(float(sample.x[0, 0, 0]) * 255)) for sample in found]


def test_a_folder_is_read_sorted_and_the_rest_counted(tmp_path: Path) -> None:
    for name, i in (("b/2.PNG", 2), ("a.png", 1), ("b/10.png", 10), ("c.webp", 7)):
        put(tmp_path / name, picture(i))
    for name in ("notes.txt", "b/more.txt", "noext", ".hidden.png", "._a.png", "x.tar.gz"):
        put(tmp_path / name, b"x")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    put(tmp_path / ".git" / "e.png", picture(9))
    found = open_images(str(tmp_path))
    assert seen(found) == [("a.png", 1), ("b/10.png", 10), ("b/2.PNG", 2), ("c.webp", 7)]
    assert found.passed_over == {".txt": 2, "(no suffix)": 1, "(hidden)": 3, ".tar.gz": 1, "(not a file)": 1}
    assert len(found) == 4
    assert found.labels is None
    assert found[3].meta == {}
    assert seen(open_images(tmp_path / "b" / "2.PNG")) == [("2.PNG", 2)]


@pytest.mark.parametrize("packed", ["", ".gz"])
def test_an_archive_is_read_in_its_order(tmp_path: Path, packed: str) -> None:
    members = {"./set/b/2.png": picture(2), "set/a/1.png": picture(1), "set/readme.md": b"x", "._1.png": b"", "set/a/3.JPEG": picture(3)}
    found = open_images(put(tmp_path / f"faces.tar{packed}", tar(members)), labels="folders")
    assert seen(found) == [
        ("faces.tar" + packed + "/set/b/2.png", 2),
        (f"faces.tar{packed}/set/a/1.png", 1),
        (f"faces.tar{packed}/set/a/3.JPEG", 3),
    ]
    assert found.labels == ("b", "a", "a")
    assert found.passed_over == {".md": 1, "(hidden)": 1}


def test_archives_that_are_damaged_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tar({f"{i}.png": picture(i) for i in range(9)})
    assert opening(put(tmp_path / "cut.tar", whole[:700])).startswith("cut.tar: damaged, cut short, or not a tar archive (")
    assert opening(put(tmp_path / "none.tar", b"x" * 600)).startswith("none.tar: damaged, cut short, or not a tar archive (")
    (tmp_path / "cut.tar.gz").write_bytes(gzip.compress(os.urandom(9000))[:-500])
    assert opening(tmp_path / "cut.tar.gz").startswith("cut.tar.gz: damaged or cut short (")
    path = put(tmp_path / "a.tar", whole)
    monkeypatch.setattr(images, "LARGEST_MEMBER", 200)
    assert opening(path) == "a.tar: its images are more than 200 bytes; unpack it, and name the folder"
    bad = put(tmp_path / "bad.tar", tar({"x/a.png": b"GIF8"}))
    monkeypatch.undo()
    assert (
        opening(bad)
        == "bad.tar: bad.tar/x/a.png: not a PNG, JPEG or WebP image (it begins with 47 49 46 38); remove it, or convert it to one of these"
    )


def test_folders_are_labels(tmp_path: Path) -> None:
    for name in ("dog/1.png", "cat/deep/2.png", "cat/3.png"):
        put(tmp_path / "set" / name, picture(1))
    for root in (tmp_path, tmp_path / "set"):
        found = open_images(root, labels="folders")
        assert found.labels == ("cat", "cat", "dog")
        assert [sample.meta["label"] for sample in found] == ["cat", "cat", "dog"]
    assert opening(tmp_path / "set" / "dog", labels="folders") == (
        "dog: its images stand in one folder; put the images of each label in a folder of its name"
    )
    put(tmp_path / "set" / "4.png", picture(1))
    assert (
        opening(tmp_path / "set", labels="folders")
        == "set: 4.png stands beside folders; put the images of each label in a folder of its name"
    )
    assert opening(tmp_path / "set", labels="y") == ("set: labels 'y'; files have their folders' names as labels: 'folders', or none")


def test_nothing_to_read(tmp_path: Path) -> None:
    assert opening(tmp_path) == f"{tmp_path.name}: no image; there is nothing; give .png, .jpg, .jpeg, .webp files"
    put(tmp_path / "a.txt", b"")
    put(tmp_path / "b.txt", b"")
    assert opening(tmp_path) == f"{tmp_path.name}: no image; there is 2 .txt; give .png, .jpg, .jpeg, .webp files"
    assert opening(tmp_path / "a.txt") == (
        "a.txt: a file of kind .txt, which is no image; "
        "these are read: folders, PNG, JPEG, WebP, tar (also .gz, .xz, .zst), NPZ, and IDX (`idx` in its name, also .gz)"
    )
    told = fault(open_images, tmp_path / "c.txt")
    assert told == f"{tmp_path}/c.txt: no such file or folder in {tmp_path}: c.txt; did you mean 'b.txt'?"


def test_a_file_that_has_gone(tmp_path: Path) -> None:
    path = put(tmp_path / "a.png", picture(1))
    found = open_images(tmp_path)
    path.unlink()
    assert fault(found.__getitem__, 0) == f"{path}: cannot be read (No such file or directory); leave it where it was when it was found"


def test_a_long_header_is_read_to_its_end(tmp_path: Path) -> None:
    put(tmp_path / "a.jpg", encoded(COLOUR, "JPEG", icc_profile=bytes(200_000)))
    assert open_images(tmp_path)[0].x.shape == (6, 5, 3)


def test_sixteen_bits_of_colour_are_noted(tmp_path: Path) -> None:
    put(tmp_path / "deep.png", png(1, 1, 16, 2, b"\0" + struct.pack(">HHH", 0x1234, 0xFFFF, 0)))
    put(tmp_path / "flat.png", picture(1))
    found = open_images(tmp_path)
    assert found.notes == ("1 of 2 images have 16 bits a channel, of which 8 are read",)
    np.testing.assert_allclose(found[0].x[0, 0], [0x12 / 255, 1, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (COLOUR[None], COLOUR / 255),
        (GREY[None], GREY[..., None] / 255),
        (GREY[None, ..., None], GREY[..., None] / 255),
        (np.uint16(GREY[None]) * 257, GREY[..., None] / 255),
        (np.dstack([COLOUR, np.zeros((6, 5), np.uint8)])[None], np.ones((6, 5, 3))),
    ],
)
def test_npz(tmp_path: Path, array: Any, expected: Any) -> None:
    np.savez(tmp_path / "a.npz", images=array, person=np.array([7]), name=np.array(["é"]))
    (sample,) = open_images(tmp_path / "a.npz", labels="person")
    assert sample.id == "a.npz#0"
    assert sample.meta == {"label": "7"}
    assert sample.x.dtype == np.float32
    np.testing.assert_allclose(sample.x, expected, atol=1e-6)
    assert open_images(tmp_path / "a.npz").labels is None
    assert open_images(tmp_path / "a.npz", labels="name").labels == ("é",)
    assert open_images(tmp_path / "a.npz", channels=1)[0].x.shape == (6, 5, 1)


def test_npz_faults(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, image=np.zeros((1, 2, 2), np.uint8))
    assert opening(path) == "a.npz: no array 'images'; there is 'image'; did you mean 'image'?"
    np.savez(path, images=np.zeros((1, 2, 2)), y=np.zeros(1, int))
    assert opening(path) == "a.npz, array images: of float64; save uint8 from 0 to 255, or uint16 from 0 to 65535"
    for shape in ((2, 2), (1, 2, 2, 2), (0, 2, 2)):
        np.savez(path, images=np.zeros(shape, np.uint8))
        assert opening(path) == (
            f"a.npz, array images: shape {shape}, neither (N, H, W) nor (N, H, W, C) with 1, 3 or 4 channels; "
            "let the first axis count images and the last channels"
        )
    np.savez(path, images=np.zeros((2, 2, 2), np.uint8), y=np.zeros(3, int), z=np.zeros(2))
    assert opening(path, labels="y") == (
        "a.npz, array y: shape (3,) of int64 for 2 images; give a whole number or a name for each: shape (2,)"
    )
    assert opening(path, labels="z").startswith("a.npz, array z: shape (2,) of float64 for 2 images; ")


@pytest.mark.parametrize(
    ("pictures", "numbers"),
    [
        ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte"),
        ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
        ("train-images.idx3-ubyte", "train-labels.idx1-ubyte.gz"),
    ],
)
def test_idx_and_the_labels_beside(tmp_path: Path, pictures: str, numbers: str) -> None:
    path = put(tmp_path / pictures, idx(np.stack([GREY, GREY.T.reshape(6, 5)])))
    assert open_images(path).labels is None
    put(tmp_path / numbers, idx(np.array([3, 9], dtype=np.uint8)))
    put(tmp_path / "mine.idx", idx(np.array([1, 2], dtype=np.uint8)))
    found = open_images(path)
    assert found.labels == ("3", "9")
    assert found.ids == (f"{pictures}#0", f"{pictures}#1")
    np.testing.assert_allclose(found[0].x[..., 0], GREY / 255, atol=1e-7)
    assert open_images(path, labels=tmp_path / "mine.idx").labels == ("1", "2")


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "not an IDX file (it begins with nothing); get the file again"),
        (b"\x89PNG", "not an IDX file (it begins with 89 50 4e 47); get the file again"),
        (b"\0\0\x08\3\0\0", "cut short in its header; get the file again"),
        (
            idx(GREY[None], kind=13),
            "an IDX file of type 0x0d with 3 axes, not of unsigned bytes (0x08) with 3 axes; "
            "name images (N, H, W) as the file, and labels (N,) as --labels",
        ),
        (
            idx(GREY[0]),
            "an IDX file of type 0x08 with 1 axis, not of unsigned bytes (0x08) with 3 axes; "
            "name images (N, H, W) as the file, and labels (N,) as --labels",
        ),
        (idx(GREY, shape=(0, 6, 5)), "holds nothing: 0 x 6 x 5; name a file with something in it"),
        (idx(GREY, shape=(1, 6, 6)), "its header claims 1 x 6 x 6 = 36 bytes, but there are 30; get the file again"),
        (idx(GREY, shape=(1, 5, 5)), "its header claims 1 x 5 x 5 = 25 bytes, but more follow; get the file again"),
        (
            idx(GREY, shape=(100_000_000, 6, 5)),
            "its header claims 100000000 x 6 x 5 = 3,000,000,000 bytes, more than the file of {size} can hold; get the file again",
        ),
    ],
)
def test_idx_headers_that_lie(tmp_path: Path, content: bytes, expected: str, packed: str) -> None:
    path = put(tmp_path / f"a-idx3{packed}", content)
    tracemalloc.start()
    try:
        told = opening(path)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
    assert told == f"{path.name}: " + expected.format(size=path.stat().st_size)


def test_idx_that_is_cut_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "a-idx3.gz", idx(RNG.integers(0, 256, (30, 20, 20), dtype=np.uint8)))
    monkeypatch.setattr(arrays, "MOST_BYTES", 11_999)
    assert (
        opening(path) == "a-idx3.gz: its header claims 30 x 20 x 20 = 12,000 bytes, more than the 11,999 that are read; get the file again"
    )
    monkeypatch.undo()
    path.write_bytes(path.read_bytes()[:-3000])
    assert opening(path).startswith("a-idx3.gz: damaged or cut short (")
    put(tmp_path / "b-images-idx3", idx(GREY[None]))
    put(tmp_path / "b-labels-idx1", idx(np.zeros(2, np.uint8)))
    assert opening(tmp_path / "b-images-idx3") == (
        "b-labels-idx1: shape (2,) of uint8 for 1 images; give a whole number or a name for each: shape (1,)"
    )


def test_stacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "a.png", picture(51))
    put(tmp_path / "b.png", encoded(np.full((9, 9), 102, np.uint8)))
    assert fault(open_images(tmp_path).stacked, 2, 2) == (
        f"{tmp_path}: b.png is grey, others are in colour; ask for channels=1 or channels=3"
    )
    found = open_images(tmp_path, channels=1).stacked(4, 5)
    assert found.shape == (2, 4, 5, 1)
    np.testing.assert_allclose(found[:, 3, 4, 0], [0.2, 0.4], atol=1e-6)
    monkeypatch.setattr(images, "MOST_BYTES", 159)
    assert fault(open_images(tmp_path, channels=1).stacked, 4, 5) == (
        f"{tmp_path}: 2 images of 4 x 5 are 160 bytes, more than 159; make them smaller, or take them one by one"
    )


# Real ones


@pytest.mark.skipif(not DATA, reason="HALFSEEN_DATA is not set")
def test_real_sets() -> None:
    mnist = open_images(Path(DATA) / "mnist_t10k" / "t10k-images-idx3-ubyte.gz")
    assert (len(mnist), mnist[0].x.shape, mnist[0].meta["label"]) == (10_000, (28, 28, 1), "7")
    faces = open_images(Path(DATA) / "olivetti_faces" / "olivetti.npz", labels="person")
    assert (len(faces), faces[399].x.shape, len(set(faces.labels or ()))) == (400, (64, 64, 1), 40)
    kodak = open_images(Path(DATA) / "kodak")
    assert len(kodak) == 18
    assert kodak[0].x.shape == (512, 768, 3)
    assert resized(kodak[0].x, 32, 32).mean() == pytest.approx(kodak[0].x[:, 128:640].mean(), abs=1e-5)
