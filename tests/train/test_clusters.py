"""Clusters of steps, the guesses beside them, and the two rounds of a run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from safetensors.torch import load_file
from sklearn.cluster import KMeans

import halfseen
from halfseen.apps.speech_model import open_speech_model
from halfseen.cli import main
from halfseen.contracts import InterruptedRunError, Sample, UserError
from halfseen.data.cepstra import COEFFICIENTS, cepstra
from halfseen.data.speech_batch import Frames
from halfseen.data.speech_corpus import Heard, Pieces, open_speech, write_speech
from halfseen.train.clusters import (
    HALF_SURE,
    centres,
    cepstra_of_steps,
    cluster_before,
    mean_of_steps,
    nearest,
    open_clusters,
    quality,
    some_steps,
    usual_cepstrum,
    write_clusters,
)
from halfseen.train.run import Run
from tests.train.test_speech_run import RATE, spoken

OPTIONS = {"steps": 8, "batch_frames": 500, "checkpoint_steps": 2, "clusters": 8, "units": 6, "net": {"layers": 2, "width": 32, "stack": 2}}


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    rng = np.random.default_rng(0)
    for i in range(24):
        soundfile.write(folder / f"{i:02}.wav", spoken(rng, 0.5 + rng.random()), RATE)
    return folder


def test_the_nearest_centre_is_the_one_at_the_least_distance() -> None:
    rng = np.random.default_rng(0)
    x_KE, centre_VE = rng.normal(size=(500, 7)), rng.normal(size=(9, 7))
    distance_KV = np.square(x_KE[:, None] - centre_VE).sum(-1)
    np.testing.assert_array_equal(nearest(x_KE, centre_VE), distance_KV.argmin(1))


def test_quality_is_what_it_says() -> None:
    x_KE = np.repeat(np.eye(4), 25, axis=0)
    assert quality(x_KE, np.eye(4)) == {"explained": pytest.approx(1), "perplexity": pytest.approx(4)}
    assert quality(x_KE, x_KE.mean(0)[None])["explained"] == pytest.approx(0)


def test_a_step_is_the_mean_of_its_frames_and_the_last_of_what_is_left() -> None:
    x_TE = np.arange(10.0).reshape(5, 2)
    np.testing.assert_array_equal(mean_of_steps(x_TE, 2), [[1, 2], [5, 6], [8, 9]])


def test_the_cluster_before_is_that_of_the_last_step_seen() -> None:
    samples = [
        Sample("a", np.zeros((9, 1)), {"clusters": np.array([5, 6, 7])}),
        Sample("b", np.zeros((4, 1)), {"clusters": np.array([8, 9])}),
    ]
    hidden_K = np.array([False, True, True, True, False])
    hidden_N = np.concatenate([np.repeat(hidden_K[:3], 3), np.repeat(hidden_K[3:], 3)[:4]])
    assert cluster_before(samples, hidden_N, 3).tolist() == [5, 5, -1]


def test_clusters_of_a_corpus_are_told_of_every_step_and_are_as_good_as_a_slow_search(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    centre = 5 * rng.normal(size=(4, 20))
    heard = [(centre[rng.integers(0, 4, n // 9 + 1)].repeat(9, 0)[:n] + 0.1 * rng.normal(size=(n, 20))) for n in rng.integers(30, 90, 40)]
    corpus = write_speech(tmp_path, (Heard(x.astype(np.float32)) for x in heard), longest=1000)
    told = cepstra_of_steps(3, usual_cepstrum(corpus.train))
    write_clusters(tmp_path, 0, corpus, told, stack=3, count=12, seed=0)
    train, heldout, facts = open_clusters(tmp_path, 0, corpus, 3)
    chosen_KE = some_steps(corpus.train, told, 3)
    centre_VE = centres(chosen_KE, 12, 0)
    for side in (train, heldout):
        for i in range(len(side)):
            sample = side.sample(i)
            ((_, steps_KE),) = [one for one in told(side.pieces) if one[0] == side.pieces.ids[i]]
            np.testing.assert_array_equal(sample.meta["clusters"], nearest(steps_KE, centre_VE))
    slow = KMeans(12, n_init=4, random_state=0).fit(chosen_KE)
    assert facts["explained"] > 1 - 1.3 * slow.inertia_ / np.square(chosen_KE - chosen_KE.mean(0)).sum()
    with pytest.raises(UserError, match=r"steps to learn from, for 5,000 clusters; give more recordings, or ask for fewer"):
        write_clusters(tmp_path, 0, corpus, told, stack=3, count=5000, seed=0)
    (tmp_path / "clusters-1.bin").write_bytes(b"few")
    with pytest.raises(UserError, match=r"clusters-1.bin: missing or damaged .*; start the run anew"):
        open_clusters(tmp_path, 0, corpus, 3)


def test_what_a_recording_has_in_common_is_taken_from_its_cepstra() -> None:
    rng = np.random.default_rng(0)
    heard = [rng.normal(size=(n, 20)).astype(np.float32) for n in (400, 30)]
    channel_F = np.linspace(-3, 3, 20).astype(np.float32)
    usual_Q = usual_cepstrum(pieces_of(heard))
    told, shifted = (list(cepstra_of_steps(1, usual_Q)(pieces_of([x_TF + more for x_TF in heard]))) for more in (0, channel_F))
    shift_Q = cepstra(channel_F[None])[0, :COEFFICIENTS]
    for (_, one_KQ), (_, other_KQ) in zip(told, shifted, strict=True):
        frames = len(one_KQ)
        left = 1 - 0.7 * frames / (0.7 * frames + HALF_SURE)
        np.testing.assert_allclose((other_KQ - one_KQ)[:, :COEFFICIENTS], np.tile(left * shift_Q, (frames, 1)), atol=0.05)
        np.testing.assert_allclose(other_KQ[:, COEFFICIENTS:], one_KQ[:, COEFFICIENTS:], atol=1e-5, err_msg="changes stay as they are")


def pieces_of(heard: list[np.ndarray]) -> Pieces:
    lengths_P = np.array([len(x_TF) for x_TF in heard])
    flat = np.ones(heard[0].shape[1])
    return Pieces(np.concatenate(heard), np.cumsum(lengths_P) - lengths_P, lengths_P, np.arange(len(heard)), 0 * flat, flat)


def test_a_run_clusters_its_own_states_on_the_way(recordings: Path, tmp_path: Path) -> None:
    options = {**OPTIONS, "steps": 80, "first": 0.5, "share": 0.3, "span": 3, "optim": {"learning_rate": 0.01}}
    found = halfseen.pretrain("hubert", recordings, out=tmp_path / "run", **options)
    heldout = found["heldout"]
    assert heldout["round"] == 2
    assert heldout["loss"] < heldout["guess_loss"]
    assert heldout["accuracy"] > heldout["guess_accuracy"]
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert {line["heldout_round"] for line in lines if line["step"] <= 40 and "heldout_round" in line} == {1}
    corpus = open_speech(tmp_path / "run" / "corpus")
    one, two = (open_clusters(tmp_path / "run" / "corpus", r, corpus, 2)[0].sample(0).meta["clusters"] for r in (0, 1))
    assert len(one) == len(two)
    assert two.max() < 6
    method, frames = open_speech_model(tmp_path / "run")
    seen = Frames.of([Sample("x", np.zeros((7, frames.bands), np.float32))])
    assert [len(layer) for layer in method.net(seen, every_layer=True).layers] == [7, 7, 7], "a state for each frame"
    assert main(["report", str(tmp_path / "run")]) == 0
    page = (tmp_path / "run" / "report.html").read_text()
    assert "of hidden steps it names the cluster" in page
    assert "the cluster of the last step seen" in (tmp_path / "run" / "README.md").read_text()


@pytest.mark.parametrize("killed_after", [3, 4, 5])
def test_a_run_that_is_killed_before_or_after_it_clusters_again_ends_alike(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_after: int
) -> None:
    options = {**OPTIONS, "first": 0.5}  # the second round begins with step 4
    halfseen.pretrain("hubert", recordings, out=tmp_path / "straight", **options)
    wrote = Run.write

    def killed(self: Run, line: dict[str, object]) -> None:
        wrote(self, line)
        if line["step"] == killed_after:
            raise InterruptedRunError("stopped by the test")

    monkeypatch.setattr(Run, "write", killed)
    with pytest.raises(InterruptedRunError):
        halfseen.pretrain("hubert", recordings, out=tmp_path / "broken", **options)
    monkeypatch.setattr(Run, "write", wrote)
    assert main(["resume", str(tmp_path / "broken")]) == 0
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("straight", "broken"))
    assert one.keys() == other.keys()
    assert all((one[name] == other[name]).all() for name in one)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--units", "1"], "--units is 1, but must be between 2 and 65535"),
        (["--bend", "1"], "--bend is 1, but must be 0 or more and below 1"),
        (["--level", "-1"], "--level is -1, but must be 0 or more"),
        (["--centred", "2"], "--centred is 2, but must be between 0 and 1"),
        (["--first", "0"], "--first is 0, but must be above 0 and at most 1"),
        (["--layer", "9"], "--layer is 9, but must be between 1 and"),
        (["--share", "1"], "--share is 1, but must be above 0 and below 1"),
        (["--span", "0"], "--span is 0, but must be at least 1"),
        (["--net.stack", "0"], "--net.stack is 0, but must be at least 1"),
    ],
)
def test_wrong_options_are_said(words: list[str], said: str, recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pretrain", "hubert", str(recordings), "--out", str(tmp_path / "run"), *words]) == 2
    assert said in capsys.readouterr().err
