"""The tasks that ask who speaks, when, and in which mood: their stand-ins, and what is scored on voices that are synthesised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from halfseen.contracts import UserError
from halfseen.data.logmel import LogMel
from halfseen.suites.speech_tasks import TASKS, asv, sd
from halfseen.suites.speech_tasks.arm import Arm, fbank
from halfseen.suites.speech_tasks.contract import Material, Trial, Utterance, stand_in
from halfseen.suites.speech_tasks.er import folds, in_folds
from halfseen.suites.speech_tasks.folder import DataFolder
from halfseen.suites.speech_tasks.sequence import Sequences
from halfseen.suites.speech_tasks.xvector import AROUND, XVector

RATE = 8000


def voice(speaker: int, take: int, seconds: float = 0.5) -> np.ndarray:
    """A tone and its harmonics, coloured as nobody else's; each take says something else."""
    time = np.arange(int(seconds * RATE)) / RATE
    own = np.random.default_rng(speaker)
    hertz, colour = own.uniform(90, 250), own.uniform(0.1, 1, 12)
    draw = np.random.default_rng([speaker, take])
    bend = 1 + 0.05 * np.sin(2 * np.pi * draw.uniform(1, 4) * time)
    phase = 2 * np.pi * np.cumsum(hertz * bend) / RATE
    heard = sum(amount * np.sin(k * phase) for k, amount in enumerate(colour, 1))
    return (0.05 * heard + draw.normal(0, 1e-4, len(time))).astype(np.float32)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    root = tmp_path_factory.mktemp("sets")
    files: dict[str, np.ndarray] = {}
    for s in range(16):
        for i, word in enumerate(("bed", "cat", "happy")):
            for take in range(1 + (s + i) % 2):
                files[f"speech_commands3/{word}/{s:08x}_nohash_{take}.wav"] = voice(s, 10 * i + take)
    for s in range(3):
        files |= {f"fsdd/{digit}_{'abc'[s]}_{take}.wav": voice(100 + s, 10 * digit + take) for digit in range(10) for take in range(2)}
    for s in range(16):
        for take in range(5 if s < 6 else 1):
            files[f"librispeech_samples8k/libri8k/group/{200 + s}/{take}.wav"] = voice(200 + s, take, 1.2)
    for s in range(8):
        for take in range(2):
            files |= {
                f"emodb8k/emodb/{s + 10}a0{take + 1}{letter}a.wav": voice(300 + s, take) * (0.05 + 0.4 * loud)
                for loud, letter in enumerate("WN")
            }
    for name, x in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / name, x, RATE)
    return DataFolder(root)


@pytest.fixture
def arm(tmp_path: Path) -> Arm:
    return Arm("fbank", LogMel(RATE, 40), lambda raw: [fbank(frames_TB) for frames_TB in raw], tmp_path)


def found(data: DataFolder, name: str, seed: int = 0) -> Material:
    material = TASKS[name].find(data, seed)
    assert material is not None
    assert not material.official
    return material


def test_stand_ins_have_names_of_their_own(data: DataFolder, tmp_path: Path) -> None:
    names = {name: found(data, name).name for name in ("sid", "asv", "sd", "er")}
    assert names == {"sid": "voices", "asv": "voices verified", "sd": "two voices", "er": "moods"}
    assert not {TASKS[name].benchmark for name in names} & set(names.values())
    assert all(TASKS[name].find(DataFolder(tmp_path), 0) is None for name in names)


@pytest.mark.parametrize("seed", [0, 1])
def test_who_is_told_says_something_else_in_each_part(seed: int, data: DataFolder) -> None:
    parts = found(data, "sid", seed).parts()
    known = {each.speaker for each in parts["train"]}
    assert len(known) == 16 + 3 + 6, "those with a single recording are left out"
    assert all({each.speaker for each in parts[part]} <= known for part in ("dev", "test"))
    assert {each.speaker for each in parts["test"]} == known
    ids = [each.id for some in parts.values() for each in some]
    assert len(set(ids)) == len(ids)
    said = {
        part: {name.split("/")[-2 if "commands" in name else -1][:1] for name in (each.id for each in some) if "libri" not in name}
        for part, some in parts.items()
    }
    assert not said["test"] & (said["train"] | said["dev"]), "neither its digits nor its word"


