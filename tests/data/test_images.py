"""Images: every format and container to the same numbers, and nothing decoded that is too large, cut short or a lie."""

from __future__ import annotations

import gzip
import io
import os
import struct
import tarfile
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from halfseen.contracts import UserError
from halfseen.data import arrays, images, pixels
from halfseen.data.images import Images, open_images, resized
from halfseen.data.pixels import decode, measure

DATA = os.environ.get("HALFSEEN_DATA", "")
RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (6, 5, 3), dtype=np.uint8)
GREY = COLOUR[..., 0]


def encoded(pixels: Any, format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(buffer, format, **options)
    return buffer.getvalue()


def png(width: int, height: int, bits: int, colour: int, rows: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG whose header says what it likes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return pixels.PNG + b"".join(chunk(kind, data) for kind, data in parts)


def tar(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def idx(array: Any, kind: int = 8, shape: tuple[int, ...] | None = None) -> bytes:
    shape = array.shape if shape is None else shape
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + array.tobytes()


def fault(call: Any, *given: Any, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        call(*given, **options)
    return str(caught.value)


def outcome(data: bytes) -> Any:
    """The image, or what is wrong with it."""
    try:
        return decode(data, "a")
    except UserError as error:
        return str(error)


def opening(path: Path, **options: Any) -> str:
    return fault(open_images, path, **options).replace(f"{path.parent}/", "")


# What an image is


def test_colour_and_grey_are_kept_exactly() -> None:
    for format, options in (("PNG", {}), ("WebP", {"lossless": True})):
        found = decode(encoded(COLOUR, format, **options), "a")
        assert found.dtype == np.float32
        assert np.array_equal(found, COLOUR.astype(np.float32) / np.float32(255))
    grey = decode(encoded(GREY), "a")
    assert grey.shape == (6, 5, 1)
    assert np.array_equal(grey[..., 0], GREY.astype(np.float32) / np.float32(255))


def test_jpeg_is_what_pillow_decodes() -> None:
    data = encoded(np.full((8, 8, 3), (250, 10, 120), dtype=np.uint8), "JPEG", quality=95)
    np.testing.assert_allclose(decode(data, "a"), np.broadcast_to(np.array([250, 10, 120]) / 255, (8, 8, 3)), atol=0.02)
    assert decode(encoded(GREY, "JPEG"), "a").shape == (6, 5, 1)


def test_sixteen_bits_of_grey_are_kept() -> None:
    grey = np.array([[0, 1, 258], [4660, 65534, 65535]], dtype=np.uint16)
    assert np.array_equal(decode(encoded(grey), "a")[..., 0], grey.astype(np.float32) / np.float32(65535))


def test_one_transparent_value_of_sixteen_bits_is_white() -> None:
    rows = b"\0" + struct.pack(">HH", 300, 301)
    found = decode(png(2, 1, 16, 0, rows, (b"tRNS", struct.pack(">H", 300))), "a")
    assert found[0, :, 0].tolist() == [1, pytest.approx(301 / 65535)]


def test_transparency_is_laid_on_white() -> None:
    pixel = np.array([[[200, 0, 100, 0], [200, 0, 100, 255], [200, 0, 100, 51]]], dtype=np.uint8)
    expected = [[1, 1, 1], [200 / 255, 0, 100 / 255], [0.8 + 0.2 * 200 / 255, 0.8, 0.8 + 0.2 * 100 / 255]]
    for format, options in (("PNG", {}), ("WebP", {"lossless": True, "exact": True})):
        np.testing.assert_allclose(decode(encoded(pixel, format, **options), "a")[0], expected, atol=1e-6)
    np.testing.assert_allclose(
        decode(encoded(Image.fromarray(pixel[..., 2:])), "a")[0, :, 0], [1, 100 / 255, 0.8 + 0.2 * 100 / 255], atol=1e-6
    )


def test_palettes_with_and_without_transparency() -> None:
    image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), "P")
    image.putpalette([10, 20, 30, 40, 50, 60])
    np.testing.assert_allclose(decode(encoded(image), "a")[0] * 255, [[10, 20, 30], [40, 50, 60]], atol=1e-4)
    np.testing.assert_allclose(decode(encoded(image, transparency=1), "a")[0] * 255, [[10, 20, 30], [255, 255, 255]], atol=1e-4)


def test_grey_and_rgb_with_a_transparent_value() -> None:
    assert decode(png(2, 1, 8, 0, b"\0\5\6", (b"tRNS", b"\0\5")), "a")[0, :, 0].tolist() == [1, pytest.approx(6 / 255)]
    found = decode(png(2, 1, 8, 2, b"\0\5\5\5\6\6\6", (b"tRNS", b"\0\5\0\5\0\5")), "a")
    np.testing.assert_allclose(found[0] * 255, [[255] * 3, [6] * 3], atol=1e-4)


def test_bits_and_cmyk() -> None:
    assert decode(encoded(Image.fromarray(GREY > 100)), "a")[..., 0].tolist() == (GREY > 100).astype(float).tolist()
    cmyk = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    np.testing.assert_allclose(decode(encoded(cmyk, "JPEG", quality=95), "a")[4, 4], [1, 0, 0], atol=0.02)


def test_the_cameras_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    found = decode(encoded(COLOUR, exif=exif.tobytes()), "a")
    assert np.array_equal(found, np.rot90(COLOUR, -1).astype(np.float32) / np.float32(255))


def test_channels_asked_for() -> None:
    grey = decode(encoded(GREY), "a", 3)
    assert grey.shape == (6, 5, 3)
    assert (grey == grey[..., :1]).all()
    colour = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], dtype=np.uint8)
    np.testing.assert_allclose(decode(encoded(colour), "a", 1)[0, :, 0], [0.299, 0.587, 0.114, 1], atol=1e-6)


