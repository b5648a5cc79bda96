"""Recordings of every kind read, and every bad one told."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from halfseen.contracts import Array, UserError
from halfseen.data.sound import promised_by_wav, rate_of, read_sound, trimmed

RATE = 8000


def tone(seconds: float = 0.5, rate: int = RATE, hertz: float = 440.0) -> Array:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def packed(x: Array, rate: int = RATE, *, kind: str = "WAV", subtype: str | None = None) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, x, rate, format=kind, subtype=subtype)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("kind", "subtype", "close"),
    [("WAV", "PCM_16", 1e-4), ("WAV", "PCM_U8", 0.01), ("WAV", "FLOAT", 0), ("FLAC", None, 1e-4)],
)
def test_lossless_kinds_are_read_to_their_precision(kind: str, subtype: str | None, close: float, tmp_path: Path) -> None:
    x = tone()
    raw = packed(x, kind=kind, subtype=subtype)
    np.testing.assert_allclose(read_sound(raw, "x", RATE), x, atol=close)
    (tmp_path / "x").write_bytes(raw)
    np.testing.assert_array_equal(read_sound(tmp_path / "x", "x", RATE), read_sound(raw, "x", RATE))


@pytest.mark.parametrize("kind", ["OGG", "MP3"])
def test_packed_kinds_keep_the_tone(kind: str) -> None:
    x = read_sound(packed(tone(1.0, 16_000), 16_000, kind=kind), "x", 16_000)
    loudest = np.fft.rfftfreq(len(x), 1 / 16_000)[np.abs(np.fft.rfft(x)).argmax()]
    assert loudest == pytest.approx(440, abs=2)


def test_channels_are_averaged_and_rates_brought_to_one() -> None:
    stereo = np.stack([tone(1.0, 96_000), np.zeros(96_000, np.float32)], axis=1)
    x = read_sound(packed(stereo, 96_000), "x", RATE)
    assert len(x) == RATE
    assert rate_of(packed(stereo, 96_000)) == 96_000
    assert rate_of(b"nothing") is None
    np.testing.assert_allclose(x[500:-500], 0.5 * tone(1.0)[500:-500], atol=0.01)


def test_piece_by_piece_a_recording_is_brought_to_a_rate_as_if_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).uniform(-0.5, 0.5, 50_001).astype(np.float32)
    monkeypatch.setattr("halfseen.data.sound.BLOCK", 777)
    found = read_sound(packed(x, 44_100, subtype="FLOAT"), "x", RATE)
    np.testing.assert_allclose(found, soxr.resample(x, 44_100, RATE), atol=1e-6)


def test_an_hour_takes_the_memory_of_an_hour_at_the_rate_that_is_asked_for(tmp_path: Path) -> None:
    block = np.stack([tone(60, 12_000), tone(60, 12_000, hertz=300)], axis=1)
    with soundfile.SoundFile(tmp_path / "hour.wav", "w", 12_000, 2, subtype="PCM_U8") as file:
        for _ in range(60):
            file.write(block)
    tracemalloc.start()
    x = read_sound(tmp_path / "hour.wav", "hour.wav", 2000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(x) == 3600 * 2000
    assert peak < 2.2 * x.nbytes, "the file's own samples would be twelve times as much"


def test_clipped_sound_is_taken_as_it_is() -> None:
    clipped = np.clip(4 * tone(), -1, 1)
    assert np.abs(read_sound(packed(clipped), "x", RATE)).max() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "a.wav: cannot be read as sound"),
        (b"RIFF" + bytes(40), "cannot be read as sound"),
        (packed(np.zeros(0, np.float32)), "holds no sound, not a single sample; remove it"),
        (packed(np.zeros(400, np.float32)), r"0.05 s of silence, every sample 0"),
        (packed(np.array([0.1, np.nan], np.float32), subtype="FLOAT"), "numbers that are not finite"),
        (packed(tone())[:4000], r"cut short: its header promises 0.50 s, 0.25 s are there"),
        (packed(tone(2.0), kind="FLAC")[:3000], "cut short|cannot be read as sound"),
        (packed(tone(), 500), "500 samples a second; these rates are read: 1,000 to 384,000"),
    ],
    ids=["empty", "no sound", "no sample", "silent", "not finite", "cut short", "cut short FLAC", "slow"],  # some bytes tell the time
)
def test_what_is_wrong_is_said(raw: bytes, words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_sound(raw, "a.wav", RATE)


def test_a_header_that_lies_about_its_length_is_told_and_a_stream_is_not() -> None:
    raw = bytearray(packed(tone()))
    at = raw.index(b"data") + 4
    raw[at : at + 4] = (800_000).to_bytes(4, "little")
    with pytest.raises(UserError, match=r"its header promises 50.00 s, 0.50 s are there"):
        read_sound(bytes(raw), "x", RATE)
    raw[at : at + 4] = b"\xff" * 4
    assert len(read_sound(bytes(raw), "x", RATE)) == 4000
    assert promised_by_wav(bytes(raw)) == 0


def test_what_is_too_long_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("halfseen.data.sound.LONGEST_HOURS", 1 / 3600)
    with pytest.raises(UserError, match="longer than"):
        read_sound(packed(tone(1.5)), "x", RATE)


def test_silence_is_taken_from_both_ends_and_not_from_within() -> None:
    quiet = np.zeros(2400, np.float32)
    whole = np.concatenate([quiet, tone(), quiet, tone(), quiet + 1e-5])
    found = trimmed(whole, RATE)
    assert 2 * 4000 + 2400 <= len(found) <= 2 * 4000 + 2400 + 160
    np.testing.assert_array_equal(trimmed(tone(), RATE), tone())
