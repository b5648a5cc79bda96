"""ELECTRA: replacements follow the generator's distribution, every token of the text is judged, and a run leaves the net that tells."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import halfseen
from halfseen.contracts import Sample, UserError
from halfseen.data.draw import KeyedDraw
from halfseen.data.tokenizers import TokenTable
from halfseen.data.tokens import Segment
from halfseen.losses.tokens import binary_cross_entropy
from halfseen.methods.electra import Electra, drawn
from halfseen.methods.recipes import ElectraRecipe
from halfseen.nets.transformer import initialise
from halfseen.split.mask import HideTokens

TABLE = TokenTable(size=40, pad=0, unk=1, cls=2, sep=3, mask=4, special=frozenset(range(5)))


def method(weight: float = 50.0) -> Electra:
    recipe = ElectraRecipe(weight=weight)
    made = Electra(recipe, recipe.net.shape(layers=2, width=32), TABLE)
    initialise(made, 0)
    return made


def samples() -> list[Sample]:
    rng = np.random.default_rng(0)
    return [Sample(f"s:{i}", Segment(rng.integers(5, 40, n), np.ones(n, dtype=bool))) for i, n in enumerate((9, 20, 31))]


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    share_V = torch.tensor([0.5, 0.0, 0.3, 0.2])
    uniform_M = (torch.arange(10_000, dtype=torch.float64) + 0.5) / 10_000
    found = drawn(share_V.log().expand(10_000, -1), uniform_M)
    np.testing.assert_allclose(np.bincount(found, minlength=4) / 10_000, share_V, atol=2e-4)
    assert drawn(share_V.log()[None], torch.tensor([1 - 1e-17], dtype=torch.float64)).tolist() == [3]


def test_binary_cross_entropy_is_the_closed_form() -> None:
    logit_M, truth_M = torch.tensor([0.0, 2.0, -3.0]), torch.tensor([True, False, False])
    loss = binary_cross_entropy(logit_M, truth_M, torch.tensor([0, 1, 1]), 2, part="replaced")
    p = 1 / (1 + np.exp(-logit_M.numpy()))
    expected = -np.log(np.where(truth_M, p, 1 - p))
    np.testing.assert_allclose(loss.per_item, [expected[0], expected[1:].sum()], rtol=1e-5)
    assert loss.weight.tolist() == [1, 2]


def test_every_token_of_the_text_is_judged_and_no_other() -> None:
    batch, made = samples(), method()
    split = made.split(batch, KeyedDraw(0, 0, batch))
    assert split.second.target.sum() == 9 + 20 + 31
    assert ((split.second.scored >= 0) & (split.second.scored < 1)).all()
    assert len(split.second.scored) == len(split.scored)
    judged: list[int] = []
    made.detector.register_forward_hook(lambda module, given, out: judged.append(len(out)))
    loss = made(split)
    assert judged == [60 + 6]  # the special tokens' answers are thrown away
    untold = method()
    torch.nn.init.zeros_(untold.detector.weight)
    parts = untold(split).parts
    torch.testing.assert_close(parts["replaced"] / loss.weight, torch.full((3,), float(np.log(2))))  # nats a token, before its weight


def test_what_is_not_replaced_is_the_text_itself() -> None:
    batch, made = samples(), method()
    split = made.split(batch, KeyedDraw(0, 0, batch))
    looked: list[torch.Tensor] = []
    made.net.register_forward_pre_hook(lambda module, given: looked.append(given[0].ids))
    made(split)
    text_N = torch.from_numpy(np.concatenate([np.concatenate([[2], s.x.ids, [3]]) for s in batch]))
    same_N = looked[0] == text_N
    same_N[split.scored] = True
    assert same_N.all()


def test_the_held_out_figure_is_the_generators() -> None:
    batch, made = samples(), method()
    split = HideTokens(TABLE)(batch, KeyedDraw(0, 0, batch))
    assert set(made.eval()(split).parts) == {"tokens", "right"}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("\n".join(" ".join(f"word{i}" for i in rng.integers(0, 60, 20)) for _ in range(400)))
    return path


def test_a_run_leaves_the_net_that_tells_and_resumes_to_the_same(text: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = {"vocabulary": 400, "batch_tokens": 512, "net": {"layers": 2, "width": 64}}
    learnt = halfseen.pretrain("electra", text, out=out, steps=8, checkpoint_steps=4, **options)
    assert learnt["net"]["kind"] == "electra"
    before = (out / "model.safetensors").read_bytes()
    newest = max((out / "checkpoints").iterdir())
    (newest / "state.safetensors").write_bytes(b"")
    halfseen.resume(out)
    assert (out / "model.safetensors").read_bytes() == before
    assert json.loads((out / "fills.json").read_text())
    assert halfseen.load(out).encode(["word1 word2"]).shape == (1, 64)
    with pytest.raises(UserError, match="has no vocabulary layer, so it cannot fill blanks"):
        halfseen.load(out).fill("word1 [MASK]")


def test_a_weight_that_cannot_be(text: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="weight is 0, but must be above 0 and finite"):
        halfseen.pretrain("electra", text, out=tmp_path / "none", steps=1, weight=0.0)