def test_animations_show_their_first_picture() -> None:
    first, second = Image.fromarray(COLOUR), Image.fromarray(COLOUR[::-1].copy())
    for format, options in (("PNG", {}), ("WebP", {"lossless": True})):
        data = encoded(first, format, save_all=True, append_images=[second], **options)
        assert np.array_equal(decode(data, "a"), COLOUR.astype(np.float32) / np.float32(255))


# Hostile files

TOO_LARGE = "20,000 x 20,000 pixels are more than the 64,000,000 that are read of one image; make it smaller, or cut it into several"


def webp(fourcc: bytes, body: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 12 + len(body)) + b"WEBP" + fourcc + struct.pack("<I", len(body)) + body


def jpeg_of(width: int, height: int) -> bytes:
    data = encoded(COLOUR, "JPEG")
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


BOMBS = {
    "a.png": png(20_000, 20_000, 8, 2, b""),
    "a.jpg": jpeg_of(20_000, 20_000),
    "extended.webp": webp(b"VP8X", bytes(4) + (19_999).to_bytes(3, "little") * 2),
    "lossy.webp": webp(b"VP8 ", b"\0\0\0\x9d\1\x2a" + struct.pack("<HH", 16_383 | 0x4000, 16_383)),
    "lossless.webp": webp(b"VP8L", b"\x2f" + struct.pack("<I", 16_383 | 16_383 << 14)),
}


@pytest.mark.parametrize(("name", "side"), zip(BOMBS, ("20,000", "20,000", "20,000", "16,383", "16,384"), strict=True))
def test_bombs_are_refused_by_their_header(tmp_path: Path, name: str, side: str) -> None:
    assert len(BOMBS["a.png"]) < 100
    path = put(tmp_path / name, BOMBS[name])
    told = TOO_LARGE.replace("20,000", side)
    tracemalloc.start()
    try:
        assert opening(path) == f"{name}: {name}: {told}"
        assert fault(decode, BOMBS[name], "a") == f"a: {told}"
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("format", "options"), [("PNG", {}), ("JPEG", {}), ("WebP", {}), ("WebP", {"lossless": True}), ("WebP", {"exif": b"Exif"})]
)
def test_sizes_are_measured(format: str, options: Any) -> None:
    found = measure(encoded(np.zeros((7, 300, 3), dtype=np.uint8), format, **options), "a")
    assert (found.format, found.width, found.height) == (format, 300, 7)


def test_a_second_header_does_not_help() -> None:
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    assert fault(decode, png(1, 1, 8, 2, b"\0\0\0\0", (b"IHDR", header)), "a") == f"a: {TOO_LARGE}"


