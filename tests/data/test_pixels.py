"""Pixels: every format to the same numbers, nothing decoded that is too large or cut short, and one size for all."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from halfseen.data import pixels
from halfseen.data.images import open_images, resized
from halfseen.data.pixels import decode, measure
from tests.pictures import COLOUR, GREY, RNG, encoded, fault, opening, outcome, png, put

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


@pytest.mark.parametrize(("name", "side"), list(zip(BOMBS, ("20,000", "20,000", "20,000", "16,383", "16,384"), strict=True)))
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
