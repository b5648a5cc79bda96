"""An encoder-decoder: samples never see each other, what is not yet written is not seen, memory changes nothing, and the widest beam
finds the likeliest of all texts."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from halfseen.data.tokens import Tokens, TwoTexts, lay_rows_of_two
from halfseen.nets.beam import SourceDecoder, beam_search
from halfseen.nets.seq2seq import EncoderDecoder, RestoringHead
from halfseen.nets.shape import TransformerShape
from halfseen.nets.transformer import initialise

BART = TransformerShape(
    width=32,
    layers=2,
    decoder_layers=3,
    heads=4,
    max_length=300,
    norm_position="post",
    gated=False,
    bias=True,
    positions="learned",
    position_offset=2,
)
KINDS = {
    "BART's": BART,
    "pre-norm, rotary": TransformerShape(width=32, layers=2, decoder_layers=3, heads=4, max_length=300),
    "few key heads": TransformerShape(width=32, layers=1, decoder_layers=2, heads=4, kv_heads=2, max_length=300, norm="rms"),
}
Pair = tuple[list[int], list[int]]


def net(shape: TransformerShape, vocabulary: int = 50) -> EncoderDecoder:
    made = EncoderDecoder(shape, vocabulary).eval()
    initialise(made, 0, spread=0.3)
    return made


def states(made: EncoderDecoder, pairs: list[Pair]) -> list[Tensor]:
    sources, targets = ([pair[side] for pair in pairs] for side in (0, 1))
    lengths, written = (np.array([len(text) for text in side]) for side in (sources, targets))
    seen = TwoTexts.of(np.concatenate(sources), lengths, np.concatenate(targets), written)
    with torch.no_grad():
        return list(made(seen).last.split(written.tolist()))


@pytest.mark.parametrize("shape", KINDS.values(), ids=KINDS)
@given(lengths=st.lists(st.tuples(st.integers(1, 150), st.integers(1, 150)), min_size=1, max_size=6), seed=st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_samples_never_see_each_other(shape: TransformerShape, lengths: list[tuple[int, int]], seed: int) -> None:
    rng, made = np.random.default_rng(seed), net(shape)
    pairs = [(rng.integers(0, 50, a).tolist(), rng.integers(0, 50, b).tolist()) for a, b in lengths]
    for together, pair in zip(states(made, pairs), pairs, strict=True):
        torch.testing.assert_close(together, states(made, [pair])[0], rtol=0, atol=1e-5)


def test_the_whole_source_is_seen_and_nothing_that_is_not_written() -> None:
    made = net(BART)
    (before,) = states(made, [([1, 2, 3], [4, 5, 6])])
    (other_end,) = states(made, [([1, 2, 3], [4, 5, 7])])
    assert torch.equal(before[:2], other_end[:2])
    assert not torch.allclose(before[2], other_end[2], atol=1e-3)
    (other_source,) = states(made, [([1, 2, 9], [4, 5, 6])])
    assert ((before - other_source).abs().amax(-1) > 1e-3).all()


@given(st.lists(st.tuples(st.integers(1, 200), st.integers(1, 200)), min_size=1, max_size=9))
@settings(max_examples=60, deadline=None)
def test_both_texts_of_a_sample_stand_in_one_row(lengths: list[tuple[int, int]]) -> None:
    sides = np.array(lengths).T
    (row, column, length), (other_row, other_column, other_length) = lay_rows_of_two(*sides)
    assert (row == other_row).all()
    for at, sizes, most in ((column, sides[0], length), (other_column, sides[1], other_length)):
        assert (at + sizes <= most).all()
        for r in set(row.tolist()):
            places = [p for c, n in zip(at[row == r], sizes[row == r], strict=True) for p in range(c, c + n)]
            assert len(places) == len(set(places)), "no place is taken twice"


def test_a_side_without_tokens_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one token on each side"):
        lay_rows_of_two(np.array([3, 2]), np.array([1, 0]))


@pytest.mark.parametrize("shape", KINDS.values(), ids=KINDS)
def test_what_is_remembered_changes_no_logit(shape: TransformerShape) -> None:
    """Beams that change hands and sources that leave on the way, held against a pass over the whole text."""
    made, rng = net(shape), np.random.default_rng(0)
    head = RestoringHead(made)
    made.logits_bias.normal_(generator=torch.Generator().manual_seed(0))
    sources = [rng.integers(0, 50, n).tolist() for n in (7, 20, 3)]
    texts = [[[1]], [[1]], [[1]]]  # of each source its beams
    decoder = SourceDecoder(made, head, Tokens.of(np.concatenate(sources), np.array([len(s) for s in sources])))

    def check(ids: list[int]) -> None:
        with torch.no_grad():
            logits = decoder.step(torch.tensor(ids))
            flat = [(source, text) for source, beams in zip(sources, texts, strict=True) for text in beams]
            for row, pair in enumerate(flat):
                torch.testing.assert_close(logits[row], head(states(made, [pair])[0])[-1], rtol=0, atol=1e-4)

    check([1, 1, 1])
    decoder.choose(None, torch.tensor([0, 0, 1, 1, 2, 2]))
    texts = [[[1, 4], [1, 5]], [[1, 6], [1, 7]], [[1, 8], [1, 9]]]
    check([4, 5, 6, 7, 8, 9])
    decoder.choose(torch.tensor([0, 2]), torch.tensor([1, 0, 5, 5]))
    sources = [sources[0], sources[2]]
    texts = [[[1, 5, 2], [1, 4, 3]], [[1, 9, 2], [1, 9, 3]]]
    check([2, 3, 2, 3])
    for n in range(20):  # past the room that there is at first
        texts = [[[*text, n] for text in beams] for beams in texts]
        check([n] * 4)
        decoder.choose(None, torch.arange(4))


def test_the_widest_beam_finds_the_likeliest_of_all_texts() -> None:
    """All texts of at most three tokens, by their log-probabilities; with penalty 0 the rule to stop is exact."""
    vocabulary, end, longest = 6, 0, 3
    made = net(replace(BART, layers=1, decoder_layers=1), vocabulary)
    head = RestoringHead(made)
    sources = [[2, 3, 4, 5], [5, 1]]
    found = beam_search(
        made,
        head,
        Tokens.of(np.concatenate(sources), np.array([4, 2])),
        begin=(1,),
        end=end,
        longest=longest,
        beams=vocabulary**longest,
        penalty=0.0,
    )
    for text, source in zip(found, sources, strict=True):
        scored: dict[tuple[int, ...], float] = {}
        for ids in product(range(vocabulary), repeat=longest):
            cut = ids[: ids.index(end) + 1] if end in ids else ids
            (state,) = states(made, [(source, [1, *cut[:-1]])])
            with torch.no_grad():
                share = head(state).log_softmax(-1)
            scored[cut] = float(sum(share[i, id_] for i, id_ in enumerate(cut)))
        best = max(scored, key=lambda ids: scored[ids])
        assert text.ids == [id_ for id_ in best if id_ != end]
        assert text.score == pytest.approx(scored[best], abs=1e-5)


def test_what_the_net_cannot_take_is_refused() -> None:
    made = net(replace(BART, max_length=8))
    head = RestoringHead(made)
    short, long = (Tokens.of(np.ones(n, dtype=np.int64), np.array([n])) for n in (3, 9))
    with pytest.raises(ValueError, match="a sample of 9 tokens, but the net takes at most 8"):
        beam_search(made, head, long, begin=(1,), end=0, longest=4, beams=2)
    for longest in (0, 9):
        with pytest.raises(ValueError, match=f"{longest} tokens to write, but the net takes 1 to 8"):
            beam_search(made, head, short, begin=(1,), end=0, longest=longest, beams=2)
    with pytest.raises(ValueError, match="layers that see only a window"):
        net(replace(KINDS["pre-norm, rotary"], local_window=4))


def test_a_full_row_of_sources_beside_gaps_has_a_gradient() -> None:
    """The gaps among the targets have no source to look at; a softmax over nothing would spoil every gradient."""
    made = net(BART)
    seen = TwoTexts.of(np.ones(128, dtype=np.int64), np.array([128]), np.ones(5, dtype=np.int64), np.array([5]))
    assert (seen.source.owner == 0).all()
    assert (seen.target.owner == -1).any()
    made(seen).last.sum().backward()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in made.parameters())
    assert made.decoder.layers[0].reading.key.weight.grad is not None  # type: ignore[union-attr]
