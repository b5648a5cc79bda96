"""VoxCeleb1, LibriMix in Kaldi's files, and IEMOCAP, in tiny folders laid out as they are handed out."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from halfseen.contracts import UserError
from halfseen.suites.speech_tasks.asv import SpeakerVerification
from halfseen.suites.speech_tasks.er import Emotion, folds
from halfseen.suites.speech_tasks.folder import DataFolder
from halfseen.suites.speech_tasks.sd import Diarization
from halfseen.suites.speech_tasks.sid import SpeakerIdentification

RATE = 8000


def sound(path: Path, seconds: float = 0.5) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(len(str(path))).normal(0, 0.1, int(seconds * RATE)), RATE)


def vox(root: Path, speakers: int = 8, folder: str = "wav") -> list[str]:
    names = [f"id1000{s}/v{video}/0000{n}.wav" for s in range(speakers) for video in range(2) for n in (1, 2)]
    for name in names:
        sound(root / folder / name)
    return names


def test_identification_reads_voxceleb(tmp_path: Path) -> None:
    root = tmp_path / "VoxCeleb1"
    names = vox(root, 3)
    (root / "iden_split.txt").write_text("".join(f"{(1, 1, 2, 3)[i % 4]} {name}\n" for i, name in enumerate(names)))
    found = SpeakerIdentification().find(DataFolder(tmp_path), 0)
    assert found is not None
    assert (found.name, found.official) == ("VoxCeleb1", True)
    assert [len(some) for some in found.parts().values()] == [6, 3, 3]
    assert {each.speaker for each in found.test} == {"id10000", "id10001", "id10002"}
    assert len(found.test[0].sound(RATE)) == 0.5 * RATE


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("4 id10000/v0/00001.wav", "line 2: '4 id10000/v0/00001.wav' is no part (1, 2 or 3) and SPEAKER/VIDEO/NUMBER.wav"),
        ("1 id10000.wav", "is no part"),
        (
            "1 id10000/v9/00001.wav",
            "line 2 names id10000/v9/00001.wav, which is not there; take the list and the recordings of one release",
        ),
    ],
)
def test_what_is_wrong_with_a_list_of_identification(line: str, said: str, tmp_path: Path) -> None:
    vox(tmp_path, 1)
    (tmp_path / "iden_split.txt").write_text(f"1 id10000/v0/00001.wav\n{line}\n")
    with pytest.raises(UserError, match=re.escape(said)):
        SpeakerIdentification().find(DataFolder(tmp_path), 0)
    (tmp_path / "iden_split.txt").write_text("\n")
    with pytest.raises(UserError, match="holds no line"):
        SpeakerIdentification().find(DataFolder(tmp_path), 0)


def test_verification_reads_voxceleb_s_trials(tmp_path: Path) -> None:
    vox(tmp_path, 6, "dev/wav")
    for name in ("id20000/v0/00001.wav", "id20000/v1/00001.wav", "id20001/v0/00001.wav"):
        sound(tmp_path / "test" / "wav" / name)
    (tmp_path / "veri_test.txt").write_text("1 id20000/v0/00001.wav id20000/v1/00001.wav\n0 id20000/v0/00001.wav id20001/v0/00001.wav\n")
    found = SpeakerVerification().find(DataFolder(tmp_path), 0)
    assert found is not None
    assert (found.name, found.official) == ("VoxCeleb1", True)
    assert [trial.match for trial in found.trials["test"]] == [True, False]
    assert found.trials["test"][0].first == found.trials["test"][1].first
    assert len(found.test) == 3
    found.must_keep_speakers_apart()
    dev = {each.id: each.speaker for each in found.dev}
    assert len(set(dev.values())) == 2
    assert all((dev[trial.first] == dev[trial.second]) is trial.match for trial in found.trials["dev"])
    matches = [trial.match for trial in found.trials["dev"]]
    assert sum(matches) * 2 == len(matches) == 24, "two speakers of four recordings"
    assert len({each.speaker for each in found.train}) == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 id10000/v0/00001.wav\n", "line 1: '1 id10000/v0/00001.wav' is no trial (0 or 1, and two recordings)"),
        ("0 id10000/v0/00001.wav id10009/v0/00001.wav\n", "line 1: the trial names id10009/v0/00001.wav, which is not there"),
        ("1 id10000/v0/00001.wav id10000/v1/00001.wav\n", "0 speakers beside those of the trials, too few to learn from and to choose by"),
    ],
)
def test_what_is_wrong_with_a_list_of_trials(text: str, said: str, tmp_path: Path) -> None:
    vox(tmp_path, 1)
    (tmp_path / "veri_test.txt").write_text(text)
    with pytest.raises(UserError, match=re.escape(said)):
        SpeakerVerification().find(DataFolder(tmp_path), 0)


def part(folder: Path, *, names: str = "ab", rttm: bool = False, **files: str) -> None:
    """A conversation of one second; files: what a file holds instead."""
    sound(folder / "mix.wav", 1.0)
    (folder / "wav.scp").write_text(f"mix {folder / 'mix.wav'}\n")
    one, other = (f"{folder.name}-{name}" for name in names)
    if rttm:
        line = "SPEAKER mix 1 {} {} <NA> <NA> {} <NA>\n"
        (folder / "rttm").write_text(line.format(0.0, 0.5, one) + line.format(0.1, 0.5, one) + line.format(0.3, 0.7, other))
    else:
        (folder / "segments").write_text("u1 mix 0.00 0.50\nu2 mix 0.10 0.60\nu3 mix 0.30 1.00\n")
        (folder / "utt2spk").write_text(f"u1 {one}\nu2 {one}\nu3 {other}\n")
    (folder / "reco2dur").write_text("mix 1.0\n")
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)


@pytest.mark.parametrize("rttm", [False, True])
def test_diarization_reads_kaldi_s_files(rttm: bool, tmp_path: Path) -> None:
    for name in ("train", "dev", "test"):
        part(tmp_path / name, rttm=rttm)
    found = Diarization().find(DataFolder(tmp_path), 0)
    assert found is not None
    assert (found.name, found.official) == ("LibriMix", True)
    assert len(found.test) == 1
    assert [[pytest.approx(turn) for turn in some] for some in found.test[0].target] == [[(0.0, 0.5), (0.1, 0.6)], [(0.3, 1.0)]]
    assert len(found.test[0].sound(RATE)) == RATE


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"segments": "u1 other 0 1\n"}, "segments: u1 is of other, which wav.scp does not name"),
        ({"segments": "u9 mix 0 1\n"}, "segments: u9 has no speaker in utt2spk"),
        ({"segments": "u1 mix 0.5 0.2\n"}, "segments: u1 goes from 0.5 to 0.2, which are no seconds"),
        ({"segments": "u1 mix 0.5 later\n"}, "goes from 0.5 to later"),
        ({"segments": "u1 mix 0.5\n"}, "u1 is followed by 'mix 0.5', not by a recording, a begin and an end"),
        ({"segments": "u1 mix 0 1.2\n"}, "segments: u1 ends at 1.2 s, but reco2dur says that mix ends at 1 s"),
        ({"segments": "\n"}, "nobody speaks in mix; give its segments, or take it from wav.scp"),
        ({"utt2spk": "u1 a\nu2 b\nu3 c\n"}, "mix has 3 speakers, of which 2 can be told"),
        ({"wav_scp": "mix sox a.wav -t wav - |\n"}, "wav.scp: mix is a command, not a file"),
        ({"wav_scp": "mix gone.wav\n"}, "wav.scp names gone.wav, which is not there; prepare the part anew"),
        ({"utt2spk": ""}, "3 faults: segments: u1 has no speaker in utt2spk, segments: u2 has no speaker"),
    ],
)
def test_what_is_wrong_with_kaldi_s_files(files: dict[str, str], said: str, tmp_path: Path) -> None:
    for name in ("train", "dev"):
        part(tmp_path / name)
    part(tmp_path / "test", **files)
    with pytest.raises(UserError, match=re.escape(said)):
        Diarization().find(DataFolder(tmp_path), 0)


def test_kaldi_s_files_that_are_missing_and_speakers_in_two_parts(tmp_path: Path) -> None:
    for name in ("train", "dev", "test"):
        part(tmp_path / name)
    (tmp_path / "dev" / "utt2spk").write_text("u1 train-a\nu2 train-a\nu3 x\n")
    with pytest.raises(UserError, match="speaker train-a is in train and in dev; let each speaker be in one part alone"):
        Diarization().find(DataFolder(tmp_path), 0)
    (tmp_path / "dev" / "utt2spk").unlink()
    with pytest.raises(UserError, match="no utt2spk"):
        Diarization().find(DataFolder(tmp_path), 0)
    (tmp_path / "dev" / "segments").unlink()
    with pytest.raises(UserError, match="neither segments nor rttm"):
        Diarization().find(DataFolder(tmp_path), 0)
    (tmp_path / "dev" / "rttm").write_text("SPEAKER mix 1 0 1\n")
    with pytest.raises(UserError, match="rttm, line 1: 5 words, and who speaks is the eighth"):
        Diarization().find(DataFolder(tmp_path), 0)


def iemocap(root: Path, sessions: int = 5) -> None:
    for s in range(1, sessions + 1):
        dialogue = f"Ses0{s}F_impro01"
        text = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
        for i, (mood, sex) in enumerate((("neu", "F"), ("exc", "M"), ("hap", "F"), ("sad", "M"), ("ang", "F"), ("fru", "M"))):
            name = f"{dialogue}_{sex}00{i}"
            text += f"[{i}.0000 - {i}.9000]\t{name}\t{mood}\t[2.5000, 2.5000, 2.5000]\nC-E2:\tNeutral;\t()\n\n"
            sound(root / f"Session{s}" / "sentences" / "wav" / dialogue / f"{name}.wav")
        path = root / f"Session{s}" / "dialog" / "EmoEvaluation" / f"{dialogue}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_emotion_reads_iemocap(tmp_path: Path) -> None:
    iemocap(tmp_path / "IEMOCAP_full_release")
    found = Emotion().find(DataFolder(tmp_path), 0)
    assert found is not None
    assert (found.name, found.official) == ("IEMOCAP", True)
    tested = []
    for fold in folds(found):
        fold.must_keep_speakers_apart()
        assert [len(some) for some in fold.parts().values()] == [15, 5, 5], "frustration is left out"
        tested += [each.id for each in fold.test]
        assert sorted(each.target[0] for each in fold.test) == ["angry", "happy", "happy", "neutral", "sad"]
        assert len({each.speaker for each in fold.test}) == 2
    assert len(set(tested)) == len(tested) == 25, "each session is tested on once"


def test_what_is_wrong_with_iemocap(tmp_path: Path) -> None:
    iemocap(tmp_path, 4)
    with pytest.raises(UserError, match="IEMOCAP without Session5/dialog/EmoEvaluation; get them, or name the small sets alone"):
        Emotion().find(DataFolder(tmp_path), 0)
    iemocap(tmp_path, 5)
    gone = tmp_path / "Session2/sentences/wav/Ses02F_impro01/Ses02F_impro01_F000.wav"
    gone.unlink()
    with pytest.raises(UserError, match=r"evaluates Ses02F_impro01_F000, but there is no Session2/sentences/.*; unpack the sessions whole"):
        Emotion().find(DataFolder(tmp_path), 0)
    for path in tmp_path.rglob("*.txt"):
        path.write_text("nothing\n")
    with pytest.raises(UserError, match="no evaluated utterance"):
        Emotion().find(DataFolder(tmp_path), 0)