@pytest.mark.parametrize("seed", [0, 1])
def test_trials_are_of_speakers_whom_nobody_learnt(seed: int, data: DataFolder) -> None:
    material = found(data, "asv", seed)
    material.must_keep_speakers_apart()
    learnt = [each.speaker.split("/")[0] for each in material.train]
    of_books = {each.speaker for each in data.small_set("librispeech_samples8k")}
    assert len({each.speaker for each in material.train}) == 10 + len(of_books), "of words, and of books all"
    assert set(learnt) == {"speech_commands3", "librispeech_samples8k"}
    for part in ("dev", "test"):
        by_id = {each.id: each for each in material.parts()[part]}
        trials = material.trials[part]
        assert sum(trial.match for trial in trials) * 2 == len(trials) > 0
        for trial in trials:
            one, other = by_id[trial.first], by_id[trial.second]
            assert (one.speaker == other.speaker) is trial.match
            assert one.id.split("/")[0] == other.id.split("/")[0] == "speech_commands3", "the set says nothing of who it is"
            assert one.target != other.target, "nor does the word"


@pytest.mark.parametrize("seed", [0, 1])
def test_mixtures_are_of_speakers_of_one_part(seed: int, data: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sd, "COUNTS", {"train": 30, "dev": 5, "test": 8})
    material, again = found(data, "sd", seed), found(data, "sd", seed)
    material.must_keep_speakers_apart()
    assert [len(some) for some in material.parts().values()] == [30, 5, 8]
    train, dev, test = ({name for each in some for name in each.speaker.split("+")} for some in material.parts().values())
    assert len(train | dev | test) == len(train) + len(dev) + len(test)
    for one, other in zip(material.test, again.test, strict=True):
        assert one.target == other.target
        np.testing.assert_array_equal(one.sound(RATE), other.sound(RATE))
        assert len(set(one.speaker.split("+"))) == 2


def test_each_speaker_s_mood_is_tested_once(data: DataFolder) -> None:
    material = found(data, "er")
    tested = [each.id for fold in folds(material) for each in fold.test]
    assert len(tested) == len(set(tested)) == 32
    for fold in folds(material):
        fold.must_keep_speakers_apart()
        assert [len({each.speaker for each in some}) for some in fold.parts().values()] == [4, 2, 2]
    with pytest.raises(UserError, match="2 groups of speakers, and three are needed: to learn from, to choose by, to be tested on"):
        in_folds("moods", [*material.dev, *material.test], official=False)


def test_moods_and_voices_are_told(data: DataFolder, arm: Arm) -> None:
    mood, who = (TASKS[name].score(arm, found(data, name), 0) for name in ("er", "sid"))
    assert mood.scores[0].value > 0.9, "one is loud, the other is not"
    assert (mood.scores[0].n, mood.chance) == (32, 0.5)
    assert who.scores[0].value > 0.8
    assert who.scores[0].n == 16 * 3 // 2 + 3 * 4 + 6, "a word, two digits, a recording"


def test_voices_are_verified(data: DataFolder, arm: Arm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asv, "WIDTH", 32)
    monkeypatch.setattr(asv, "SCHEDULE", asv.Schedule(rates=(3e-3,), epochs=6, batch_frames=500))
    material = found(data, "asv")
    outcome, again = (TASKS["asv"].score(arm, material, 0) for _ in range(2))
    assert outcome == again, "the same seed, the same score"
    score = outcome.scores[0]
    assert score.value < 0.3
    assert not score.higher_is_better
    assert score.n == len(material.trials["test"])
    assert score.stderr > 0


def test_turns_are_told(data: DataFolder, arm: Arm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sd, "COUNTS", {"train": 60, "dev": 8, "test": 12})
    monkeypatch.setattr(sd, "HIDDEN", 32)
    monkeypatch.setattr(sd, "SCHEDULE", sd.Schedule(rates=(1e-2,), epochs=10, batch_frames=1000))
    outcome = TASKS["sd"].score(arm, found(data, "sd"), 0)
    assert outcome.scores[0].value < 0.35, "somebody who says that one voice speaks throughout is wrong in more"
    assert outcome.scores[0].n == 12


