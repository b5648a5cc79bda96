"""Source and filters: what the net says of a spectrum is heard, and each sample is made for itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from halfseen.contracts import Sample, Split
from halfseen.data.draw import KeyedDraw
from halfseen.data.speech_batch import Frames
from halfseen.methods import make
from halfseen.methods.speech_recipes import VocoderRecipe, VocoderSize
from halfseen.methods.vocoder import Vocoder
from halfseen.nets.laid_out import Layout
from halfseen.nets.vocoder import GAP, SOFT, between

RATE, HOP, BANDS = 8000, 80, 10


def method(rate: int = RATE, **size: int) -> Vocoder:
    recipe = VocoderRecipe(net=VocoderSize(**{"layers": 4, "width": 16, **size}))
    made: Vocoder = make("vocoder", recipe, recipe.shape(rate=rate), BANDS)
    made.initialise(0)
    return made.eval()


def samples(*lengths: int, hertz: float = 100.0) -> list[Sample]:
    rng = np.random.default_rng(0)
    return [Sample(f"s{i}", rng.normal(size=(n, BANDS)), {"hertz": np.full(n, hertz)}) for i, n in enumerate(lengths)]


@torch.no_grad()
def made_of(made: Vocoder, some: list[Sample]) -> torch.Tensor:
    return made.net.sound(made.split.seen(some, KeyedDraw(0, 0, some)))


@pytest.mark.parametrize("rate", [RATE, 24_000])
@pytest.mark.parametrize("hertz", [0.0, 200.0])
def test_sizes_that_are_told_are_heard(hertz: float, rate: int) -> None:
    """With the filter of noise closed above a quarter of the rate, and that of overtones below."""
    made = method(rate)
    half = made.net.bins // 2 + 1
    with torch.no_grad():
        made.net.sizes.weight.zero_()
        bias_2B = made.net.sizes.bias.view(2, -1)
        bias_2B[0, :half], bias_2B[0, half:] = -20.0, -SOFT
        bias_2B[1, :half], bias_2B[1, half:] = -SOFT, -20.0
    sound_L = made_of(made, samples(100, hertz=hertz)).flatten()[rate // 10 : -rate // 10].numpy()
    power = np.square(np.abs(np.fft.rfft(sound_L))) / len(sound_L)
    low, high = power[: len(power) // 2].mean(), power[len(power) // 2 :].mean()
    assert low == pytest.approx(1, rel=0.1), "white noise of variance 1"
    assert high == pytest.approx(1 if hertz else 0, rel=0.1, abs=0.01), "overtones of variance 1"
    if hertz:
        lines = power[len(power) // 2 : len(power) * 9 // 10]
        assert np.sort(lines)[: len(lines) * 3 // 4].sum() < 0.05 * lines.sum(), "all of it in a few lines"


def test_the_samples_around_one_change_nothing() -> None:
    made, some = method(), samples(7, 1, 12)
    together = torch.split(made_of(made, some), (7, 1, 12))
    for one, found in zip(some, together, strict=True):
        torch.testing.assert_close(made_of(made, [one]), found, atol=1e-5, rtol=1e-5)
    assert all(float(found.abs().mean()) > 1e-3 for found in together)


def test_moments_are_between_frames_of_one_sample() -> None:
    layout = Layout.of(Frames(torch.zeros(3, 1), torch.tensor([2, 1])), GAP)
    x_MW = layout.spread(torch.tensor([[2.0], [4.0], [10.0]]))
    found = between(x_MW, layout)[:, 0]
    assert len(found) == len(layout.owner) + 1
    assert found[GAP : GAP + 3].tolist() == [2, 3, 4]
    assert found[2 * GAP + 2 : 2 * GAP + 4].tolist() == [10, 10]
    assert int((found != 0).sum()) == 5


def test_flops_are_what_torch_counts() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    made, one = method(width=64), samples(1000)
    seen = made.split.seen(one, KeyedDraw(0, 0, one))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        made.net.sound(seen)
    places = len(Layout.of(seen, GAP).owner)
    assert made.flops(places, 1000) / 3 == pytest.approx(counter.get_total_flops(), rel=0.01)


def test_states_are_of_every_block() -> None:
    made, one = method(), samples(5)
    seen = made.split.seen(one, KeyedDraw(0, 0, one))
    assert [tuple(layer.shape) for layer in made.layers(seen)] == [(5, 16)] * 5
    encoded = made.encode(seen)
    assert torch.equal(encoded.states, made.layers(seen)[-1])
    assert encoded.pooled.shape == (1, 16)


def test_options_out_of_their_range_are_named() -> None:
    assert VocoderRecipe(net=VocoderSize(layers=0, width=0)).faults() == [
        "net.layers is 0, but must be at least 1",
        "net.width is 0, but must be at least 1",
    ]
    assert VocoderRecipe().shape(rate=22_050).faults() == [
        "--rate is 22050, but a vocoder's must be a multiple of 400, e.g. 8000, 16000 or 24000"
    ]


def test_the_guess_is_a_hum_or_a_hiss_as_loud_as_the_recording() -> None:
    """So that it is right of a recording that is nothing else."""
    made = method()
    hertz_T, loud_T1 = np.where(np.arange(20) < 12, 100.0, 0.0), 0.1 + 0.02 * np.arange(20)[:, None]
    one = [Sample("s", np.zeros((20, BANDS)), {"hertz": hertz_T})]
    seen = made.split.seen(one, KeyedDraw(0, 0, one))
    hum_TH, hiss_TH = (x_NH / x_NH.square().mean(1, keepdim=True).sqrt() for x_NH in (seen.overtones, seen.noise))
    target_TH = torch.where(seen.hertz[:, None] > 0, hum_TH, hiss_TH) * torch.from_numpy(loud_T1).float()
    scored_T1 = torch.ones(20, 1, dtype=torch.bool)
    assert float(made.guessed(Split(seen, target_TH, scored_T1)).mean()) < 1e-3
    assert float(made.guessed(Split(seen, hiss_TH * torch.from_numpy(loud_T1).float(), scored_T1)).mean()) > 0.1
