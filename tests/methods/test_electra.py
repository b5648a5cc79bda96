"""ELECTRA: replacements follow the generator's distribution, the loss is worked out by hand, and a run leaves the net that tells."""

from __future__ import annotations

import json
from collections.abc import Sequence
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
from halfseen.train.loop import weights_of

TABLE = TokenTable(size=40, pad=0, unk=1, cls=2, sep=3, mask=4, special=frozenset(range(5)))


def method(weight: float = 50.0) -> Electra:
    recipe = ElectraRecipe(weight=weight)
    made = Electra(recipe, recipe.shape(layers=2, width=32), TABLE)
    initialise(made, 0)
    return made


def samples(lengths: Sequence[int] = (9, 20, 31)) -> list[Sample]:
    rng = np.random.default_rng(0)
    return [Sample(f"s:{i}", Segment(rng.integers(5, 40, n), np.ones(n, dtype=bool))) for i, n in enumerate(lengths)]


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


def test_the_loss_is_the_one_worked_out_token_by_token() -> None:
    """The generator's mean over hidden tokens plus 50 times the detector's mean over the text's own, special tokens left out."""
    batch, made = samples(range(20, 60)), method()
    torch.nn.init.normal_(made.detector.weight, generator=torch.Generator().manual_seed(0))
    split = made.split(batch, KeyedDraw(0, 0, batch))
    looked: list[torch.Tensor] = []
    answered: list[torch.Tensor] = []
    made.net.register_forward_pre_hook(lambda module, given: looked.append(given[0].ids))
    made.detector.register_forward_hook(lambda module, given, out: answered.append(out))
    loss, generated = made(split), made.generator(split)
    at, hidden = 0, set(split.scored.tolist())
    replaced = 0
    for i, sample in enumerate(batch):
        count, told = len(sample.x.ids), 0.0
        for j in range(count):
            place = at + 1 + j
            differs = int(looked[0][place]) != int(sample.x.ids[j])
            assert not differs or place in hidden
            replaced += differs
            p = 1 / (1 + np.exp(-answered[0][place].item()))
            told -= float(np.log(p if differs else 1 - p))
        assert (looked[0][at], looked[0][at + count + 1]) == (TABLE.cls, TABLE.sep)
        at += count + 2
        assert loss.parts["replaced"][i].item() == pytest.approx(told / count * loss.weight[i].item(), rel=1e-4)
        assert loss.per_item[i].item() == pytest.approx(generated.per_item[i].item() + 50 * loss.parts["replaced"][i].item(), rel=1e-5)
    assert 0 < replaced < len(hidden), "some guesses are right, and replace nothing"
    assert at == len(looked[0])


def test_both_nets_share_one_table_and_it_is_saved_once() -> None:
    made = method()
    assert made.net.embedding is made.generator.net.embedding
    assert sum(name.endswith("embedding.weight") for name in weights_of(made)) == 1


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
    assert "pipeline_tag: feature-extraction" in (out / "README.md").read_text()
    assert halfseen.load(out).encode(["word1 word2"]).shape == (1, 64)
    with pytest.raises(UserError, match="has no vocabulary layer, so it cannot fill blanks"):
        halfseen.load(out).fill("word1 [MASK]")


def test_a_weight_that_cannot_be(text: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="weight is 0, but must be above 0 and finite"):
        halfseen.pretrain("electra", text, out=tmp_path / "none", steps=1, weight=0.0)