@pytest.mark.parametrize("stride", [1, 2])
def test_recordings_too_short_for_the_x_vector_are_heard_again_and_again(stride: int) -> None:
    states = torch.arange(5.0)[:, None, None].expand(-1, 2, 3)
    enough = torch.zeros(15 * stride, 2, 3)
    longer, same = asv.long_enough(Sequences([states, enough], torch.zeros(2, 3), torch.ones(2, 3), stride))
    np.testing.assert_array_equal(longer, torch.cat([states] * 3 * stride))
    assert same is enough
    assert len(enough) == (AROUND + 1) * stride


@pytest.mark.parametrize("ready", [False, True])
def test_what_is_long_is_learnt_from_in_pieces(ready: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sd, "LONGEST", 10)
    states = torch.from_numpy(np.random.default_rng(0).normal(size=(45, 1, 2))).half()
    heard = Sequences([states], torch.zeros(1, 2), torch.ones(1, 2), 2)
    heard = heard.ready() if ready else heard
    speaks = np.arange(23)[:, None].repeat(2, 1)
    pieces, truth = sd.cut(heard, [speaks])
    assert [len(each) for each in truth] == pieces.lengths.tolist() == [10, 10, 3]
    np.testing.assert_array_equal(np.concatenate(truth), speaks)
    whole = heard.batch([0]).x[0, 0]
    np.testing.assert_allclose(torch.cat([pieces.batch([i]).x[0, 0] for i in range(3)]), whole, atol=2e-3)


def test_crops_are_of_neighbouring_frames() -> None:
    states = torch.arange(300.0)[:, None, None]
    crops = asv.Crops([states, states[:40]], torch.zeros(1, 1), torch.ones(1, 1), 1)
    begins = set()
    for seed in range(5):
        for batch in crops.batches(1000, np.random.default_rng(seed)):
            for i, length, x in zip(batch.places, batch.lengths.tolist(), batch.x[0, :, :, 0], strict=True):
                assert length == (asv.CROP, 40)[i]
                np.testing.assert_array_equal(np.diff(x[:length]), 1)
                begins |= {float(x[0])} if i == 0 else set()
    assert len(begins) > 1, "which frames, is drawn"


def test_an_x_vector_hangs_on_its_own_frames_alone() -> None:
    torch.manual_seed(0)
    net = XVector(6, 8, 4).eval()
    one, other = torch.randn(1, 40, 6), torch.randn(1, 25, 6)
    batch = torch.full((2, 40, 6), 99.0)
    batch[0], batch[1, :25] = one[0], other[0]
    together = net(batch, torch.tensor([40, 25]))
    torch.testing.assert_close(together[0], net(one, torch.tensor([40]))[0])
    torch.testing.assert_close(together[1], net(other, torch.tensor([25]))[0])
    who = torch.tensor([2, 0])
    loss = net.loss(together, who)
    cosine = torch.nn.functional.cosine_similarity(together[:, None], net.of_voice[None], dim=2)
    for row, right in enumerate(who.tolist()):
        margin = 0.4 * (torch.arange(4) == right)
        torch.testing.assert_close(loss[row], -(30 * (cosine[row] - margin)).log_softmax(0)[right])
    assert AROUND == 14


def test_what_cannot_be_scored_is_said(arm: Arm) -> None:
    def said(seconds: float, speaker: str, target: object = None) -> Utterance:
        return Utterance(f"{speaker}{seconds}", lambda rate: voice(1, 2, seconds), target, speaker)

    short = stand_in("x", {"train": (said(0.003, "a", ((), ())),), "dev": (), "test": ()})
    with pytest.raises(UserError, match="shorter than a frame of 10 ms"):
        TASKS["sd"].score(arm, short, 0)
    strange = stand_in("x", {"train": (said(0.5, "a"), said(0.6, "b")), "dev": (said(0.7, "a"),), "test": (said(0.8, "c"),)})
    with pytest.raises(UserError, match="label 'c' is tested on, and nobody that is learnt from bears it"):
        TASKS["sid"].score(arm, strange, 0)
    trials = {part: (Trial("a", "b", True),) for part in ("dev", "test")}
    alone = stand_in("x", {"train": (said(0.5, "a"), said(0.6, "b")), "dev": (), "test": ()}, trials)
    with pytest.raises(UserError, match="x: 1 of 1 trials of dev are of one voice; give trials of one voice and of two"):
        TASKS["asv"].score(arm, alone, 0)
