"""The net that takes a voice apart: its layout, its norms, and what its codes stand for."""

from __future__ import annotations

import numpy as np
import torch

from halfseen.contracts import Sample
from halfseen.data.draw import KeyedDraw
from halfseen.data.speech_batch import Frames
from halfseen.methods import make
from halfseen.methods.disentangle import Disentangle
from halfseen.methods.speech_recipes import DisentangleRecipe, VoiceSize
from halfseen.nets.laid_out import REACH, Layout
from halfseen.nets.voice import FLAT, CodedLayout, normed
from halfseen.split.bent import Bent, bend

LENGTHS = (7, 1, 12)


def samples() -> list[Sample]:
    rng = np.random.default_rng(0)
    return [Sample(f"s{i}", rng.normal(size=(n, 10)).astype(np.float32)) for i, n in enumerate(LENGTHS)]


def method(pace: int = 3, bend: float = 0.1, levels: int = 0) -> Disentangle:
    recipe = DisentangleRecipe(net=VoiceSize(layers=1, width=24, code=4, speaker=6, pace=pace), bend=bend, levels=levels)
    made: Disentangle = make("disentangle", recipe, recipe.shape(rate=8000), 10)
    made.initialise(0)
    return made.eval()


def test_places_have_gaps_and_codes_their_frames() -> None:
    seen = Frames.of(samples())
    layout = CodedLayout.paced(seen, 3)
    x_NW = torch.randn(len(seen.x), 5)
    x_MW = layout.spread(x_NW)
    assert torch.equal(layout.frames(x_MW), x_NW)
    owner = layout.owner.tolist()
    place = layout.place.tolist()
    assert [owner[p] for p in place] == [0] * 7 + [1] + [2] * 12
    assert place[7] - place[6] == place[8] - place[7] == REACH + 1
    start, expected = 0, []
    for n in LENGTHS:
        expected += [x_NW[start + a : start + min(a + 3, n)].mean(0) for a in range(0, n, 3)]
        start += n
    torch.testing.assert_close(layout.pooled(x_NW), torch.stack(expected))


def test_norms_are_those_of_each_sample_alone() -> None:
    seen = Frames.of(samples())
    layout = Layout.of(seen, REACH)
    x_NW = 3 + 2 * torch.randn(len(seen.x), 5, generator=torch.Generator().manual_seed(0))
    scale_SW, shift_SW = torch.randn(3, 5), torch.randn(3, 5)
    found = layout.frames(normed(layout.spread(x_NW), layout, (scale_SW, shift_SW)))
    for i, (piece, got) in enumerate(zip(torch.split(x_NW, LENGTHS), torch.split(found, LENGTHS), strict=True)):
        plain = (piece - piece.mean(0)) / torch.sqrt(piece.var(0, correction=0) + FLAT)
        torch.testing.assert_close(got, (plain * scale_SW[i] + shift_SW[i]).relu(), atol=1e-4, rtol=1e-4)
    gaps = normed(layout.spread(x_NW), layout, (scale_SW, shift_SW))[layout.owner == 3]
    assert float(gaps.abs().max()) == 0


def test_who_speaks_reaches_every_frame_and_what_is_said_only_its_own() -> None:
    made = method(pace=1)
    seen = Frames.of([samples()[2]])
    with torch.no_grad():
        code, speaker = made.net(seen).code, made.net.speaker(seen)
        told = made.net.spoken(code, speaker, seen)
        other = made.net.spoken(code, speaker + 1, seen)
        assert (told - other).abs().amax(1).min() > 1e-3
        encoded = made.encode(seen)
        assert torch.equal(encoded.states, code)
        assert torch.equal(encoded.pooled, speaker)


def test_a_code_stands_for_pace_frames() -> None:
    made, some = method(pace=3), samples()
    seen = Frames.of(some)
    with torch.no_grad():
        states = made.encode(seen).states
        code = made.net(seen).code
    assert len(code) == 3 + 1 + 4
    pieces = torch.split(states, LENGTHS)
    assert torch.equal(pieces[0][:3], code[0].expand(3, -1))
    assert torch.equal(pieces[0][6], code[2])
    assert torch.equal(pieces[2][-1], code[-1])


def test_codes_of_few_levels_are_units() -> None:
    made = method(levels=3)
    some = samples()
    seen = Frames.of(some)
    with torch.no_grad():
        states = made.encode(seen).states
        loss = made(made.split(some, KeyedDraw(0, 0, some)))
    assert set(states.unique().tolist()) <= {-1.0, 0.0, 1.0}
    assert made.alphabet == 3**4
    unit = made.units(states)
    assert unit.min() >= 0
    assert unit.max() < 3**4
    by_hand = [sum(round(number + 1) * 3**place for place, number in enumerate(code)) for code in states.tolist()]
    assert unit.tolist() == by_hand
    assert set(loss.parts) == {"absolute_error"}, "codes have no distance from normal numbers"
    assert method().alphabet == 0


def test_options_out_of_their_range_are_named() -> None:
    assert DisentangleRecipe(kl=-1, bend=1, levels=1).faults() == [
        "--kl is -1, but must be 0 or more",
        "--levels is 1, but must be at least 2, or 0",
        "--bend is 1, but must be 0 or more and below 1",
    ]


def test_flops_are_what_torch_counts() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    made = method()
    one = [Sample("x", np.zeros((1000, 10), np.float32))]
    split = made.split(one, KeyedDraw(0, 0, one))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        made(split)
    places = len(Layout.of(split.seen, REACH).owner)
    assert 0.95 < made.flops(places, 1000) / 3 / counter.get_total_flops() < 1.05


def test_bands_move_and_random_numbers_are_keyed() -> None:
    x_TF = np.arange(10, dtype=np.float32)[None]
    np.testing.assert_allclose(bend(x_TF, 1.0), x_TF)
    np.testing.assert_allclose(bend(x_TF, 0.5)[0], np.arange(10) / 2)
    np.testing.assert_allclose(bend(x_TF, 2.0)[0], np.minimum(2 * np.arange(10), 9))
    some, splitter = samples(), Bent(0.2, 4, 3)
    split = splitter(some, KeyedDraw(0, 0, some))
    assert split.seen.noise.shape == (8, 4)
    assert not torch.equal(split.seen.bent, split.seen.x)
    alone = splitter([some[2]], KeyedDraw(0, 0, [some[2]]))
    assert torch.equal(alone.seen.noise, split.seen.noise[4:])
    assert torch.equal(alone.seen.bent, split.seen.bent[8:])
    assert Bent(0.2, 0, 3)(some, KeyedDraw(0, 0, some)).seen.noise.shape == (8, 0), "no noise for codes of few levels"
    still = Bent(0.0, 4, 3)(some, KeyedDraw(0, 0, some))
    assert torch.equal(still.seen.bent, still.seen.x)
