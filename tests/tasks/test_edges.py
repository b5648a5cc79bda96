"""Texts of which the tokenizer leaves nothing, and windows with little room: every item gets an answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from halfseen.contracts import Sample
from halfseen.data.labels import Answer
from halfseen.data.tokenizers import Tokenizer, train
from halfseen.tasks.span import Span
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
