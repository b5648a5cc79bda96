"""Texts of which the tokenizer leaves nothing, and windows with little room: every item gets an answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from halfseen.contracts import Sample
from halfseen.data.labels import Answer
from halfseen.data.tokenizers import Tokenizer, train
from halfseen.data.tokens import Tokens
from halfseen.tasks.span import LONGEST_ANSWER, Span
from halfseen.tasks.tag import Tag
from tests.tiny import ENGLISH, SHAPE, net

NOTHING = "\x00\x01"
"""Control characters, which WordPiece drops."""


@pytest.fixture(scope="module")
def words() -> Tokenizer:
    made = train(ENGLISH, kind="wordpiece", size=200)
    assert len(made.encode(NOTHING).ids) == 0
    return made


@pytest.fixture(scope="module")
def tagger(words: Tokenizer) -> Tag:
    return Tag(net(len(words.table)), words, ("N", "O"), "mean")


@pytest.fixture(scope="module")
def reader(words: Tokenizer) -> Span:
    made = Span(net(len(words.table)), words, (), "mean")
    torch.nn.init.normal_(made.head.weight, generator=torch.Generator().manual_seed(0))
    return made


SENTENCES = [
    (NOTHING,),
    (NOTHING, NOTHING, NOTHING),
    (NOTHING, "film"),
    ("film", NOTHING),
    ("the", NOTHING, "film", NOTHING, NOTHING, "moves"),
    ("film",) * 61 + (NOTHING,) * 3,
    ("film",) * 62 + (NOTHING,) * 3 + ("film",) * 62,
]


@pytest.mark.parametrize("together", [False, True])
def test_every_word_gets_a_tag(tagger: Tag, together: bool) -> None:
    samples = [Sample(str(i), sentence, {"tags": ("N",) * len(sentence)}) for i, sentence in enumerate(SENTENCES)]
    for batch in [samples] if together else [[sample] for sample in samples]:
        assert [len(tags) for tags in tagger.predict(batch)] == [len(sample.x) for sample in batch]
        prepared = tagger.prepare(batch, labelled=True)
        loss = tagger(tagger.with_targets(prepared, lambda *_: np.zeros(0)))
        assert torch.isfinite(loss.per_item).all()
        assert sum(len(window.meta["target"]) for window in prepared) == sum(len(sample.x) for sample in batch)


@pytest.mark.parametrize("passage", ["", " ", NOTHING])
def test_a_passage_of_nothing_has_no_answer(reader: Span, passage: str) -> None:
    empty = Sample("0", ("who wrote ?", passage), {"question_id": "0"})
    assert reader.predict([empty]) == [""]
    said = reader.predict([Sample("1", ("who wrote ?", "the film"), {"question_id": "1"}), empty])
    assert said[0]
    assert said[1] == ""


@pytest.mark.parametrize("length", [0, 30, 57, 58, 59, 60, 61, 64, 200])
def test_a_long_question_leaves_room_for_the_passage(reader: Span, length: int) -> None:
    passage = "the film . " * 40 + "moves us"
    meta = {"question_id": "0", "answers": (Answer(passage.index("moves"), "moves us"),)}
    sample = Sample("0", ("who " * length, passage), meta)
    (said,) = reader.predict([sample])
    assert said
    assert said in passage
    windows = reader.prepare([sample], labelled=False)
    room = SHAPE.max_length - 3
    assert all(len(question.ids) <= room // 2 and len(question.ids) + len(part.ids) <= room for question, part in (w.x for w in windows))
    assert {int(end) for w in windows for _, end in w.meta["offsets"]} >= set(reader.tokenizer.encode(passage).offsets[:, 1].tolist())
    assert reader.prepare([sample], labelled=True)


def spoken(reader: Span, scores_SL2: torch.Tensor, offsets: list[np.ndarray]) -> list[tuple[float, int, int]]:
    """What is said of windows with these scores and characters."""
    seen = Tokens.of(np.zeros(len(offsets), np.int64), np.ones(len(offsets), np.int64))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "scores", lambda *_: scores_SL2)
        return reader.speak(torch.zeros(0), seen, [Sample(str(i), (), {"offsets": held}) for i, held in enumerate(offsets)])


def test_an_answer_is_bounded_by_its_characters_not_its_tokens(reader: Span) -> None:
    at = np.arange(320)
    characters, words = np.stack([at, at + 1], 1), np.stack([6 * at, 6 * at + 5], 1)
    scores = torch.zeros(2, 320, 2)
    scores[:, 2, 0], scores[:, 2 + 140, 1], scores[:, 2 + 20, 1] = 5, 3, 2
    assert [(first, after) for _, first, after in spoken(reader, scores, [characters, words])] == [(2, 143), (12, 137)]


@given(st.lists(st.lists(st.integers(1, 200), min_size=1, max_size=9), min_size=1, max_size=3), st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_the_best_span_is_that_of_a_slow_search(reader: Span, sizes: list[list[int]], seed: int) -> None:
    """sizes: how many characters each token of each window has; a token alone may be longer than an answer."""
    scores = torch.full((len(sizes), max(map(len, sizes)), 2), -torch.inf)
    offsets, expected = [], []
    for s, lengths in enumerate(sizes):
        ends = np.cumsum(lengths)
        offsets.append(np.stack([ends - lengths, ends], 1))
        scores[s, : len(lengths)] = torch.from_numpy(np.random.default_rng([seed, s]).normal(size=(len(lengths), 2)))
        found = []
        for i, (first, _) in enumerate(offsets[s]):
            for j, (_, after) in enumerate(offsets[s]):
                if i == j or (i < j and after - first <= LONGEST_ANSWER):
                    found.append((float(scores[s, i, 0] + scores[s, j, 1]), int(first), int(after)))
        expected.append(max(found))
    assert spoken(reader, scores, offsets) == expected