@pytest.mark.parametrize(("format", "options"), [("PNG", {}), ("JPEG", {}), ("WebP", {"lossless": True})])
def test_cut_files_are_named(tmp_path: Path, format: str, options: Any) -> None:
    whole = encoded(RNG.integers(0, 256, (40, 40, 3), dtype=np.uint8), format, **options)
    put(tmp_path / "good.png", encoded(COLOUR))
    path = put(tmp_path / "cut.png", whole[: len(whole) // 2])
    put(tmp_path / "late.png", encoded(COLOUR)[:-40])
    found = open_images(tmp_path)
    told = fault(found.__getitem__, 0)
    assert told.startswith(f"{path}: damaged or cut short (")
    assert told.endswith("); remove it, or get the file again")
    told = fault(found.stacked, 2, 2)
    assert told.startswith(f"{tmp_path}: 2 faults: {path}: damaged or cut short (")
    assert f"{tmp_path}/late.png: damaged" in told


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "WebP"]), st.data())
def test_no_damage_escapes_as_anything_but_a_user_error(format: str, data: st.DataObject) -> None:
    content = bytearray(encoded(COLOUR, format))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content
    found = outcome(bytes(content))
    assert found.startswith("a: ") if isinstance(found, str) else found.ndim == 3 and np.isfinite(found).all()


def test_headers_that_are_none(tmp_path: Path) -> None:
    put(tmp_path / "a.png", b"")
    put(tmp_path / "b.jpg", b"GIF89a")
    put(tmp_path / "c.webp", encoded(COLOUR, "WebP")[:20])
    put(tmp_path / "d.png", png(0, 5, 8, 0, b""))
    put(tmp_path / "e.jpeg", b"\xff\xd8\xff\xe0")
    put(tmp_path / "f.png", pixels.PNG + bytes(30))
    put(tmp_path / "good.png", encoded(COLOUR))
    told = opening(tmp_path)
    assert told.startswith(
        f"{tmp_path.name}: 6 faults: a.png: is empty, b.jpg: not a PNG, JPEG or WebP image (it begins with 47 49 46 38), "
    )
    assert "c.webp: damaged or cut short (" in told
    assert "d.png: holds 0 x 5 pixels, e.jpeg: damaged or cut short (" in told
    assert told.endswith("f.png: damaged or cut short (no header); remove it, or get the file again")


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


# One size


def slow(image_HWC: Any, height: int, width: int) -> Any:
    """Every new pixel, from every old one's share in it."""
    rows, columns = image_HWC.shape[:2]
    scale = min(rows / height, columns / width)
    top, left = (rows - scale * height) / 2, (columns - scale * width) / 2
    found = np.zeros((height, width, image_HWC.shape[2]))
    for y, x in np.ndindex(height, width):
        for i, j in np.ndindex(rows, columns):
            tall = max(0.0, min(i + 1, top + scale * (y + 1)) - max(i, top + scale * y))
            wide = max(0.0, min(j + 1, left + scale * (x + 1)) - max(j, left + scale * x))
            found[y, x] += tall * wide / scale**2 * image_HWC[i, j]
    return found


SIDE = st.integers(1, 7)


@settings(max_examples=80, deadline=None)
@given(SIDE, SIDE, SIDE, SIDE, st.sampled_from([1, 3]), st.integers(0, 1000))
def test_resizing_is_the_mean_of_areas(rows: int, columns: int, height: int, width: int, channels: int, seed: int) -> None:
    image = np.random.default_rng(seed).random((rows, columns, channels), dtype=np.float32)
    found = resized(image, height, width)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, slow(image, height, width), atol=1e-5)


def test_resizing_keeps_what_needs_no_change() -> None:
    image = COLOUR.astype(np.float32) / 255
    np.testing.assert_allclose(resized(image, 6, 5), image, atol=1e-7)
    np.testing.assert_allclose(resized(image, 5, 5), 0.5 * (image[:-1] + image[1:]), atol=1e-6)
    np.testing.assert_allclose(resized(image, 6, 1)[:, 0], resized(image[:, 2:3], 6, 1)[:, 0], atol=1e-6)
    assert resized(np.full((1, 1, 1), 0.25, np.float32), 28, 28).tolist() == np.full((28, 28, 1), 0.25).tolist()


def test_fine_stripes_become_grey_not_other_stripes() -> None:
    stripes = np.tile(np.array([0, 1], np.float32), (64, 32))[..., None]
    np.testing.assert_allclose(resized(stripes, 8, 8), 0.5, atol=1e-6)


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
