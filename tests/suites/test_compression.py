"""Curves of codecs: closed forms, and the suite from photographs to pictures."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from PIL import Image

from halfseen.suites.compression import run
from halfseen.suites.options import CompressionOptions
from halfseen.suites.rate_distortion import Point, at_rate, bd_rate, curve, multi_scale, pillow
from tests.apps.test_compress import picture, save_small_codec


def points(rates: list[float], *, factor: float = 1.0) -> list[Point]:
    """Six decibels for each doubling of the rate."""
    return [Point(str(rate), factor * rate, 30 + 6 * math.log2(rate), 0.9, 0.1) for rate in rates]


def test_a_rate_between_two_settings() -> None:
    assert at_rate(points([0.25, 1.0]), 0.5) == pytest.approx(24)
    assert at_rate(points([1.0, 0.25]), 0.25) == pytest.approx(18)
    assert at_rate(points([0.25, 1.0]), 0.2) is None


def test_a_fifth_fewer_bits_are_minus_twenty_percent() -> None:
    rates = [0.1, 0.2, 0.5, 1.0, 2.0]
    assert bd_rate(points(rates, factor=0.8), points(rates)) == pytest.approx(-20)
    assert bd_rate(points([0.3, 0.7, 1.5], factor=1.5), points(rates)) == pytest.approx(50)
    assert bd_rate(points([0.01, 0.02]), points([1.0, 2.0])) is None


def test_ms_ssim_of_an_image_with_itself_and_of_too_small_ones() -> None:
    large = picture(170, 180)
    assert multi_scale(large, large) == pytest.approx(1)
    assert 0.2 < multi_scale(large, large[:, ::-1].copy()) < 0.999
    assert multi_scale(large[:, :100], large[:, :100]) is None


@pytest.mark.parametrize("channels", [1, 3])
def test_pillows_codecs_lose_less_with_more_bits(channels: int) -> None:
    seen: list[int] = []
    found = curve(pillow("JPEG"), {"low": 10, "high": 90}, [picture(64, 64, channels)], lambda: seen.append(1))
    assert len(seen) == 2
    assert found[0].bits_per_pixel < found[1].bits_per_pixel
    assert found[0].psnr_db < found[1].psnr_db


def test_the_suite_leaves_figures_and_a_picture(tmp_path: Path) -> None:
    model = save_small_codec(tmp_path / "codec")
    (tmp_path / "photos").mkdir()
    for i in range(2):
        Image.fromarray(picture(32, 40 + i).transpose(1, 2, 0)).save(tmp_path / "photos" / f"{i}.png")
    found = run(CompressionOptions(data=str(tmp_path / "photos"), model=(str(model),), out=tmp_path / "out"))
    assert found["images"] == 2
    assert set(found["curves"]) == {"halfseen", "JPEG", "WebP", "AVIF"}
    assert found["bd_rate_percent"]["JPEG"] == pytest.approx(0)
    assert [point["setting"] for point in found["curves"]["halfseen"]][:2] == ["quality 1", "quality 1.5"]
    rates = [point["bits_per_pixel"] for point in found["curves"]["halfseen"]]
    assert rates == sorted(rates)
    kept = json.loads((tmp_path / "out" / "compression.json").read_text())
    assert kept["curves"]["WebP"] == found["curves"]["WebP"]
    assert Image.open(tmp_path / "out" / "psnr_db.png").width > 500
    assert not (tmp_path / "out" / "ms_ssim.png").exists(), "images too small for MS-SSIM have no curve of it"
