"""The tasks of content and semantics: their stand-ins, heads and figures, against closed forms and slow loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from halfseen.contracts import UserError
from halfseen.data.logmel import LogMel
from halfseen.suites.speech_tasks import TASKS, asr, joined, qbe, sf
from halfseen.suites.speech_tasks.arm import Arm, fbank
from halfseen.suites.speech_tasks.contract import Trial, stand_in
from halfseen.suites.speech_tasks.ctc import BothWays, FrameByFrame, collapsed, numbered, read, turned
from halfseen.suites.speech_tasks.folder import DataFolder
from halfseen.suites.speech_tasks.pooled import numbered as classes_of
from halfseen.suites.speech_tasks.qbe import BETA, curves, end_to_end, mtwv, nearest
from halfseen.suites.speech_tasks.sequence import Batch, Mix, Schedule, Sequences, learnt
from halfseen.suites.speech_tasks.texts import edits, error_rate
from tests.suites.speech_tasks.small_sets import SPEAKERS, write_small_sets


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    return DataFolder(write_small_sets(tmp_path_factory.mktemp("sets")))


@pytest.fixture
def arm(tmp_path: Path) -> Arm:
    return Arm("fbank", LogMel(8000, 40), lambda raw: [fbank(frames) for frames in raw], tmp_path)


def test_strings_hold_each_clip_once(data: DataFolder) -> None:
    strings = joined.digit_strings(data)
    said = [digit for each in strings for digit in each.target if each.speaker == "fsdd/anna"]
    assert len(said) >= 20 - 2, "a rest that is too short for a string is left"
    assert max(said.count(digit) for digit in joined.DIGITS) <= 2
    assert {3, 4, 5, 6} >= {len(each.target) for each in strings}
    assert {each.speaker for each in strings} == {f"fsdd/{name}" for name in SPEAKERS}
    one = strings[0]
    x = one.sound(8000)
    np.testing.assert_array_equal(x, joined.digit_strings(data)[0].sound(8000))
    assert 0.2 * len(one.target) < len(x) / 8000 < 0.2 * len(one.target) + 0.25 * (len(one.target) + 1)


def test_digits_are_in_arpabet(data: DataFolder) -> None:
    material = TASKS["pr"].find(data, 0)
    spoken = TASKS["asr"].find(data, 0)
    assert material is not None
    assert spoken is not None
    assert (material.name, material.official) == ("digit strings", False)
    for phones, words in zip(material.test, spoken.test, strict=True):
        assert " ".join(phones.target) == " ".join(joined.PHONES[word] for word in words.target)
        assert phones.id == words.id, "states are computed once"
    material.must_keep_speakers_apart()


@pytest.mark.parametrize("task", ["ic", "sf"])
def test_commands_keep_both_speakers_apart(task: str, data: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined, "PARTS_OF_COMMANDS", {"train": 30, "dev": 10, "test": 20})
    material = TASKS[task].find(data, 0)
    other = TASKS[task].find(data, 1)
    assert material is not None
    assert other is not None
    material.must_keep_speakers_apart()
    assert [len(some) for some in material.parts().values()] == [30, 10, 20]
    assert all(each.speaker.count("+") >= 1 for each in material.test), "a word by one, digits by others"
    assert {each.speaker for each in material.test} != {each.speaker for each in other.test}


def test_commands_say_what_they_mean(data: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined, "PARTS_OF_COMMANDS", {"train": 5, "dev": 5, "test": 40})
    intents = TASKS["ic"].find(data, 0)
    filled = TASKS["sf"].find(data, 0)
    assert intents is not None
    assert filled is not None
    for word, low, high in (each.target for each in intents.test):
        assert word in ("bed", "cat", "happy")
        assert int(low) < 5 <= int(high)
    counts = {len(sf.slots(each.target)) for each in filled.test}
    assert counts == {1, 2}
    for each in filled.test:
        for name, (value,) in sf.slots(each.target).items():
            assert f"{name} B-{name} {value} E-{name}" in each.target
            assert set(value.split()) <= set(joined.DIGITS)


def test_missing_sets_give_no_material(tmp_path: Path) -> None:
    for task in ("pr", "asr", "ks", "qbe", "ic", "sf"):
        assert TASKS[task].find(DataFolder(tmp_path), 0) is None
    (tmp_path / "fsdd").mkdir()
    with pytest.raises(UserError, match="no recording; there is nothing"):
        TASKS["asr"].find(DataFolder(tmp_path), 0)


def test_edits_are_levenshtein_s() -> None:
    wrong, count = edits([("a", "b"), (), ("x", "b", "c", "d")], [("a", "c"), ("a",), ("b", "c")])
    assert (wrong, count) == ([1, 1, 2], [2, 1, 2])
    assert error_rate([("zero", "one")], [("zero", "one")]) == 0


@settings(deadline=None)
@given(st.lists(st.sampled_from("abc "), max_size=6), st.lists(st.sampled_from("abc "), min_size=1, max_size=6))
def test_edits_by_a_slow_loop(told: list[str], truth: list[str]) -> None:
    cost = {(i, 0): i for i in range(len(told) + 1)} | {(0, j): j for j in range(len(truth) + 1)}
    for i in range(1, len(told) + 1):
        for j in range(1, len(truth) + 1):
            cost[i, j] = min(cost[i - 1, j] + 1, cost[i, j - 1] + 1, cost[i - 1, j - 1] + (told[i - 1] != truth[j - 1]))
    assert edits([told], [truth])[0] == [cost[len(told), len(truth)]]


def test_reading_collapses_repetitions_and_blanks() -> None:
    assert collapsed([0, 1, 1, 0, 1, 2, 2, 0], ["", "a", "b"]) == ("a", "a", "b")
    assert collapsed([0, 0], ["", "a"]) == ()


def test_words_of_letters() -> None:
    assert asr.words(asr.letters(("zero", "one"))) == ("zero", "one")
    assert asr.words(("", " ", "o", " ", " ", "x")) == ("o", "x")
    assert asr.word_errors([asr.letters(("zero", "on"))], [asr.letters(("zero", "one"))]) == 0.5


@given(st.lists(st.sampled_from(["two", "B-x", "E-x", "B-y", "E-y", "ten"]), max_size=8))
def test_slots_are_spelt_and_read_again(words: list[str]) -> None:
    text = " ".join(words)
    assert sf.written(sf.symbols(text)) == text


def test_slot_figures() -> None:
    truth = sf.slots("cat B-cat two one E-cat bed B-bed six E-bed")
    assert truth == {"cat": ["two one"], "bed": ["six"]}
    assert sf.slots("cat B-cat two bed B-bed six E-bed") == {"bed": ["six"]}, "what is not closed is no slot"
    assert sf.slots("B-cat two B-bed six E-cat") == {"cat": ["two six"]}
    assert sf.slot_f1(truth, truth) == 1
    assert sf.slot_f1({"cat": ["x"], "dog": ["y"]}, truth) == 0.5
    assert sf.slot_f1({}, truth) == 0
    assert sf.slot_f1({}, {}) == 1
    assert sf.value_errors({"bed": ["sex", "nine"]}, truth) == (len("two one") + 1, len("two one") + 3)
    assert sf.value_errors(truth, truth) == (0, 10)


def test_warping_by_a_slow_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qbe, "ROW_FRAMES", 25)
    rng = np.random.default_rng(0)

    def unit(n: int) -> torch.Tensor:
        return torch.nn.functional.normalize(torch.from_numpy(rng.normal(size=(n, 3)).astype(np.float32)), dim=1)

    def searched(query: torch.Tensor, recordings: list[torch.Tensor]) -> np.ndarray:
        return np.concatenate([nearest(query, row) for row in end_to_end(recordings)])

    query = unit(5)
    recordings = [unit(n) for n in (12, 4, 1, 9, 30, 3)]
    assert len(list(end_to_end(recordings))) == 3
    for found, states in zip(searched(query, recordings), recordings, strict=True):
        cost = 1 - (query @ states.T).numpy()
        best = {(0, j): cost[0, j] for j in range(len(states))}
        for i in range(1, len(query)):
            for j in range(len(states)):
                best[i, j] = cost[i, j] + min(best[i - 1, j - k] for k in range(3) if j >= k)
        assert found == pytest.approx(min(best[len(query) - 1, j] for j in range(len(states))) / len(query), abs=1e-5)
    stretched = torch.cat([unit(6), query.repeat_interleave(torch.tensor([1, 2, 1, 2, 1]), 0), unit(3)])
    assert searched(query, [stretched])[0] == pytest.approx(0, abs=1e-5), "slower by up to two, and anywhere"


def test_mtwv_in_closed_form() -> None:
    trials = [Trial(query, str(i), i < 2) for query in "ab" for i in range(12)]
    near = np.array([*range(12), *range(12)], float)
    assert mtwv(*curves(trials, near)) == 1, "all matches before all others"
    assert mtwv(*curves(trials, -near)) == 0, "nothing is taken"
    mixed = [Trial("q", str(i), i % 2 == 0) for i in range(4)]
    assert mtwv(*curves(mixed, np.array([1.0, 2.0, 3.0, 4.0]))) == 0.5, "of m-m- the first alone: half is missed, nothing is taken wrongly"
    miss, alarm = np.array([[0.0, 0.5, 1.0]]), np.array([[0.1, 0.0, 0.0]])
    assert mtwv(miss, alarm) == 0.5
    assert mtwv(np.array([[0.0, 1.0], [1.0, 1.0]]), np.zeros((2, 2)), np.array([3.0, 1.0])) == 0.75
    assert pytest.approx(12.49) == BETA


def test_the_query_is_found_in_its_string(data: DataFolder, arm: Arm) -> None:
    material = TASKS["qbe"].find(data, 0)
    assert material is not None
    for part in ("dev", "test"):
        speaker = {each.id: each.speaker for each in getattr(material, part)}
        assert all(speaker[trial.first] != speaker[trial.second] for trial in material.trials[part])
    outcome = TASKS["qbe"].score(arm, material, 0)
    assert outcome.scores[0].n > 3
    assert 0.05 < outcome.scores[0].value <= 1


def test_linear_ctc_learns_digits(data: DataFolder, arm: Arm) -> None:
    strings = joined.digit_strings(data)
    parts = {"train": tuple(strings), "dev": tuple(strings[:4]), "test": tuple(strings[:8])}
    found = read(
        arm, stand_in("s", parts), lambda said: said, error_rate, FrameByFrame, Schedule(rates=(0.05,), epochs=30, batch_frames=500), 0
    )
    assert error_rate(found.texts, [each.target for each in strings[:8]]) < 0.4
    again = read(
        arm, stand_in("s", parts), lambda said: said, error_rate, FrameByFrame, Schedule(rates=(0.05,), epochs=2, batch_frames=1000), 0
    )
    twice = read(
        arm, stand_in("s", parts), lambda said: said, error_rate, FrameByFrame, Schedule(rates=(0.05,), epochs=2, batch_frames=1000), 0
    )
    assert again == twice


def test_both_ways_is_torch_s_lstm_of_packed_sequences() -> None:
    torch.manual_seed(0)
    ours, theirs = BothWays(3, 4), torch.nn.LSTM(3, 4, bidirectional=True, batch_first=True)
    for name, parameter in theirs.named_parameters():
        own = ours.back if name.endswith("_reverse") else ours.ahead
        dict(own.named_parameters())[name.removesuffix("_reverse")].data.copy_(parameter.data)
    x, lengths = torch.randn(3, 7, 3), torch.tensor([7, 2, 5])
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    truth, _ = torch.nn.utils.rnn.pad_packed_sequence(theirs(packed)[0], batch_first=True)
    found = ours(x, turned(lengths, 7))
    for i, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(found[i, :length], truth[i, :length])


def test_padding_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    states = [torch.from_numpy(rng.normal(size=(n, 2, 3))).half() for n in (5, 9, 4)]
    some = Sequences(states, torch.zeros(2, 3), torch.ones(2, 3), stride=2)
    assert some.lengths.tolist() == [3, 5, 2]
    together, alone = some.batch([0, 1]), some.batch([0])
    torch.testing.assert_close(together.x[:, 0, :3], alone.x[:, 0])
    assert not together.x[:, 0, 3:].any()
    np.testing.assert_allclose(alone.x[:, 0, 2], states[0][4], rtol=1e-3)
    assert [len(batch.places) for batch in some.batches(frames=6)] == [2, 1]
    assert sorted(i for batch in some.batches(6, rng) for i in batch.places) == [0, 1, 2]


def test_a_rate_is_chosen_on_dev_and_the_best_moment_kept() -> None:
    rng = np.random.default_rng(0)
    states = [torch.from_numpy(rng.normal(size=(6, 1, 2))).half() for _ in range(8)]
    some = Sequences(states, torch.zeros(1, 2), torch.ones(1, 2))
    judged: list[float] = []

    def judge(head: torch.nn.Module) -> float:
        judged.append(-float((head.weight[0, 0] - 0.5).abs()))  # type: ignore[operator, index, union-attr]
        return judged[-1]

    def loss(head: torch.nn.Linear, batch: Batch) -> torch.Tensor:
        return (head.weight - 1).square().sum()

    head, chosen = learnt(lambda: torch.nn.Linear(2, 1), loss, some, judge, Schedule(rates=(1e-4, 0.1), epochs=20), 0)
    assert chosen["learning_rate"] == 0.1
    assert -float((head.weight[0, 0] - 0.5).abs().detach()) == pytest.approx(max(judged[-5:]))
    assert Mix(3).shares() == [0.333, 0.333, 0.333]


def test_what_nobody_learnt_is_told() -> None:
    with pytest.raises(UserError, match="x: 'b' is tested on, and stands in no text that is learnt from; give training recordings"):
        numbered({"train": [("a",)], "dev": [], "test": [("a", "b")]}, "x")
    with pytest.raises(UserError, match="x: label 'up' is tested on, and nobody that is learnt from bears it; give training recordings"):
        classes_of([[("on",)], [("on",)], [("up",)]], "x")


def test_a_query_needs_another_speaker(tmp_path: Path) -> None:
    folder = write_small_sets(tmp_path)
    for name in SPEAKERS[4:]:
        for file in (folder / "fsdd").glob(f"*_{name}_*"):
            file.unlink()
    with pytest.raises(UserError, match="fsdd: of the speakers that are tested on none says a pair of digits that another says; give six"):
        TASKS["qbe"].find(DataFolder(folder), 0)


def test_two_speakers_are_too_few(tmp_path: Path) -> None:
    data = DataFolder(write_small_sets(tmp_path))
    for name in SPEAKERS[2:]:
        for file in (tmp_path / "fsdd").glob(f"*_{name}_*"):
            file.unlink()
    with pytest.raises(UserError, match="2 speakers, and three are needed: to learn from, to choose by, to be tested on"):
        TASKS["asr"].find(data, 0)


def test_a_speaker_of_few_clips(tmp_path: Path) -> None:
    """Strings leave them out; a digit that a whole part lacks is told."""
    folder = write_small_sets(tmp_path)
    for file in (folder / "fsdd").glob("7_bert_*"):
        file.unlink()
    queries = TASKS["qbe"].find(DataFolder(folder), 0)
    assert queries is not None
    assert not any("seven" in each.target for each in (*queries.dev, *queries.test) if each.speaker == "fsdd/bert")
    for file in (folder / "fsdd").glob("*_anna_*"):
        if file.name not in ("0_anna_0.wav", "1_anna_0.wav"):
            file.unlink()
    assert {each.speaker for each in joined.digit_strings(DataFolder(folder))} == {f"fsdd/{name}" for name in SPEAKERS[1:]}
    for file in (folder / "fsdd").glob("7_*"):
        file.unlink()
    with pytest.raises(UserError, match="commands: '7' is said by nobody of train's speakers; give recordings of it by more speakers"):
        TASKS["ic"].find(DataFolder(folder), 0)
