"""Images to files and back: the same pixels, and nothing else ever given as right."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import halfseen
from halfseen.apps import codec as codec_module
from halfseen.apps.codec import CodecModel, open_codec, wanted_numbers
from halfseen.apps.codec_file import SUM_BYTES, from_bytes, sum_of, to_bytes
from halfseen.apps.codec_stream import FAR, Reader, Tables, Writer
from halfseen.apps.compress import decoded, encoded
from halfseen.contracts import UserError
from halfseen.data.intake import ImageIntake
from halfseen.data.levels import Levels, psnr
from halfseen.hub.arrays import save_model
from halfseen.losses.rate import laplace_tables
from halfseen.methods.array_recipes import CodecRecipe, PairSize
from halfseen.methods.codec import Codec
from halfseen.nets.exact import COEFFICIENT, LARGEST_COEFFICIENT, WITHIN
from halfseen.train.loop import weights_of

RECIPE = CodecRecipe(net=PairSize(width=8))


def small_codec(seed: int = 0) -> Codec:
    """Not trained, but none of its weights is zero."""
    method = Codec(RECIPE, RECIPE.shape((3, 16, 16)))
    method.initialise(seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.02)
    return method.eval()


def save_small_codec(folder: Path) -> Path:
    method = small_codec()
    folder.mkdir()
    save_model(folder, method="codec", recipe=RECIPE, shape=method.shape, intake=ImageIntake(3, 16, 16), tensors=weights_of(method))
    return folder


@pytest.fixture(scope="module")
def codec() -> CodecModel:
    return CodecModel(small_codec())


def picture(height: int, width: int, channels: int = 3) -> Levels:
    """Smooth, with an edge and some noise."""
    rng = np.random.default_rng(height * 1000 + width)
    y, x = np.mgrid[:height, :width]
    smooth = 128 + 80 * np.sin(y / 9 + np.arange(channels)[:, None, None]) * np.cos(x / 13) + 40 * (x > width / 2)
    return np.clip(smooth + rng.normal(0, 4, smooth.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 33, 3), (16, 16, 1), (48, 64, 3), (21, 530, 1)])
def test_what_comes_out_is_what_was_told(codec: CodecModel, shape: tuple[int, int, int]) -> None:
    image = picture(*shape)
    data, told = encoded(codec, image, 19.0)
    assert told.shape == image.shape
    assert np.array_equal(decoded(codec, data, "x.hsc"), told)


def test_finer_steps_lose_less_and_cost_more(codec: CodecModel) -> None:
    image = picture(64, 64)
    made = [encoded(codec, image, step) for step in (100.0, 40.0, 12.0)]
    sizes, losses = [len(data) for data, _ in made], [psnr(image, told, white=255) for _, told in made]
    assert sizes == sorted(sizes)
    assert losses == sorted(losses)


def test_whole_numbers_say_what_the_floats_say(codec: CodecModel) -> None:
    """Of the same coefficients, means and scales but for rounding, and pixels."""
    image, level = picture(32, 48), -0.4
    _, read_Khw = codec.encode(image, step=24 << COEFFICIENT, level=round(level * 2**WITHIN))
    read = torch.from_numpy(read_Khw / 2.0**COEFFICIENT).float()[None]
    with torch.no_grad():
        pixels = codec.method.rebuilt(read, torch.tensor([level]), torch.tensor([24.0])).clamp(0, 255).round()[0].numpy()
        told = codec.pixels(read_Khw, 32, 48, step=24 << COEFFICIENT, level=round(level * 2**WITHIN))
        assert np.abs(told.astype(float) - pixels).mean() < 0.05
        first = 0
        for context, exact in zip(codec.method.slices(), codec.contexts, strict=True):
            before, own = read[:, :first], read[:, first : first + context.own]
            said = context.of_before(before, torch.tensor([level]))
            exactly = exact.of_before(before[0].double() * 2**COEFFICIENT, round(level * 2**WITHIN))
            for turn in range(4):
                mean, log_scale = context(said, own, turn, torch.tensor([level]))
                whole, scale = exact(exactly, own[0].double() * 2**COEFFICIENT, turn, round(level * 2**WITHIN))
                torch.testing.assert_close(whole / 2**COEFFICIENT, mean[0].double(), atol=0.02, rtol=1e-3)
                torch.testing.assert_close(scale / 7 - 3, log_scale[0].double(), atol=0.08, rtol=0)
            first += context.own


def test_pieces_leave_no_seam(codec: CodecModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pixels are the same however few blocks are mended and laid together at once."""
    _, read_Khw = codec.encode(picture(96, 80), step=20 << COEFFICIENT, level=-700)
    whole = codec.pixels(read_Khw, 96, 80, step=20 << COEFFICIENT, level=-700)
    for piece in (2, 4, 6):
        monkeypatch.setattr(codec_module, "PIECE", piece)
        assert np.array_equal(codec.pixels(read_Khw, 96, 80, step=20 << COEFFICIENT, level=-700), whole)


