"""What every method must keep, parametrised over METHODS and BERT's variants: on CPU, in seconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from halfseen.contracts import Sample
from halfseen.data.draw import KeyedDraw
from halfseen.data.tokenizers import TokenTable, train
from halfseen.data.tokens import Segment, round_up
from halfseen.hub.folder import load, save
from halfseen.methods import METHODS, make
from halfseen.methods.recipes import BartRecipe, BertRecipe, ElectraRecipe, GptBertRecipe, GptRecipe, MassRecipe, T5Recipe, TextRecipe
from halfseen.methods.text import TextMethod
from halfseen.nets.transformer import initialise
from halfseen.train.loop import Loop
from halfseen.train.options import OptimOptions

TABLE = TokenTable(size=60, pad=0, unk=1, cls=2, sep=3, mask=4, special=frozenset(range(5)), sentence_ends=frozenset({5, 6, 7, 8}))
SENTINELS = tuple(range(60, 72))
WITH_SENTINELS = replace(TABLE, size=72, special=TABLE.special | set(SENTINELS), sentinels=SENTINELS)
VARIANTS = [
    ("bert", BertRecipe()),
    ("bert", BertRecipe(units="word", rate=0.3)),
    ("bert", BertRecipe(units="span")),
    ("bert", BertRecipe(pairs="order")),
    ("bert", BertRecipe(pairs="next")),
    ("electra", ElectraRecipe()),
    ("gpt", GptRecipe()),
    ("gptbert", GptBertRecipe()),
    ("bart", BartRecipe()),
    ("bart", BartRecipe(corruptions=("permute", "rotate", "mask", "delete"))),
    ("mass", MassRecipe()),
    ("t5", T5Recipe(rate=0.3)),
    ("t5", T5Recipe(objective="drop", rate=0.3)),
    ("t5", T5Recipe(objective="deshuffle")),
]
RESTORING = {"bart", "mass", "t5"}
OPTIM = OptimOptions(learning_rate=3e-3)


def segment(rng: np.random.Generator, n: int) -> Segment:
    return Segment(rng.integers(5, 60, n), rng.random(n) < 0.6)


def samples(count: int = 12) -> list[Sample]:
    rng = np.random.default_rng(0)
    return [Sample(f"s:{i}", segment(rng, int(rng.integers(6, 40))), {"ends": i % 3 == 0}) for i in range(count)]


def made(name: str, recipe: TextRecipe, seed: int = 0) -> TextMethod:
    other = segment(np.random.default_rng(9), 30)
    method = make(name, recipe, recipe.shape(layers=2, width=64), WITH_SENTINELS if name == "t5" else TABLE, lambda where: other)
    initialise(method, seed)
    return method


def loop_of(method: TextMethod, *, steps: int = 4, micro_batches: int = 1, optim: OptimOptions = OPTIM) -> Loop:
    batch = samples()
    return Loop(
        method,
        lambda step: (0, batch),
        method.splitter,
        steps=steps,
        optim=optim,
        seed=0,
        bfloat16=False,
        micro_batches=micro_batches,
    )


def weights(method: TextMethod) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in method.parameters()])


def test_every_method_is_here() -> None:
    assert {name for name, _ in VARIANTS} == set(METHODS)


@pytest.mark.parametrize(("name", "recipe"), VARIANTS)
class TestEveryMethod:
    def test_overfits_one_batch(self, name: str, recipe: TextRecipe) -> None:
        loop = loop_of(made(name, recipe), steps=150)
        losses = [loop.step().loss for _ in range(150)]
        assert losses[-1] < 0.2 * losses[0]

    def test_accumulation_equals_the_full_batch(self, name: str, recipe: TextRecipe) -> None:
        whole, parts = made(name, recipe), made(name, recipe)
        adamw = replace(OPTIM, kind="adamw", learning_rate=1e-3)
        one, three = loop_of(whole, optim=adamw), loop_of(parts, micro_batches=3, optim=adamw)
        for _ in range(2):
            a, b = one.step(), three.step()
            assert a.loss == pytest.approx(b.loss, abs=1e-5)
            assert a.weight == b.weight
        torch.testing.assert_close(weights(whole), weights(parts), atol=1e-5, rtol=0)

    def test_the_batch_around_a_sample_changes_nothing(self, name: str, recipe: TextRecipe) -> None:
        method = made(name, recipe).eval()
        together = samples()
        whole = method(method.split(together, KeyedDraw(0, 0, together)))
        for i in (0, 5, 11):
            alone = method(method.split([together[i]], KeyedDraw(0, 0, [together[i]])))
            torch.testing.assert_close(alone.per_item[0], whole.per_item[i], atol=1e-5, rtol=1e-5)
            assert alone.weight[0] == whole.weight[i]

    def test_only_scored_positions_reach_the_vocabulary_layer(self, name: str, recipe: TextRecipe) -> None:
        method, batch = made(name, recipe).eval(), samples()
        split = method.split(batch, KeyedDraw(0, 0, batch))
        rows: list[int] = []
        head = getattr(method, "generator", method).head
        head.register_forward_hook(lambda module, given, out: rows.append(len(given[0])))
        method(split)
        assert rows == [round_up(len(split.scored), 64, 32)]
        if name in RESTORING:
            assert len(split.scored) == len(split.seen.target.ids), "every token that is written is scored, none that is read"
        elif name == "gpt":
            assert len(split.scored) == len(split.seen.ids), "every token is scored"
        else:
            assert rows[0] < (0.5 if name != "gptbert" else 0.8) * len(split.seen.ids)

    def test_kill_and_resume_gives_equal_weights(self, name: str, recipe: TextRecipe) -> None:
        straight = made(name, recipe)
        loop = loop_of(straight)
        for _ in range(4):
            loop.step()
        first = loop_of(made(name, recipe))
        for _ in range(2):
            first.step()
        named = {key: value.clone() for key, value in first.state().items()}
        second = made(name, recipe, seed=7)
        resumed = loop_of(second)
        resumed.restore(named, 2)
        for _ in range(2):
            resumed.step()
        assert torch.equal(weights(straight), weights(second))

    def test_same_seed_same_weights(self, name: str, recipe: TextRecipe) -> None:
        assert torch.equal(weights(made(name, recipe, 1)), weights(made(name, recipe, 1)))
        assert not torch.equal(weights(made(name, recipe, 1)), weights(made(name, recipe, 2)))

    def test_save_and_load_give_equal_outputs(self, name: str, recipe: TextRecipe, tmp_path: Path) -> None:
        tokenizer = train(["a few words, again and again"] * 3, kind="bpe", size=280, sentinels=12)
        shape = recipe.shape(layers=2, width=64)
        other = segment(np.random.default_rng(9), 30)
        method = make(name, recipe, shape, tokenizer.table, lambda where: other)
        initialise(method, 3)
        save(tmp_path, method.net, method.head, tokenizer, card="# x\n")
        loaded = load(tmp_path)
        batch = samples()
        split = method.split(batch, KeyedDraw(0, 0, batch))
        assert (loaded.head is None) == (method.head is None)
        with torch.no_grad():
            ours_ND, theirs_ND = method.net(split.seen).last, loaded.net(split.seen).last
            assert torch.equal(ours_ND, theirs_ND)
            assert method.head is None or loaded.head is None or torch.equal(method.head(ours_ND), loaded.head(theirs_ND))
