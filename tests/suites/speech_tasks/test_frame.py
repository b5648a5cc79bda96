"""What all tasks of speech share: the folder, arms, figures, the mean over tasks, and a scoring that was killed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import torch
from scipy.signal import savgol_filter

from halfseen.contracts import UserError
from halfseen.data.logmel import LogMel
from halfseen.suites.speech_head import learn
from halfseen.suites.speech_tasks.arm import Arm, differences, fbank, model_states, normalised_fbank
from halfseen.suites.speech_tasks.contract import Metric, Trial, Utterance, stand_in
from halfseen.suites.speech_tasks.figures import Gain, gain, mean_gain, ratio
from halfseen.suites.speech_tasks.folder import DataFolder, speakers_apart
from halfseen.suites.speech_tasks.qbe import distances
from halfseen.suites.speech_tasks.sequence import Schedule, Sequences, learnt
from halfseen.train.lanes import HERE, GivenUpError

ACCURACY = Metric("accuracy", 0.98, 1.0, higher_is_better=True)
WER = Metric("wer", 0.03, 0.0, higher_is_better=False)


def noise(seed: int, seconds: float = 0.5) -> Utterance:
    def sound(rate: int) -> np.ndarray:
        return np.random.default_rng(seed).normal(0, 0.1, int(seconds * rate)).astype(np.float32)

    return Utterance(f"noise{seed}", sound, None)


def test_differences_are_the_slopes_of_straight_lines() -> None:
    x = np.random.default_rng(0).normal(size=(30, 4))
    np.testing.assert_allclose(differences(x), savgol_filter(x, 5, 1, deriv=1, axis=0, mode="nearest"), atol=1e-12)
    assert fbank(x).shape == (30, 1, 12)


def test_the_benchmarks_own_fbank_keeps_neither_mean_nor_spread() -> None:
    x = np.random.default_rng(0).normal(size=(30, 4))
    found = normalised_fbank(x)
    assert found.shape == (30, 1, 12)
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(found.std(0), 1, atol=1e-12)
    np.testing.assert_allclose(normalised_fbank(np.asarray(3 * x + 5)), found, atol=1e-9)
    np.testing.assert_array_equal(normalised_fbank(np.ones_like(x)), 0, err_msg="silence has no spread")


def test_an_arm_hears_each_recording_once(tmp_path: Path) -> None:
    heard: list[int] = []

    def states(raw: list[np.ndarray]) -> list[np.ndarray]:
        heard.extend(map(len, raw))
        return [fbank(frames) for frames in raw]

    arm = Arm("fbank", LogMel(8000, 20), states, tmp_path)  # type: ignore[arg-type]
    one, two = noise(1), noise(2, 0.3)
    first = arm.layers([one, two, one])
    again = arm.layers([two])
    assert heard == [50, 30]
    assert [len(each) for each in first] == [50, 30, 50]
    np.testing.assert_array_equal(first[1], again[0])
    assert first[0].dtype == torch.float16
    np.testing.assert_allclose(first[0], fbank(LogMel(8000, 20).raw(one.sound(8000))), atol=0.02)


def test_gain_by_the_benchmark_s_formula() -> None:
    halved = gain(WER, False, (0.2, 0.01), (0.4, 0.02))
    assert halved is not None
    assert halved.value == pytest.approx(0.5), "of a stand-in it is the cut of FBANK's error"
    assert halved.stderr == pytest.approx(np.hypot(0.01 / 0.4, 0.02 * 0.2 / 0.16))
    official = gain(ACCURACY, True, (0.98, 0.0), (0.08, 0.0))
    assert official == Gain(pytest.approx(1.0), 0.0), "the published best is 1"  # type: ignore[arg-type]
    assert gain(ACCURACY, False, (0.9, 0.0), (1.0, 0.0)) is None, "FBANK leaves nothing to gain"
    mean = mean_gain({"a": [Gain(0.4, 0.1), Gain(0.6, 0.3)], "b": [Gain(0.1, 0.0)]})
    assert (mean.value, mean.stderr) == (pytest.approx(0.3), pytest.approx(0.1))


def test_a_ratio_counts_items_by_their_weight() -> None:
    found = ratio(WER, [1, 0, 3], [2, 2, 4])
    assert (found.value, found.n, found.higher_is_better) == (0.5, 3, False)
    right = np.arange(400) % 4 != 0
    assert ratio(ACCURACY, right).stderr == pytest.approx(np.sqrt(0.75 * 0.25 / 400), rel=0.15)


def test_speakers_are_in_one_part_alone() -> None:
    for seed in range(5):
        sides = speakers_apart(map(str, range(20)), seed)
        assert [len(sides[part]) for part in ("train", "dev", "test")] == [12, 3, 5]
        assert not sides["train"] & sides["test"]
        assert not sides["dev"] & (sides["train"] | sides["test"])
    assert speakers_apart("abc", 0) == speakers_apart("cab", 0)
    with pytest.raises(UserError, match="2 speakers, and three are needed"):
        speakers_apart("aab", 0)
    known = Utterance("u", noise(0).sound, "x", "anna")
    with pytest.raises(UserError, match="x: speaker anna is in train and in test; let each speaker be in one part alone"):
        stand_in("x", {"train": (known,), "dev": (), "test": (known,)}).must_keep_speakers_apart()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no such folder"):
        DataFolder(tmp_path / "none")


def test_long_work_ends_when_nobody_waits_for_it(tmp_path: Path) -> None:
    arm = Arm("fbank", LogMel(8000, 20), lambda raw: [fbank(frames) for frames in raw], tmp_path)
    heard, unheard = noise(1), noise(2)
    some = Sequences(arm.layers([heard]), torch.zeros(1, 60), torch.ones(1, 60))
    by_head = partial(
        learnt, lambda: torch.nn.Linear(2, 1), lambda head, _: head.weight.sum(), some, lambda _: 0.0, Schedule(rates=(0.1,), epochs=1)
    )
    work: dict[str, Callable[[], object]] = {
        "hears": lambda: arm.layers([unheard]),
        "states": lambda: model_states(torch.nn.Identity(), LogMel(8000, 20), [np.zeros((5, 20), np.float32)]),  # type: ignore[arg-type]
        "learns": lambda: by_head(0),
        "tells classes": lambda: learn(torch.ones(4, 1, 3), torch.zeros(4, 1, dtype=torch.int64), 0.1, [1]),
        "searches": lambda: distances(arm, [heard], [Trial(heard.id, heard.id, True)], None),
    }

    def given_up(one: Callable[[], object]) -> object:
        HERE.given_up = Event()
        HERE.given_up.set()
        return one()

    with ThreadPoolExecutor(1) as pool:
        for name, one in work.items():
            assert isinstance(pool.submit(given_up, one).exception(), GivenUpError), name
        assert pool.submit(lambda: HERE.given_up.clear() or work["learns"]()).exception() is None
