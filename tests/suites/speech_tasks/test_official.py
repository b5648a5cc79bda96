"""Readers of official layouts, on tiny folders in these layouts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from halfseen.contracts import UserError
from halfseen.suites.speech_tasks import TASKS
from halfseen.suites.speech_tasks.contract import Material
from halfseen.suites.speech_tasks.folder import DataFolder


def write(path: Path, seconds: float = 0.2, rate: int = 16000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    x = np.random.default_rng(len(str(path))).normal(0, 0.1, int(seconds * rate))
    soundfile.write(path, x, rate)


def lines(path: Path, *rows: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{row}\n" for row in rows))


def found(task: str, folder: Path) -> Material:
    material = TASKS[task].find(DataFolder(folder), 0)
    assert material is not None
    material.must_keep_speakers_apart()
    for part in ("train", "dev", "test"):
        for each in getattr(material, part)[:1]:
            assert len(each.sound(8000)) > 0
    return material


@pytest.fixture
def librispeech(tmp_path: Path) -> Path:
    root = tmp_path / "sets" / "LibriSpeech"
    for folder, speaker in (("train-clean-100", 19), ("dev-clean", 84), ("test-clean", 61)):
        place = root / folder / str(speaker) / "7"
        names = [f"{speaker}-7-000{i}" for i in range(2)]
        for name in names:
            write(place / f"{name}.flac")
        lines(place / f"{speaker}-7.trans.txt", f"{names[0]} A MAN", f"{names[1]} MAN")
    return root


def test_librispeech(librispeech: Path) -> None:
    for folder in (librispeech, librispeech.parent):
        material = found("asr", folder)
        assert (material.name, material.official) == ("LibriSpeech", True)
        assert [each.target for each in material.train] == [("A", "MAN"), ("MAN",)]
        assert {each.speaker for each in material.test} == {"61"}
    with pytest.raises(UserError, match=r"phones need librispeech-lexicon.txt, which is not there"):
        found("pr", librispeech)
    lines(librispeech / "librispeech-lexicon.txt", "A AH0", "A EY1")
    with pytest.raises(UserError, match=r"librispeech-lexicon.txt: no phones for 'MAN'; add these words to it"):
        found("pr", librispeech)
    lines(librispeech / "librispeech-lexicon.txt", "A\tAH0", "A\tEY1", "MAN\tM AE1 N")
    assert found("pr", librispeech).test[0].target == ("AH0", "M", "AE1", "N")
    lines(librispeech / "librispeech-lexicon.txt", "A")
    with pytest.raises(UserError, match="line 1 gives 'A' no phones"):
        found("pr", librispeech)


def test_librispeech_in_part(librispeech: Path) -> None:
    (librispeech / "dev-clean/84/7/84-7-0001.flac").unlink()
    lines(librispeech / "test-clean/61/7/61-7.trans.txt", "61-7-0000")
    with pytest.raises(UserError, match="2 faults: 84-7-0001 has no recording, 61-7-0000 has no words; get LibriSpeech again"):
        found("asr", librispeech)
    (librispeech / "test-clean").rename(librispeech / "test-other")
    with pytest.raises(UserError, match="LibriSpeech without test-clean; get them, or name the small sets alone"):
        found("asr", librispeech)


def test_speech_commands(tmp_path: Path) -> None:
    root = tmp_path / "speech_commands_v0.01"
    people = {"train": "aaaaaaa1", "dev": "bbbbbbb2", "test": "ccccccc3"}
    for word in ("yes", "no", "bed", "cat"):
        for person in people.values():
            write(root / word / f"{person}_nohash_0.wav")
    write(root / "_background_noise_" / "tap.wav", seconds=10)
    lines(root / "validation_list.txt", *(f"{word}/bbbbbbb2_nohash_0.wav" for word in ("yes", "no", "bed", "cat")))
    lines(root / "testing_list.txt", *(f"{word}/ccccccc3_nohash_0.wav" for word in ("yes", "no", "bed", "cat")))
    material = found("ks", tmp_path)
    assert (material.name, material.official) == ("the lists of Speech Commands v1", False)
    train = [each.target for each in material.train]
    assert [train.count(name) for name in ("yes", "no", "_unknown_", "_silence_")] == [1, 1, 1, 8]
    assert {each.speaker for each in material.test} == {"ccccccc3", ""}
    pieces = {part: {each.id for each in getattr(material, part) if each.target == "_silence_"} for part in people}
    assert not pieces["train"] & (pieces["dev"] | pieces["test"])
    tests = tmp_path / "speech_commands_test_set_v0.01"
    for name in ("yes/ccccccc3_nohash_0.wav", "_unknown_/bed_ccccccc3_nohash_1.wav", "_silence_/0.wav"):
        write(tests / name)
    material = found("ks", tmp_path)
    assert (material.name, material.official) == ("Speech Commands v1", True)
    assert [(each.target, each.speaker) for each in material.test] == [("_silence_", ""), ("_unknown_", "ccccccc3"), ("yes", "ccccccc3")]
    (root / "yes" / "bbbbbbb2_nohash_0.wav").unlink()
    with pytest.raises(UserError, match=r"yes/bbbbbbb2_nohash_0.wav is listed and not there"):
        found("ks", tmp_path)


def test_quesst(tmp_path: Path) -> None:
    for name in ("Audio/quesst14_00001", "Audio/quesst14_00002", "dev_queries/quesst14_dev_0001", "eval_queries/quesst14_eval_0007"):
        write(tmp_path / f"{name}.wav", rate=8000)
    rows = [f"quesst14Database/Audio/quesst14_0000{i}.wav nnenglish" for i in (1, 2)]
    lines(tmp_path / "scoring/language_key_utterances.lst", *rows, "quesst14Database/Audio/quesst14_00003.wav czech")
    lines(tmp_path / "scoring/language_key_dev.lst", "quesst14Database/dev_queries/quesst14_dev_0001.wav nnenglish")
    lines(tmp_path / "scoring/language_key_eval.lst", "quesst14Database/eval_queries/quesst14_eval_0007.wav nnenglish")
    truth = "scoring/groundtruth_quesst14_{0}/quesst14_{0}.rttm"
    lines(tmp_path / truth.format("dev"), "LEXEME quesst14_00002 1 0.0 2.0 quesst14_dev_0001 lex a <NA>")
    lines(tmp_path / truth.format("eval"), "LEXEME quesst14_00001 1 0.0 2.0 quesst14_eval_0007 lex a <NA>")
    material = found("qbe", tmp_path)
    assert material.official
    assert [(trial.second[-9:], trial.match) for trial in material.trials["test"]] == [("00001.wav", True), ("00002.wav", False)]
    assert [trial.match for trial in material.trials["dev"]] == [False, True]
    (tmp_path / "Audio/quesst14_00002.wav").unlink()
    with pytest.raises(UserError, match=r"Audio/quesst14_00002.wav is not there; get QUESST 2014 again"):
        found("qbe", tmp_path)


def test_fluent_speech_commands(tmp_path: Path) -> None:
    for part, speaker in (("train", "x1"), ("valid", "x2"), ("test", "x3")):
        write(tmp_path / f"wavs/speakers/{speaker}/a.wav")
        row = f"0,wavs/speakers/{speaker}/a.wav,{speaker},Turn on the lights,activate,lights,none"
        lines(tmp_path / f"data/{part}_data.csv", ",path,speakerId,transcription,action,object,location", row)
    material = found("ic", tmp_path)
    assert material.official
    assert material.test[0].target == ("activate", "lights", "none")
    (tmp_path / "wavs/speakers/x3/a.wav").unlink()
    with pytest.raises(UserError, match=r"data/test_data.csv names wavs/speakers/x3/a.wav, which is not there"):
        found("ic", tmp_path)
    lines(tmp_path / "data/valid_data.csv", "path,speakerId,action,object", "a,b,c,d")
    with pytest.raises(UserError, match="no column 'location'; get the list again"):
        found("ic", tmp_path)


def test_audio_snips(tmp_path: Path) -> None:
    rows = []
    for folder, voice in (("train", "Ivy"), ("valid", "Amy"), ("test", "Emma"), ("test", "Ivy")):
        name = f"{voice}-snips-{folder}-3"
        write(tmp_path / folder / f"{name}.wav")
        rows.append(f"{name} BOS PLAY OLD JAZZ NOW EOS\tO O B-genre I-genre O PlayMusic")
    lines(tmp_path / "all.iob.snips.txt", *rows)
    material = found("sf", tmp_path)
    assert material.official
    assert [len(some) for some in material.parts().values()] == [1, 1, 1], "a voice is heard in the part that is its own"
    assert material.test[0].target == "play B-genre old jazz E-genre now"
    lines(tmp_path / "all.iob.snips.txt", *rows[:2], "Emma-snips-test-4 BOS PLAY EOS\tO O", rows[2])
    with pytest.raises(UserError, match="line 3 has 3 words and 2 tags; get Audio SNIPS again"):
        found("sf", tmp_path)
    lines(tmp_path / "all.iob.snips.txt", *rows[:2])
    with pytest.raises(UserError, match="no line of test's voices"):
        found("sf", tmp_path)