def test_an_image_of_several_pieces_comes_back(codec: CodecModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec_module, "PIECE", 4)
    data, told = encoded(codec, picture(70, 90), 30.0)
    assert np.array_equal(decoded(codec, data, "x"), told)


def test_sums_do_not_depend_on_their_order(codec: CodecModel) -> None:
    """Products and sums of the exact nets, channels shuffled: equal to the last bit."""
    conv = codec.contexts[2].before
    assert conv is not None
    given = torch.randint(-1024, 1025, (1, conv.weight.shape[1], 6, 6), generator=torch.Generator().manual_seed(2)).double()
    order = torch.randperm(given.shape[1], generator=torch.Generator().manual_seed(1))
    shuffled = torch.nn.functional.conv2d(given[:, order], conv.weight[:, order], conv.bias, padding=conv.padding)
    assert torch.equal(conv(given), shuffled)


@settings(max_examples=40, deadline=None)
@given(numbers=st.lists(st.integers(-FAR // 2, FAR // 2 - 1) | st.integers(-3, 3), max_size=60), seed=st.integers(0, 99))
def test_any_numbers_can_be_written_and_read(numbers: list[int], seed: int) -> None:
    tables = Tables(laplace_tables(np.linspace(-3, 6, 64)))
    wanted, scale = np.array(numbers, np.int64), np.random.default_rng(seed).integers(0, 64, len(numbers))
    writer = Writer(tables)
    writer(scale[:5], wanted[:5])
    writer(scale[5:], wanted[5:])
    reader = Reader(tables, writer.bytes())
    assert np.array_equal(np.concatenate([reader(scale[:5], None), reader(scale[5:], None)]), wanted)


def test_numbers_at_the_end_of_each_table_can_be_written_and_read() -> None:
    tables = Tables(laplace_tables(np.linspace(-3, 6, 64)))
    for table, most in enumerate(tables.most_T):
        wanted = np.array([most, most + 1, -most, -most - 1, 0, most + 2])
        writer = Writer(tables)
        writer(np.full(6, table), wanted)
        assert np.array_equal(Reader(tables, writer.bytes())(np.full(6, table), None), wanted)


def test_nothing_is_written_that_cannot_be_read() -> None:
    mean, a_step = np.array([0.0, LARGEST_COEFFICIENT, -LARGEST_COEFFICIENT, 100.0]), 2.0**COEFFICIENT
    for exact in (1e6, -1e6, 0.0):
        read = wanted_numbers(np.full(4, exact), mean) * a_step + mean
        assert (np.abs(read) <= LARGEST_COEFFICIENT).all()
        assert (np.abs(read - np.clip(exact * a_step, -LARGEST_COEFFICIENT, LARGEST_COEFFICIENT)) <= a_step).all()


def test_damaged_files_are_refused_at_once(codec: CodecModel) -> None:
    """10,000 of them: cut short, bits flipped, bytes added, and sheer noise."""
    data, _ = encoded(codec, picture(16, 16), 40.0)
    rng = np.random.default_rng(0)
    started = time.monotonic()
    for i in range(10_000):
        broken = bytearray(data)
        if i % 4 == 0:
            broken = broken[: rng.integers(0, len(data))]
        elif i % 4 == 1:
            at = int(rng.integers(0, len(data)))
            broken[at] ^= 1 << int(rng.integers(0, 8))
        elif i % 4 == 2:
            broken += rng.bytes(int(rng.integers(1, 9)))
        else:
            broken = bytearray(rng.bytes(64))
        with pytest.raises(UserError, match=r"is no file of|cut short|damaged"):
            decoded(codec, bytes(broken), "x.hsc")
    assert time.monotonic() - started < 60


def test_files_forged_with_a_right_checksum_give_no_wrong_picture(codec: CodecModel) -> None:
    data, told = encoded(codec, picture(16, 16), 40.0)
    rng, faults = np.random.default_rng(1), set[str]()
    for _ in range(150):
        broken = bytearray(data[:-SUM_BYTES])
        for at in rng.integers(4, len(broken), rng.integers(1, 4)):
            broken[at] ^= 1 << int(rng.integers(0, 8))
        forged = bytes(broken) + sum_of(bytes(broken))
        try:
            found = decoded(codec, forged, "x.hsc")
        except UserError as fault:
            faults.add(fault.what[:12])
        else:
            assert np.array_equal(found, told)
    assert len(faults) > 2, "several kinds of faults were met"


def test_what_a_header_claims_is_held_against_bounds(codec: CodecModel) -> None:
    data, _ = encoded(codec, picture(16, 16), 40.0)
    header, content = from_bytes(data, "x")
    large = to_bytes(replace(header, width=20_000, height=20_000, step=1), content)
    with pytest.raises(UserError, match=r"x: says of 20,000 x 20,000 pixels, of at most 64,000,000, a step of 1, which no file has"):
        from_bytes(large, "x")
    with pytest.raises(UserError, match="bytes of content"):
        from_bytes(to_bytes(header, content + b"a"), "x")
    later = bytearray(data[:-SUM_BYTES])
    later[4] = 9
    with pytest.raises(UserError, match="of version 9; this halfseen reads version 1"):
        from_bytes(bytes(later) + sum_of(bytes(later)), "x")


def test_another_codecs_file_is_refused(codec: CodecModel) -> None:
    data, _ = encoded(codec, picture(16, 16), 40.0)
    with pytest.raises(UserError, match=rf"x.hsc: was made by the codec {codec.id.hex()}, and this is .*--model"):
        decoded(CodecModel(small_codec(seed=1)), data, "x.hsc")


def test_damaged_tables_and_weights_are_refused() -> None:
    counts = laplace_tables(np.linspace(-3, 6, 64))
    counts[5, 0] += 1
    with pytest.raises(UserError, match="tables of probabilities are damaged"):
        Tables(counts)
    method = small_codec()
    with torch.no_grad():
        method.mend_far.weight[0, 0, 0, 0] = float("inf")
    with pytest.raises(UserError, match="weights are too large, or no numbers"):
        CodecModel(method)


class TestVerbs:
    def test_compress_and_decompress(self, tmp_path: Path) -> None:
        model, source = save_small_codec(tmp_path / "codec"), tmp_path / "a.png"
        Image.fromarray(picture(40, 50).transpose(1, 2, 0)).save(source)
        said = halfseen.compress(source, out=tmp_path / "a.hsc", quality=4, model=model)
        size = (tmp_path / "a.hsc").stat().st_size
        assert (said["bytes"], said["bits_per_pixel"]) == (size, round(8 * size / 2000, 4))
        assert halfseen.decompress(tmp_path / "a.hsc", out=tmp_path / "b.png", model=model)["width"] == 50
        back = np.asarray(Image.open(tmp_path / "b.png")).transpose(2, 0, 1)
        assert round(psnr(picture(40, 50), back, white=255), 3) == said["psnr_db"]

    def test_faults_are_told(self, tmp_path: Path) -> None:
        model, source = save_small_codec(tmp_path / "codec"), tmp_path / "a.png"
        Image.fromarray(picture(16, 16, 1)[0]).save(source)
        with pytest.raises(UserError, match=r"--quality is 6, but must be between 1 and 5"):
            halfseen.compress(source, out=tmp_path / "c.hsc", quality=6)
        with pytest.raises(UserError, match=r"a.png: is there already"):
            halfseen.compress(source, out=source, model=model)
        (tmp_path / "there.hsc").touch()
        with pytest.raises(UserError, match="is there already"):
            halfseen.compress(source, out=tmp_path / "there.hsc", model=model)
        with pytest.raises(UserError, match=r"must end with .png"):
            halfseen.decompress(source, out=tmp_path / "b.jpg", model=model)
        with pytest.raises(UserError, match=r"a.png: is no file of `halfseen compress`"):
            halfseen.decompress(source, out=tmp_path / "b.png", model=model)
        with pytest.raises(UserError, match="no such file or folder"):
            halfseen.compress(tmp_path / "none.png", out=tmp_path / "c.hsc", model=model)
        (tmp_path / "cut.png").write_bytes(source.read_bytes()[:60])
        with pytest.raises(UserError, match="damaged or cut short"):
            halfseen.compress(tmp_path / "cut.png", out=tmp_path / "c.hsc", model=model)
        (tmp_path / "two").mkdir()
        for name in "ab":
            Image.fromarray(picture(16, 16, 1)[0]).save(tmp_path / "two" / f"{name}.png")
        with pytest.raises(UserError, match=r"2 images; name one"):
            halfseen.compress(tmp_path / "two", out=tmp_path / "c.hsc", model=model)
        with (tmp_path / "large.hsc").open("wb") as file:
            file.truncate(200_000_000)
        with pytest.raises(UserError, match="200,000,000 bytes; no file of `halfseen compress` is so large"):
            halfseen.decompress(tmp_path / "large.hsc", out=tmp_path / "b.png", model=model)
        assert not (tmp_path / "c.hsc").exists()

    def test_a_folder_of_another_method_is_no_codec(self, tmp_path: Path) -> None:
        from halfseen.methods.array_recipes import AutoencoderRecipe
        from halfseen.methods.autoencoder import Autoencoder

        recipe = AutoencoderRecipe()
        method = Autoencoder(recipe, recipe.shape((3, 16, 16)))
        save_model(
            tmp_path, method="autoencoder", recipe=recipe, shape=method.shape, intake=ImageIntake(3, 16, 16), tensors=weights_of(method)
        )
        with pytest.raises(UserError, match="is no codec"):
            open_codec(tmp_path)


def test_a_codec_of_ones_own_from_photographs_to_a_file(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    (tmp_path / "photographs").mkdir()
    for i in range(4):
        Image.fromarray(picture(40 + i, 70).transpose(1, 2, 0)).save(tmp_path / "photographs" / f"{i}.png")
    ran = halfseen.pretrain("codec", tmp_path / "photographs", out=tmp_path / "codec", steps=3, size=32, net={"width": 4})
    assert ran["heldout"]["bits_per_pixel"] > 0
    kept = load_file(tmp_path / "codec" / "model.safetensors")
    assert {str(value.dtype) for value in kept.values()} == {"float16", "int32"}
    halfseen.compress(tmp_path / "photographs" / "0.png", out=tmp_path / "a.hsc", model=tmp_path / "codec")
    halfseen.decompress(tmp_path / "a.hsc", out=tmp_path / "a.png", model=tmp_path / "codec")
    assert Image.open(tmp_path / "a.png").size == (70, 40)


def test_pieces_of_a_size_that_no_codec_takes(tmp_path: Path) -> None:
    Image.fromarray(picture(96, 140).transpose(1, 2, 0)).save(tmp_path / "a.png")
    with pytest.raises(UserError, match="pieces of 40 x 40, but a codec's are multiples of 16"):
        halfseen.pretrain("codec", tmp_path / "a.png", out=tmp_path / "codec", steps=1, size=40)
    with pytest.raises(UserError, match=r"--net.layers is given, but a codec's nets are all alike"):
        halfseen.pretrain("codec", tmp_path / "a.png", out=tmp_path / "other", steps=1, size=32, net={"layers": 3})
